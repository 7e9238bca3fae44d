"""One world in other sizes and with other numbers: feeders of all kinds under a system that fits them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import read_scenario_file, without_cases

BASE = "one-world-small"
"""The world that others are made of."""
SIZE = (0.8, 1.2)
"""Powers of a feeder, times those of its kind."""
FUEL = (0.8, 1.25)
EMISSION = (0.85, 1.15)
RENEWABLES = (0.5, 2.0)
STORED = (0.3, 1.5)
CARBON_PRICE = (0.0, 2.0)
PENALTY = (0.5, 2.0)
RESPONSE = (0.5, 2.0)
"""What is drawn for a variant, times what the base has."""

_EXTENSIVE = {
    "thermal_units": (
        "p_min_mw",
        "p_max_mw",
        "p_initial_mw",
        "ramp_mw_per_h",
        "cost_fixed_per_h",
        "start_stop_money",
    ),
    "storages": ("p_max_mw", "e_max_mwh"),
}
"""Fields of units that grow with the system."""
_CAPTURE = ("fixed_mw", "tank_tco2")
_OWN_CARBON = ("quota_tco2", "interval_tco2", "purchase_limit_tco2")


def feeders_of(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The grids of a scenario's tree that hang on its system, by name."""
    return {name: grid for name, grid in tree["grids"].items() if grid.get("under") == "bulk"}


def world_of(
    count: int, seed: int = 1, kinds: Sequence[str] | None = None, owners: int | None = None
) -> Tree:
    """A world with a number of feeders, each single and with an operator of its own, of its kinds in turn.

    Parameters
    ----------
    count : int
    seed : int
        Of the sizes of feeders.
    kinds : sequence of str, optional
        Feeders of the base that are copied; all by default.
    owners : int, optional
        Owners in each pool, who share the power and energy of the base's; as there by default.
    """
    tree: Any = read_scenario_file(BASE).tree
    known = feeders_of(tree)
    chosen = [(name, known[name]) for name in kinds or known]
    sizes = RandomStreams(seed).stream("world sizes").uniform(*SIZE, count).tolist()
    share = count / sum(kind.get("replicas", 1) for kind in known.values())
    grids: dict[str, Any] = {"bulk": _scaled(tree["grids"]["bulk"], share)}
    for number, size in enumerate(sizes):
        name, kind = chosen[number % len(chosen)]
        own = {**kind, "replicas": 1, "power_scale": size * kind.get("power_scale", 1.0)}
        if owners is not None and "storage_pool" in kind:
            own["storages"] = _parted(kind["storages"], owners)
        grids[f"{name}_{number + 1:02d}"] = own
    return {**without_cases(tree), "grids": grids}


def _parted(storages: Mapping[str, Any], owners: int) -> dict[str, Any]:
    """The storages of a pool as those of another number of owners, from small to large."""
    sizes = np.linspace(0.8, 1.2, owners) / owners
    power, energy = (sum(unit[size] for unit in storages.values()) for size in ("p_max_mw", "e_max_mwh"))
    return {
        f"battery_{number + 1}": {
            "p_max_mw": float(size * power),
            "e_max_mwh": float(size * energy),
            "pooling": {"response_s": 0.8},
        }
        for number, size in enumerate(sizes)
    }


def _scaled(bulk: Mapping[str, Any], share: float) -> dict[str, Any]:
    """A system of another size at the same prices."""
    own = copy.deepcopy(dict(bulk))
    for section, fields in _EXTENSIVE.items():
        for unit in own.get(section, {}).values():
            unit |= {name: share * unit[name] for name in fields if name in unit}
            if "cost_quadratic_per_mw2h" in unit:
                unit["cost_quadratic_per_mw2h"] /= share
            if unit.get("capture"):
                unit["capture"] |= {
                    name: share * unit["capture"][name] for name in _CAPTURE if name in unit["capture"]
                }
    own["power_scale"] = share * own.get("power_scale", 1.0)
    market, ties = own.get("real_time_market", {}), own["ties"]
    if "import_limit_mw" in market:
        market["import_limit_mw"] *= share
    carbon = {"interval_tco2": 200.0, "quota_tco2": 1200.0, "purchase_limit_tco2": 3000.0} | ties.get(
        "own_carbon", {}
    )
    ties["own_carbon"] = carbon | {name: share * carbon[name] for name in _OWN_CARBON}
    ties["uneven_capture_per_t2"] = ties.get("uneven_capture_per_t2", 0.0005) / share
    ties["trigger_mw"] = share * ties.get("trigger_mw", 5.0)
    return own


