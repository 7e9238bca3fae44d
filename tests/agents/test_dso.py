"""The leader: its posted signal, its pool, and the stability of the loop it drives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.questions import Asked
from gridarium.agents.upstream import CarbonMarket
from gridarium.environment.arrays import series
from gridarium.environment.connection import Connection
from gridarium.experiments.parts.consumers import load_of
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CARBON
from gridarium.market.adcef import AdcefTariff
from gridarium.market.messages.tariffs import LoadPlan, MarketConditions, TariffSignal
from gridarium.market.supply import Situation, Supply

TIGHT = ("negotiation.price_tolerance_per_mwh=1e-5", "negotiation.round_limit=200")


def negotiated(case: str, *settings: str) -> Built:
    """A world whose negotiation has ended and whose first period has run."""
    built = build(load_scenario("adcef", ["horizon_h=12", *TIGHT, *settings]).cases[case])
    built.world.step()
    return built


@pytest.fixture(scope="module", params=["adcef", "adcef-high-res"])
def day(request: pytest.FixtureRequest) -> Built:
    return negotiated(request.param)


def test_posted_price_is_the_carbon_price_of_its_own_factor(day: Built) -> None:
    dso, conditions = day.one(Dso), day.one(Dso).today.conditions
    assert dso.today.rounds[-1].ended == "converged"
    offer, signal = dso.today.plan.offer, dso.today.signal
    assert signal.final
    assert signal.price_per_mwh == pytest.approx(offer.price_per_mwh, abs=1e-5)
    assert signal.factor_tco2_per_mwh == pytest.approx(offer.factor_tco2_per_mwh, abs=1e-6)
    quota = conditions.quota_tco2_per_mwh
    coupled = conditions.tou_price_per_mwh + 73.65 * (offer.factor_tco2_per_mwh - quota)
    assert signal.price_per_mwh == pytest.approx(coupled, abs=1e-4)


def test_a_steeper_price_is_lifted_until_the_carbon_revenue_pays_for_it() -> None:
    built = negotiated("adcef", "tariff.adjustment=2", "prices.quota_tco2_per_mwh=0.5")
    dso, conditions = built.one(Dso), built.one(Dso).today.conditions
    factor, load = dso.today.plan.offer.factor_tco2_per_mwh, dso.today.plan.situation.load_mw
    quota = conditions.quota_tco2_per_mwh
    coupled = conditions.tou_price_per_mwh + 2 * 73.65 * (factor - quota)
    lift = dso.today.plan.offer.price_per_mwh - coupled
    earned = 73.65 * float((quota - factor) @ load)
    assert earned > 0.0
    assert lift == pytest.approx(np.full(len(load), earned / load.sum()), abs=1e-6)


def test_loads_are_those_of_the_consumers(day: Built) -> None:
    planned = sum(consumer.loads_mw["plan"] for consumer in day.of(Consumer))
    assert day.one(Dso).today.plan.situation.load_mw == pytest.approx(planned, abs=1e-12)
    base = sum(consumer.loads_mw["base"] for consumer in day.of(Consumer))
    assert day.one(Dso).today.plan.situation.base_mw == pytest.approx(base, abs=1e-12)
    assert base == pytest.approx(load_of(day.sections[""], day.one(Dso).horizon), abs=1e-12)


def test_schedules_can_be_replayed_to_the_last_digit(day: Built) -> None:
    dispatch = day.one(Dso).today.plan.dispatch
    for row, unit in enumerate(day.one(Dso).shape.storages):
        stored = 0.92 * dispatch.charge_mw[row] - dispatch.discharge_mw[row] / 0.95
        energy = 0.5 * unit.e_max_mwh + np.cumsum(stored)
        low, high = unit.band_mwh
        assert energy.min() >= low - 1e-12
        assert energy.max() <= high + 1e-12
        assert energy[-1] == pytest.approx(0.5 * unit.e_max_mwh, abs=1e-7)
    assert not np.any((dispatch.charge_mw > 0.0) & (dispatch.discharge_mw > 0.0))


def test_posted_prices_take_the_damped_step(monkeypatch: pytest.MonkeyPatch) -> None:
    posted, send = list[TariffSignal](), Connection.send

    def noted(connection: Connection, recipient: str, payload: object, **more: Any) -> None:
        if isinstance(payload, TariffSignal) and recipient == "residential" and not payload.final:
            posted.append(payload)
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", noted)
    rounds = negotiated("adcef", "negotiation.damping=0.3", "negotiation.memory=0").one(Dso).today.rounds
    assert [signal.round for signal in posted] == [round_.round for round_ in rounds]
    # After another commitment of the units a negotiation begins anew.
    within = [triple for triple in zip(posted, posted[1:], rounds, strict=False) if not triple[2].ended]
    assert len(within) > 5
    for before, after, round_ in within:
        step = np.abs(after.price_per_mwh - before.price_per_mwh).max()
        assert step == pytest.approx(0.3 * round_.judgement.distance, rel=1e-9)


def test_managed_pool_stays_within_its_bounds(day: Built) -> None:
    dispatch, pool = day.one(Dso).today.plan.dispatch, day.one(Dso).today.plan.pool
    highest = float(day.one(Dso).today.conditions.grid_factor_tco2_per_mwh.max())
    assert np.all(pool.inflow_t_per_h >= 0.0)
    assert np.all(pool.outflow_t_per_h >= 0.0)
    assert np.all(pool.inflow_t_per_h <= highest * dispatch.charge_mw)
    assert np.all(pool.outflow_t_per_h <= highest * dispatch.discharge_mw)
    # A pool begins with the energy inside valued at the quota.
    storages, quota = day.one(Dso).shape.storages, day.one(Dso).today.conditions.quota_tco2_per_mwh
    assert pool.first_tco2 == pytest.approx([0.5 * quota * unit.e_max_mwh for unit in storages])
    content = pool.first_tco2[:, None] + np.cumsum(pool.inflow_t_per_h - pool.outflow_t_per_h, axis=1)
    assert content.min() >= -1e-6
    assert content[:, -1] == pytest.approx(pool.first_tco2, abs=1e-12)
    # Only what has been emitted can be put off.
    emission = day.one(Dso).today.plan.situation.supply.emission_t_per_h
    assert np.all(pool.inflow_t_per_h.sum(axis=0) <= emission * (1.0 + 1e-12))


def test_a_plan_takes_the_pool_flows_that_it_is_given(day: Built) -> None:
    dso: Dso = day.one(Dso)
    plan = dso.plan_for(dso.today.loads_mw)
    assert plan is not None
    halved = CarbonPoolPlan(
        0.5 * plan.pool.inflow_t_per_h, 0.5 * plan.pool.outflow_t_per_h, plan.pool.first_tco2
    )
    given = dso.plan_for(dso.today.loads_mw, halved)
    assert given is not None and given.pool is halved
    moved = 0.5 * (plan.pool.inflow_t_per_h - plan.pool.outflow_t_per_h).sum(axis=0)
    change = given.offer.factor_tco2_per_mwh - plan.offer.factor_tco2_per_mwh
    assert change * plan.situation.load_mw == pytest.approx(moved, abs=1e-6)


def test_strict_pool_mixes_like_water() -> None:
    built = negotiated("adcef", "tariff.pool=strict")
    dispatch, pool = built.one(Dso).today.plan.dispatch, built.one(Dso).today.plan.pool
    supply = built.one(Dso).today.plan.situation.supply
    factor = supply.emission_t_per_h / supply.total_mw
    assert pool.inflow_t_per_h == pytest.approx(factor * dispatch.charge_mw, abs=1e-12)
    for row, unit in enumerate(built.one(Dso).shape.storages):
        energy, content = unit.soc_initial * unit.e_max_mwh, float(pool.first_tco2[row])
        for period in range(len(factor)):
            drawn = dispatch.discharge_mw[row, period] / 0.95
            assert pool.outflow_t_per_h[row, period] == pytest.approx(content / energy * drawn, abs=1e-9)
            energy += 0.92 * dispatch.charge_mw[row, period] - drawn
            content += pool.inflow_t_per_h[row, period] - pool.outflow_t_per_h[row, period]
        assert content == pytest.approx(pool.first_tco2[row], abs=1e-9)


def test_an_answer_to_an_earlier_round_does_not_count(day: Built) -> None:
    dso: Dso = day.one(Dso)
    before = dso.today.plan.situation.load_mw.copy()
    # The first question was about forecasts, the second one was the first round.
    late = LoadPlan(series(np.zeros_like(before)))
    (residential,) = (each for each in day.of(Consumer) if each.name == "residential")
    residential.reply(Asked(dso.name, 2), late)
    day.world.clock.run_until(day.world.clock.now_s + 1.0)
    plans = [consumer.loads_mw["plan"] for consumer in day.of(Consumer)]
    assert np.sum(plans, axis=0) == pytest.approx(before)
    assert dso.today.total_mw == pytest.approx(before)


@pytest.mark.parametrize(
    "settings",
    [(), ("communication.duplication=0.9",)],
    ids=["plain", "duplicated"],
)
def test_carbon_money_is_the_offered_reduction_at_the_carbon_price(settings: tuple[str, ...]) -> None:
    built = negotiated("adcef", *settings)
    while built.world.running:
        built.world.step()
    ledger = built.world.ledger.table()
    paid = ledger.loc[(ledger["account"] == "dso") & (ledger["purpose"] == CARBON), "amount_money"].sum()
    assert built.one(CarbonMarket).reduction_tco2 * 73.65 == pytest.approx(paid, abs=1e-9)
    quota = built.one(Dso).today.conditions.quota_tco2_per_mwh * sum(
        built.world.meters[consumer.name].sum() for consumer in built.of(Consumer)
    )
    assert built.one(CarbonMarket).reduction_tco2 == pytest.approx(
        quota - built.one(Dso).today.accounts.emission_tco2().sum(), abs=1e-6
    )


# One noon hour of the loop with ex-post surplus: 3.5 MW of renewables, 2.0 MW of load, 0.5 MW charging.

CUT = 73.65 * 0.6  # CNY/MWh for a surplus as large as the load


def one_hour(value: float) -> np.ndarray:
    return np.array([value])


def loop(beta: float, limit_mw: float, damping: float, surplus: str, rounds: int = 400) -> list[float]:
    """Loads of one consumer without energy neutrality, answering the tariff round by round, MW."""
    none = one_hour(0.0)
    conditions = MarketConditions(one_hour(980.0), one_hour(588.0), none, one_hour(0.6), one_hour(73.65), 0.0)
    tariff = AdcefTariff(surplus=surplus, credit="formula")  # type: ignore[arg-type]

    def called_for(load: float) -> float:
        supply = Supply(none, one_hour(0.6), none, none, one_hour(load + 0.5))
        situation = Situation(
            conditions,
            supply,
            one_hour(load),
            one_hour(2.0),
            one_hour(0.5),
            one_hour(3.5),
            none,
            none,
            none,
            1.0,
        )
        return float(tariff.offer(situation).price_per_mwh[0])

    price, loads = called_for(2.0), []
    for _ in range(rounds):
        loads.append(2.0 + float(np.clip((980.0 - price) / beta, -limit_mw, limit_mw)))
        price += damping * (called_for(loads[-1]) - price)
    return loads


def test_undamped_ex_post_surplus_destroys_its_own_signal() -> None:
    assert sorted(loop(5.0, 1.0, 1.0, "ex-post")[-2:]) == pytest.approx([2.0, 3.0], abs=1e-9)
    assert np.ptp(loop(22.0, 1.0, 1.0, "ex-post")[-2:]) > 0.99


@pytest.mark.parametrize("beta", [5.0, 10.0, 22.0, 25.0])
def test_damping_leads_to_the_fixed_point(beta: float) -> None:
    loads = loop(beta, 1.0, 0.3, "ex-post")
    # P = 2 + CUT / beta * (3 - P) / P, solved for P.
    a = CUT / beta
    fixed = ((2.0 - a) + np.sqrt((2.0 - a) ** 2 + 12.0 * a)) / 2.0
    if beta == 5.0:
        assert fixed == pytest.approx(2.762, abs=5e-4)
    assert loads[-1] == pytest.approx(fixed, abs=1e-9)


def test_undamped_loop_is_stable_where_its_slope_is_below_one() -> None:
    loads = loop(25.0, 1.0, 1.0, "ex-post")
    assert np.ptp(loads[-2:]) < 1e-9
    # CUT (P_RES - P_ch) / P^2 < beta
    assert CUT * 3.0 / loads[-1] ** 2 < 25.0


def test_twenty_percent_of_flexibility_saturates() -> None:
    assert loop(5.0, 0.4, 1.0, "ex-post")[-1] == pytest.approx(2.4)


def test_ex_ante_surplus_needs_no_damping() -> None:
    loads = loop(25.0, 1.0, 1.0, "ex-ante")
    assert loads[1:] == pytest.approx([2.0 + 0.3 * 73.65 / 25.0] * 399)
