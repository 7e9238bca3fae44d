"""ADMM by arithmetic alone: the iterates of agents, bounds from both sides, faults, chosen units."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.benchmarks.admm import FAULTS
from gridarium.experiments.benchmarks.admm_commitments import joint_optimum, play_commitments
from gridarium.experiments.benchmarks.admm_instances import (
    KINDS,
    AdmmDay,
    Kind,
    draw_day,
    exchange_world,
)
from gridarium.experiments.benchmarks.admm_play import TOLERANCE, AdmmPlay, Faults
from gridarium.market.admm import ExchangeAdmm
from gridarium.market.admm_variants import make_variant

COUNT = 3


@cache
def played(kind: Kind, seed: int = 0) -> tuple[AdmmPlay, AdmmDay]:
    day = draw_day(seed, COUNT, kind)
    return AdmmPlay(day), day


def test_agents_on_the_bus_and_arithmetic_alone_go_through_the_same_rounds() -> None:
    built = exchange_world(3)
    built.world.step()
    ties = built.one(Ties)
    today, planner = ties.days[0], ties.planner
    # The commitment of the first negotiation is the one for base loads.
    found = [one.judgement for one in today.rounds[: today.lengths[0]]]
    first = replace_commitment(ties)
    day = AdmmDay(
        planner.merit_order.shape,
        replace(planner.heard(today), load_mw=today.base.sum(axis=0)),
        first,
        today.state,
        tuple(region.day(0) for region in built.of(Region)),
    )
    play = AdmmPlay(day)
    admm = ExchangeAdmm(play.supply, play.start(), make_variant("anderson"))
    for one in found:
        residuals = admm.hear(play.answer(admm.posted).net_mw)
        assert one.load_change == pytest.approx(residuals.primal, rel=1e-3, abs=1e-7)


def replace_commitment(ties: Ties) -> np.ndarray:
    """The units committed before the first round."""
    today = ties.days[0]
    now, today.on = today.on, today.on
    loads, today.loads_mw = today.loads_mw, dict(today.base_mw)
    ties.planner.commit(today)
    first, today.on, today.loads_mw = today.on, now, loads
    return first


@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_lies_between_the_dual_bound_and_what_the_rounds_come_to(kind: Kind) -> None:
    play, day = played(kind)
    reached = play.play()
    nothing = day.forecast.with_load(np.zeros(day.bulk.n_period))
    optimum = SocialPlanner.of(day.bulk, day.days).best("test", nothing, day.on, day.state, day.days)
    slack = 1e-6 * optimum.cost_money
    assert play.bound_money(reached.posted) <= optimum.cost_money + slack
    assert optimum.cost_money <= play.cost_money(reached.plan) + slack
    assert reached.converged
    assert 0.0 <= play.gap_percent(reached) + 0.01 <= 0.51


def test_a_bound_far_from_rest_is_still_a_bound() -> None:
    play, _ = played("usual")
    early = play.start(0.1)
    assert play.bound_money(early) < play.bound_money(play.play().posted)


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_goes_wrong_on_the_way_the_rounds_end_at_the_same_loads(name: str) -> None:
    play, _ = played("usual")
    reached, other = play.play(), play.play_with(FAULTS[name], seed=1)
    assert other.converged
    scale = float(np.linalg.norm(reached.plan.net_mw))
    assert np.linalg.norm(other.plan.net_mw - reached.plan.net_mw) <= 50 * TOLERANCE * scale


def test_delays_that_are_all_alike_are_rounds_in_step_with_pauses() -> None:
    play, _ = played("usual")
    at_once, late = (play.play_with(Faults(delays=(delay,)), seed=1) for delay in (0, 2))
    assert late.rounds == 3 * at_once.rounds
    assert late.solves == at_once.solves


def test_days_are_the_same_for_the_same_seed_and_sizes_span_a_thousand() -> None:
    first, again = draw_day(3, 24, "unequal"), draw_day(3, 24, "unequal")
    assert np.array_equal(first.base_mw, again.base_mw)
    assert not np.array_equal(first.base_mw, draw_day(4, 24, "unequal").base_mw)
    assert first.share.sum() == pytest.approx(1.0)
    assert first.share.max() / first.share.min() > 100.0


def test_the_best_commitment_tried_is_near_the_joint_optimum_and_none_beats_its_bound() -> None:
    day = draw_day(1, 3, "committed")
    tried, joint = play_commitments(day, 2), joint_optimum(day)
    assert len(tried.costs_money) <= 2
    assert tried.costs_money.min() <= 1.001 * joint.cost_money
    # Tangents leave the bound a little low; the limits of its starts are those of a quarter of an hour.
    assert tried.costs_money.min() >= (1.0 - 1e-3) * joint.bound_money
