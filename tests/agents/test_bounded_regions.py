"""Regional systems and their leader as bounded or strategic agents, on five buses by hours."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gridarium.agents.bounded.strategic import Anticipation
from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.experiments.case_run import _play
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.world_build import BuiltWorld, build

SETTINGS = ("horizon_h=10", "period_h=1.0", "grids.bulk.ties.trigger_mw=1000")
COMMERCIAL = "grids.bulk.regions.commercial.behaviour"


@cache
def world(*settings: str) -> BuiltWorld:
    built = build(load_scenario("ries-small", [*SETTINGS, *settings]).cases["full"])
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
    "behaviour", ["habit", "quantal", "satisficing", "stale", "anticipation", "overstated-base"]
)
def test_at_its_limit_a_behaviour_is_the_exact_region(behaviour: str) -> None:
    exact, bounded = world(), world(f"{COMMERCIAL}=[{behaviour}]")
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
    exact, bounded = world(), world(f"grids.bulk.ties.behaviour=[{behaviour}]")
    assert len(day_of(exact).rounds) == len(day_of(bounded).rounds)
    assert day_of(bounded).emission_tco2 == pytest.approx(day_of(exact).emission_tco2, rel=1e-9)


def test_a_leader_that_learns_comes_to_rest_sooner_and_one_that_sticks_later() -> None:
    exact = day_of(world()).lengths[0]
    learning = world("grids.bulk.ties.behaviour=[{learned-slope: {trust: 0.5}}]")
    sticking = world("grids.bulk.ties.behaviour=[{sticky-price: {every_rounds: 2}}]")
    assert day_of(learning).lengths[0] < exact < day_of(sticking).lengths[0]
