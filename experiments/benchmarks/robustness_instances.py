"""Random realistic scenarios of a feeder whose operator negotiates with its consumers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridarium.environment.profiles import read_profiles
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.random_feeders import drawn_feeder, part_of_case33bw
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path, read_scenario_file, without_cases

if TYPE_CHECKING:
    from numpy.random import Generator

BASE = "adcef-small"
"""The scenario that the drawn fields are laid over."""
MOST_BUSES = 33
LEAST_BUSES = 5
TARIFFS = ("tou", "static-carbon", "adcef")
FEEDERS = ("five buses", "case33bw", "part of case33bw", "drawn")
GAS_PER_MWH = (200.0, 700.0)
DEARER_GAS = (1.0, 1.3)
"""Cost of the second unit, times that of the first."""
RENEWABLE_SCALE = (0.5, 2.5)
STORAGE_H = (0.0, 4.0)
LEAST_STORAGE_H = 0.2
"""Below it a feeder has no storage."""
BETA_PER_MWH_PER_MW = (10.0, 300.0)
FLEXIBLE_SHARE = (0.05, 0.4)
MOST_CONSUMERS = 20
MOST_CLASSES = 3
CARBON_PRICE_PER_TCO2 = (0.0, 300.0)
LATENCY_S = (0.0, 1.0)
LOSS = (0.0, 0.1)
_RENEWABLE_COLUMNS = ("pv_mw", "wind_mw")


@dataclass(frozen=True)
class ConsumerDraw:
    """One class of consumers."""

    share: float
    count: int
    beta_per_mwh_per_mw: float
    flexible_share: float


@dataclass(frozen=True)
class Draw:
    """What was drawn for a scenario; fields have the units of the scenario's.

    Parameters
    ----------
    seed, attempt : int
        They give the same draw again; attempts beyond the first replace what nobody could supply.
    feeder : str
        One of `FEEDERS`.
    """

    seed: int
    attempt: int
    feeder: str
    n_bus: int
    tariff: str
    gas_per_mwh: tuple[float, float]
    renewable_scale: float
    storage_h: float
    carbon_price_per_tco2: float
    latency_s: float
    loss: float
    consumers: tuple[ConsumerDraw, ...]

    def told(self) -> str:
        """All of it in one line."""
        return ", ".join(f"{name} {_short(value)}" for name, value in asdict(self).items())


def draw(seed: int, attempt: int = 0, most_buses: int = MOST_BUSES) -> Draw:
    """Draw a scenario; every seed and attempt has a stream of its own.

    Parameters
    ----------
    seed : int
    attempt : int
    most_buses : int
        Of the feeder, from 5 to 33; below 33 the whole 33-bus feeder is not among them.
    """
    random = _stream(seed, attempt, "robustness")
    kinds = [kind for kind in FEEDERS if kind != "case33bw" or most_buses >= MOST_BUSES]
    feeder = str(random.choice(kinds))
    n_bus = int(random.integers(LEAST_BUSES, most_buses + 1))
    gas = float(random.uniform(*GAS_PER_MWH))
    return Draw(
        seed=seed,
        attempt=attempt,
        feeder=feeder,
        n_bus={"five buses": 5, "case33bw": 33}.get(feeder, n_bus),
        tariff=str(random.choice(TARIFFS)),
        gas_per_mwh=(gas, gas * float(random.uniform(*DEARER_GAS))),
        renewable_scale=float(random.uniform(*RENEWABLE_SCALE)),
        storage_h=float(random.uniform(*STORAGE_H)),
        carbon_price_per_tco2=float(random.uniform(*CARBON_PRICE_PER_TCO2)),
        latency_s=float(random.uniform(*LATENCY_S)),
        loss=float(random.uniform(*LOSS)),
        consumers=_consumers(random),
    )


def _consumers(random: Generator) -> tuple[ConsumerDraw, ...]:
    total = int(random.integers(1, MOST_CONSUMERS + 1))
    counts = [len(part) for part in np.array_split(np.arange(total), min(total, MOST_CLASSES))]
    shares = random.dirichlet(np.full(len(counts), 5.0))
    return tuple(
        ConsumerDraw(
            float(share),
            count,
            # As many rigid classes as flexible ones: a factor of thirty lies between them.
            float(np.exp(random.uniform(*np.log(BETA_PER_MWH_PER_MW)))),
            float(random.uniform(*FLEXIBLE_SHARE)),
        )
        for share, count in zip(shares, counts, strict=True)
    )


def write_scenario(drawn: Draw, folder: Path) -> Path:
    """Write the scenario of a draw with its network and its profiles.

    Returns
    -------
    Path
        The scenario, which `gridarium run` takes as it takes any other.
    """
    tree = without_cases(read_scenario_file(BASE).tree)
    tree |= {
        "title": f"Robustness, seed {drawn.seed}",
        "description": drawn.told(),
        "papers": [],
        "seed": drawn.seed,
        "profiles": str(_write_profiles(drawn, folder)),
        "network": {**tree["network"], "source": _network(drawn, folder, tree), "sites": {}},
        "gas_turbines": turbines_of(drawn, tree["gas_turbines"]),
        "storages": storages_of(drawn, tree["storages"]),
        "consumers": {f"class-{number}": asdict(one) for number, one in enumerate(drawn.consumers, 1)},
        "prices": {**tree["prices"], "carbon_price_per_tco2": drawn.carbon_price_per_tco2},
        "tariff": {**tree["tariff"], "kind": drawn.tariff},
        "dso": {**tree["dso"], "carbon_in_cost": drawn.tariff != "tou"},
        "communication": {"latency_s": drawn.latency_s, "loss": drawn.loss},
    }
    path = folder / "scenario.yaml"
    path.write_text(dump_yaml(tree), encoding="utf-8")
    return path


def _network(drawn: Draw, folder: Path, tree: Mapping[str, Any]) -> str:
    if drawn.feeder == "case33bw":
        return "case33bw"
    if drawn.feeder == "five buses":
        return str(tree["network"]["source"])
    import pandapower

    random = _stream(drawn.seed, drawn.attempt, "robustness feeder")
    make = part_of_case33bw if drawn.feeder == "part of case33bw" else drawn_feeder
    path = folder / "network.json"
    pandapower.to_json(make(random, drawn.n_bus), str(path))
    return str(path)


def _write_profiles(drawn: Draw, folder: Path) -> Path:
    profiles = read_profiles(profile_path("adcef-ordinary"))
    columns = {name: profiles.column(name) for name in profiles.columns}
    for name in _RENEWABLE_COLUMNS:
        columns[name] = columns[name] * drawn.renewable_scale
    path = folder / "profiles.csv"
    pd.DataFrame({"time": [time.isoformat() for time in profiles.index], **columns}).to_csv(path, index=False)
    return path


def turbines_of(drawn: Draw, units: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Turbines at the costs that were drawn."""
    costs = zip(units.items(), drawn.gas_per_mwh, strict=True)
    return {name: {**unit, "cost_linear_per_mwh": cost} for (name, unit), cost in costs}


def storages_of(drawn: Draw, units: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Storages of the hours that were drawn; none where they are few."""
    if drawn.storage_h < LEAST_STORAGE_H:
        return {}
    return {name: {**unit, "e_max_mwh": drawn.storage_h * unit["p_max_mw"]} for name, unit in units.items()}


def _stream(seed: int, attempt: int, purpose: str) -> Generator:
    return RandomStreams(seed).stream(f"{purpose}, attempt {attempt}")


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple | list):
        return "(" + "; ".join(_short(item) for item in value) + ")"
    if isinstance(value, dict):
        return " ".join(f"{name} {_short(item)}" for name, item in value.items())
    return str(value)
