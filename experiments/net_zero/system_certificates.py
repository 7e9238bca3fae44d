"""Certificates of the system of model E: balances, limits of units, tanks and loads, carbon, optimum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S
from gridarium.experiments.net_zero.build_system import thermal_unit
from gridarium.experiments.net_zero.metrics import Tables, realised_cost_money
from gridarium.experiments.records import Reading
from gridarium.experiments.world_parts import storage_ratings
from gridarium.market.accounts import CARBON, CARBON_MARKET

if TYPE_CHECKING:
    from gridarium.agents.system.thermal_plant import ThermalPlant
    from gridarium.experiments.net_zero.build import Built

_ROUNDING = 1e-6


def energy(built: Built, tables: Tables) -> Iterator[Reading]:
    """Balances of the system, of the prosumers and of the storage."""
    dispatch = tables["dispatch"].groupby("period")[["p_supply_mw", "p_demand_mw"]].sum()
    gap = np.abs(dispatch["p_supply_mw"] - dispatch["p_demand_mw"]).max()
    meaning = "largest difference of supply and demand in a quarter; signs of the balance repaired (E27)"
    yield Reading("energy balance", float(gap), _ROUNDING, "MW", True, meaning)
    own = tables["prosumers"]
    if len(own):
        comes = own[["surplus_mwh", "received_mwh", "discharged_mwh", "drawn_mwh"]].sum(axis=1)
        goes = own[["deficit_mwh", "sold_mwh", "charged_mwh", "spilled_mwh"]].sum(axis=1)
        yield Reading(
            "prosumer balance", float(np.abs(comes - goes).max()), _ROUNDING, "MWh", True,
            "largest difference of what comes to a prosumer and what it uses, stores, sells or spills",
        )  # fmt: skip
        least = own[["received_mwh", "drawn_mwh", "sold_mwh", "spilled_mwh"]].to_numpy().min()
        yield Reading(
            "prosumer meters", max(0.0, -float(least)), _ROUNDING, "MWh", True,
            "how far a meter of a prosumer runs backwards",
        )  # fmt: skip
    if built.provider is not None and built.operator is not None:
        yield from _storage(built)


def _storage(built: Built) -> Iterator[Reading]:
    esp, section = built.provider, built.scenario.active_provider
    assert esp is not None and section is not None
    ratings = storage_ratings(esp.name, section.storage)
    first = ratings.soc_initial * ratings.e_max_mwh
    moved = esp.charge_mw * ratings.efficiency_charge - esp.discharge_mw / ratings.efficiency_discharge
    expected = first + np.cumsum(moved) * built.world.period_h
    low, high = ratings.band_mwh
    outside = np.maximum(np.maximum(low - esp.e_mwh, esp.e_mwh - high), 0.0).max()
    both = np.minimum(esp.charge_mw, esp.discharge_mw).max()
    worst = max(float(np.abs(esp.e_mwh - expected).max()), float(outside), float(both))
    yield Reading(
        "storage energy", worst, _ROUNDING, "MWh", True,
        "largest error of the stored energy, step outside its band, or charge while it discharges (E6)",
    )  # fmt: skip
    yield Reading(
        "storage cycle", abs(float(esp.e_mwh[-1]) - first), 1e-3, "MWh", False,
        "difference of the stored energy after and before the run",
    )  # fmt: skip


def units(built: Built, tables: Tables) -> Iterator[Reading]:
    """Limits, ramps and reserve of the units."""
    hours = built.world.period_h
    limits = max(_outside_limits(built, plant) for plant in built.plants)
    yield Reading(
        "unit limits", limits, 1e-4, "MW", True, "how far a unit leaves its band while it runs (E16)"
    )
    ramps = max(_outside_ramps(built, plant, hours) for plant in built.plants)
    yield Reading(
        "ramps", ramps, 1e-4, "MW", True, "how much faster than it can a unit moves in a quarter (E28)"
    )
    quarters = tables["quarters"]
    short = float(quarters[["reserve_up_short_mw", "reserve_down_short_mw"]].to_numpy().max(initial=0.0))
    yield Reading("reserve", short, 1e-3, "MW", False, "most spinning reserve that is missing (E29)")
    silent = float(quarters["silent"].sum())
    yield Reading("reports", silent, 0.0, "", False, "reports to the operator that did not come in time")


def _outside_limits(built: Built, plant: ThermalPlant) -> float:
    unit = built.scenario.thermal_units[built.grid.local(plant.name)]
    on, gross = plant.done["on"] > 0.5, plant.done["gross_mw"]
    beyond = np.where(on, np.maximum(unit.p_min_mw - gross, gross - unit.p_max_mw), np.abs(gross))
    return float(max(0.0, beyond.max()))


def _outside_ramps(built: Built, plant: ThermalPlant, hours: float) -> float:
    unit = thermal_unit(plant.name, built.scenario.thermal_units[built.grid.local(plant.name)])
    on = np.concatenate([[unit.on_initially], plant.done["on"] > 0.5])
    gross = np.concatenate([[unit.p_initial_mw], plant.done["gross_mw"]])
    step, before, after = np.diff(gross), on[:-1], on[1:]
    rise = np.where(before, unit.ramp_mw_per_h * hours, unit.start_limit_mw(hours))
    fall = np.where(after, unit.ramp_down_mw_per_h * hours, unit.stop_limit_mw(hours))
    return float(max(0.0, (step - rise).max(), (-step - fall).max()))


def flexibility(built: Built, tables: Tables) -> Iterator[Reading]:
    """Energy of the flexible loads, and the content of the solvent tanks."""
    per_day = round(DAY_S / built.world.clock.period_s)
    loads = tables["decisions"]
    loads = loads[loads["kind"] == "flexible_load"]
    if len(loads):
        changes = (loads["p_metered_mw"] - loads["p_base_mw"]) * built.world.period_h
        by_day = changes.groupby([loads["agent"], loads["period"] // per_day]).sum()
        yield Reading(
            "demand response energy", float(by_day.abs().max()), 1e-4, "MWh", True,
            "largest change of a flexible load's energy of a day (E5)",
        )  # fmt: skip
    sections = built.scenario.thermal_units
    tanks = [_tank(built, plant) for plant in built.plants if sections[built.grid.local(plant.name)].capture]
    if tanks:
        error, drift = (max(values) for values in zip(*tanks, strict=True))
        yield Reading(
            "solvent tank", error, 1e-4, "tCO2", True,
            "largest error of a tank's content, or step outside the tank (E4)",
        )  # fmt: skip
        yield Reading(
            "tank cycle", drift, 1e-2, "tCO2", False,
            "largest difference of a tank's content after and before the run",
        )  # fmt: skip


def _tank(built: Built, plant: ThermalPlant) -> tuple[float, float]:
    section = built.scenario.thermal_units[built.grid.local(plant.name)].capture
    assert section is not None
    first = section.tank_initial_share * section.tank_tco2
    moved = plant.done["absorbed_tco2_per_h"] - plant.done["regenerated_tco2_per_h"]
    content: Array = plant.tank_tco2
    error = np.abs(content - (first + np.cumsum(moved) * built.world.period_h)).max()
    outside = max(0.0, float(-content.min()), float(content.max()) - section.tank_tco2)
    return max(float(error), outside), abs(float(content[-1]) - first)


def carbon(built: Built, tables: Tables) -> Iterator[Reading]:
    """Carbon of the stacks against the grid's, and its price."""
    table, world = tables["carbon"], built.world
    in_grid = sum(float(state.source_t_per_h.sum()) for state in built.grid.states) * world.period_h
    net = float(table["emission_net_tco2"].sum())
    yield Reading(
        "carbon balance", abs(in_grid - net) / max(abs(net), 1e-9), _ROUNDING, "", True,
        "carbon that comes with the energy against gross emission less absorption, relative (E3, E4)",
    )  # fmt: skip
    tables_money = float(table["trading_money"].sum())
    ledger = tables["ledger"]
    own = (ledger["account"] == CARBON_MARKET) & (ledger["purpose"] == CARBON)
    paid = float(ledger[own]["amount_money"].sum())
    yield Reading(
        "carbon trading", abs(tables_money - paid), 1e-4, "money", True,
        "price of net emission less allowances against what plants paid (E21)",
    )  # fmt: skip
    shares = [_captured_share(built, plant) for plant in built.plants]
    yield Reading(
        "capture", max(0.0, *shares), _ROUNDING, "tCO2/h", True,
        "most that an absorber took up beyond its share of the flue gas (E4)",
    )  # fmt: skip


def _captured_share(built: Built, plant: ThermalPlant) -> float:
    """How much more than its absorber can a plant absorbed, tCO2/h."""
    unit = built.scenario.thermal_units[built.grid.local(plant.name)]
    most = (unit.capture.efficiency if unit.capture else 0.0) * unit.emission_tco2_per_mwh
    return float((plant.done["absorbed_tco2_per_h"] - most * plant.done["gross_mw"]).max())


def optimum(tables: Tables) -> Iterator[Reading]:
    """The day against the day of perfect information."""
    cost = realised_cost_money(tables["quarters"])
    for bound, proven in tables["benchmarks"][["bound_money", "is_proven"]].itertuples(index=False):
        scale = max(abs(float(bound)), 1e-9)
        yield Reading(
            "perfect information", max(0.0, float(bound) - cost) / scale, 1e-4, "", True,
            "by how much the day undercuts the bound of perfect information, relative; must not",
        )  # fmt: skip
        found = "proven" if proven else "a bound, the search was cut off"
        yield Reading(
            "cost of uncertainty", max(0.0, cost - float(bound)) / scale, 0.1, "", False,
            f"cost beyond that of perfect information ({found}), relative",
        )  # fmt: skip
