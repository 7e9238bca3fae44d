"""The gaps of a played day of model D: what they are measured against, and what must hold of them."""

from __future__ import annotations

import pytest

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.evidence.transmission.bulk_metrics import game_gaps
from tests.support.ries_small import known_of

ASKED = "grids.bulk.ties.game_gaps=true"


@pytest.mark.parametrize("case", ["none", "ladder"])
def test_the_day_stands_between_its_benchmarks(case: str) -> None:
    known = known_of(case, ASKED)
    (row,) = known.tables["game_gaps"].to_dict("records")
    assert row["optimum_money"] < row["outcome_money"] < row["untouched_money"]
    saving = row["untouched_money"] - row["optimum_money"]
    missed = row["outcome_money"] - row["optimum_money"]
    assert row["social_percent"] == pytest.approx(100.0 * missed / row["optimum_money"])
    assert row["missed_saving_percent"] == pytest.approx(100.0 * missed / saving)
    assert -1e-6 <= row["stackelberg_percent"] <= row["stackelberg_bound_percent"]
    assert row["stackelberg_profit_percent"] >= -1e-6
    # Everybody has done its best at what it was told; what is left is market power.
    assert row["nash_held_percent"] < 0.05
    assert row["nash_percent"] >= row["nash_held_percent"]
    assert dict(game_gaps(known.tables, 1.0))["gap_social_percent"] == row["social_percent"]
    # Whatever loads the rounds begin with, they end in the same ones.
    assert row["starts_at_rest"] == 5
    assert 0.0 <= row["starts_spread"] < 1e-3
    assert 0.0 <= row["best_response_radius"] < 1.0


def test_outcome_is_what_the_ties_supplies_and_users_bear() -> None:
    known = known_of("ladder", ASKED)
    (ties,), regions = known.of(Ties), known.of(Region)
    (row,) = known.tables["game_gaps"].to_dict("records")
    borne = sum(region.day(0).own_money(region.day(0).plan) for region in regions)
    # The network's own dispatch costs next to nothing more than that on one bus with its losses.
    assert row["outcome_money"] == pytest.approx(ties.days[0].plan.cost_money + borne, rel=5e-3)
    drawn = sum(region.day(0).plan.net_mw for region in regions)
    assert drawn == pytest.approx(ties.days[0].loads.sum(axis=0), abs=1e-3)


def test_without_a_price_a_leader_that_sells_at_a_tariff_has_nothing_to_choose() -> None:
    (row,) = known_of("none", ASKED).tables["game_gaps"].to_dict("records")
    assert row["stackelberg_percent"] == pytest.approx(0.0, abs=1e-3)
    assert row["nash_percent"] == pytest.approx(0.0, abs=1e-3)


def test_nothing_is_measured_where_nobody_asks() -> None:
    assert "game_gaps" not in known_of("ladder").tables
