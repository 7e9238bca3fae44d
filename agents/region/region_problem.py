"""A regional system's plan: cut, shift and pre-cool against block prices, with its users' satisfaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.region.region_demand import Flexibility, Window

CUT_PART, SHIFT_PART, COMFORT_PART = 0.40, 0.35, 0.25
"""Parts of curtailment, of shifting and of room temperature in dissatisfaction."""

ASKED = ("cut_mw", "in_mw", "out_mw", "turned_down_mw")
"""What may be asked of users in a period."""
PULL = "pull_per_mw2h"
"""Weight: rho, what the square of a MW of distance from a target costs, halved."""
LIMITS = tuple(f"{bound}_{name}" for name in ASKED for bound in ("least", "most"))
"""Signals: least and most of each; equal where a period is over."""


def least_share(share: Any) -> Any:
    """A share of the peak by which what is asked is scaled; 1 where nothing may be asked, whatever it is."""
    return np.where(np.asarray(share) > 0.0, np.maximum(share, 1e-6), 1.0)


@dataclass(frozen=True)
class RegionShape:
    """What fixes the structure and the constant numbers of a regional system's problem.

    Parameters
    ----------
    flexibility : Flexibility
    peak_mw : float
        Largest base load; scales dissatisfaction and the rooms.
    stake_money : float
        What dissatisfaction of 1 on a day is worth: ``a2 / a1 cost_0``.
    n_period : int
    period_h : float
    n_block : int
        Prices of each period; with a carbon ladder, its steps.
    has_target : bool
        Whether distance from a target costs something, by the weight `PULL`.
    """

    flexibility: Flexibility
    peak_mw: float
    stake_money: float
    n_period: int
    period_h: float
    n_block: int
    has_target: bool = False

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals of a problem of this shape."""
        target = ("target_mw",) if self.has_target else ()
        return ("base_mw", "price", "block_mw", "free_mw", *LIMITS, *target)

    @property
    def moves(self) -> list[tuple[int, int, float]]:
        """Periods between which load may move, each with its transfer coefficient; without simple windows."""
        windows = [one for one in self.flexibility.windows if not self.is_simple(one)]
        return [move for window in windows for move in window.moves(self.n_period, self.period_h)]

    def is_simple(self, window: Window) -> bool:
        """Whether load that leaves in a window may arrive at any of its periods: none plays both parts."""
        leaves, arrives = window.steps(self.n_period, self.period_h)
        return not {*leaves} & {*arrives}

    @property
    def stays(self) -> list[tuple[int, int, float]]:
        """Of each simple window and period in it: the window, the period, and what a MW counts for it.

        What leaves counts with the transfer coefficient, what arrives with -1.
        """
        found: list[tuple[int, int, float]] = []
        for number, window in enumerate(self.flexibility.windows):
            if self.is_simple(window):
                leaves, arrives = window.steps(self.n_period, self.period_h)
                found += [(number, t, window.transfer) for t in leaves]
                found += [(number, t, -1.0) for t in arrives]
        return found


def build_region_model(shape: RegionShape) -> Any:
    """The problem of a regional system as a Pyomo model.

    A ladder on carbon at a given carbon factor is a price of energy that rises by blocks, so the net load of
    each period is bought block by block, the cheapest first. As prices rise, no binaries are needed.

    Notes
    -----
    D11 to D16 and (32): ``a1 cost / cost_0 + a2 dissatisfaction`` times ``cost_0 / a1``. Parts of
    dissatisfaction are means of squares over the day, each relative to the most that may be asked at peak.
    """
    m = pyo.ConcreteModel(name="region")
    m.period = pyo.RangeSet(0, shape.n_period - 1)
    m.block = pyo.RangeSet(0, shape.n_block - 1)
    m.base_mw = pyo.Var(m.period)
    for name in LIMITS:
        m.add_component(name, pyo.Var(m.period))
    dissatisfaction = (
        _declare_curtailment(m, shape) + _declare_shifting(m, shape) + _declare_comfort(m, shape)
    )
    purchase = _declare_purchase(m, shape)
    own = shape.flexibility
    response = sum(
        own.cut_cost_per_mwh * m.cut_mw[t]
        + own.cut_cost_per_mw2h * m.cut_mw[t] ** 2
        + own.shift_cost_per_mwh * (m.in_mw[t] + m.out_mw[t])
        + own.shift_cost_per_mw2h * (m.in_mw[t] + m.out_mw[t]) ** 2
        for t in m.period
    )
    cost = shape.period_h * (purchase + response) + shape.stake_money * dissatisfaction / shape.n_period
    m.cost_money = pyo.Objective(expr=cost + _pull(m, shape))
    return m


def _within_limits(m: Any, name: str) -> None:
    """least <= x <= most, MW (D13, D16)."""
    asked, least, most = (m.component(each) for each in (name, f"least_{name}", f"most_{name}"))
    m.add_component(f"at_least_{name}", pyo.Constraint(m.period, rule=lambda m, t: asked[t] >= least[t]))
    m.add_component(f"at_most_{name}", pyo.Constraint(m.period, rule=lambda m, t: asked[t] <= most[t]))


def _declare_curtailment(m: Any, shape: RegionShape) -> Any:
    """0 <= Lcut <= k_cut L0 (D13); returns its part of dissatisfaction, summed over periods."""
    share = shape.flexibility.cut_share
    m.cut_mw = pyo.Var(m.period)
    _within_limits(m, "cut_mw")
    most = float(least_share(share)) * shape.peak_mw
    return CUT_PART * sum((m.cut_mw[t] / most) ** 2 for t in m.period)


