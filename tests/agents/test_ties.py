"""A TIES over three regional systems on five buses: its rounds, its commitment, its day, its accounts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CARBON, CARBON_MARKET, PERSONAL_CARBON, RETAIL

SETTINGS = ("horizon_h=24", "period_h=1.0")
POLICY = "grids.bulk.carbon_policy."


@cache
def world(case: str = "full", *settings: str) -> BuiltWorld:
    built = build(load_scenario("ries-small", [*SETTINGS, *settings]).cases[case])
    _play(built)
    return built


def ties_of(built: BuiltWorld) -> Ties:
    return built.one(Ties)


def paid(built: BuiltWorld, account: str, purpose: str) -> float:
    ledger = built.world.ledger.table()
    own = (ledger["account"] == account) & (ledger["purpose"] == purpose)
    return float(ledger.loc[own, "amount_money"].sum())


def test_rounds_come_to_rest_in_time_and_units_are_held_in_them() -> None:
    day = ties_of(world()).days[0]
    assert day.rounds[-1].ended == "converged"
    assert max(day.lengths) <= 20
    assert sum(day.lengths) == len(day.rounds)
    assert day.negotiations == 1 + day.revisions <= 3


def test_the_last_commitment_is_as_good_as_a_fresh_one_for_the_final_loads() -> None:
    review = ties_of(world()).days[0].review
    assert review.held_money - review.best_money <= 1e-3 * review.best_money


def test_regions_answer_the_final_signals_and_pay_for_what_their_meters_show() -> None:
    built = world()
    ties = ties_of(built)
    for region in built.of(Region):
        signal = ties.days[0].signals[region.name]
        own = region.day(0)
        assert own.signal is not None
        assert own.signal.price_per_mwh == pytest.approx(signal.price_per_mwh)
        drawn = built.world.meters[region.name]
        assert drawn == pytest.approx(own.plan.net_mw, abs=1e-9)
        assert paid(built, region.name, RETAIL) == pytest.approx(-float(signal.price_per_mwh @ drawn))


def test_each_regional_system_pays_its_own_ladder() -> None:
    built = world()
    signals = ties_of(built).days[0].signals
    for region in built.of(Region):
        signal, drawn = signals[region.name], built.world.meters[region.name]
        ladder, carbon = signal.ladder, signal.factor_tco2_per_mwh * drawn
        assert ladder is not None
        above = carbon - ladder.quota_t_per_h
        owed = ladder.base_price_per_tco2 * above
        for step in range(1, ladder.steps):
            owed += (
                ladder.base_price_per_tco2
                * ladder.growth
                * np.maximum(above - step * ladder.interval_t_per_h, 0.0)
            )
        assert paid(built, region.name, PERSONAL_CARBON) == pytest.approx(-float(owed.sum()), rel=1e-9)


def test_the_own_ladder_is_paid_for_metered_emission() -> None:
    built = world("none")
    ties = ties_of(built)
    factors = ties.shape.system.emission_tco2_per_mwh
    emitted = sum(
        float(factor * built.world.feed_in_meters[f"bulk/{unit.name}"].sum())
        for factor, unit in zip(factors, ties.shape.system.units, strict=True)
    )
    above = emitted - 1200.0
    assert 200.0 < above < 400.0
    owed = 30.0 * 200.0 + 37.5 * (above - 200.0)
    assert -paid(built, "bulk/ties", CARBON) == pytest.approx(owed, rel=1e-9)
    assert paid(built, "bulk/residential", PERSONAL_CARBON) == 0.0


def test_what_is_charged_once_goes_to_the_ties_and_not_to_the_market() -> None:
    twice, once = world(), world("once")
    by_regions = -sum(paid(twice, region.name, PERSONAL_CARBON) for region in twice.of(Region))
    assert paid(twice, CARBON_MARKET, PERSONAL_CARBON) == pytest.approx(by_regions)
    assert paid(once, CARBON_MARKET, PERSONAL_CARBON) == 0.0
    assert paid(once, "bulk/ties", PERSONAL_CARBON) == pytest.approx(by_regions)


def test_a_higher_price_of_carbon_lowers_emission_and_a_cap_is_met_by_the_level() -> None:
    short = "horizon_h=6"
    free = ties_of(world("none", short)).days[0].emission_tco2
    day = ties_of(
        world("fixed", short, f"cases.fixed.{POLICY}emission_cap_tco2_per_day={0.985 * free}")
    ).days[0]
    priced = ties_of(world("fixed", short)).days[0].emission_tco2
    assert priced < free - 0.1
    assert day.emission_tco2 == pytest.approx(0.985 * free, rel=2e-4)
    assert day.level > 0.0


def test_shapley_values_sum_to_what_all_avoid_together() -> None:
    ties = ties_of(world("full", "horizon_h=4", "grids.bulk.ties.trigger_mw=1000"))
    day = ties.days[0]
    assert day.renewals == 0
    forecast = ties.planner.forecast(day, day.base.sum(axis=0))
    order, name = ties.planner.merit_order, ties.name
    at_base = order.emission_tco2(name, forecast, day.on, day.state)
    answered = order.emission_tco2(name, forecast.with_load(day.loads.sum(axis=0)), day.on, day.state)
    assert day.abatement_tco2.sum() == pytest.approx(at_base - answered, rel=1e-6)
    assert (day.abatement_tco2 > 0.0).all()


def test_the_day_after_knows_the_day_before() -> None:
    built = world("full", "horizon_h=48", "seed=3")
    first, second = ties_of(built).days
    prices = {
        name: float(signal.ladder.base_price_per_tco2.mean() if signal.ladder else 0.0)
        for name, signal in second.signals.items()
    }
    before = {
        name: float(signal.ladder.base_price_per_tco2.mean() if signal.ladder else 0.0)
        for name, signal in first.signals.items()
    }
    past = dict(zip(first.followers, first.personal_tco2, strict=True))
    least, most = min(past, key=past.__getitem__), max(past, key=past.__getitem__)
    # History: who has emitted more than the mean pays more than before, relative to who has emitted less.
    assert prices[most] / before[most] > prices[least] / before[least]
    assert second.state.e_mwh == pytest.approx(first.state.e_mwh, abs=1e-4)


def test_a_day_that_moves_is_planned_and_priced_anew_and_what_is_over_stays() -> None:
    calm = world("full", "horizon_h=12", "grids.bulk.ties.trigger_mw=1000")
    moved = world("full", "horizon_h=12", "grids.bulk.ties.trigger_mw=2", "grids.bulk.ties.notice_h=2")
    day = ties_of(moved).days[0]
    assert day.renewals > 0
    region = moved.of(Region)[0]
    signal, plan = region.day(0).signal, region.day(0).plan
    before = calm.of(Region)[0].day(0)
    assert signal is not None
    first = signal.first_step
    assert first > 2
    # The first renewal came after the first hour, with two hours of notice.
    assert plan.net_mw[:2] == pytest.approx(before.plan.net_mw[:2], abs=1e-6)
    assert np.abs(plan.net_mw - before.plan.net_mw).max() > 1e-4
    windows = plan.out_mw.sum() - plan.in_mw.sum()
    assert windows == pytest.approx(0.0, abs=1e-5)


def test_less_balancing_energy_is_needed_where_a_moved_day_is_planned_anew() -> None:
    calm = world("none", "horizon_h=12", "grids.bulk.ties.trigger_mw=1000")
    moved = world("none", "horizon_h=12", "grids.bulk.ties.trigger_mw=0.5")
    taken = [float(np.abs(built.world.grids[0].exchange_mw).sum()) for built in (calm, moved)]
    assert taken[1] < 0.5 * taken[0]


def test_sampled_shapley_values_are_near_the_exact_ones_and_let_prices_come_to_rest() -> None:
    short = ("horizon_h=2", "grids.bulk.ties.trigger_mw=1000")
    exact = ties_of(world("full", *short)).days[0]
    sampled = ties_of(
        world("full", *short, f"{POLICY}shapley=sampled", f"{POLICY}shapley_evaluations=250")
    ).days[0]
    assert sampled.rounds[-1].ended == "converged"
    assert sampled.abatement_tco2.sum() == pytest.approx(exact.abatement_tco2.sum(), rel=1e-2)
    assert sampled.abatement_tco2 == pytest.approx(exact.abatement_tco2, rel=0.1)
