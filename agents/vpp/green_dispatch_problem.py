"""The dispatch of a storage with a green label, as mixed-integer linear problems that relax its products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.green_label import (
    declare_cells,
    declare_product,
    green_balance,
    share_links,
    squared_loss_tangents,
)
from gridarium.agents.problems.green_rays import GreenRays, declare_rays, even_rays
from gridarium.agents.problems.pull import PULL_SIGNALS, pull_tangents
from gridarium.agents.solving.standard_form import Numbers, StandardForm, compile_model
from gridarium.agents.storage.storage_problem import StorageShape, declare_storage
from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.arrays import Array
from gridarium.market.cleanness import Pricing

Relaxation = Literal["none", "mccormick", "share"]
"""No label at all, the paper's two products of states of charge, or the share form's products."""
SIGNALS = (
    "buy_price",
    "sell_price",
    "green_price",
    "load_mw",
    "green_room_mw",
    "initial_mwh",
    "least_green_mwh",
    "green_most_mw",
)
Ends = tuple[tuple[float, float], ...]
"""Least and most of something at each moment."""
_STILL = 1e-6
N_TANGENT = 30
"""Tangents to the reward of scenario 2, at even shares of the green room L' from 0 to 1."""


@dataclass(frozen=True)
class GreenShape:
    """What fixes the structure of a dispatch with green label.

    Parameters
    ----------
    storage : StorageShape
        With binaries that keep charge and discharge apart.
    final_mwh : float
    initial_share : float
    green_share : tuple of float
        Of the grid, for each period.
    pricing : {"none", "uniform", "nodal"}
    relaxation : {"none", "mccormick", "share"}
    cells : int
        Of each factor whose range is cut.
    share_ends, energy_ends : tuple of tuples of float
        Least and most green share, and energy, inside at each moment; of the share form only.
    rays : tuple of float
        Fixed shares from which the share form is mixed as well (`declare_rays`), if any.
    pulled : bool
        Whether what the region draws is pulled towards a target.
    """

    storage: StorageShape
    final_mwh: float
    initial_share: float
    green_share: tuple[float, ...]
    pricing: Pricing
    relaxation: Relaxation
    cells: int = 1
    share_ends: Ends = ()
    energy_ends: Ends = ()
    rays: tuple[float, ...] = ()
    pulled: bool = False

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of its signals."""
        return (*SIGNALS, *(PULL_SIGNALS if self.pulled else ()))


def shape_of(day: GreenDay, relaxation: Relaxation, cells: int = 1) -> GreenShape:
    """The shape of a day's problem, with the share's ends as far as they are known without solving."""
    storage = StorageShape(
        day.ratings, day.n_period, day.region.period_h, day.wear_cost_per_mwh, directions="one way at a time"
    )
    final = day.end_mwh[0]
    energy = reachable_energy(storage, final)
    shares = reachable_shares(most_moved(storage, energy[0]), day.initial_share, day.green_share)
    found = GreenShape(
        storage,
        final,
        day.initial_share,
        tuple(day.green_share.tolist()),
        day.pricing,
        relaxation,
        cells,
        *((pairs(shares), pairs(energy)) if relaxation == "share" else ()),
    )
    return replace(found, pulled=day.pull is not None)


def pairs(ends: Array) -> Ends:
    """Ends of shape (2, n_moment), fit for a shape."""
    return tuple((float(low), float(high)) for low, high in ends.T)


def reachable_energy(storage: StorageShape, final_mwh: float) -> Array:
    """Least and most energy inside at each moment, MWh, shape (2, n_period + 1), from E_0 to E_T."""
    ratings, (low, high) = storage.ratings, storage.ratings.band_mwh
    into, out = ratings.efficiencies
    passed = np.arange(storage.n_period + 1) * ratings.p_max_mw * storage.period_h
    left = passed[::-1]
    start = ratings.soc_initial * ratings.e_max_mwh
    least = np.maximum(start - passed / out, final_mwh - left * into)
    most = np.minimum(start + passed * into, final_mwh + left / out)
    return np.array([np.maximum(least, low), np.minimum(most, high)])


def most_moved(storage: StorageShape, least_mwh: Array) -> Array:
    """Most of the way to the grid's share that one period's charge can go, shape (n_period,).

    Parameters
    ----------
    storage : StorageShape
    least_mwh : ndarray, shape (n_period + 1,)
        Least energy inside at each moment.
    """
    charged = storage.ratings.efficiency_charge * storage.ratings.p_max_mw * storage.period_h
    return np.asarray(charged / (least_mwh[:-1] + charged))


def reachable_shares(most_moved: Array, initial: float, grid: Array) -> Array:
    """Least and most green share inside at each moment, shape (2, n_period + 1)."""
    ends = np.full((2, len(grid) + 1), initial)
    for t, (moved, share) in enumerate(zip(most_moved, grid, strict=True)):
        low, high = ends[:, t]
        ends[0, t + 1] = low + moved * min(0.0, share - low)
        ends[1, t + 1] = high + moved * max(0.0, share - high)
    return ends


def _reach(shape: GreenShape) -> Array:
    """What shares can be reached at each moment, whatever plans cost."""
    moved = most_moved(shape.storage, np.array(shape.energy_ends)[:, 0])
    return reachable_shares(moved, shape.initial_share, np.array(shape.green_share))


def with_rays(shape: GreenShape, count: int) -> GreenShape:
    """The share form that is mixed from rays too, where the share can move at all."""
    reach = _reach(shape)
    if np.ptp(reach) < _STILL:
        return shape
    return replace(shape, rays=even_rays(reach, shape.initial_share, count))


def build_green_model(shape: GreenShape) -> Any:
    """The dispatch as a Pyomo model; powers in MW at the grid terminals.

    Notes
    -----
    B7 to B11. Buying and selling at once never pays, since no price of sale is above that of purchase, so
    B8's binaries are left out.
    """
    m = pyo.ConcreteModel(name="green dispatch")
    storage = shape.storage
    m.period = pyo.RangeSet(0, storage.n_period - 1)
    for signal in ("buy_price", "sell_price", "green_price", "load_mw", "green_room_mw", "green_most_mw"):
        setattr(m, signal, pyo.Var(m.period))
    m.initial_mwh, m.least_green_mwh = pyo.Var(), pyo.Var()
    declare_storage(m, storage, shape.final_mwh)
    declare_exchange(m, storage)
    paid: Any = dict.fromkeys(m.period, 0.0)
    if shape.relaxation != "none":
        _declare_label(m, shape)
        paid = _declare_reward(m, shape)
    pulled: Any = 0.0
    if shape.pulled:
        pulled = pull_tangents(m, lambda t: m.buy_mw[t] - m.sell_mw[t], storage.ratings.p_max_mw)
    m.cost_money = pyo.Objective(
        expr=storage.period_h
        * sum(
            m.buy_price[t] * m.buy_mw[t]
            - m.sell_price[t] * m.sell_mw[t]
            + storage.wear_cost_per_mwh * m.p_discharge_mw[t]
            - m.green_price[t] * paid[t]
            for t in m.period
        )
        + storage.period_h * pulled
    )
    return m


@lru_cache(maxsize=64)
def green_form(shape: GreenShape) -> StandardForm:
    """The compiled dispatch of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_green_model(shape), shape.signals)


