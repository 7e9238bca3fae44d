"""Certificates of a system with an operator: limits of units, tanks and loads, carbon, optimum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.environment.clock import day_length
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, LEAST_TCO2, share_of
from gridarium.experiments.evidence.system.system_metrics import realised_cost_money
from gridarium.experiments.parts.carbon_market import CARBON_MARKET as CARBON_MARKET_PART
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CARBON, CARBON_MARKET

_ROUNDING = 1e-6


def units(known: GridEvidence) -> Iterator[Reading]:
    """Limits and ramps of thermal units."""
    plants = list(_plants(known))
    if not plants:
        return
    yield Reading(
        "unit limits", max(_outside_limits(unit, rows) for unit, rows in plants), 1e-4, "MW", True,
        "how far a unit leaves its band while it runs (E16)",
    )  # fmt: skip
    hours = known.world.period_h
    yield Reading(
        "ramps", max(_outside_ramps(unit, rows, hours) for unit, rows in plants), 1e-4, "MW", True,
        "how much faster than it can a unit moves in a quarter (E28)",
    )  # fmt: skip


def _plants(known: GridEvidence) -> Iterator[tuple[ThermalUnit, pd.DataFrame]]:
    """Each thermal unit, and what it did."""
    unit = {known.grid.local(plant.name): plant.unit for plant in known.of(ThermalPlant)}
    if "units" in known.tables:
        for name, rows in known.tables["units"].groupby("agent", sort=False):
            yield unit[str(name)], rows


def _outside_limits(unit: ThermalUnit, rows: pd.DataFrame) -> float:
    on, gross = rows["on"].to_numpy() > 0.5, rows["gross_mw"].to_numpy()
    beyond = np.where(on, np.maximum(unit.p_min_mw - gross, gross - unit.p_max_mw), np.abs(gross))
    return float(max(0.0, beyond.max()))


def _outside_ramps(unit: ThermalUnit, rows: pd.DataFrame, hours: float) -> float:
    on = np.concatenate([[unit.on_initially], rows["on"].to_numpy() > 0.5])
    gross = np.concatenate([[unit.p_initial_mw], rows["gross_mw"].to_numpy()])
    step, before, after = np.diff(gross), on[:-1], on[1:]
    rise = np.where(before, unit.ramp_mw_per_h * hours, unit.start_limit_mw(hours))
    fall = np.where(after, unit.ramp_down_mw_per_h * hours, unit.stop_limit_mw(hours))
    return float(max(0.0, (step - rise).max(), (-step - fall).max()))


def operation(known: GridEvidence) -> Iterator[Reading]:
    """Reserve that an operator held, reports that reached it, and the limit of what it may import."""
    quarters = known.tables.get("quarters")
    if quarters is None:
        return
    short = float(quarters[["reserve_up_short_mw", "reserve_down_short_mw"]].to_numpy().max(initial=0.0))
    yield Reading("reserve", short, 1e-3, "MW", False, "most spinning reserve that is missing (E29)")
    silent = float(quarters["silent"].sum())
    yield Reading("reports", silent, 0.0, "", False, "reports to the operator that did not come in time")
    taken = float(known.grid.exchange_mw.max(initial=0.0)) if known.grid.above is None else 0.0
    beyond = max(0.0, taken - REAL_TIME.of(known.scenario).import_limit_mw)
    yield Reading(
        "import limit", beyond, 1e-3, "MW", False,
        "most that passes the head beyond what may be imported, where no plan was left that keeps the limit",
    )  # fmt: skip


def flexible_loads(known: GridEvidence) -> Iterator[Reading]:
    """Energy of the flexible loads."""
    loads = rows_of(known.tables, "loads", "flexible_load")
    if loads.empty:
        return
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    changes = (loads["p_metered_mw"] - loads["p_base_mw"]) * known.world.period_h
    by_day = changes.groupby([loads["agent"], loads["period"] // per_day]).sum()
    yield Reading(
        "demand response energy", float(by_day.abs().max()), 1e-4, "MWh", True,
        "largest change of a flexible load's energy of a day (E5)",
    )  # fmt: skip


def tanks(known: GridEvidence) -> Iterator[Reading]:
    """Content of the solvent tanks."""
    hours = known.world.period_h
    found = [_tank(unit.capture, rows, hours) for unit, rows in _plants(known) if unit.capture]
    if found:
        error, drift = (max(values) for values in zip(*found, strict=True))
        yield Reading(
            "solvent tank", error, 1e-4, "tCO2", True,
            "largest error of a tank's content, or step outside the tank (E4)",
        )  # fmt: skip
        yield Reading(
            "tank cycle", drift, 1e-2, "tCO2", False,
            "largest difference of a tank's content after and before the run",
        )  # fmt: skip


def _tank(capture: CapturePlant, rows: pd.DataFrame, hours: float) -> tuple[float, float]:
    first = capture.tank_initial_tco2
    moved = (rows["absorbed_tco2_per_h"] - rows["regenerated_tco2_per_h"]).to_numpy()
    content = rows["tank_tco2"].to_numpy()
    error = np.abs(content - (first + np.cumsum(moved) * hours)).max()
    outside = max(0.0, float(-content.min()), float(content.max()) - capture.tank_tco2)
    return max(float(error), outside), abs(float(content[-1]) - first)


def stacks(known: GridEvidence) -> Iterator[Reading]:
    """Carbon of the stacks against the grid's, and its price."""
    table = rows_of(known.tables, "carbon", "thermal")
    if table.empty:
        return
    put_in = sum(float(state.source_t_per_h.sum()) for state in known.grid.states)
    net = float(table["emission_net_tco2"].sum())
    yield Reading(
        "carbon balance", share_of(abs(put_in * known.world.period_h - net), net, LEAST_TCO2), _ROUNDING, "",
        True,
        "carbon that comes with the energy against gross emission less absorption, relative (E3, E4)",
    )  # fmt: skip
    ledger = known.tables["ledger"]
    own = (ledger["account"] == CARBON_MARKET) & (ledger["purpose"] == CARBON)
    paid = float(ledger[own]["amount_money"].sum())
    yield Reading(
        "carbon trading", abs(float(table["trading_money"].sum()) - paid), 1e-4, "money", True,
        "price of net emission less allowances against what plants paid (E21)",
    )  # fmt: skip
    if CARBON_MARKET_PART.hangs_on(known.scenario):
        yield Reading(
            "allowances traded", _off_allowances(known, table), 1e-6, "money", True,
            "largest difference in a period of what a plant traded carbon for, and the price times its net "
            "emission less the allowance for its gross energy, by the scenario (E21)",
        )  # fmt: skip


