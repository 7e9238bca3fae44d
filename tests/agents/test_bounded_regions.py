"""Regional systems and their leader as bounded or strategic agents, on five buses by hours."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any, NoReturn

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour, Decider
from gridarium.agents.bounded.strategic import Anticipation
from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from tests.support.behaviours import at_default

SETTINGS = ("horizon_h=10", "period_h=1.0", "grids.bulk.ties.trigger_mw=1000")
COMMERCIAL = "grids.bulk.regions.commercial.behaviour"


def unplayed(*settings: str) -> BuiltWorld:
    return build(load_scenario("ries-small", [*SETTINGS, *settings]).cases["full"])


@cache
def world(*settings: str) -> BuiltWorld:
    built = unplayed(*settings)
    _play(built)
    return built


def day_of(built: BuiltWorld) -> TiesDay:
    return built.one(Ties).days[0]


def commercial(built: BuiltWorld) -> Region:
    return built.of(Region)[1]


def paid_money(built: BuiltWorld) -> float:
    ledger = built.world.ledger.table()
    return -float(ledger.loc[ledger["account"] == "bulk/commercial", "amount_money"].sum())


def true_cost_money(built: BuiltWorld) -> float:
    own = commercial(built).day(0)
    return paid_money(built) + own.own_money(own.plan)


@pytest.mark.parametrize(
    "behaviour",
    [
        "habit",
        "quantal",
        "satisficing",
        "stale",
        "anticipation",
        "overstated-base",
        "evolution-strategy",
        "exp3",
        "inexact",
        "byzantine",
    ],
)
def test_at_its_limit_a_behaviour_is_the_exact_region(behaviour: str) -> None:
    exact, bounded = world(), world(f"{COMMERCIAL}=[{at_default(behaviour)}]")
    for name, load in day_of(exact).loads_mw.items():
        assert np.array_equal(load, day_of(bounded).loads_mw[name])


def test_a_habit_mixes_the_best_load_with_the_usual_one_and_asks_users_for_no_more() -> None:
    built = world(f"{COMMERCIAL}=[{{habit: {{usual_weight: 0.4}}}}]")
    region = commercial(built)
    day, signal = region.day(0), region.day(0).signal
    assert signal is not None
    best = day.best(signal).net_mw
    assert day.plan.net_mw == pytest.approx(0.6 * best + 0.4 * day.demand.base_mw, abs=0.02)
    # Response is convex: part of a plan costs less than that part of it.
    assert day.own_money(day.plan) <= 0.6 * day.own_money(day.best(signal)) + 1.0


def test_choices_are_feasible_and_the_nearest_of_a_feasible_load_is_itself() -> None:
    region = commercial(world())
    day, base = region.day(0), region.plans.base_mw
    limit = day.demand.flexibility
    cheapest = region.plans.cheapest(np.linspace(20.0, 200.0, len(base)))
    assert region.plans.nearest(cheapest) == pytest.approx(cheapest, abs=0.02)
    far = region.plans.nearest(2.0 * base)
    assert limit.comfort is not None
    most = base * (1.0 + limit.shift_share + limit.comfort.load_share)
    assert (far <= most + 1e-3).all()
    assert region.value_money(cheapest, day.signal) <= region.value_money(day.plan.net_mw, day.signal) + 1e-3


def test_who_overstates_its_base_seems_to_avoid_more_and_pays_less() -> None:
    honest, liar = world(), world(f"{COMMERCIAL}=[{{overstated-base: {{share: 0.1}}}}]")
    place = day_of(honest).followers.index("bulk/commercial")
    assert day_of(liar).base[place] == pytest.approx(1.1 * day_of(honest).base[place])
    assert day_of(liar).abatement_tco2[place] > 1.5 * day_of(honest).abatement_tco2[place]
    assert true_cost_money(liar) < true_cost_money(honest)


def test_who_foresees_its_price_counts_with_what_a_further_mwh_adds_to_all_others() -> None:
    slope, loads = 2.0, [np.full(10, 80.0), np.full(10, 70.0), np.full(10, 75.0)]
    plain = replace(day_of(world()).signals["bulk/commercial"], ladder=None)
    foresees = Anticipation(trust=1.0)

    class Drawing:
        """As much of a follower as the behaviour looks at."""

        plans, plan_mw, name = None, loads[0], "follower"

    follower, perceived = Drawing(), plain
    for load in loads:
        follower.plan_mw = load
        told = replace(plain, price_per_mwh=10.0 + slope * load)
        perceived = foresees.perceive(follower, told)  # type: ignore[arg-type]
    assert perceived.price_per_mwh == pytest.approx(10.0 + 2.0 * slope * loads[-1], rel=1e-9)


@pytest.mark.parametrize("behaviour", ["sticky-price", "satisficing-leader", "learned-slope"])
def test_at_its_limit_a_behaviour_is_the_exact_leader(behaviour: str) -> None:
    exact, bounded = world(), world(f"grids.bulk.ties.behaviour=[{at_default(behaviour)}]")
    assert len(day_of(exact).rounds) == len(day_of(bounded).rounds)
    assert day_of(bounded).emission_tco2 == pytest.approx(day_of(exact).emission_tco2, rel=1e-9)


def test_a_leader_that_learns_comes_to_rest_sooner_and_one_that_sticks_later() -> None:
    exact = day_of(world()).lengths[0]
    learning = world("grids.bulk.ties.behaviour=[{learned-slope: {trust: 0.5}}]")
    sticking = world("grids.bulk.ties.behaviour=[{sticky-price: {every_rounds: 2}}]")
    assert day_of(learning).lengths[0] < exact < day_of(sticking).lengths[0]


def test_vertices_of_a_region_have_the_lowest_bill_whatever_its_users_say() -> None:
    region = commercial(world())
    random = np.random.default_rng(3)
    prices, base = 1.0 - random.random((4, 10)), region.plans.base_mw
    vertices = [region.plans.cheapest(price) for price in prices]
    others = [region.plans.nearest(base * random.uniform(0.5, 1.3, 10)) for _ in range(20)]
    for price, vertex in zip(prices, vertices, strict=True):
        assert region.plans.nearest(vertex) == pytest.approx(vertex, abs=0.02)
        assert price @ vertex < min(float(price @ load) for load in others)
    distances = [np.abs(a - b).max() for a, b in combinations(vertices, 2)]
    assert min(distances) > 0.01 * base.max()


def test_a_vertex_of_who_can_only_cut_is_all_cut() -> None:
    settings = [f"grids.bulk.regions.commercial.{name}" for name in ("windows=[]", "comfort=null")]
    region = commercial(world(*settings))
    vertex = region.plans.cheapest(np.full(10, 0.5))
    share = region.day(0).demand.flexibility.cut_share
    assert vertex == pytest.approx((1.0 - share) * region.plans.base_mw, abs=1e-6)


class Blindfolded(Behaviour):
    """Lets a behaviour choose without showing it the plan."""

    def __init__(self, inner: Behaviour) -> None:
        self.inner = inner

    def begin_day(self, agent: Decider, day: int) -> None:
        self.inner.begin_day(agent, day)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        return self.inner.choose(agent, signal, None)


@pytest.mark.parametrize(
    "behaviour", ["evolution-strategy: {population: 4}", "exp3: {plans: 4, knows_best: false}"]
)
def test_a_negotiation_with_a_learner_is_the_same_where_it_cannot_know_the_best_response(
    behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("somebody has asked for the best response")

    settings = (f"{COMMERCIAL}=[{{{behaviour}}}]", "grids.bulk.ties.rounds.round_limit=12")
    seen, blind = world(*settings), unplayed(*settings)
    commercial(blind).behaviour = Blindfolded(commercial(blind).behaviour)
    monkeypatch.setattr(Region, "best_response", refuse)
    _play(blind)
    for name, load in day_of(seen).loads_mw.items():
        assert load.tobytes() == day_of(blind).loads_mw[name].tobytes()
    learnt = day_of(seen).loads_mw["bulk/commercial"]
    assert np.abs(learnt - day_of(world()).loads_mw["bulk/commercial"]).max() > 0.1


def test_rounds_with_learners_end_at_rest_once_they_have_learnt_or_at_the_limit_and_say_so() -> None:
    names = ("residential", "commercial", "industrial")

    def ended(rounds: int, limit: int) -> tuple[int, str]:
        learner = f"[{{evolution-strategy: {{population: 4, explore_rounds: {rounds}}}}}]"
        settings = [f"grids.bulk.regions.{name}.behaviour={learner}" for name in names]
        settings += [f"grids.bulk.ties.rounds.{one}" for one in ("tolerance=1.0e-3", f"round_limit={limit}")]
        first = next(one for one in day_of(world(*settings)).rounds if one.ended)
        return first.round, first.ended

    learnt, tried = ended(8, 60), ended(1000, 12)
    assert learnt[1] == "converged" and 8 < learnt[0] < 60
    assert tried == (12, "round limit")
