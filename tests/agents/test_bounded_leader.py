"""Leaders whose prices stick, who are soon content, and who learn how answers move their price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import HeardLoads
from gridarium.agents.bounded.leader import LearnedSlope, SatisficingLeader, StickyPrice
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import PriceJudgement
from gridarium.environment.arrays import series
from gridarium.environment.world import World
from gridarium.experiments.parts.consumers import load_of
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.stackelberg import Round
from small_cases import FREE_TO_RUN

MakeWorld = Callable[..., World]


class Leader(GridAgent):
    """Answers call for a price, as they do for leaders."""

    called_for_per_mwh = np.array([600.0, 600.0])


@pytest.fixture
def agent(make_world: MakeWorld) -> Leader:
    return Leader(make_world(), "dso")


def posted(round_: int, *price: float) -> TariffSignal:
    return TariffSignal(
        round_, series(price), series(np.zeros(len(price))), series(np.full(len(price), 600.0))
    )


def test_limits_follow_every_answer(agent: GridAgent) -> None:
    loads = HeardLoads(1, {"a": np.ones(2)})
    for behaviour in (StickyPrice(), SatisficingLeader(), LearnedSlope()):
        assert behaviour.perceive(agent, loads) is loads
        for round_ in range(1, 5):
            price = np.array([600.0, 600.0 + round_ // 2])
            assert behaviour.choose(agent, posted(round_, 600.0, 600.0), price) is price


def test_a_sticky_price_is_updated_every_so_many_rounds(agent: GridAgent) -> None:
    behaviour, signal = StickyPrice(every_rounds=3), np.array([610.0])
    changed = [behaviour.choose(agent, posted(round_, 600.0), signal)[0] == 610.0 for round_ in range(1, 8)]
    assert changed == [False, False, True, False, False, True, False]


def test_a_sticky_price_overlooks_small_changes(agent: GridAgent) -> None:
    behaviour = StickyPrice(price_threshold_per_mwh=5.0)
    for price, expected in ((604.9, 600.0), (605.0, 605.0), (594.0, 594.0)):
        assert behaviour.choose(agent, posted(1, 600.0, 700.0), np.array([price, 700.0]))[0] == expected


def test_a_content_leader_stays_content(agent: GridAgent) -> None:
    behaviour = SatisficingLeader(gain_share=0.01)
    behaviour.perceive(agent, HeardLoads(1, {"a": np.array([1.0, 2.0]), "b": np.array([1.0, 0.0])}))
    # Sales are 600 * 4 = 2,400 CNY/h: 24 are moved by 12 CNY/MWh on 2 MW, or by any mixture of signs.
    first, second = np.array([606.0, 594.0]), np.array([606.0, 594.1])
    assert behaviour.choose(agent, posted(1, 600.0, 600.0), first) is first
    assert behaviour.choose(agent, posted(2, 600.0, 600.0), second).tolist() == [600.0, 600.0]
    assert behaviour.choose(agent, posted(3, 600.0, 600.0), np.array([900.0, 900.0])).tolist() == [600.0] * 2


@pytest.mark.parametrize("slope", [-3.0, -0.5, 0.3])
def test_a_linear_answer_is_met_after_one_observation(agent: Leader, slope: float) -> None:
    fixed, price = np.array([580.0, 630.0]), np.array([600.0, 600.0])
    behaviour = LearnedSlope(trust=1.0)
    for round_ in range(1, 4):
        called_for = agent.called_for_per_mwh = fixed + slope * (price - fixed)
        wanted = price + 0.5 * (called_for - price)
        price = behaviour.choose(agent, posted(round_, *price), wanted)
        if round_ == 1:
            # No slope is known yet: the whole way to what is called for.
            assert price == pytest.approx(called_for)
    assert price == pytest.approx(fixed, abs=1e-9)


def rounds_of(*settings: str) -> list[Round[PriceJudgement]]:
    fine = "negotiation.price_tolerance_per_mwh=1e-3"
    case = load_scenario("adcef", [fine, *FREE_TO_RUN, *settings]).cases["adcef"]
    built = build(case)
    built.world.step()
    return built.one(Dso).today.rounds


def test_in_the_game_a_learned_slope_saves_rounds_and_a_sticky_price_costs_some() -> None:
    damped, learned, exact, sticky = (
        rounds_of(*more)
        for more in (
            ("negotiation.memory=0",),
            ("negotiation.memory=0", "dso.behaviour=[{learned-slope: {trust: 1}}]"),
            (),
            ("dso.behaviour=[{sticky-price: {every_rounds: 2}}]",),
        )
    )
    assert [part[-1].ended for part in (damped, learned, exact, sticky)] == ["converged"] * 4
    assert len(learned) < len(damped)
    # Only every second round changes anything.
    assert len(sticky) == 2 * len(exact) - 1
    residuals: list[Any] = [part.judgement.distance for part in sticky]
    assert residuals[0] == pytest.approx(residuals[1], abs=1e-3)


def test_a_leader_perceives_the_loads_and_settles_what_is_metered() -> None:
    case = load_scenario("adcef", ["dso.behaviour=[{noise: {load_bias_share: 0.1}}]"]).cases["adcef"]
    built = build(case)
    built.world.step()
    told = np.sum([consumer.loads_mw["plan"] for consumer in built.of(Consumer)], axis=0)
    assert built.one(Dso).today.plan.situation.load_mw == pytest.approx(1.1 * told)
    assert built.one(Dso).today.plan.situation.base_mw == pytest.approx(load_of(case, built.one(Dso).horizon))
    assert float(built.world.ledger.table()["amount_money"].sum()) == pytest.approx(0.0, abs=1e-9)


def test_a_leader_that_has_heard_nobody_does_not_take_its_forecasts_for_agreement() -> None:
    exact, stale = rounds_of(), rounds_of("dso.behaviour=[{stale: {rounds: 2}}]")
    # Two rounds pass before the first answer is perceived; by forecasts alone nothing would change.
    assert [part.judgement.distance for part in stale[:2]] == pytest.approx([0.0, 0.0], abs=1e-4)
    assert stale[2].judgement.distance == pytest.approx(exact[0].judgement.distance, abs=1e-3)
    assert stale[-1].ended == "converged"
    assert len(stale) > len(exact)
