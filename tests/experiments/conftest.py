"""Small made-up results with the columns of a real run; a short run of `net-zero`, from 8 to 12 h."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.results.folder import write_run
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario

Made = dict[str, Any]
Run = Callable[..., Result]


def _series(case: str, n_period: int) -> pd.DataFrame:
    time = pd.date_range(
        "2026-01-15T00:00:00+08:00", periods=n_period, freq=pd.Timedelta(hours=24 / n_period)
    )
    return pd.DataFrame({"case": case, "period": np.arange(n_period), "time": time})


def _tables_of(case: str, number: int, n_period: int, n_bus: int) -> dict[str, pd.DataFrame]:
    base = _series(case, n_period)
    hour = np.arange(n_period) * 24 / n_period
    load = 2.0 + np.sin(hour / 4) + 0.01 * number
    sun = np.maximum(0.0, 3.0 * np.sin((hour - 6) * np.pi / 12))
    used = np.minimum(sun, load)

    def unit(name: str, kind: str, **columns: object) -> pd.DataFrame:
        empty = {
            "p_supply_mw": 0.0,
            "p_demand_mw": 0.0,
            "q_mvar": 0.0,
            "p_available_mw": np.nan,
            "e_mwh": np.nan,
        }
        return base.assign(grid="", agent=name, kind=kind, bus=2, **{**empty, **columns})

    def bus(index: int) -> pd.DataFrame:
        intensity = np.where(hour < 2, np.nan, 0.5 + 0.01 * index)
        return base.assign(
            bus=index + 1,
            vm_pu=1.0 - 0.001 * index,
            p_load_mw=0.0 if index == 0 else load / max(n_bus - 1, 1),
            carbon_intensity_tco2_per_mwh=intensity,
            x=float(index),
            y=float(index % 3),
        )

    rounds = np.arange(1, 9)
    return {
        "signals": base.assign(
            agent="dso",
            kind="dso",
            tou_price_per_mwh=600.0,
            price_per_mwh=600.0 - 10.0 * number * np.sin(hour),
            factor_tco2_per_mwh=0.5 - 0.3 * np.sin(hour / 4),
            grid_factor_tco2_per_mwh=0.6,
        ),
        "loads": base.assign(
            agent="all",
            kind="consumer",
            p_base_mw=load,
            p_plan_mw=load,
            p_metered_mw=load + 0.1 * np.cos(hour),
        ),
        "dispatch": pd.concat(
            [
                unit("pv", "renewable", p_supply_mw=used, p_available_mw=sun),
                unit("turbine", "gas_turbine", p_supply_mw=0.1 * load),
                unit("pool", "storage", p_demand_mw=0.2, e_mwh=1.0 + 0.1 * np.sin(hour)),
                unit("head", "head", p_supply_mw=np.maximum(load - used, 0.0)),
                unit("loads", "consumer", p_demand_mw=load),
            ]
        ),
        "buses": pd.concat([bus(index) for index in range(n_bus)]),
        "branches": pd.concat(
            [
                base.assign(branch=f"{index}-{index + 1}", from_bus=index, to_bus=index + 1, loading=np.nan)
                for index in range(1, n_bus)
            ]
        ),
        "storages": base.assign(
            agent="pool",
            kind="storage",
            p_charge_mw=0.2,
            p_discharge_mw=0.0,
            e_mwh=1.0 + 0.1 * np.sin(hour),
            pool_tco2=0.1 * np.cos(hour),
        ),
        "rounds": pd.DataFrame(
            {
                "case": case,
                "round": rounds,
                "price_change_per_mwh": np.append(30 * 0.5 ** rounds[:-1], 0.0),
                "load_change_mw": 0.5**rounds,
                "ended": ["", "", "", "", "", "", "", "converged" if number % 2 else "gate closed"],
            }
        ),
    }


@pytest.fixture
def make() -> Callable[..., Made]:
    """Return a function that makes up what `write_run` takes."""

    def made(cases: Sequence[str] = ("tou", "adcef"), n_period: int = 24, n_bus: int = 4) -> Made:
        parts = [_tables_of(case, number, n_period, n_bus) for number, case in enumerate(cases)]
        return {
            "scenario": load_scenario("adcef").resolved(),
            "summary": {
                case: {"emission_tco2": 19.0 + i, "voltage_min_pu": 0.95} for i, case in enumerate(cases)
            },
            "certificates": [
                Certificate(case, "energy balance", 1e-12, 1e-6, "MW", True, True, "Supply equals <demand>.")
                for case in cases
            ],
            "claims": [
                Claim(
                    "C1",
                    "5.2",
                    "Emission falls",
                    "direction",
                    "< 0",
                    -0.1,
                    "direction reproduced",
                    "It does & how.",
                )
            ],
            "tables": {
                name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]
            },
            "manifest": {
                "scenario": "adcef",
                "seed": 1,
                "started": "2026-01-01T00:00:00+00:00",
                "wall_s": 1.5,
            },
        }

    return made


@pytest.fixture(scope="session")
def from_eight(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Settings with which a day begins at 8 h and ends at 12 h."""
    lines = profile_path("net-zero").read_text(encoding="utf-8").splitlines()
    head, rows = lines[:3], [line.split(",", 1) for line in lines[3:]]
    later = [row[1] for row in rows[32:] + rows[:32]]
    times = [row[0] for row in rows[32:]] + [row[0].replace("04-15", "04-16") for row in rows[:32]]
    path = Path(tmp_path_factory.mktemp("profiles")) / "from-eight.csv"
    text = "\n".join([*head, *(f"{time},{rest}" for time, rest in zip(times, later, strict=True))])
    path.write_text(text, encoding="utf-8")
    return (f"profiles={path}", "start=2026-04-15T08:00:00+08:00", "horizon_h=4")


@pytest.fixture(scope="session")
def run_short(from_eight: tuple[str, ...]) -> Run:
    """Return a function that runs cases of the short day."""

    def short(*settings: str, cases: tuple[str, ...] = ("shared-storage",)) -> Result:
        return run(load_scenario("net-zero", [*from_eight, *settings]), cases=list(cases))

    return short


@pytest.fixture(scope="session")
def short_run(run_short: Run) -> Result:
    """The short day in all cases."""
    return run_short(cases=("capture", "shared-storage", "decentralised"))


@pytest.fixture(scope="session")
def folder_of() -> Callable[..., Result]:
    """Return a function that writes what a run has found into a folder, and reads it again."""

    def written(result: Result, out: Path, finish: Callable[[Path], object] | None = None) -> Result:
        parts = {field.name: getattr(result, field.name) for field in fields(result) if field.name != "path"}
        return write_run(out, **parts, finish=finish)

    return written


@pytest.fixture(scope="session")
def bargaining_run() -> Result:
    """A whole day of the pool alone under three rules."""
    cases = ["concession-quadratic", "declared-nash-quadratic", "posted"]
    return run(load_scenario("net-zero-bargaining"), cases=cases)
