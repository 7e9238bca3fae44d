"""Certificates of what devices of a system did of what they were told, and were paid for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.system.told_units import ToldUnit, UnitState, due_point
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.day_ahead_market import DAY_AHEAD_MARKET
from gridarium.experiments.parts.lines import LESSOR
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS, ThermalUnit
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import (
    CARBON,
    CHARGE,
    DEMAND_RESPONSE,
    DISCHARGE,
    FUEL,
    GENERATION,
    START_STOP,
    WEAR,
    WEAR_COMPENSATION,
)
from gridarium.market.messages.commands import LoadCommand, UnitSetpoint

_SAME_MW, _CENT = 1e-6, 1e-5
_POINT = ("on", "gross_mw", "net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")


def devices(known: GridEvidence) -> Iterator[Reading]:
    """Units, loads and storage of a system operator; what they were told only with a record of words."""
    operators = known.of(SystemOperator)
    if not operators or "ledger" not in known.tables:
        return
    (operator,) = operators
    # Of a message that somebody forged or kept back it is not known what came of it.
    words = known.world.bus.words if known.world.bus.intrusions().empty else ()
    if words and THERMAL_UNITS.of(known.scenario):
        yield Reading(
            "units as told", _off_units(known, operator), _SAME_MW, "", True,
            "largest difference of what a unit and its capture plant did, and what comes nearest to the "
            "command in force within band, ramp, absorber and tank; MW or tCO2/h (E1 to E4, E28)",
        )  # fmt: skip
    if words and FLEXIBLE_LOADS.of(known.scenario):
        yield Reading(
            "loads as told", _off_loads_mw(known, operator), _SAME_MW, "MW", True,
            "largest difference of what a flexible load was to draw, and the command in force, or its own "
            "plan where there was none",
        )  # fmt: skip
    yield Reading(
        "payments of devices", max(_off_money(known).values(), default=0.0), _CENT, "money", True,
        "largest difference in a period of what a unit, a load or the storage was paid or paid for fuel, "
        "starts, carbon, generation, moved load, wear and energy, and the same by meters and prices of the "
        "scenario (E14, E20, E21, E24, E25)",
    )  # fmt: skip


def _off_units(known: GridEvidence, operator: SystemOperator) -> float:
    world, worst = known.world, 0.0
    table = rows_of(known.tables, "units", "thermal")
    for name, unit in THERMAL_UNITS.of(known.scenario).items():
        full = known.grid.named(name)
        heard = [
            one
            for one, outcome in world.bus.words
            if one.recipient == full and outcome == "delivered" and isinstance(one.payload, UnitSetpoint)
        ]
        told = ToldUnit(unit, heard, world.n_period, operator.day_length)
        plant = unit.capture
        tank = plant.tank_initial_share * plant.tank_tco2 if plant else 0.0
        before = UnitState(unit.on_initially, unit.p_initial_mw, tank)
        own = table[table["agent"] == name].sort_values("period")
        rows = own[[*_POINT, "tank_tco2"]].to_numpy(dtype=float)
        for period, row in enumerate(rows):
            begins_s = world.delivery_s + period * world.clock.period_s
            due = due_point(unit, before, told.at(period, begins_s), world.period_h)
            worst = max(worst, float(np.abs(row[:-1] - np.array(due, dtype=float)).max()))
            before = UnitState(bool(row[0]), float(row[1]), float(row[-1]))
    return worst


def _off_loads_mw(known: GridEvidence, operator: SystemOperator) -> float:
    table, worst, length = rows_of(known.tables, "loads", "flexible_load"), 0.0, operator.day_length
    for name, own in table.groupby("agent", sort=False):
        rows = own.sort_values("period")
        plan, newest = rows["p_base_mw"].to_numpy(dtype=float).copy(), dict[int, int]()
        for one, outcome in known.world.bus.words:
            told = one.payload
            if not isinstance(told, LoadCommand) or outcome != "delivered":
                continue
            if one.recipient != known.grid.named(str(name)):
                continue
            day = told.period // length
            if told.issue > newest.get(day, -1):
                newest[day] = told.issue
                plan[told.period : (day + 1) * length] = told.load_mw
        worst = max(worst, float(np.abs(rows["p_plan_mw"].to_numpy(dtype=float) - plan).max()))
    return worst


def _off_money(known: GridEvidence) -> dict[tuple[str, str], float]:
    """By account and purpose: largest difference in a period of what was booked and what is due."""
    ledger, n = known.tables["ledger"], known.world.n_period
    due: dict[tuple[str, str], Array] = {}
    for name, unit in THERMAL_UNITS.of(known.scenario).items():
        due |= _of_unit(known, name, unit)
    loads = rows_of(known.tables, "loads", "flexible_load")
    for name, load in FLEXIBLE_LOADS.of(known.scenario).items():
        own = loads[loads["agent"] == name].sort_values("period")
        moved = (own["p_metered_mw"] - own["p_base_mw"]).abs().to_numpy(dtype=float)
        due[name, DEMAND_RESPONSE] = load.compensation_per_mwh * known.world.period_h * moved
    due |= _of_storage(known)
    booked = ledger[ledger["account"].isin({name for name, _ in due})]
    return {
        (name, purpose): float(np.abs(_sum(booked, name, purpose, n) - money).max())
        for (name, purpose), money in due.items()
    }


def _sum(booked: pd.DataFrame, account: str, purpose: str, n_period: int) -> Array:
    own = booked[(booked["account"] == account) & (booked["purpose"] == purpose)]
    return by_period(own, "amount_money", n_period)


def _of_unit(known: GridEvidence, name: str, unit: ThermalUnit) -> dict[tuple[str, str], Array]:
    """Fuel a P^2 + b P + c, starts and stops, carbon beyond the allowance; all of it paid by the operator."""
    market, hours = CARBON_MARKET.of(known.scenario), known.world.period_h
    table = rows_of(known.tables, "units", "thermal")
    own = table[table["agent"] == name].sort_values("period")
    gross, on, absorbed = (
        own[column].to_numpy(dtype=float) for column in ("gross_mw", "on", "absorbed_tco2_per_h")
    )
    a, b, c = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h
    fuel = hours * on * (a * gross**2 + b * gross + c)
    turned = unit.start_stop_money * (on != np.append(float(unit.on_initially), on[:-1]))
    beyond = (unit.emission_tco2_per_mwh - market.allowance_tco2_per_mwh) * gross - absorbed
    carbon = hours * market.price_per_tco2 * beyond
    # Who sells on a market bears its costs itself.
    due = 0.0 if DAY_AHEAD_MARKET.is_given(known.scenario) else 1.0
    return {
        (name, FUEL): -fuel,
        (name, START_STOP): -turned,
        (name, CARBON): -carbon,
        (name, GENERATION): due * (fuel + turned + carbon),
    }


def _of_storage(known: GridEvidence) -> dict[tuple[str, str], Array]:
    """E24, and energy at the price announced for the quarter."""
    provider, n, hours = active_provider(known.scenario), known.world.n_period, known.world.period_h
    rows, quarters = rows_of(known.tables, "storages", "storage_provider"), known.tables.get("quarters")
    if provider is None or rows.empty or quarters is None:
        return {}
    charged, discharged = (hours * by_period(rows, f"p_{way}_mw", n) for way in ("charge", "discharge"))
    own, price = provider.storage, by_period(quarters, "price_per_mwh", n)
    moved = own.efficiency_charge * charged + discharged / own.efficiency_discharge
    return {
        (LESSOR, WEAR_COMPENSATION): provider.compensation_per_mwh * moved,
        (LESSOR, WEAR): -provider.degradation_cost_per_mwh * moved,
        (LESSOR, CHARGE): -price * charged,
        (LESSOR, DISCHARGE): price * discharged,
    }
