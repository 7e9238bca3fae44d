"""How many credits absorbed renewable energy earns, from tables and ledger of all grids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, day_length
from gridarium.experiments.evidence.grid_evidence import Tables, by_period
from gridarium.experiments.evidence.world.carbon_charges import GridCarbon, grids_of
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CARBON, ENVIRONMENTAL_PAYMENT, PERSONAL_CARBON

_NOTHING_MONEY = 1e-9
_CLEAN = 1e-9


class Absorbed(NamedTuple):
    """Renewable energy that a grid takes up, MWh by period, and what of it is credited beside a ladder."""

    taken_mwh: Array
    credited_mwh: Array


def _absorbed(grid: GridCarbon) -> Absorbed | None:
    """What a grid takes up; None where nothing there is ever credited."""
    n_period = len(grid.head)
    if "credits" in grid.tables:
        told = grid.tables["credits"]
        taken = by_period(told, "absorbed_mw", n_period) * grid.period_h
        # What is credited to users earns something where the carbon market pays for it.
        credited = (by_period(told, "credit_tco2", n_period) > 0.0) & grid.booked(CARBON, by_operator=True)
        return Absorbed(taken, taken * credited)
    if "vpp_regions" in grid.tables:
        regions = grid.tables["vpp_regions"]
        taken = by_period(regions, "green_charge_mw", n_period) * grid.period_h
        paid = grid.booked(ENVIRONMENTAL_PAYMENT).any() and regions["green_mw"].sum() > 0.0
        return Absorbed(taken, taken * float(paid))
    return None


def _rewarded_mwh(grid: GridCarbon) -> Array:
    """By how much less than its free carbon the head took, where a ladder pays for that, MWh by period."""
    ledger, n_period = grid.tables["ledger"], len(grid.head)
    own = ledger[(ledger["account"] == grid.operator) & (ledger["purpose"] == PERSONAL_CARBON)]
    is_paid = by_period(own, "amount_money", n_period) > _NOTHING_MONEY
    if grid.above is None or not is_paid.any():
        return np.zeros(n_period)
    told = grid.above.tables["personal_carbon"]
    mine = told[told["agent"] == f"{grid.name}/{grid.operator}"].sort_values("period")
    factor = mine["factor_tco2_per_mwh"].to_numpy(dtype=float)
    free = mine["quota_t_per_h"].to_numpy(dtype=float) / grid.head["replicas"].to_numpy(dtype=float)
    free_mw = np.divide(free, factor, out=np.zeros_like(free), where=factor > _CLEAN)
    below_mw = np.maximum(free_mw - np.maximum(grid.head["p_metered_mw"].to_numpy(dtype=float), 0.0), 0.0)
    return np.asarray(below_mw * is_paid * grid.period_h)


def _by_day(grid: GridCarbon, values: Array) -> Array:
    """Sums over each day of a series by period."""
    length = min(len(values), day_length(len(values), HOUR_S * grid.period_h))
    return np.asarray(values.reshape(-1, length).sum(axis=1))


def credited_once(tables: Tables, period_h: float) -> Iterator[Reading]:
    """Absorbed energy that may have earned more than one credit, over the whole tree of grids.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of one case.
    period_h : float

    Notes
    -----
    A grid absorbs the surplus of renewables that its operator takes up beyond what base loads need, and the
    green energy that virtual power plants store. It can earn, from outside the grid,

    - the negative factor, where the carbon market pays the operator by it; without a carbon market it is
      how an operator passes on what the ladder leaves it, and no credit of its own,
    - the environmental payment for green energy that a plant gives back,
    - the reward of the supplier's ladder, for every MWh by which the head stays below what is free of it.

    What is stored at one hour keeps the head low at another one, so that rewards are held against what was
    absorbed on the same day: of what has earned one of the first two, as much as was rewarded may have
    earned twice. Less of a ladder's charge is no reward.
    """
    grids = grids_of(tables, period_h)
    taken = apart = again = 0.0
    found = False
    for grid in grids.values():
        absorbed = _absorbed(grid)
        if absorbed is None:
            continue
        found, credited = True, _by_day(grid, absorbed.credited_mwh)
        rewarded = _by_day(grid, _rewarded_mwh(grid))
        taken += grid.copies * float(absorbed.taken_mwh.sum())
        apart += grid.copies * float(credited.sum())
        again += grid.copies * float(np.minimum(credited, rewarded).sum())
    if not found:
        return
    ladders = tables["ledger"]["purpose"].eq(PERSONAL_CARBON).any()
    yield Reading(
        "absorbed energy credited once", again / taken if taken > 0.0 else 0.0, 1e-9, "",
        len(grids) == 1 or bool(ladders),
        "most of the absorbed renewable energy that may have earned two credits, among ladder reward, "
        "negative factor and green payment, as a share of all of it",
        f"{apart:,.1f} of {taken:,.1f} MWh have earned a negative factor or a green payment",
    )  # fmt: skip
