"""The price that exchange rounds end with is a subgradient of the cost of supply, by another solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from bulk_references import BulkCase
from supply_prices import Probe, probes

from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

pytest.importorskip("clarabel")
LARGEST = 0.05
"""Of the certificate `price of supply`: rounds end near the price of rest, not at it."""


@pytest.fixture(scope="module")
def told() -> tuple[BulkCase, Array, Array]:
    """A quarter of a day of a stack as planned, the loads heard, and the price with its own carbon."""
    built = build(load_scenario("ties-feeders-small", ["horizon_h=6"]).cases["ladder"])
    built.world.step()
    (ties,) = (agent for agent in built.world.agents if isinstance(agent, Ties))
    day, planner = ties.days[0], ties.planner
    load, price = day.loads.sum(axis=0), day.supply_price_per_mwh
    assert price is not None
    case = BulkCase(planner.system, planner.forecast(day, load), day.on, day.state, ties.horizon.step_h)
    return case, load, price


def worst(found: list[Probe]) -> Probe:
    return max(found, key=lambda probe: probe.shortfall)


def test_no_other_load_costs_less_than_the_price_says(
    told: tuple[BulkCase, Array, Array], record_property: Callable[[str, object], None]
) -> None:
    case, load, price = told
    found = list(probes(case, load, price))
    assert len(found) > 2 * len(load)
    record_property("largest violation", worst(found).shortfall)
    assert worst(found).shortfall <= LARGEST, f"largest violation {worst(found)}"


def test_another_price_is_found_out(told: tuple[BulkCase, Array, Array]) -> None:
    case, load, price = told
    for factor in (0.8, 1.2):
        other = price * np.where(np.arange(len(price)) == 3, factor, 1.0)
        assert worst(list(probes(case, load, other, steps=[3]))).shortfall > LARGEST
