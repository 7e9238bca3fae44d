"""Exchange rounds that ask some, and do not wait for all: they end where the central optimum is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.region.region import Region
from gridarium.agents.region.region_day import RegionPlan
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

ROUNDS = "grids.bulk.ties.rounds."
EXCHANGE = f"{ROUNDS}exchange."
SETTINGS = (
    f"{ROUNDS}kind=exchange",
    f"{ROUNDS}damping=0.5",
    f"{EXCHANGE}variant=over-relaxed",
    f"{ROUNDS}round_limit=200",
    "grids.bulk.ties.energy_price=marginal-with-carbon",
)
LATE = (
    f"{EXCHANGE}round_s=0.4",
    f"{EXCHANGE}active=round-robin",
    "communication.latency_s=0.5",
    "communication.latency_jitter_s=0.4",
    "communication.loss=0.2",
)
SOME = (f"{EXCHANGE}active=priority", f"{EXCHANGE}active_share=0.4")


def played(*settings: str) -> tuple[BuiltWorld, pd.DataFrame]:
    """A world after its first day has been negotiated, and its messages."""
    built = build(load_scenario("ries-reduced", [*SETTINGS, *settings]).cases["none"])
    built.world.bus.record = True
    built.world.step()
    return built, built.world.bus.log()


@cache
def world(settings: tuple[str, ...]) -> tuple[BuiltWorld, pd.DataFrame]:
    return played(*settings)


@pytest.mark.parametrize("settings", [LATE, SOME], ids=["late", "some"])
def test_the_rounds_end_at_the_best_for_all(settings: tuple[str, ...]) -> None:
    built, _ = world(settings)
    ties = built.one(Ties)
    today, planner = ties.days[0], ties.planner
    assert today.rounds[-1].ended == "converged"
    days = [region.day(0) for region in built.of(Region)]
    social = SocialPlanner.of(planner.merit_order.shape, days)
    args = ("test", planner.forecast(today, np.zeros(24)), today.on, today.state, days)
    best, reached = social.best(*args), social.cost_of(*args, [day.plan for day in days])
    untouched = social.cost_of(*args, [RegionPlan.untouched(day.demand.base_mw) for day in days])
    saving = untouched.cost_money - best.cost_money
    assert saving > 0.0
    assert -1e-3 * saving <= reached.cost_money - best.cost_money <= 1e-2 * saving
    # Nobody would draw anything else at the price alone.
    for region in built.of(Region):
        signal, own = today.signals[region.name], region.day(0)
        free = own.best(replace(signal, pull=None))
        regret = own.cost_money(own.plan, signal) - own.cost_money(free, signal)
        assert -1e-6 <= regret <= 1e-4 * own.cost_money(free, signal)


def test_a_round_lasts_as_long_as_it_may_and_goes_on_without_those_who_are_late() -> None:
    built, _ = world(LATE)
    rounds = built.one(Ties).days[0].rounds
    lasted = np.diff([each.time_s for each in rounds])
    # A round takes 0.4 s, longer only if nothing has come by then, up to the 5 s of an answer.
    assert (lasted > 0.0).all() and (lasted <= 5.0 + 0.4).all() and lasted.min() <= 0.4 + 1e-9
    assert min(each.replies for each in rounds) < 3
    # Before everybody has answered once, there is no rest.
    assert rounds[0].judgement.unheard > 0 and rounds[-1].judgement.unheard == 0


def test_a_round_of_some_asks_that_many() -> None:
    built, log = world(SOME)
    rounds = built.one(Ties).days[0].rounds
    # 0.4 of three, rounded up, after a first round of each negotiation that asks all.
    replies = [each.replies for each in rounds]
    starts = np.cumsum([0, *built.one(Ties).days[0].lengths[:-1]])
    assert [replies[start] for start in starts] == [3] * len(starts)
    assert {replies[place] for place in range(len(replies)) if place not in starts} == {2}
    assert (log["topic"] == "LoadPlan").sum() >= sum(replies)


def test_the_same_seed_gives_the_same_rounds_over_bad_links() -> None:
    first, again = world(LATE), played(*LATE)
    pd.testing.assert_frame_equal(first[1], again[1])
    days = [one[0].one(Ties).days[0] for one in (first, again)]
    assert days[0].rounds == days[1].rounds
    assert (first[1]["outcome"] == "lost").any()