def green_signals(day: GreenDay, missing_mwh: float = 0.0, beyond_mw: float | Array = 0.0) -> dict[str, Any]:
    """What the problem of a day is solved at; margins make up for what a relaxation gets wrong."""
    pull = day.pull
    pulled = {} if pull is None else {"target_mw": pull.target_mw, "pull_per_mw2h": pull.per_mw2h}
    return pulled | {
        "buy_price": day.region.buy_price_per_mwh,
        "sell_price": day.region.sell_price_per_mwh,
        "green_price": day.region.first_green_price_per_mwh(day.pricing),
        "load_mw": day.region.load_mw,
        "green_room_mw": day.region.green_room_mw,
        "initial_mwh": day.initial_mwh,
        "least_green_mwh": day.end_mwh[1] + missing_mwh,
        "green_most_mw": np.maximum(day.region.green_room_mw - beyond_mw, 0.0),
    }


def green_numbers(
    form: StandardForm, day: GreenDay, missing_mwh: float = 0.0, beyond_mw: float | Array = 0.0
) -> tuple[Numbers, float]:
    """The numbers of a form at the signals of `green_signals`, and what its objective lacks beside them."""
    told = green_signals(day, missing_mwh, beyond_mw)
    signals = np.concatenate([np.ravel(told[name]) for name in form.signals]).astype(float)
    return form.at(signals), form.constant_at(signals)


