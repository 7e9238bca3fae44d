"""A green share inside a storage as a mix of fixed ones, with each of which its products are exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.green_label import Ends
from gridarium.environment.arrays import Array

Places = list[tuple[int, int]]
"""Periods and rays that a storage may be on before them."""
Arcs = list[tuple[int, int, int]]
"""Places, and the lower one of the two rays around a share that is charged there."""
_SAME = 1e-9


@dataclass(frozen=True)
class GreenRays:
    """Fixed green shares, and what is known of a storage that is mixed from them.

    Parameters
    ----------
    shares : tuple of float
        Rising; the share at first is one of them.
    reach : ndarray, shape (2, n_period + 1)
        Least and most share at each moment, of whatever is charged when.
    energy_ends : tuple of tuple of float
        Least and most energy at each moment, MWh.
    grid : ndarray, shape (n_period,)
        Green share of what is charged.
    efficiencies : tuple of float
    p_max_mw, period_h : float
    """

    shares: tuple[float, ...]
    reach: Array
    energy_ends: tuple[Ends, ...]
    grid: Array
    efficiencies: Ends
    p_max_mw: float
    period_h: float

    @cached_property
    def ranges(self) -> tuple[range, ...]:
        """At each moment, rays from the last one below what can be reached to the first one above."""
        first = np.searchsorted(self.shares, self.reach[0] + _SAME, "right") - 1
        last = np.searchsorted(self.shares, self.reach[1] - _SAME, "left")
        first = np.minimum.accumulate(np.clip(first, 0, len(self.shares) - 2))
        last = np.maximum.accumulate(np.clip(last, first + 1, len(self.shares) - 1))
        return tuple(range(low, high + 1) for low, high in zip(first.tolist(), last.tolist(), strict=True))

    def between(self, period: int, ray: int) -> list[int]:
        """Rays k such that what a period's charge makes of a ray's share may lie between k and k + 1."""
        share, charged = self.shares[ray], self.efficiencies[0] * self.p_max_mw * self.period_h
        moved = charged / (self.energy_ends[period][0] + charged)
        low, high = sorted((share, share + moved * (float(self.grid[period]) - share)))
        there = self.ranges[period + 1][:-1]
        hit = [k for k in there if self.shares[k] < high - _SAME and self.shares[k + 1] > low + _SAME]
        # A share that stays still needs a neighbour on one side.
        return hit or [min(max(ray, there[0]), there[-1])]


def even_rays(reach: Array, initial: float, count: int) -> tuple[float, ...]:
    """Even rays over all that can be reached, one of them at the share at first."""
    rays = np.linspace(float(reach[0].min()), float(reach[1].max()), count)
    nearest = int(np.abs(rays - initial).argmin())
    if 0 < nearest < count - 1:
        rays[nearest] = initial
        return tuple(rays.tolist())
    return tuple(np.union1d(rays, initial).tolist())


def declare_rays(m: Any, rays: GreenRays) -> None:
    """P_ch, P_dis, P_gd, u_ch and s of ``m`` as sums over rays s_j, each with a weight and its energy.

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
        With ``p_charge_mw``, ``p_discharge_mw``, ``green_discharge_mw`` and ``charging`` over ``m.period``,
        ``share`` over moments, and ``initial_mwh``.
    rays : GreenRays

    Notes
    -----
    Whatever a schedule does to its energy, it does to the share an affine thing: P_ch moves it by a part of
    the way to the grid's share, P_dis leaves it. So the same schedule done to shares left and right of the
    true one, mixed such that their mean is it, keeps that mean; and where charging carries a ray's share off
    its ray, the two rays around it can be mixed instead. Of a true schedule this mix has all sums that are
    taken here: nothing true is cut off. The relaxation lets the parts follow schedules of their own.
    """
    places = [(t, j) for t in m.period for j in rays.ranges[t]]
    arcs = [(t, j, k) for t, j in places for k in rays.between(t, j)]
    for name in ("resting", "left_mwh", "ray_discharge_mw"):
        setattr(m, name, pyo.Var(range(len(places)), bounds=(0, None)))
    for name in ("lower", "upper", "from_mwh", "ray_charge_mw"):
        setattr(m, name, pyo.Var(range(len(arcs)), bounds=(0, None)))
    _declare_limits(m, rays, places, arcs)
    _declare_flows(m, rays, places, arcs)
    _declare_sums(m, rays, places, arcs)


def _declare_sums(m: Any, rays: GreenRays, places: Places, arcs: Arcs) -> None:
    """P_ch, u_ch, P_dis, P_gd and s after each period, of all rays."""
    sums: dict[str, list[list[Any]]] = {}

    def add(name: str, period: int, term: Any) -> None:
        sums.setdefault(name, [[] for _ in m.period])[period].append(term)

    for i, (t, j) in enumerate(places):
        add("discharge", t, m.ray_discharge_mw[i])
        add("green", t, rays.shares[j] * m.ray_discharge_mw[i])
        add("share", t, rays.shares[j] * m.resting[i])
    for i, (t, _, k) in enumerate(arcs):
        add("charge", t, m.ray_charge_mw[i])
        add("charging", t, m.lower[i] + m.upper[i])
        add("share", t, rays.shares[k] * m.lower[i] + rays.shares[k + 1] * m.upper[i])
    wholes: dict[str, Any] = {
        "discharge": m.p_discharge_mw, "green": m.green_discharge_mw, "charge": m.p_charge_mw,
        "charging": m.charging, "share": {t: m.share[t + 1] for t in m.period},
    }  # fmt: skip

    def of_rays(name: str) -> Any:
        return pyo.Constraint(m.period, rule=lambda m, t: sum(sums[name][t]) == wholes[name][t])

    for name in wholes:
        setattr(m, f"{name}_of_rays", of_rays(name))


def _reached(m: Any, rays: GreenRays, arc: tuple[int, int, int], i: int) -> tuple[Any, Any]:
    """Energy on the two rays around what is charged, MWh: E_a + E_b = E, s_a E_a + s_b E_b = G after it."""
    t, j, k = arc
    share, grid, (low, high) = rays.shares[j], float(rays.grid[t]), rays.shares[k : k + 2]
    before, charged = m.from_mwh[i], rays.efficiencies[0] * rays.period_h * m.ray_charge_mw[i]
    upper = ((share - low) * before + (grid - low) * charged) / (high - low)
    lower = ((high - share) * before + (high - grid) * charged) / (high - low)
    return lower, upper


def _declare_limits(m: Any, rays: GreenRays, places: Places, arcs: Arcs) -> None:
    """0 <= P <= w Pmax and w Emin <= E <= w Emax of each part, before a period and after it."""
    spent = rays.period_h / rays.efficiencies[1]
    power, energy = [], []
    for i, (t, _) in enumerate(places):
        weight, left = m.resting[i], m.left_mwh[i]
        power.append(m.ray_discharge_mw[i] <= rays.p_max_mw * weight)
        energy += [(t + 1, left, weight), (t, left + spent * m.ray_discharge_mw[i], weight)]
    for i, arc in enumerate(arcs):
        weights, reached = (m.lower[i], m.upper[i]), _reached(m, rays, arc, i)
        power.append(m.ray_charge_mw[i] <= rays.p_max_mw * (weights[0] + weights[1]))
        energy.append((arc[0], m.from_mwh[i], weights[0] + weights[1]))
        energy += [(arc[0] + 1, part, weight) for part, weight in zip(reached, weights, strict=True)]

    def within(m: Any, i: int, side: int) -> Any:
        moment, part, weight = energy[i]
        end = rays.energy_ends[moment][side] * weight
        return part <= end if side else part >= end

    m.ray_power = pyo.Constraint(range(len(power)), rule=lambda m, i: power[i])
    m.ray_within = pyo.Constraint(range(len(energy)), (0, 1), rule=within)


def _declare_flows(m: Any, rays: GreenRays, places: Places, arcs: Arcs) -> None:
    """At each moment and ray, weight and energy go on as they came; at first all is on the ray of s_0."""
    spent, last = rays.period_h / rays.efficiencies[1], len(rays.grid)
    start = int(np.abs(np.array(rays.shares) - rays.reach[0, 0]).argmin())
    into: dict[tuple[int, int], list[tuple[Any, Any]]] = {(0, start): [(1.0, m.initial_mwh)]}
    out: dict[tuple[int, int], list[tuple[Any, Any]]] = {}
    for i, (t, j) in enumerate(places):
        weight, left = m.resting[i], m.left_mwh[i]
        out.setdefault((t, j), []).append((weight, left + spent * m.ray_discharge_mw[i]))
        into.setdefault((t + 1, j), []).append((weight, left))
    for i, (t, j, k) in enumerate(arcs):
        weights, reached = (m.lower[i], m.upper[i]), _reached(m, rays, (t, j, k), i)
        out[t, j].append((weights[0] + weights[1], m.from_mwh[i]))
        for ray, weight, energy in zip((k, k + 1), weights, reached, strict=True):
            into.setdefault((t + 1, ray), []).append((weight, energy))
    nodes = [node for node in out if node[0] < last]

    def kept(m: Any, i: int, number: int) -> Any:
        came, went = (sum(each[number] for each in side.get(nodes[i], [])) for side in (into, out))
        return came == went

    m.ray_flow = pyo.Constraint(range(len(nodes)), (0, 1), rule=kept)
