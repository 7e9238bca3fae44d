"""The feeder of a grid, read again from the network that a scenario names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridarium.environment.network import Feeder

_COPPER_PLATE = "copper-plate"


def feeder_of(section: Mapping[str, Any]) -> Feeder | None:
    """Return the feeder of a grid, by what the scenario says of it; None where it has but one bus."""
    network = section.get("network")
    if not isinstance(network, dict) or network["source"] == _COPPER_PLATE:
        return None
    return _feeder(json.dumps(network, sort_keys=True))


@lru_cache(maxsize=16)
def _feeder(network_json: str) -> Feeder:
    network = json.loads(network_json)
    feeder = _read(network["source"])
    if network["peak_load_mw"] is not None:
        feeder = feeder.scaled_to(network["peak_load_mw"])
    if network["impedance_factor"] != 1.0:
        feeder = feeder.scaled(1.0, network["impedance_factor"])
    if network["slack_voltage_pu"] is not None:
        feeder = replace(feeder, slack_vm_pu=network["slack_voltage_pu"])
    ratings = network.get("branch_ratings_mva") or {}
    return feeder.rated(ratings) if ratings else feeder


@lru_cache(maxsize=8)
def _read(source: str) -> Feeder:
    from gridarium.environment.network_reader import read_feeder

    return read_feeder(source)
