"""Certificates of services on a feeder that a system above calls: what was told, called, delivered and paid.

Each is reckoned from the feeder's own meters and trades and the numbers of the scenario, replicas included.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.parts.provider import Provider, active_provider
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import REPLICAS, SERVICE_CALL, SERVICE_ENERGY, SERVICE_WEAR

_A_WATT_MW = 1e-6
_PURPOSES = (SERVICE_WEAR, SERVICE_ENERGY, SERVICE_CALL)


def services(known: GridEvidence) -> Iterator[Reading]:
    """What a feeder was called for against what it could do, has done, and was paid for."""
    called = _called(known)
    if called is None:
        return
    bus, withheld_mw = known.world.bus, float(_withheld_mw(known).max())
    # What was withheld is missing in the storage later on, whatever was called since.
    carried = withheld_mw <= _A_WATT_MW
    yield Reading(
        "services told", _beyond_told(known, called), 1e-4, "MW", carried,
        "most by which a call goes beyond what was told before it: power of the storage, what is in it, "
        "and what prosumers are likely to trade",
    )  # fmt: skip
    yield Reading(
        "services delivered", _not_delivered_mw(known, called), 1e-4, "MW",
        carried and not (bus.lost or bus.refused),
        "largest difference between what the storage was called to charge and discharge, less what the "
        "operator of the feeder has withheld, and what its meters show",
    )  # fmt: skip
    yield Reading(
        "services withheld", withheld_mw, 1e-4, "MW", False,
        "most of a call that was not passed on, because the feeder does not carry it",
    )  # fmt: skip
    wrong, largest = _wrongly_paid(known, called)
    yield Reading(
        "services paid", share_of(wrong, largest, LEAST_MONEY), 1e-6, "", True,
        "wear by what was moved in the storage, its energy at the price called less that of the head, "
        "fees on what prosumers have traded for calls, against what the caller has paid in each period, "
        "relative to the largest payment (E24, E26)",
    )  # fmt: skip


def _called(known: GridEvidence) -> pd.DataFrame | None:
    """What the system above has called a feeder for; None where it calls nobody there."""
    above = known.above
    if above is None or not known.head_customers:
        return None
    table, (operator, *_) = above.tables.get("services"), known.head_customers
    if table is None:
        return None
    own = table[table["agent"] == above.grid.local(operator.name)]
    return own if len(own) else None


def _storage(known: GridEvidence) -> tuple[Provider, Array, Array] | None:
    """The provider, and what all copies of its storage have charged and discharged, MW, shape (n_period,)."""
    provider, rows = active_provider(known.scenario), rows_of(known.tables, "storages", "storage_provider")
    if provider is None or rows.empty:
        return None
    n, copies = known.world.periods_done, known.grid.replicas
    charged, discharged = (copies * by_period(rows, f"p_{way}_mw", n) for way in ("charge", "discharge"))
    return provider, charged, discharged


def _beyond_told(known: GridEvidence, called: pd.DataFrame) -> float:
    copies, hours = known.grid.replicas, known.world.period_h
    told = called[["expected_told_mw", "surplus_told_mw", "deficit_told_mw"]].min(axis=1)
    pool, likely = called["pool_called_mw"].fillna(0.0), told.fillna(0.0)
    beyond = [0.0, float((pool - likely).max()), float(-pool.min())]
    found = _storage(known)
    if found is not None:
        unit = found[0].storage
        charge, discharge = called["charge_called_mw"], called["discharge_called_mw"]
        beyond.append(float(np.maximum(charge, discharge).max()) - copies * unit.p_max_mw)
        beyond.append(float(np.minimum(charge, discharge).max()))
        gained = unit.efficiency_charge * charge - discharge / unit.efficiency_discharge
        after = (called["e_told_mwh"] + hours * gained).dropna()
        high, low = unit.soc_max * unit.e_max_mwh, unit.soc_min * unit.e_max_mwh
        beyond.append(float((after - copies * high).max()) / hours)
        beyond.append(float((copies * low - after).max()) / hours)
    return max(beyond)


def _not_delivered_mw(known: GridEvidence, called: pd.DataFrame) -> float:
    found = _storage(known)
    if found is None:
        return 0.0
    _, charged, discharged = found
    ways = ((charged, "charge_called_mw"), (discharged, "discharge_called_mw"))
    # A call has one direction in each period.
    passed = {column: np.maximum(0.0, called[column].to_numpy() - _withheld_mw(known)) for _, column in ways}
    return max(float(np.abs(done - passed[column]).max()) for done, column in ways)


def _withheld_mw(known: GridEvidence) -> Array:
    """What of calls to the storages of all copies was not passed on, MW, shape (n_period,)."""
    rows = known.tables["relayed_services"]
    return known.grid.replicas * by_period(rows, "withheld_mw", known.world.periods_done)


def _wrongly_paid(known: GridEvidence, called: pd.DataFrame) -> tuple[float, float]:
    """Largest difference between what was due and what was paid in a period, and the largest payment."""
    n, hours, copies = known.world.periods_done, known.world.period_h, known.grid.replicas
    due = np.zeros((3, n))
    found = _storage(known)
    if found is not None:
        provider, charged, discharged = found
        unit, price = provider.storage, called["price_per_mwh"].fillna(0.0).to_numpy()
        moved = unit.efficiency_charge * charged + discharged / unit.efficiency_discharge
        due[0] = provider.compensation_per_mwh * moved * hours
        given = discharged - charged
        due[1] = (price * given - _worth_at_head(known, given)) * hours
    trades = rows_of(known.tables, "trades", "prosumer")
    if len(trades):
        was_called = called["pool_called_mw"].notna().to_numpy()
        fee = called["pool_fee_per_mwh"].to_numpy() * was_called
        due[2] = copies * fee * by_period(trades, "delivered_mwh", n)
    paid = _paid(known, n)
    return float(np.abs(paid - due).max()), float(np.abs(due).max())


def _worth_at_head(known: GridEvidence, given_mw: Array) -> Array:
    """What power would have cost at the heads of all replicas had a storage not given it, money/h."""
    head, copies = known.tables["heads"], known.grid.replicas
    passed = copies * head["p_metered_mw"].to_numpy()
    asked, paid = head["price_per_mwh"].to_numpy(), head["export_price_per_mwh"].to_numpy()
    before, after = ((np.maximum(mw, 0.0), np.maximum(-mw, 0.0)) for mw in (passed + given_mw, passed))
    return np.asarray(asked * (before[0] - after[0]) - paid * (before[1] - after[1]))


def _paid(known: GridEvidence, n_period: int) -> Array:
    """What a feeder and its replicas were paid for services by purpose, shape (3, n_period), money."""
    ledger, (operator, *_) = known.tables["ledger"], known.head_customers
    own = ledger[ledger["account"].isin((known.grid.local(operator.name), REPLICAS))]
    by_purpose = (own[own["purpose"] == purpose] for purpose in _PURPOSES)
    return np.array([by_period(rows, "amount_money", n_period) for rows in by_purpose])


def savings(known: GridEvidence) -> Iterator[Reading]:
    """Each dispatch with services against the same rest of the day without any call."""
    looks = [look for ties in known.of(Ties) for look in ties.served_looks]
    if not looks:
        return
    (ties,) = known.of(Ties)
    planner = ties.planner
    order = MeritOrder(BulkShape(planner.system, planner.horizon.day_length, known.world.period_h))
    lost = []
    for look in looks:
        alone = order.solve(ties.name, look.forecast, look.on, look.state, look.place).cost_money
        alone += planner.system.missed_cost_per_mwh * look.off_target_mwh
        lost.append(share_of(look.cost_money - alone, alone, LEAST_MONEY))
    yield Reading(
        "calls save", max(0.0, *lost), 1e-6, "", True,
        "most by which the rest of a day that is planned with services costs more than the same without any "
        "call, relative; what a storage is away from where it is to end counts on both sides",
        f"plans: {len(looks)}",
    )  # fmt: skip
