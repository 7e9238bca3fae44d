"""The order of files; a system of three units with capture, storage and flexible loads, and a day for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.system.power_system import FlexibleDemand, PowerSystem, SystemForecast
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit

WIND_CAPACITY_MW = 120.0


LONGEST = (
    "experiments/benchmarks/test_robustness.py",
    "validation/test_power_flow_against_pandapower.py",
    "agents/test_ties.py",
    "experiments/evidence/transmission/test_bulk_certificates.py",
    "experiments/evidence/transmission/test_ties_gaps.py",
    "experiments/evidence/transmission/test_bulk_metrics.py",
    "experiments/running/test_behaviours_at_limit.py",
    "agents/test_tied_network.py",
    "experiments/stacked/test_stacked_run.py",
    "experiments/sweeps/test_sweep.py",
    "experiments/running/test_net_zero_run.py",
    "experiments/parts/test_other_feeders.py",
    "experiments/benchmarks/test_pools.py",
    "golden/test_golden.py",
    "validation/test_against_other_solvers.py",
    "agents/test_tied_leader.py",
)
"""Files that take longest; they come first, so that all workers end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    if lost := [str(path) for path in place if not path.is_file()]:
        raise pytest.UsageError(f"LONGEST of tests/conftest.py names {', '.join(lost)}: no such file")
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def power_system() -> PowerSystem:
    """Units for a load of about 210 MW on average and wind of 35 to 110 MW."""
    coal = CapturePlant(0.8, 0.25, 1.25, 120.0, 30.0)
    gas = CapturePlant(0.8, 0.25, 1.0, 80.0, 20.0)
    units = (
        ThermalUnit("coal", 65, 110, 0.03, 18, 300, 1500, 66, 66, 6, 6, 0.69, True, 80, coal),
        ThermalUnit("gas", 40, 80, 0.05, 22, 180, 2000, 64, 64, 4, 6, 0.62, True, 50, gas),
        ThermalUnit("peak", 10, 60, 0.08, 30, 90, 300, 120, 120, 1, 1, 0.55, False, 0),
    )
    return PowerSystem(
        units,
        StorageRatings("esp", 40.0, 140.0, 0.2, 0.9, 0.2, 0.98, 0.98, 40.0),
        (FlexibleDemand("mill", 3.0), FlexibleDemand("cold store", 4.5)),
        wind_capacity_mw=WIND_CAPACITY_MW,
    )


@pytest.fixture(scope="session")
def told() -> Callable[[GridAgent, str, str], Array]:
    """Return a function that finds a column of the first rows that an agent tells for a table."""

    def column(agent: GridAgent, table: str, name: str) -> Array:
        rows = next(rows for rows in agent.rows() if rows.table == table)
        return np.asarray(rows.values[name], dtype=float)

    return column


@pytest.fixture(scope="session")
def make_day() -> Callable[..., SystemForecast]:
    """Return a function that makes the forecast of a day of quarter-hours, the two loads included."""

    def made(n_period: int = 96, random: np.random.Generator | None = None) -> SystemForecast:
        t = np.arange(n_period) * 96.0 / n_period

        def bump(middle: float, width: float) -> np.ndarray:
            return np.exp(-(((t - middle) / width) ** 2))

        load = 185.0 - 35.0 * bump(12, 9) + 45.0 * bump(44, 8) + 58.0 * bump(74, 8)
        wind = 45.0 + 60.0 * bump(10, 12) + 25.0 * bump(92, 12)
        if random is not None:
            load, wind = load * random.uniform(0.8, 1.1, n_period), wind * random.uniform(0.2, 1.1, n_period)
        flexible = np.column_stack([0.06 * load, 0.04 * load])
        nothing = np.zeros(n_period)
        return SystemForecast(
            0.9 * load, wind, flexible, 0.7 * flexible, 1.3 * flexible, nothing + 300.0, nothing, nothing
        )

    return made
