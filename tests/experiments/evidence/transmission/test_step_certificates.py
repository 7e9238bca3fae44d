"""Steps of exchange rounds and forecasts at heads: a price, or a forecast, that is off is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from gridarium.agents.transmission.exchange_negotiation import ExchangeNegotiation
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.evidence.transmission.step_certificates import supply_steps
from gridarium.experiments.evidence.world.place_certificates import heads
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario


@pytest.fixture(scope="module")
def stacked() -> Mapping[str, GridEvidence]:
    built = build(load_scenario("one-world-small", ["horizon_h=2"]).cases["all-on"])
    built.world.bus.record = True
    _play(built)
    tables = collect("all-on", built.world, built.sections)
    return {grid.name: evidence_of("all-on", grid, built.sections, tables) for grid in built.world.grids}


@pytest.fixture
def rounds(stacked: Mapping[str, GridEvidence]) -> Iterator[ExchangeNegotiation]:
    (ties,) = stacked["bulk"].of(Ties)
    found = ties.in_force(0).negotiation
    assert isinstance(found, ExchangeNegotiation)
    step = found.last_step
    yield found
    found._step = step


def failed(known: GridEvidence) -> set[str]:
    return {one.name for one in supply_steps(known) if not one.value <= one.tolerance}


def test_honest_steps_hold(stacked: Mapping[str, GridEvidence]) -> None:
    found = [one.name for one in supply_steps(stacked["bulk"])]
    assert found == ["price of a supplier's step", "price as called for", "own carbon in the price"]
    assert failed(stacked["bulk"]) == set()


def test_a_price_that_is_not_what_a_further_mwh_costs_is_seen(
    stacked: Mapping[str, GridEvidence], rounds: ExchangeNegotiation
) -> None:
    step = rounds.last_step
    rounds._step = replace(step, price_per_mwh=1.01 * step.price_per_mwh)
    assert failed(stacked["bulk"]) == {"price of a supplier's step", "price as called for"}


def test_own_carbon_that_is_left_out_otherwise_is_seen(
    stacked: Mapping[str, GridEvidence], rounds: ExchangeNegotiation
) -> None:
    step = rounds.last_step
    rounds._step = replace(step, carbon_per_tco2=1.01 * step.carbon_per_tco2)
    assert failed(stacked["bulk"]) == {"own carbon in the price"}


def test_a_forecast_at_a_head_that_is_another_is_seen(stacked: Mapping[str, GridEvidence]) -> None:
    known = stacked["c"]

    def off(known: GridEvidence) -> float:
        return next(one.value for one in heads(known) if one.name == "forecast at the head")

    assert off(known) < 1e-9
    rows = known.tables["heads"].copy()
    rows["p_forecast_mw"] += 0.001
    assert off(replace(known, tables={**known.tables, "heads": rows})) == pytest.approx(0.001)
