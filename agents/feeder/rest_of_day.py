"""The rest of a day that is dispatched anew: what it starts from, and how it goes with what was before."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.dispatch import Commitment, Dispatch, DispatchDay
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings


def rest_of(day: DispatchDay, first: int) -> DispatchDay:
    """A day from a step on, at prices alone: what a supplier asks beyond them is for a day as a whole."""
    alone, on = day.at_prices_alone, day.commitment
    band = alone.head_band
    return replace(
        alone,
        conditions=_cut(alone.conditions, first),
        load_p_mw=alone.load_p_mw[:, first:],
        load_q_mvar=alone.load_q_mvar[:, first:],
        available_mw=alone.available_mw[:, first:],
        commitment=Commitment(on.on[:, first:], on.may_buy[first:], on.may_sell[first:]),
        head_band=None if band is None else _cut(band, first),
    )


def _cut(record: Any, first: int) -> Any:
    """A record with its series from a step on."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return replace(
        record, **{name: value[first:] for name, value in values.items() if isinstance(value, np.ndarray)}
    )


def joined(before: Dispatch, rest: Dispatch, first: int) -> Dispatch:
    """What was dispatched before a step, and anew from it on; of the cost the last word on the rest."""
    values: dict[str, Any] = {
        field.name: np.concatenate([old[..., :first], new], axis=-1)
        for field in fields(before)
        if isinstance(old := getattr(before, field.name), np.ndarray)
        and isinstance(new := getattr(rest, field.name), np.ndarray)
    }
    return replace(before, **values, cone_gap=max(before.cone_gap, rest.cone_gap))


def rest_of_pools(pool: CarbonPoolPlan, first: int, step_h: float) -> CarbonPoolPlan:
    """The virtual pools from a step on, as they were planned."""
    moved = (pool.inflow_t_per_h - pool.outflow_t_per_h)[:, :first].sum(axis=1) * step_h
    return CarbonPoolPlan(
        pool.inflow_t_per_h[:, first:], pool.outflow_t_per_h[:, first:], np.asarray(pool.first_tco2 + moved)
    )


def reachable_mwh(unit: StorageRatings, wanted_mwh: float, first_mwh: float, hours: float) -> float:
    """The content nearest to a wanted one that a storage can have after some hours, MWh."""
    least, most = unit.band_mwh
    lowest = first_mwh - unit.p_max_mw * hours / unit.efficiency_discharge
    highest = first_mwh + unit.p_max_mw * hours * unit.efficiency_charge
    return float(np.clip(wanted_mwh, max(least, lowest), min(most, highest)))


def content_after(
    unit: StorageRatings, e_mwh: float, charge_mw: Array, discharge_mw: Array, hours: Array
) -> float:
    """What is in a storage after powers of some periods, MWh; within its band.

    Parameters
    ----------
    unit : StorageRatings
    e_mwh : float
        At first.
    charge_mw, discharge_mw : ndarray, shape (n,)
    hours : ndarray, shape (n,)
        How long each lasts, h.
    """
    gained = charge_mw * unit.efficiency_charge - discharge_mw / unit.efficiency_discharge
    return float(np.clip(e_mwh + float(gained @ hours), *unit.band_mwh))
