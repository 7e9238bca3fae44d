"""What a behaviour raises or gives back in a hook is told with agent, day or period, hook and behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour, Composed, Deviation, HeardLoads
from gridarium.agents.bounded.trading import FirstAcceptable
from gridarium.agents.bounded.trigger import DeadBand
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.agents.guarded import Guarded, guarded
from gridarium.environment.arrays import series
from gridarium.environment.errors import Fault, GridariumError, InfeasibleError, ScenarioError, UserCodeError
from gridarium.environment.injections import Injections
from gridarium.environment.world import World
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.leasing import Accept, Bid, Counter, PriceOffer, Rating
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
DAY = series(np.linspace(590.0, 610.0, 24))
SECOND_DAY = TariffSignal(1, DAY, series(np.zeros(24)), series([600.0] * 24), day=1)


class Does(Behaviour):
    """Does in one hook what a test wants."""

    def __init__(self, hook: str, what: Callable[..., Any]) -> None:
        setattr(self, hook, lambda agent, *args: what(*args))


def raises(error: BaseException) -> Callable[..., Any]:
    def raise_it(*args: Any) -> Any:
        raise error

    return raise_it


def consumer(world: World, behaviour: Behaviour) -> Consumer:
    demand = Demand(np.resize([1.0, 1.5, 2.0], 48), 100.0, 0.2)
    return Consumer(world.grid.spread(), "homes", "homes", demand, "leader", behaviour)


def live(world: World, behaviour: Behaviour, hook: str) -> None:
    """Let a consumer of two days do what calls a hook on the second one."""
    agent = consumer(world, behaviour)
    if hook == "foresee":
        leader = world.bus.connect("leader", lambda envelope: None)
        leader.send("homes", ForecastRequest(1))
        world.clock.run_until(1.0)
        return
    agent.respond(SECOND_DAY, "leader")
    world.grid.injections = Injections(2)
    agent.operate(29)


WHEN = {
    "begin_day": "day 1",
    "foresee": "day 1",
    "perceive": "day 1",
    "choose": "day 1",
    "act": "period 29",
}


@pytest.mark.parametrize("hook", WHEN)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("weather"), "KeyError: 'weather'"),
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "MemoryError"),
        (ScenarioError("mine", [Fault("here", 1, "must be 2")]), "ScenarioError: mine: 1 fault; here: got 1"),
    ],
)
def test_what_a_hook_raises_names_agent_time_hook_and_line(
    make_world: MakeWorld, hook: str, error: BaseException, said: str
) -> None:
    with pytest.raises(UserCodeError) as caught:
        live(make_world(48), Does(hook, raises(error)), hook)
    told = str(caught.value)
    assert told.startswith(f"agent homes, {WHEN[hook]}: behaviour {__name__}:Does raised {said}")
    assert told.endswith(f") in {hook}") and "test_guarded.py, line " in told
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InfeasibleError("agent homes: no plan")])
def test_a_wish_to_stop_and_errors_that_name_the_agent_pass(
    make_world: MakeWorld, error: BaseException
) -> None:
    with pytest.raises(type(error)) as caught:
        live(make_world(48), Does("choose", raises(error)), "choose")
    assert caught.value is error


def with_nan(values: Any) -> Any:
    return np.where(np.arange(24) == 5, np.nan, values)


@pytest.mark.parametrize(
    ("hook", "what", "told"),
    [
        ("foresee", lambda mw: mw[:5], "day 1: forecast must have shape (24,), got (5,)"),
        ("foresee", lambda mw: None, "day 1: forecast must have shape (24,), got None"),
        ("foresee", with_nan, "period 29: forecast must be finite, got nan"),
        ("choose", lambda signal, mw: mw[:12], "day 1: plan must have shape (24,), got (12,)"),
        ("choose", lambda signal, mw: with_nan(mw), "period 29: plan must be finite, got nan"),
        (
            "choose",
            lambda signal, mw: ["much"] * 24,
            "day 1: plan must be numbers of shape (24,), got ['much'",
        ),
        ("choose", lambda signal, mw: mw * 1j, "day 1: plan must be numbers of shape (24,), got array("),
        ("perceive", lambda signal: None, "day 1: signal must be TariffSignal, got None"),
        (
            "perceive",
            lambda signal: replace(signal, price_per_mwh=signal.price_per_mwh[:3]),
            "day 1: signal.price_per_mwh must have shape (24,), got (3,)",
        ),
        (
            "perceive",
            lambda signal: replace(signal, price_per_mwh=with_nan(signal.price_per_mwh)),
            "period 29: signal.price_per_mwh must be finite, got nan",
        ),
        ("act", lambda period, mw: None, "period 29: power must be a finite number, MW, got None"),
        ("act", lambda period, mw: float("inf"), "period 29: power must be a finite number, MW, got inf"),
        ("act", lambda period, mw: True, "period 29: power must be a finite number, MW, got True"),
        ("act", lambda period, mw: [mw], "period 29: power must be a finite number, MW, got ["),
    ],
)
def test_what_a_hook_gives_back_is_checked_where_it_is_given_back(
    make_world: MakeWorld, hook: str, what: Callable[..., Any], told: str
) -> None:
    with pytest.raises(UserCodeError) as caught:
        live(make_world(48), Composed([Behaviour(), Does(hook, what)]), hook)
    assert str(caught.value).startswith(f"agent homes, {told}")
    assert str(caught.value).endswith(f", from {hook} of behaviour {__name__}:Does")


def test_lists_and_whole_numbers_are_as_good(make_world: MakeWorld) -> None:
    world = make_world(48)
    agent = consumer(world, Does("choose", lambda signal, mw: [2] * 24))
    agent.respond(SECOND_DAY, "leader")
    assert agent.plan_mw.tolist() == [2.0] * 24 and agent.plan_mw.dtype == np.float64


@pytest.mark.parametrize(
    ("hook", "given", "back", "told"),
    [
        ("perceive", HeardLoads(1, {"a": DAY}), HeardLoads(1, {}), "signal.load_mw must be of a, got []"),
        (
            "perceive",
            HeardLoads(1, {"a": DAY}),
            HeardLoads(1, {"a": DAY[:2]}),
            "signal.load_mw.a must have shape (24,), got (2,)",
        ),
        ("perceive", Deviation(7, 1.0), Deviation(7, float("nan")), "signal.mw must be finite, got nan"),
        ("perceive", Rating("sun", 0.5), Rating("sun", None), "signal.reputation must be a number, got None"),  # type: ignore[arg-type]
        ("choose", True, None, "plan must be true or false, got None"),
        ("choose", Bid(7, 1, 1.0), Counter(0.0, 0, 1.0, 1.0), "plan must be Bid, got Counter("),
        ("choose", Counter(0.0, 0, 1.0, 1.0), 5.0, "plan must be Accept or Counter, got 5.0"),
        (
            "choose",
            Counter(0.0, 0, 1.0, 1.0),
            Accept(0.0, 0, 1.0, float("nan")),
            "plan.volume_mwh must be finite, got nan",
        ),
    ],
)
def test_signals_and_choices_of_leaders_operators_and_prosumers_are_checked(
    make_world: MakeWorld, hook: str, given: Any, back: Any, told: str
) -> None:
    behaviour = guarded(Does(hook, lambda *args: back))
    agent: Any = consumer(make_world(48), Behaviour())
    args = (given,) if hook == "perceive" else (Deviation(7, 1.0), given)
    with pytest.raises(UserCodeError) as caught:
        getattr(behaviour, hook)(agent, *args)
    assert f": {told}" in str(caught.value)


def test_shipped_behaviours_may_change_the_kind_of_an_answer(make_world: MakeWorld) -> None:
    agent: Any = consumer(make_world(48), Behaviour())
    offer, best = PriceOffer(0.0, 0, 100.0, 2.0), Counter(0.0, 0, 90.0, 1.0)
    taken = guarded(FirstAcceptable(haste=1.0)).choose(agent, offer, best)
    assert taken == Accept(0.0, 0, 100.0, 1.0)
    assert guarded(DeadBand(2.0)).choose(agent, Deviation(0, 1.0), np.True_) == False  # noqa: E712


def test_the_exact_behaviour_is_asked_directly(make_world: MakeWorld) -> None:
    world = make_world(48)
    assert type(consumer(world, Behaviour()).behaviour) is Behaviour
    both = guarded(Composed([Behaviour(), DeadBand(1.0)]))
    assert isinstance(both, Composed)
    assert [type(one) for one in both.behaviours] == [Behaviour, Guarded]
    assert issubclass(UserCodeError, GridariumError)
