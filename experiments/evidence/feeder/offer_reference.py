"""What a tariff of a feeder makes of a plan, by the formulas of its paper: factor, credit and price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.market.messages.tariffs import MarketConditions

FORMULAS = ("tou", "static-carbon", "adcef")
"""Kinds of tariffs that are reckoned here."""
_DIRTIEST, _LEAST_SHARE, _LEAST_MW = 2.0, 1e-3, 1e-6
"""A MWh of load answers for at most so many of the dirtiest source; a load counts as at least such a share of
the largest base load, and as a watt."""


@dataclass(frozen=True)
class Offer:
    """A tariff at a plan; series in steps of the day.

    Parameters
    ----------
    emission_t_per_h, system_factor_tco2_per_mwh : ndarray
        Of all that is supplied, and over it.
    surplus_mw : ndarray
        Renewable power that neither base loads nor storages take (C4).
    negative_tco2_per_mwh : ndarray
        What a surplus is credited with.
    factor_tco2_per_mwh, price_per_mwh : ndarray, optional
        None where a bound of the factor binds, so that carbon moves between periods.
    """

    emission_t_per_h: Array
    system_factor_tco2_per_mwh: Array
    surplus_mw: Array
    negative_tco2_per_mwh: Array
    factor_tco2_per_mwh: Array | None
    price_per_mwh: Array | None


def offer_of(known: GridEvidence, day: DsoDay) -> Offer:
    """The tariff at the plan of a day (C1, C3 to C5, C7, C8)."""
    done, market = day.plan.dispatch, day.conditions
    units = GAS_TURBINES.of(known.scenario).values()
    emission = market.grid_factor_tco2_per_mwh * done.buy_mw
    for unit, power in zip(units, done.turbine_mw, strict=True):
        emission = emission + unit.emission_tco2_per_mwh * power
    total = done.buy_mw + done.turbine_mw.sum(axis=0) + done.renewable_mw.sum(axis=0)
    system = np.divide(emission, total, out=np.zeros_like(total), where=total > 0.0)
    base, load = (np.sum(list(told.values()), axis=0) for told in (day.base_mw, day.loads_mw))
    tariff = TARIFF.of(known.scenario)
    kind, against = tariff.kind, base if tariff.surplus == "ex-ante" else load
    left = surplus_mw(day, against) if kind == "adcef" else np.zeros_like(load)
    dirtiest = max(
        [
            float(np.abs(market.grid_factor_tco2_per_mwh).max()),
            *(unit.emission_tco2_per_mwh for unit in units),
        ]
    )
    least = max(_LEAST_SHARE * float(base.max(initial=0.0)), _LEAST_MW)
    factor = _factor(known, day, emission, load, least)
    negative = np.zeros_like(load)
    if kind == "adcef":
        negative = _negative(known, day, load, least)
        factor = factor + negative
    if kind == "adcef":
        inside = (factor >= -dirtiest) & (factor <= _DIRTIEST * dirtiest) & (load >= least)
        if not inside.all():
            return Offer(emission, system, left, np.maximum(negative, -dirtiest), None, None)
    else:
        factor = np.clip(factor, -dirtiest, _DIRTIEST * dirtiest)
    price = _price(known, day, factor, load, _DIRTIEST * dirtiest)
    return Offer(emission, system, left, np.maximum(negative, -dirtiest), factor, price)


def _factor(known: GridEvidence, day: DsoDay, emission: Array, load: Array, least_mw: float) -> Array:
    """Carbon per MWh of load before credits, not yet within its bounds."""
    if TARIFF.of(known.scenario).kind != "adcef":
        # The mean of the day.
        return np.full_like(load, float(emission.sum()) / max(float(load.sum()), least_mw))
    pool = day.plan.pool
    moved = (pool.outflow_t_per_h - pool.inflow_t_per_h).sum(axis=0)
    return np.asarray((emission + moved) / np.maximum(load, least_mw))


def _negative(known: GridEvidence, day: DsoDay, load: Array, least_mw: float) -> Array:
    """What a surplus is credited with, tCO2/MWh: by the emission that absorbing it avoids, or by C4."""
    tariff, surplus = TARIFF.of(known.scenario), day.plan.outlook.surplus
    if tariff.credit == "avoided":
        avoided = np.zeros_like(load) if surplus is None else surplus.avoided_t_per_h
        return np.asarray(-avoided / np.maximum(load, least_mw))
    against = np.sum(list(day.base_mw.values()), axis=0) if tariff.surplus == "ex-ante" else load
    share = surplus_mw(day, against) / np.maximum(against, least_mw)
    return np.asarray(-day.conditions.grid_factor_tco2_per_mwh * np.minimum(share, 1.0))


def surplus_mw(day: DsoDay, load_mw: Array) -> Array:
    """Renewable power that neither a load nor storages take (C4)."""
    available = np.sum([*day.available_mw.values(), np.zeros_like(load_mw)], axis=0)
    charge = day.plan.dispatch.charge_mw.sum(axis=0) + np.maximum(day.own_mw, 0.0).sum(axis=0)
    return np.asarray(np.maximum(0.0, available - load_mw - charge))


def _price(known: GridEvidence, day: DsoDay, factor: Array, load: Array, most_tco2_per_mwh: float) -> Array:
    tariff, market, tou = TARIFF.of(known.scenario), day.conditions, day.conditions.tou_price_per_mwh
    if tariff.kind == "tou":
        return np.array(tou)
    bought, quota = (
        market.grid_factor_tco2_per_mwh * day.plan.dispatch.buy_mw,
        PRICES.of(known.scenario).quota_tco2_per_mwh,
    )
    carbon_price = _ramp(market, bought) if market.passes_ladder else market.carbon_price_per_tco2
    price = tou + tariff.adjustment * carbon_price * (factor - quota)
    if tariff.kind != "adcef" or not tariff.balance_budget:
        return price
    served = np.sum([*day.served_mw.values(), np.zeros_like(load)], axis=0)
    billed = load - served
    earned = carbon_price * (quota - factor) * billed
    if market.passes_ladder:
        asked = np.minimum(_asked(market, bought), most_tco2_per_mwh * carbon_price * np.maximum(load, 0.0))
        earned = -asked * np.divide(billed, load, out=np.zeros_like(load), where=load > 0.0)
    excess = float(((tou - price) * billed - earned).sum())
    energy = float(billed.sum())
    return price + (excess / energy if excess > 0.0 and energy > 0.0 else 0.0)


def _ramp(market: MarketConditions, bought_t_per_h: Array) -> Array:
    """Mean price of a ladder over a window of one step around what is bought (D25)."""
    ladder = market.ladder
    if ladder is None:
        return market.carbon_price_per_tco2
    steps = (bought_t_per_h - ladder.quota_t_per_h) / ladder.interval_t_per_h
    risen = np.clip(steps - 0.5, 0.0, ladder.steps - 1.0)
    return np.asarray(ladder.base_price_per_tco2 * (1.0 + ladder.growth * risen))


def _asked(market: MarketConditions, bought_t_per_h: Array) -> Array:
    """What a ladder asks for the carbon of what is bought, money/h (D4)."""
    ladder = market.ladder
    if ladder is None:
        return np.zeros_like(bought_t_per_h)
    above, cost = bought_t_per_h - ladder.quota_t_per_h, np.zeros_like(bought_t_per_h)
    for number in range(ladder.steps):
        low = -np.inf if number == 0 else 0.0
        high = np.inf if number == ladder.steps - 1 else ladder.interval_t_per_h
        price = ladder.base_price_per_tco2 * (1.0 + ladder.growth * number)
        cost = cost + price * np.clip(above - number * ladder.interval_t_per_h, low, high)
    return np.where(market.grid_factor_tco2_per_mwh > 1e-9, cost, 0.0)
