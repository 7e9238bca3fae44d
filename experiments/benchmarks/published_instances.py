"""Random realistic scenarios on published networks, each at the loads, limits and generators of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from gridarium.environment.network_tables import is_simbench_code
from gridarium.environment.profiles import read_profiles
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.base_case_networks import NETWORKS, network_of, source_of
from gridarium.experiments.benchmarks.robustness_instances import BASE, Draw, draw, storages_of, turbines_of
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path, read_scenario_file, without_cases

PROFILES = "adcef-ordinary"
MOST_BUSES = 150
"""All networks but three of 290 to 907 buses."""
NO_LIMIT_MW = 1000.0
"""Of exchange at the head: the ratings of the file are the limits."""


class Size(NamedTuple):
    """Of a network.

    Parameters
    ----------
    n_bus : int
    p_load_mw : float
        All of its own loads.
    """

    n_bus: int
    p_load_mw: float


@lru_cache(maxsize=len(NETWORKS))
def size_of(name: str) -> Size:
    """Buses and loads of one of the networks."""
    from gridarium.environment.network_reader import feeder_of, read_feeder

    # A SimBench network takes seconds to load; the reader keeps it for the run.
    feeder = read_feeder(name) if is_simbench_code(name) else feeder_of(network_of(name))
    return Size(feeder.n_bus, float(feeder.p_load_mw.sum()))


def draw_published(seed: int, attempt: int = 0, most_buses: int = MOST_BUSES) -> Draw:
    """Draw a scenario on one of the networks; all but the feeder is drawn as on drawn feeders.

    Parameters
    ----------
    seed : int
    attempt : int
    most_buses : int
        Of the network, at least 4.
    """
    random = RandomStreams(seed).stream(f"robustness published, attempt {attempt}")
    names = (str(name) for name in random.permutation(NETWORKS))
    name = next(name for name in names if size_of(name).n_bus <= most_buses)
    return replace(draw(seed, attempt), feeder=name, n_bus=size_of(name).n_bus)


def write_published(drawn: Draw, folder: Path) -> Path:
    """Write the scenario of a draw with its network.

    Returns
    -------
    Path
        The scenario, which `gridarium run` takes as it takes any other.

    Notes
    -----
    Units, and how flexible consumers are, have the proportion to the load that they have on drawn feeders;
    limits of voltages and ratings are those of the file.
    """
    tree = without_cases(read_scenario_file(BASE).tree)
    profiles = read_profiles(profile_path(PROFILES))
    factor = size_of(drawn.feeder).p_load_mw / float(profiles.column("load_mw").max())
    tree |= {
        "title": f"Robustness on {drawn.feeder}, seed {drawn.seed}",
        "description": drawn.told(),
        "papers": [],
        "seed": drawn.seed,
        "profiles": PROFILES,
        "network": {"source": source_of(drawn.feeder, folder)},
        "gas_turbines": _of_size(turbines_of(drawn, tree["gas_turbines"]), factor),
        "storages": _of_size(storages_of(drawn, tree["storages"]), factor),
        "renewables": {
            name: {
                **unit,
                "p_mw": factor * drawn.renewable_scale * float(profiles.column(unit["column"]).max()),
            }
            for name, unit in tree["renewables"].items()
        },
        "consumers": {
            f"class-{number}": {**asdict(one), "beta_per_mwh_per_mw": one.beta_per_mwh_per_mw / factor}
            for number, one in enumerate(drawn.consumers, 1)
        },
        "prices": {
            **tree["prices"],
            "carbon_price_per_tco2": drawn.carbon_price_per_tco2,
            "import_limit_mw": NO_LIMIT_MW,
            "export_limit_mw": NO_LIMIT_MW,
            "export_share_of_wholesale": 1.0,
        },
        "tariff": {**tree["tariff"], "kind": drawn.tariff},
        "dso": {**tree["dso"], "carbon_in_cost": drawn.tariff != "tou"},
        "communication": {"latency_s": drawn.latency_s, "loss": drawn.loss},
    }
    path = folder / "scenario.yaml"
    path.write_text(dump_yaml(tree), encoding="utf-8")
    return path


_POWERS = ("p_max_mw", "s_max_mva", "e_max_mwh", "cost_fixed_per_h")


def _of_size(units: Mapping[str, Mapping[str, Any]], factor: float) -> dict[str, dict[str, Any]]:
    """Units of another size: a MWh costs the same at the same share of their power."""
    return {
        name: {key: _sized(key, value, factor) for key, value in unit.items()} for name, unit in units.items()
    }


def _sized(key: str, value: Any, factor: float) -> Any:
    if key in _POWERS:
        return value * factor
    return value / factor if key == "cost_quadratic_per_mw2h" else value