def _off_allowances(known: GridEvidence, table: pd.DataFrame) -> float:
    market, keys = CARBON_MARKET_PART.of(known.scenario), ["agent", "period"]
    gross = rows_of(known.tables, "units", "thermal").set_index(keys)["gross_mw"] * known.world.period_h
    told = table.set_index(keys)
    net = told["emission_gross_tco2"] - told["absorbed_tco2"]
    allowed = market.allowance_tco2_per_mwh * gross.reindex(told.index)
    off_allowed = (told["allowance_tco2"] - allowed).abs().max()
    due = market.price_per_tco2 * (net - allowed)
    off_told = max(off_allowed, _off_carbon_tco2(known, told))
    return float(max((told["trading_money"] - due).abs().max(), market.price_per_tco2 * off_told))


def _off_carbon_tco2(known: GridEvidence, told: pd.DataFrame) -> float:
    """Carbon of a period as told, against what units did in it by the hour."""
    units = rows_of(known.tables, "units", "thermal").set_index(["agent", "period"]).reindex(told.index)
    flows = ("emission_gross_tco2", "absorbed_tco2", "regenerated_tco2")
    apart = [told[name] - units[f"{name}_per_h"] * known.world.period_h for name in flows]
    apart.append(told["tank_tco2"] - units["tank_tco2"])
    return float(max(one.abs().max() for one in apart))


def absorbers(known: GridEvidence) -> Iterator[Reading]:
    """What capture plants took up."""
    plants = list(_plants(known))
    if rows_of(known.tables, "carbon", "thermal").empty and not any(unit.capture for unit, _ in plants):
        return
    shares = [_captured_beyond(unit, rows) for unit, rows in plants]
    yield Reading(
        "capture", max(0.0, *shares), _ROUNDING, "tCO2/h", True,
        "most that an absorber took up beyond its share of the flue gas (E4)",
    )  # fmt: skip


def _captured_beyond(unit: ThermalUnit, rows: pd.DataFrame) -> float:
    """How much more than its absorber can a plant absorbed, tCO2/h."""
    most = (unit.capture.efficiency if unit.capture else 0.0) * unit.emission_tco2_per_mwh
    return float((rows["absorbed_tco2_per_h"] - most * rows["gross_mw"]).max())


def perfect_information(known: GridEvidence) -> Iterator[Reading]:
    """The day against the day of perfect information."""
    if "benchmarks" not in known.tables:
        return
    cost = realised_cost_money(known.tables["quarters"])
    benchmarks = known.tables["benchmarks"][["bound_money", "is_proven"]]
    for bound, proven in benchmarks.itertuples(index=False):
        scale = max(abs(float(bound)), LEAST_MONEY)
        yield Reading(
            "perfect information", max(0.0, float(bound) - cost) / scale, 1e-4, "", True,
            "by how much the day undercuts the bound of perfect information, relative; must not",
        )  # fmt: skip
        yield Reading(
            "cost of uncertainty", max(0.0, cost - float(bound)) / scale, 0.1, "", False,
            "cost beyond that of perfect information, relative",
            "the optimum is proven" if proven else "against a bound: the search was cut off",
        )  # fmt: skip