def _declare_shifting(m: Any, shape: RegionShape) -> Any:
    """Lout_t = sum_t' x_tt', Lin_t' = sum_t k_tt' x_tt', both at most k_sh L0 (D13 to D15).

    In a simple window ``k sum Lout = sum Lin`` says the same without the single moves.
    """
    share, moves, stays = shape.flexibility.shift_share, shape.moves, shape.stays
    m.move, m.stay = pyo.RangeSet(0, len(moves) - 1), pyo.RangeSet(0, len(stays) - 1)
    m.moved_mw, m.part_mw = pyo.Var(m.move, bounds=(0, None)), pyo.Var(m.stay, bounds=(0, None))
    m.out_mw, m.in_mw = pyo.Var(m.period), pyo.Var(m.period)

    def leaving(t: int) -> Any:
        parts = sum(m.part_mw[i] for i, (_, place, counts) in enumerate(stays) if place == t and counts > 0.0)
        return parts + sum(m.moved_mw[i] for i, (start, _, _) in enumerate(moves) if start == t)

    def arriving(t: int) -> Any:
        parts = sum(m.part_mw[i] for i, (_, place, counts) in enumerate(stays) if place == t and counts < 0.0)
        return parts + sum(k * m.moved_mw[i] for i, (_, stop, k) in enumerate(moves) if stop == t)

    m.window = pyo.Set(initialize=sorted({number for number, _, _ in stays}))
    m.balance = pyo.Constraint(
        m.window,
        rule=lambda m, w: (
            sum(counts * m.part_mw[i] for i, (number, _, counts) in enumerate(stays) if number == w) == 0.0
        ),
    )
    m.leaves = pyo.Constraint(m.period, rule=lambda m, t: m.out_mw[t] == leaving(t))
    m.arrives = pyo.Constraint(m.period, rule=lambda m, t: m.in_mw[t] == arriving(t))
    _within_limits(m, "out_mw")
    _within_limits(m, "in_mw")
    most = float(least_share(share)) * shape.peak_mw
    return SHIFT_PART * sum(((m.in_mw[t] + m.out_mw[t]) / most) ** 2 for t in m.period)


def _declare_comfort(m: Any, shape: RegionShape) -> Any:
    """Rooms drift while heating or cooling is turned down, stay in the band, and end at rest (D16)."""
    comfort = shape.flexibility.comfort
    m.turned_down_mw = pyo.Var(m.period)
    _within_limits(m, "turned_down_mw")
    if comfort is None:
        return 0.0
    band, share = comfort.band_degc, comfort.load_share
    kept = comfort.memory**shape.period_h
    degc_per_mw = comfort.drift_degc_per_h * shape.period_h / (share * shape.peak_mw)
    m.drift_degc = pyo.Var(m.period, bounds=(-band, band), doc="distance from the set point (degC)")

    def room(m: Any, t: int) -> Any:
        before = kept * m.drift_degc[t - 1] if t else 0.0
        return m.drift_degc[t] == before + degc_per_mw * m.turned_down_mw[t]

    m.room = pyo.Constraint(m.period, rule=room)
    m.at_rest = pyo.Constraint(expr=m.drift_degc[shape.n_period - 1] == 0.0)
    return COMFORT_PART * sum((m.drift_degc[t] / band) ** 2 for t in m.period)


def _declare_purchase(m: Any, shape: RegionShape) -> Any:
    """L = L0 - Lcut + Lin - Lout less what rooms do without (D12), bought by blocks (D4, D25); money/h.

    The first block reaches below what is free, where its price is a reward; the last has no end.
    """
    m.free_mw, m.block_mw = pyo.Var(m.period), pyo.Var(m.period)
    m.price = pyo.Var(m.block, m.period)
    m.net_mw = pyo.Var(m.period, bounds=(0, None), doc="net load (MW)")
    m.net = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            m.net_mw[t] == m.base_mw[t] - m.cut_mw[t] + m.in_mw[t] - m.out_mw[t] - m.turned_down_mw[t]
        ),
    )
    m.bought_mw = pyo.Var(m.block, m.period, bounds=lambda m, n, t: (0.0 if n else None, None))
    m.blocks = pyo.Constraint(
        m.period, rule=lambda m, t: sum(m.bought_mw[n, t] for n in m.block) == m.net_mw[t] - m.free_mw[t]
    )
    ends = [n for n in m.block if n < shape.n_block - 1]
    m.block_end = pyo.Constraint(ends, m.period, rule=lambda m, n, t: m.bought_mw[n, t] <= m.block_mw[t])
    return sum(m.price[n, t] * m.bought_mw[n, t] for n in m.block for t in m.period)


def _pull(m: Any, shape: RegionShape) -> Any:
    """rho / 2 (L - z)^2 of a target z, money; nothing without one."""
    if not shape.has_target:
        return 0.0
    m.target_mw = pyo.Var(m.period)
    m.pull_per_mw2h = pyo.Param(mutable=True, initialize=1.0)
    distance = sum((m.net_mw[t] - m.target_mw[t]) ** 2 for t in m.period)
    return 0.5 * m.pull_per_mw2h * shape.period_h * distance
