"""Certificates of what operators have booked and accounted for beside bills: wear, carbon, credits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.feeder_certificates import served_mw
from gridarium.experiments.evidence.feeder.offer_reference import FORMULAS, surplus_mw
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CARBON, CARBON_MARKET, MAINTENANCE, PERSONAL_CARBON, WEAR

_ROUNDING = 1e-6
_SURPLUS_MW = 1e-6
"""Renewable power beyond which some was absorbed."""


def wear(known: GridEvidence) -> Iterator[Reading]:
    """What operators paid for the wear of storages that they command, period by period."""
    section = DSO.of(known.scenario)
    commands = section is not None and section.storage == "commanded"
    operators = [*known.of(Ties), *(known.of(Dso) if commands else ())]
    units = STORAGES.of(known.scenario)
    if not operators or not units or "ledger" not in known.tables:
        return
    owed = np.zeros(known.world.n_period)
    for name, given in _discharged_mw(known, planned=commands):
        owed = owed + units[name].wear_cost_per_mwh * given * known.world.period_h
    ledger = known.tables["ledger"]
    paid = ledger[(ledger["account"] == MAINTENANCE) & (ledger["purpose"] == WEAR)]
    names = [known.grid.local(one.name) for one in operators]
    booked = by_period(paid[paid["counterparty"].isin(names)], "amount_money", known.world.n_period)
    yield Reading(
        "wear paid", float(np.abs(booked - owed).max()), _ROUNDING, "money", True,
        "largest difference in a period of what an operator paid for the wear of storages, and what they "
        "discharged, of a DSO by its plan, times the cost of wear (D3)",
    )  # fmt: skip


def _discharged_mw(known: GridEvidence, planned: bool) -> Iterator[tuple[str, Array]]:
    """What each storage gave back, or was to give back by plans of the day ahead, shape (n_period,)."""
    table = "storage_schedules" if planned else "storages"
    for name, rows in rows_of(known.tables, table, "storage").groupby("agent", sort=False):
        if planned:
            yield str(name), np.maximum(0.0, -rows["p_planned_mw"].to_numpy(dtype=float))
        else:
            yield str(name), rows["p_discharge_mw"].to_numpy(dtype=float)


def carbon(known: GridEvidence) -> Iterator[Reading]:
    """The carbon accounts of a DSO against meters, and what they have cost."""
    for dso in known.of(Dso):
        told, signals = rows_of(known.tables, "carbon", "dso"), rows_of(known.tables, "signals", "dso")
        load_mwh = served_mw(known) * known.world.period_h
        factor = signals["factor_tco2_per_mwh"].to_numpy(dtype=float)
        meant = {
            "emission_grid_tco2": np.array([max(0.0, state.head_t_per_h) for state in known.grid.states])
            * known.world.period_h,
            "emission_gas_tco2": _gas_tco2(known),
            "allocated_tco2": factor * load_mwh,
            "quota_tco2": PRICES.of(known.scenario).quota_tco2_per_mwh * load_mwh,
        }
        apart = [np.abs(told[name].to_numpy(dtype=float) - own).max() for name, own in meant.items()]
        yield Reading(
            "carbon accounts", float(max(apart)), _ROUNDING, "tCO2", True,
            "largest difference in a period of carbon that came in, left turbines, was allocated to loads or "
            "was free, as told, and the carbon flow at the head, turbines by their factors, and metered "
            "loads times the factor settled and the quota",
        )  # fmt: skip
        if dso.tariff.trades_carbon and dso.contract.carbon_market is not None:
            yield Reading(
                "carbon settled", _unsettled_money(known, dso, factor, load_mwh), _ROUNDING, "money", True,
                "largest difference on a day of what the carbon market paid, with the true-up, and its price "
                "times what the factor settled leaves of the quota, on metered loads (C9)",
            )  # fmt: skip


def budgets(known: GridEvidence) -> Iterator[Reading]:
    """What a DSO says that its discounts cost beyond what carbon brings in, on each day."""
    if TARIFF.of(known.scenario).kind not in FORMULAS:
        return
    for dso in known.of(Dso):
        ladder = _ladder_money(known, dso)
        if dso.contract.carbon_market is None and not ladder.any():
            continue
        signals, n = rows_of(known.tables, "signals", "dso"), known.world.n_period
        prosumers = by_period(rows_of(known.tables, "dispatch", "prosumer"), "p_demand_mw", n)
        served = served_mw(known)
        billed = served - prosumers
        tou, price, factor = (
            signals[name].to_numpy(dtype=float)
            for name in ("tou_price_per_mwh", "price_per_mwh", "factor_tco2_per_mwh")
        )
        discount = (tou - price) * billed * known.world.period_h
        if dso.contract.carbon_market is None:
            brings = -ladder * np.divide(billed, served, out=np.zeros(n), where=served > 0.0)
        else:
            below = PRICES.of(known.scenario).quota_tco2_per_mwh - factor
            brings = _carbon_price(dso) * below * billed * known.world.period_h
        excess = (discount - brings).reshape(len(dso.days), -1)
        told = rows_of(known.tables, "days", "dso")["budget_excess_money"].to_numpy(dtype=float)
        yield Reading(
            "budget told", float(np.abs(told - excess.sum(axis=1)).max()), _ROUNDING, "money", True,
            "largest difference on a day of what discounts are said to cost beyond carbon revenue, and plain "
            "less posted price less carbon price times what is left of the quota, or plus what was paid on "
            "the ladder of the supplier, on metered loads (C8)",
        )  # fmt: skip


def _ladder_money(known: GridEvidence, dso: Dso) -> Array:
    """What an operator has paid on its supplier's ladder for one grid, money, shape (n_period,)."""
    ledger = known.tables["ledger"]
    own = (ledger["account"] == known.grid.local(dso.name)) & (ledger["purpose"] == PERSONAL_CARBON)
    return -by_period(ledger[own], "amount_money", known.world.n_period)