def declare_exchange(m: Any, storage: StorageShape) -> None:
    """P_buy + P_dis = L + P_ch + P_sell, P_buy <= L + (E_cap - E) / Dt, P_sell <= E / Dt (B8, B9)."""
    m.buy_mw, m.sell_mw = pyo.Var(m.period, bounds=(0, None)), pyo.Var(m.period, bounds=(0, None))

    def before(t: int) -> Any:
        return m.energy_mwh[t - 1] if t else m.initial_mwh

    def balance(m: Any, t: int) -> Any:
        return m.buy_mw[t] + m.p_discharge_mw[t] == m.load_mw[t] + m.p_charge_mw[t] + m.sell_mw[t]

    def bought(m: Any, t: int) -> Any:
        room = storage.ratings.e_max_mwh - before(t)
        return m.buy_mw[t] <= m.load_mw[t] + room / storage.period_h

    m.region_balance = pyo.Constraint(m.period, rule=balance, doc="balance of the region (MW)")
    m.most_bought = pyo.Constraint(m.period, rule=bought, doc="most bought (MW)")
    m.most_sold = pyo.Constraint(
        m.period, rule=lambda m, t: m.sell_mw[t] <= before(t) / storage.period_h, doc="most sold (MW)"
    )


def _declare_label(m: Any, shape: GreenShape) -> None:
    """0 <= P_gd <= P_dis, P_gd <= L', 0 <= G <= E, G_T >= G_0, P_gd E = P_dis G before it (B10, B11)."""
    storage = shape.storage
    m.green_discharge_mw = pyo.Var(m.period, bounds=(0, storage.ratings.p_max_mw))
    m.green_mwh = pyo.Var(m.period, bounds=(0, storage.ratings.band_mwh[1]), doc="green energy (MWh)")
    m.green_of_discharge = pyo.Constraint(
        m.period, rule=lambda m, t: m.green_discharge_mw[t] <= m.p_discharge_mw[t]
    )
    m.green_of_energy = pyo.Constraint(m.period, rule=lambda m, t: m.green_mwh[t] <= m.energy_mwh[t])
    m.green_within_load = pyo.Constraint(
        m.period,
        rule=lambda m, t: m.green_discharge_mw[t] <= m.green_most_mw[t],
        doc="green discharge within the load (MW)",
    )
    m.green_cycle = pyo.Constraint(
        expr=m.green_mwh[storage.n_period - 1] >= m.least_green_mwh, doc="green energy at the end (MWh)"
    )

    def green(k: int) -> Any:
        return m.green_mwh[k - 1] if k else shape.initial_share * m.initial_mwh

    flows = m.p_charge_mw, m.green_discharge_mw
    share = np.array(shape.green_share)
    m.green_energy = green_balance(green, *flows, share, storage.ratings.efficiencies, storage.period_h)
    if shape.relaxation == "share":
        _declare_shares(m, shape)
    else:
        _declare_mixing(m, shape, green)


