"""Storages and thermal units of a run against their ratings, as the scenario states them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers

_ROUNDING = 1e-5
"""MWh, MW and tCO2 that a solver may leave."""
_RAMP_MW = 1e-4


def devices(run: Result, case: str) -> Iterator[Check]:
    """Energy and limits of storages; band, ramps, emission and tank of thermal units."""
    storages, units = Worst(_ROUNDING, "MWh or MW"), Worst(_ROUNDING, "MW or tCO2/h")
    ramps = Worst(_RAMP_MW, "MW")
    for grid in grids(run, case):
        for name, rating in _storages(grid):
            rows = grid.rows("storages", agent=name)
            if len(rows) == grid.n_period:
                storages.add(storage_errors(rating, rows, grid.period_h), _at(f"{grid.place}{name}"))
                dispatched = grid.rows("dispatch", agent=name)
                if "e_mwh" in dispatched:
                    told = grid.series(dispatched, "e_mwh") - numbers(rows, "e_mwh")
                    storages.add(told, _at(f"{grid.place}{name}"))
        provided = grid.rows("storages", kind="storage_provider")
        if len(provided) == grid.n_period:
            rating = grid.section["provider"]["storage"]
            storages.add(storage_errors(rating, provided, grid.period_h), _at(f"{grid.place}provider"))
        for name, unit in units_of(grid).items():
            rows = grid.rows("units", agent=name)
            if len(rows) == grid.n_period:
                units.add(unit_errors(unit, rows), _at(f"{grid.place}{name}"))
                ramps.add(ramp_errors(unit, rows, grid.period_h), _at(f"{grid.place}{name}"))
    yield from storages.checks(case, "storages", "energy from power and efficiencies, band, power")
    yield from units.checks(case, "thermal units", "band, net power and emission from ratings")
    yield from ramps.checks(case, "ramps", "power of units from one period to the next")


def _at(where: str) -> Callable[..., str]:
    """Say where an error is, whose last index is the period."""
    return lambda *indices: f"{where}, period {indices[-1]}"


def units_of(grid: GridTables) -> dict[str, Mapping[str, Any]]:
    """Return thermal units and gas turbines of a grid, by name."""
    found = {**(grid.section.get("thermal_units") or {}), **(grid.section.get("gas_turbines") or {})}
    return {str(name): unit for name, unit in found.items()}


def _storages(grid: GridTables) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each storage that runs by itself and as stated: incidents take parts of others."""
    if grid.section.get("incidents"):
        return
    for name, rating in (grid.section.get("storages") or {}).items():
        if not rating.get("failures") and not rating.get("thermal"):
            yield str(name), rating


def storage_errors(rating: Mapping[str, Any], rows: pd.DataFrame, period_h: float) -> Array:
    """Error of the energy, steps outside band and power, and both directions at once; shape (5, n_period)."""
    charge, discharge, energy = (numbers(rows, name) for name in ("p_charge_mw", "p_discharge_mw", "e_mwh"))
    size, power = rating["e_max_mwh"], rating["p_max_mw"]
    moved = rating["efficiency_charge"] * charge - discharge / rating["efficiency_discharge"]
    before = np.concatenate([[rating["soc_initial"] * size], energy[:-1]])
    return np.array(
        [
            energy - before - moved * period_h,
            np.maximum(rating["soc_min"] * size - energy, 0.0),
            np.maximum(energy - rating["soc_max"] * size, 0.0),
            np.maximum(np.maximum(charge, discharge) - power, 0.0),
            np.minimum(charge, discharge),
        ]
    )


def unit_errors(unit: Mapping[str, Any], rows: pd.DataFrame) -> Array:
    """Steps outside the band, errors of net power and of emission; shape (3, n_period)."""
    on, gross = _on(rows), numbers(rows, "gross_mw")
    outside = np.where(on, np.maximum(unit["p_min_mw"] - gross, gross - unit["p_max_mw"]), np.abs(gross))
    capture, own = unit.get("capture"), np.zeros(len(rows))
    if capture:
        given = numbers(rows, "regenerated_tco2_per_h")
        own = capture["energy_mwh_per_tco2"] * given + capture["fixed_mw"] * on
    return np.array(
        [
            np.maximum(outside, 0.0),
            gross - own - numbers(rows, "net_mw"),
            unit["emission_tco2_per_mwh"] * gross - numbers(rows, "emission_gross_tco2_per_h"),
        ]
    )


def ramp_errors(unit: Mapping[str, Any], rows: pd.DataFrame, period_h: float) -> Array:
    """Power gained or lost beyond the ramp, MW; starts and stops at the least power or the ramp."""
    # A gas turbine has no ramp, and so no past.
    on = np.concatenate([[bool(unit.get("on_initially", True))], _on(rows)])
    gross = np.concatenate([[unit.get("p_initial_mw", 0.0) if on[0] else 0.0], numbers(rows, "gross_mw")])
    stated = unit.get("ramp_mw_per_h")
    step = (unit["p_max_mw"] / period_h if stated is None else stated) * period_h
    through = min(unit["p_max_mw"], max(unit["p_min_mw"], step))
    moved = np.diff(gross)
    up, down = np.where(on[:-1], step, through), np.where(on[1:], step, through)
    return np.asarray(np.maximum(0.0, np.maximum(moved - up, -moved - down)))


def _on(rows: pd.DataFrame) -> Flags:
    return np.asarray(numbers(rows, "on") > 0.5)