def _carbon_price(dso: Dso) -> Array:
    """Of the carbon market, money/tCO2, by settlement period."""
    return dso.horizon.by_period(np.concatenate([day.conditions.carbon_price_per_tco2 for day in dso.days]))


def _gas_tco2(known: GridEvidence) -> Array:
    emitted, units = np.zeros(known.world.n_period), GAS_TURBINES.of(known.scenario)
    for name, rows in rows_of(known.tables, "units", "gas_turbine").groupby("agent", sort=False):
        factor = units[str(name)].emission_tco2_per_mwh
        emitted = emitted + factor * rows["net_mw"].to_numpy(dtype=float) * known.world.period_h
    return emitted


def _unsettled_money(known: GridEvidence, dso: Dso, factor: Array, load_mwh: Array) -> float:
    """What is booked with the carbon market on a day less what is due; kept carbon at the mean price."""
    quota = PRICES.of(known.scenario).quota_tco2_per_mwh
    price = _carbon_price(dso)
    told = rows_of(known.tables, "carbon", "dso")
    # Where another grid has kept some, its column stands in this one's rows, too, with nothing in it.
    kept = np.nan_to_num(told["kept_tco2"].to_numpy(dtype=float)) if "kept_tco2" in told else 0.0 * factor
    by_day = (len(dso.days), -1)
    mean = price.reshape(by_day).mean(axis=1)
    due = (price * (quota - factor) * load_mwh).reshape(by_day).sum(axis=1)
    due = due - mean * kept.reshape(by_day).sum(axis=1)
    ledger = known.tables["ledger"]
    own = ledger[(ledger["purpose"] == CARBON) & (ledger["account"] == known.grid.local(dso.name))]
    own = own[own["counterparty"] == CARBON_MARKET]
    booked = by_period(own, "amount_money", known.world.n_period).reshape(by_day).sum(axis=1)
    return float(np.abs(booked - due).max())


def credits(known: GridEvidence) -> Iterator[Reading]:
    """Reckonings of a credit for a surplus beside each other, against the plans that they are about."""
    for dso in known.of(Dso):
        told = rows_of(known.tables, "credits", "dso")
        if told.empty:
            continue
        apart = [
            _credits_apart(known, dso, day, told.iloc[dso.horizon.periods(day.number)]) for day in dso.days
        ]
        yield Reading(
            "credits told", max(apart), _ROUNDING, "tCO2", True,
            "largest difference in a period of what a surplus was credited with by other reckonings, as told "
            "and by the plan and the same day without it: absorbed energy at the head's factor, the printed "
            "formula (C4), and the emission of that day by factors of its sources; MW of power",
        )  # fmt: skip


def _credits_apart(known: GridEvidence, dso: Dso, day: DsoDay, told: pd.DataFrame) -> float:
    surplus, market, done = day.plan.outlook.surplus, day.conditions, day.plan.dispatch
    assert surplus is not None
    hours, other, units = known.world.period_h, surplus.dispatch, GAS_TURBINES.of(known.scenario).values()
    without = market.grid_factor_tco2_per_mwh * other.buy_mw
    for unit, power in zip(units, other.turbine_mw, strict=True):
        without = without + unit.emission_tco2_per_mwh * power
    used = done.renewable_mw.sum(axis=0) - done.sell_mw
    absorbed = np.where(used - surplus.taken_mw > _SURPLUS_MW, used - surplus.taken_mw, 0.0)
    base, load = (np.sum(list(loads.values()), axis=0) for loads in (day.base_mw, day.loads_mw))
    over_mw, least = surplus_mw(day, base), np.maximum(base, 1e-3 * float(base.max()))
    # Where nobody draws anything, any surplus is all of it.
    every = (over_mw > 0.0).astype(np.float64)
    share = np.divide(np.minimum(over_mw, least), least, out=every, where=least > 0.0)
    meant = {
        "taken_mw": surplus.taken_mw,
        "absorbed_mw": absorbed,
        "formula_tco2": hours * market.grid_factor_tco2_per_mwh * share * load,
        "grid_factor_tco2": hours * market.grid_factor_tco2_per_mwh * absorbed,
        "emission_without_tco2": hours * without,
    }
    over = dso.horizon.by_period
    return max(
        float(np.abs(told[name].to_numpy(dtype=float) - over(own)).max()) for name, own in meant.items()
    )