def _declare_shares(m: Any, shape: GreenShape) -> None:
    """G = s E and P_gd = s P_dis, over cells of the green share s inside, with its links."""
    storage, n = shape.storage, shape.storage.n_period
    low, high = np.array(shape.share_ends).T
    m.moment = pyo.RangeSet(0, n)
    m.share = pyo.Var(m.moment, bounds=lambda m, k: shape.share_ends[k])
    grid, moved = np.array(shape.green_share), most_moved(storage, np.array(shape.energy_ends)[:, 0])
    m.share_rises, m.share_falls = share_links(
        lambda k: m.share[k],
        m.charging,
        moved * np.maximum(grid - low[:-1], 0.0),
        moved * np.maximum(high[:-1] - grid, 0.0),
    )
    edges = [
        np.linspace(least, most, shape.cells + 1 if most > least else 2) for least, most in shape.share_ends
    ]
    cells = declare_cells(m, "share", lambda k: m.share[k], edges)
    energy = {k: m.energy_mwh[k - 1] for k in range(1, n + 1)}
    inside = declare_product(m, "green", cells, energy, {k: shape.energy_ends[k] for k in energy})
    discharge = {k: m.p_discharge_mw[k] for k in range(n)}
    leaving = declare_product(
        m, "leaving", cells, discharge, dict.fromkeys(discharge, (0.0, storage.ratings.p_max_mw))
    )
    m.green_inside = pyo.Constraint(m.period, rule=lambda m, t: m.green_mwh[t] == inside[t + 1])
    m.green_leaving = pyo.Constraint(m.period, rule=lambda m, t: m.green_discharge_mw[t] == leaving[t])
    if shape.rays:
        ratings = storage.ratings
        limits = ratings.efficiencies, ratings.p_max_mw, storage.period_h
        declare_rays(m, GreenRays(shape.rays, _reach(shape), shape.energy_ends, grid, *limits))


def _declare_mixing(m: Any, shape: GreenShape, green: Any) -> None:
    """P_gd SOC = P_dis SOCg before it: w1 = w2, over cells of both states of charge (B12)."""
    storage, n = shape.storage, shape.storage.n_period
    ratings = storage.ratings
    capacity, (soc_low, soc_high) = ratings.e_max_mwh, (ratings.soc_min, ratings.soc_max)
    power = (0.0, ratings.p_max_mw)

    def soc(k: int) -> Any:
        return (m.energy_mwh[k - 1] if k else m.initial_mwh) / capacity

    m.moment = pyo.RangeSet(0, n - 1)
    edges = [np.linspace(soc_low, soc_high, shape.cells + 1)] * n
    green_edges = [np.linspace(0.0, soc_high, shape.cells + 1)] * n
    socs = declare_cells(m, "soc", soc, edges)
    green_socs = declare_cells(m, "green_soc", lambda k: green(k) / capacity, green_edges)
    out = {k: m.green_discharge_mw[k] for k in range(n)}
    first = declare_product(m, "first", socs, out, dict.fromkeys(out, power))
    discharge = {k: m.p_discharge_mw[k] for k in range(n)}
    second = declare_product(m, "second", green_socs, discharge, dict.fromkeys(discharge, power))
    m.mixing = pyo.Constraint(m.moment, rule=lambda m, k: first[k] == second[k])


def _declare_reward(m: Any, shape: GreenShape) -> Any:
    """What is paid of green discharge at the green price, MW: P_gd, or P_gd - P_gd^2 / L' from above."""
    if shape.pricing == "none":
        return dict.fromkeys(m.period, 0.0)
    if shape.pricing == "uniform":
        return m.green_discharge_mw
    m.paid_mw = pyo.Var(m.period)
    points = np.linspace(0.0, 1.0, N_TANGENT + 1).tolist()
    m.nodal_price = squared_loss_tangents(m.paid_mw, m.green_discharge_mw, m.green_room_mw, points)
    return m.paid_mw
