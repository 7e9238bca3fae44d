"""Dispatch with green labels for 5 to 500 regions, and what three methods prove of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from gridarium.agents.vpp.green_dispatch import (
    GreenDispatch,
    dispatch_by_envelopes,
    dispatch_by_shares,
    dispatch_without_label,
)
from gridarium.experiments.benchmarks.vpp_instances import N_REGION, drawn_day, shipped_day, varied_day
from gridarium.experiments.evidence.vpp.green_reference import grid_optimum
from gridarium.market.cleanness import Pricing

SIZES = (5, 50, 500)
DRAWN_SEEDS = range(4)
GRIDS = ((97, 81), (193, 161))
PRICINGS: tuple[Pricing, ...] = ("uniform", "nodal")
CELLS = 2
METHODS: dict[str, Callable[..., GreenDispatch]] = {
    "mccormick": dispatch_by_envelopes,
    "piecewise": lambda day: dispatch_by_envelopes(day, CELLS),
    "share": dispatch_by_shares,
}
"""The paper's envelopes, these over cells, and the share form."""


def bench_vpp(
    most: int = SIZES[-1],
    sizes: Sequence[int] = SIZES,
    drawn_seeds: Sequence[int] = DRAWN_SEEDS,
    grids: Sequence[tuple[int, int]] = GRIDS,
) -> dict[str, float]:
    """Dispatch regions one by one: given prices, nothing couples them.

    Parameters
    ----------
    most : int
        Regions of the largest power plant.
    sizes : sequence of int
        Numbers of regions, shipped ones with loads and storages that are drawn, at the uniform price.
    drawn_seeds : sequence of int
        Of random days, each at both pricings.
    grids : sequence of tuple of int
        Points of energy and of green share of the dynamic programmes.

    Returns
    -------
    dict of str to float
        `METHOD_gap_percent`, `METHOD_gap_of_saving_percent`: best plan known less a method's bound on the
        five shipped regions, of the bill and of the saving against no pay for green discharge;
        `METHOD_overstated_of_saving_percent`: by what its relaxed optimum is cheaper than the same
        schedule, replayed; `METHOD_s`. `s_N`, `gap_percent_N`, `widest_gap_percent_N`: processor seconds,
        models and all, gap of all bills together, and the widest of one; `exponent`: slope of log seconds
        against log regions. `drawn_widest_gap_percent_PRICING`, `drawn_s_PRICING`: widest gap of the random
        days, of the bill, and seconds of all. `grid_ENERGY_SHARE_above_percent_PRICING`: cost by dynamic
        programming over a grid, less that of the best plan of the second shipped region, of the bill.
    """
    measured = {**_methods(), **_drawn(drawn_seeds), **_grids(grids)}
    known, spent = [s for s in sizes if s <= most], {}
    for size in known:
        started = time.process_time()
        found = [dispatch_by_shares(varied_day(seed)) for seed in range(size)]
        spent[size] = time.process_time() - started
        gaps = np.array([one.gap_money for one in found])
        bills = np.array([abs(one.plan.cost_money) for one in found])
        measured[f"s_{size}"] = spent[size]
        measured[f"gap_percent_{size}"] = 100.0 * float(gaps.sum() / bills.sum())
        measured[f"widest_gap_percent_{size}"] = 100.0 * float((gaps / bills).max())
    if len(spent) > 1:
        slope = np.polyfit(np.log(list(spent)), np.log(list(spent.values())), 1)[0]
        measured["exponent"] = float(slope)
    return measured


def _drawn(seeds: Sequence[int]) -> dict[str, float]:
    """Widest gap of random days."""
    measured: dict[str, float] = {}
    for pricing in PRICINGS[: 2 if seeds else 0]:
        started = time.process_time()
        found = [dispatch_by_shares(drawn_day(seed, pricing)) for seed in seeds]
        measured[f"drawn_s_{pricing}"] = time.process_time() - started
        widest = max(one.gap_money / abs(one.plan.cost_money) for one in found)
        measured[f"drawn_widest_gap_percent_{pricing}"] = 100.0 * widest
    return measured


def _grids(grids: Sequence[tuple[int, int]]) -> dict[str, float]:
    """What dynamic programming over a grid costs above the best plan."""
    measured: dict[str, float] = {}
    for pricing in PRICINGS[: 2 if grids else 0]:
        day = shipped_day(1, pricing)
        bill = dispatch_by_shares(day).plan.cost_money
        for n_energy, n_share in grids:
            above = 100.0 * (grid_optimum(day, n_energy, n_share) - bill) / bill
            measured[f"grid_{n_energy}_{n_share}_above_percent_{pricing}"] = above
    return measured


def _methods() -> dict[str, float]:
    """What the methods prove of the shipped regions' first day at the uniform price."""
    days = [shipped_day(region) for region in range(N_REGION)]
    found: dict[str, list[GreenDispatch]] = {}
    measured: dict[str, float] = {}
    for name, method in METHODS.items():
        started = time.process_time()
        found[name] = [method(day) for day in days]
        measured[f"{name}_s"] = time.process_time() - started
    bill = sum(one.plan.cost_money for one in found["share"])
    saving = sum(dispatch_without_label(day).plan.cost_money for day in days) - bill
    for name, dispatches in found.items():
        gap = bill - sum(one.bound_money for one in dispatches)
        overstated = sum(one.overstated_money for one in dispatches)
        measured[f"{name}_gap_percent"] = 100.0 * gap / bill
        measured[f"{name}_gap_of_saving_percent"] = 100.0 * gap / saving
        measured[f"{name}_overstated_of_saving_percent"] = 100.0 * overstated / saving
    return measured