@dataclass(frozen=True)
class WorldDraw:
    """What was drawn for a variant of the world: factors on what the base has.

    Parameters
    ----------
    seed : int
    fuel, emission : mapping of str to float
        Of each thermal unit.
    renewables, stored : mapping of str to float
        Of each grid: power that is available, and size of storages.
    response : mapping of str to float
        Of each feeder: how dear it is to consumers to shift.
    carbon_price, penalty : float
        Of the ladder of the system, and of the weight of targets.
    """

    seed: int
    fuel: Mapping[str, float] = field(default_factory=dict)
    emission: Mapping[str, float] = field(default_factory=dict)
    renewables: Mapping[str, float] = field(default_factory=dict)
    stored: Mapping[str, float] = field(default_factory=dict)
    response: Mapping[str, float] = field(default_factory=dict)
    carbon_price: float = 1.0
    penalty: float = 1.0

    def told(self) -> str:
        """All of it in one line."""
        return ", ".join(f"{name} {_short(value)}" for name, value in asdict(self).items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_short(one)}" for name, one in value.items()) + ")"
    return f"{value:.4g}"


def draw_world(seed: int) -> WorldDraw:
    """Draw a variant; every seed has a stream of its own."""
    tree: Any = read_scenario_file(BASE).tree
    random = RandomStreams(seed).stream("world variant")
    units, grids, feeders = tree["grids"]["bulk"]["thermal_units"], tree["grids"], feeders_of(tree)

    def each(names: Mapping[str, Any], limits: tuple[float, float]) -> dict[str, float]:
        return {name: float(random.uniform(*limits)) for name in names}

    return WorldDraw(
        seed,
        each(units, FUEL),
        each(units, EMISSION),
        each(grids, RENEWABLES),
        each(grids, STORED),
        each(feeders, RESPONSE),
        float(random.uniform(*CARBON_PRICE)),
        float(random.uniform(*PENALTY)),
    )


def variant_of(drawn: WorldDraw, prices_alone: bool = False) -> Tree:
    """The world of a draw; with rounds of prices alone as a control."""
    tree: Any = copy.deepcopy(read_scenario_file(BASE).tree)
    grids = tree["grids"]
    bulk = grids["bulk"]
    for name, unit in bulk["thermal_units"].items():
        unit["cost_linear_per_mwh"] *= drawn.fuel[name]
        unit["emission_tco2_per_mwh"] *= drawn.emission[name]
    for name, grid in grids.items():
        for plant in grid.get("renewables", {}).values():
            plant["scale"] = drawn.renewables[name] * plant.get("scale", 1.0)
        for unit in grid.get("storages", {}).values():
            unit |= {size: drawn.stored[name] * unit[size] for size in ("p_max_mw", "e_max_mwh")}
    for name, grid in feeders_of(tree).items():
        for consumer in grid.get("consumers", {}).values():
            if consumer.get("beta_per_mwh_per_mw"):
                consumer["beta_per_mwh_per_mw"] *= drawn.response[name]
    policy = bulk["carbon_policy"]
    policy["base_price_per_tco2"] = drawn.carbon_price * policy.get("base_price_per_tco2", 40.0)
    rounds = bulk["ties"]["rounds"]
    if prices_alone:
        bulk["ties"]["rounds"] = {key: value for key, value in rounds.items() if key != "exchange"} | {
            "kind": "prices"
        }
    else:
        rounds["exchange"]["penalty"] *= drawn.penalty
    return {**without_cases(tree), "seed": drawn.seed, "description": drawn.told()}
