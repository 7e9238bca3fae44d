"""The consumer's best response against closed forms and against another solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.environment.arrays import series
from gridarium.environment.errors import SolveError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

MakeWorld = Callable[..., World]
NOISE = 3e-6  # MW at a peak of 2 MW: an interior point ends just inside the limits that bind.
BATTERY = StorageRatings("home battery", 0.3, 0.5, 0.1, 0.9, 0.5, 0.92, 0.95, 0.3)


class Leader(GridAgent):
    """Hears answers."""

    def __init__(self, world: World, name: str = "leader") -> None:
        super().__init__(world.grid.head, name)
        self.heard: list[Any] = []

    @on(LoadPlan)
    def hear_plan(self, plan: LoadPlan, sender: str) -> None:
        self.heard.append(plan)

    @on(LoadForecast)
    def hear_forecast(self, forecast: LoadForecast, sender: str) -> None:
        self.heard.append(forecast)


def demand(base: Any, beta: float, **more: Any) -> Demand:
    settings_ = {"flexible_share": 0.2} | more
    return Demand(np.asarray(base, dtype=float), beta, **settings_)


def signal(price: Any, reference: Any, round_: int = 1) -> TariffSignal:
    nothing = series(np.zeros(len(price)))
    return TariffSignal(round_, series(price), nothing, series(reference))


def bisect(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function passes zero."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


def closed_form(
    base: np.ndarray,
    beta: float,
    flexible: float,
    cut: np.ndarray,
    limit_mwh: float | None = None,
    period_h: float = 1.0,
) -> np.ndarray:
    """Load of the follower by water-filling on the dual of energy neutrality.

    Raising stops where ``cut - beta * up`` falls to one dual, lowering where ``cut + beta * down``
    rises to another; without a limit on the energy shifted, or within it, both duals are one.
    """
    most_up, most_down = np.minimum(flexible * base, base.max() - base), flexible * base
    far = np.abs(cut).max() + beta * base.max() + 1.0

    def up(dual: float) -> np.ndarray:
        return np.clip((cut - dual) / beta, 0.0, most_up)

    def down(dual: float) -> np.ndarray:
        return np.clip((dual - cut) / beta, 0.0, most_down)

    dual = bisect(lambda value: float(up(value).sum() - down(value).sum()), -far, far)
    if limit_mwh is None or down(dual).sum() * period_h <= limit_mwh:
        return base + up(dual) - down(dual)
    most = limit_mwh / period_h
    raising = bisect(lambda value: float(up(value).sum()) - most, -far, far)
    lowering = bisect(lambda value: most - float(down(value).sum()), -far, far)
    return base + up(raising) - down(lowering)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(2, 8))

    def values(low: float, high: float) -> np.ndarray:
        return np.array(draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    return {
        "base": values(0.2, 4.0),
        "beta": draw(st.floats(5.0, 400.0)),
        "flexible": draw(st.floats(0.0, 0.6)),
        "reference": values(300.0, 1000.0),
        "cut": values(-80.0, 80.0),
        "period_h": draw(st.sampled_from([0.25, 1.0])),
    }


patient = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@patient
@given(case=cases(), limited=st.booleans(), limit=st.floats(0.0, 1.0))
def test_best_response_is_the_closed_form(
    make_world: MakeWorld, case: dict[str, Any], limited: bool, limit: float
) -> None:
    base, period_h = case["base"], case["period_h"]
    world = make_world(len(base), period_s=3600.0 * period_h)
    shiftable = limit if limited else None
    needs = demand(base, case["beta"], flexible_share=case["flexible"], shiftable_mwh=shiftable)
    consumer = Consumer(world.grid.spread(), "homes", "homes", needs, "leader")
    reference = case["reference"]
    answered = consumer.best_response(signal(reference - case["cut"], reference))
    expected = closed_form(base, case["beta"], case["flexible"], case["cut"], shiftable, period_h)
    assert answered == pytest.approx(expected, abs=2e-6 * float(base.max()))


def test_peak_limit_and_box_by_hand(make_world: MakeWorld) -> None:
    # The third period is the peak and may not rise, however cheap; the first stops at its 20 %.
    consumer = Consumer(
        make_world().grid.spread(), "homes", "homes", demand([1.0, 1.5, 2.0], 100.0), "leader"
    )
    reference = np.full(3, 600.0)
    answered = consumer.best_response(signal([640.0, 560.0, 500.0], reference))
    assert answered == pytest.approx([0.8, 1.7, 2.0], abs=NOISE)
    # Inside all limits every period moves by its price's distance from the mean, over beta.
    answered = consumer.best_response(signal([610.0, 600.0, 605.0], reference))
    assert answered == pytest.approx([1.0 - 0.05, 1.5 + 0.05, 2.0], abs=NOISE)


def test_equal_addition_moves_nothing(make_world: MakeWorld) -> None:
    consumer = Consumer(make_world().grid.spread(), "homes", "homes", demand([1.0, 1.5, 2.0], 30.0), "leader")
    answered = consumer.best_response(signal([640.0, 740.0, 840.0], [600.0, 700.0, 800.0]))
    assert answered == pytest.approx([1.0, 1.5, 2.0], abs=NOISE)


def test_no_load_no_response(make_world: MakeWorld) -> None:
    consumer = Consumer(make_world().grid.spread(), "empty", "homes", demand([0.0, 0.0, 0.0], 30.0), "leader")
    assert consumer.best_response(signal([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])).tolist() == [0.0] * 3


@pytest.mark.parametrize("battery", [None, BATTERY], ids=["plain", "battery"])
@pytest.mark.parametrize("limit", [None, 0.3], ids=["free", "limited"])
@pytest.mark.parametrize("n", [3, 10])
def test_a_divided_class_answers_as_one(
    make_world: MakeWorld, n: int, limit: float | None, battery: StorageRatings | None
) -> None:
    base, beta = np.array([1.0, 2.5, 3.0, 1.8]), 60.0
    reference = np.array([320.0, 980.0, 980.0, 680.0])
    heard = signal(reference - np.array([30.0, -20.0, 5.0, 25.0]), reference)
    world = make_world(4)

    def part_of(share: float, name: str) -> np.ndarray:
        cell = battery and StorageRatings(name, 0.3 * share, 0.5 * share, 0.1, 0.9, 0.5, 0.92, 0.95, 0.3)
        needs = demand(
            base * share, beta / share, shiftable_mwh=limit and limit * share, battery=cell or None
        )
        return Consumer(world.grid.spread(), name, "homes", needs, "leader").best_response(heard)

    parts = np.sum([part_of(1.0 / n, f"homes-{number}") for number in range(n)], axis=0)
    assert parts == pytest.approx(part_of(1.0, "homes"), abs=1e-6)


def reference_value(base: np.ndarray, beta: float, price: np.ndarray, reference: np.ndarray) -> float:
    """Best value with a battery, CNY: written in MW and CNY, solved by HiGHS."""
    m = pyo.ConcreteModel()
    m.t = pyo.RangeSet(0, len(base) - 1)
    m.used = pyo.Var(m.t, bounds=lambda m, t: (0.8 * base[t], 1.2 * base[t]))
    m.charge, m.discharge = pyo.Var(m.t, bounds=(0, 0.3)), pyo.Var(m.t, bounds=(0, 0.3))
    m.energy = pyo.Expression(
        m.t, rule=lambda m, t: 0.25 + sum(0.92 * m.charge[k] - m.discharge[k] / 0.95 for k in range(t + 1))
    )
    m.band = pyo.Constraint(m.t, rule=lambda m, t: (0.05, m.energy[t], 0.45))
    m.cycle = pyo.Constraint(expr=m.energy[len(base) - 1] == 0.25)
    m.neutral = pyo.Constraint(expr=sum(m.used[t] for t in m.t) == float(base.sum()))
    bought = {t: m.used[t] + m.charge[t] - m.discharge[t] for t in m.t}
    m.peak = pyo.Constraint(m.t, rule=lambda m, t: bought[t] <= float(base.max()))
    alpha = reference + beta * base
    m.value = pyo.Objective(
        expr=sum(
            -float(alpha[t]) * m.used[t] + 0.5 * beta * m.used[t] ** 2 + float(price[t]) * bought[t]
            for t in m.t
        )
    )
    pyo.SolverFactory("highs").solve(m, options={"threads": 1})
    return -float(pyo.value(m.value))


def test_battery_consumer_reaches_the_value_of_another_solver(make_world: MakeWorld) -> None:
    base, beta = np.array([1.0, 2.5, 3.0, 1.8]), 60.0
    reference = np.array([320.0, 680.0, 980.0, 680.0])
    heard = signal(reference - np.array([30.0, -20.0, 5.0, 25.0]), reference)
    world = make_world(4)
    consumer = Consumer(world.grid.spread(), "homes", "homes", demand(base, beta, battery=BATTERY), "leader")
    plan = consumer.respond(heard, "leader")
    assert plan is not None
    load = plan.load_mw
    assert np.all(load <= base.max() + 1e-6)
    # The cheap first period charges, so that the battery buys more than the energy consumed.
    assert load.sum() > base.sum()
    best = reference_value(base, beta, heard.price_per_mwh, reference)
    assert consumer.value_money(load, heard) == pytest.approx(best, abs=1e-3)
    assert consumer.today.regret_money(heard) == pytest.approx(0.0, abs=1e-6)


def test_battery_at_a_negative_price_is_refused_by_name(make_world: MakeWorld) -> None:
    needs = demand([1.0, 2.5, 3.0], 60.0, flexible_share=0.0, battery=BATTERY)
    consumer = Consumer(make_world().grid.spread(), "homes", "homes", needs, "leader")
    with pytest.raises(SolveError, match=r"agent homes, period \d: battery would charge and discharge"):
        consumer.best_response(signal([-500.0, -500.0, 100.0], [0.0, 0.0, 100.0]))


class Nudge(Behaviour):
    """Move load from the first period to the second."""

    def __init__(self, moved_mw: float) -> None:
        self.moved_mw = moved_mw

    def choose(self, agent: GridAgent, signal: Any, plan: Any) -> Any:
        return plan + self.moved_mw * np.array([-1.0, 1.0, 0.0])


@pytest.mark.parametrize("period_h", [1.0, 0.5])
def test_regret_of_a_perturbed_plan_by_hand(make_world: MakeWorld, period_h: float) -> None:
    world = make_world(period_s=3600.0 * period_h)
    Leader(world)
    exact = Consumer(world.grid.spread(), "exact", "homes", demand([1.0, 1.5, 2.0], 80.0), "leader")
    nudged = Consumer(
        world.grid.spread(), "nudged", "homes", demand([1.0, 1.5, 2.0], 80.0), "leader", Nudge(0.02)
    )
    heard = signal([604.0, 600.0, 602.0], [600.0] * 3)
    for consumer in (exact, nudged):
        consumer.respond(heard, "leader")
    assert exact.today.regret_money(heard) == pytest.approx(0.0, abs=1e-9)
    # The plan moves inside its limits, so only the curvature counts: beta / 2 * 2 d^2.
    assert nudged.today.regret_money(heard) == pytest.approx(80.0 * 0.02**2 * period_h, rel=1e-6)


def test_regret_of_a_stale_plan_by_hand(make_world: MakeWorld) -> None:
    world = make_world(2)
    Leader(world)
    consumer = Consumer(world.grid.spread(), "homes", "homes", demand([2.0, 2.0], 80.0), "leader")
    heard = signal([600.0, 600.0], [600.0, 600.0])
    consumer.respond(heard, "leader")
    assert consumer.today.regret_money(signal([604.0, 600.0], [600.0, 600.0])) == pytest.approx(0.0, abs=1e-6)
    low = Consumer(world.grid.spread(), "low", "homes", demand([2.0, 1.0], 80.0), "leader")
    low.respond(heard, "leader")
    # 4 CNY/MWh over two periods of 80 CNY/MWh per MW: 0.025 MW move and gain 4 * 0.025 - 80 * 0.025^2.
    assert low.today.regret_money(signal([604.0, 600.0], [600.0, 600.0])) == pytest.approx(0.05, abs=1e-5)


def test_value_is_utility_less_bill(make_world: MakeWorld) -> None:
    consumer = Consumer(make_world(2).grid.spread(), "homes", "homes", demand([2.0, 1.0], 50.0), "leader")
    heard = signal([500.0, 300.0], [400.0, 300.0])
    load = np.array([1.8, 1.2])
    utility = (400 + 100) * 1.8 - 25 * 1.8**2 + (300 + 50) * 1.2 - 25 * 1.2**2
    assert np.isnan(consumer.today.utility_money(load))
    consumer.respond(heard, "leader")
    assert consumer.today.utility_money(load) == pytest.approx(utility)
    assert consumer.value_money(load, heard) == pytest.approx(utility - 500 * 1.8 - 300 * 1.2)


def test_it_tells_its_load_and_nothing_else(make_world: MakeWorld) -> None:
    world = make_world()
    leader = Leader(world)
    consumer = Consumer(world.grid.spread(), "homes", "homes", demand([1.0, 1.5, 2.0], 80.0), "leader")
    leader.send("homes", ForecastRequest(0))
    leader.send("homes", signal([610.0, 600.0, 605.0], [600.0] * 3, round_=7))
    world.clock.run_until(1.0)
    forecast, plan = leader.heard
    assert forecast.load_mw.tolist() == [1.0, 1.5, 2.0]
    assert plan.load_mw == pytest.approx([0.9375, 1.5625, 2.0], abs=NOISE)
    assert consumer.plan_mw is plan.load_mw


def test_a_signal_that_a_newer_one_has_overtaken_is_left_unanswered(make_world: MakeWorld) -> None:
    consumer = Consumer(make_world().grid.spread(), "homes", "homes", demand([1.0, 1.5, 2.0], 80.0), "leader")
    newer = consumer.respond(signal([610.0, 600.0, 605.0], [600.0] * 3, round_=2), "leader")
    assert newer is not None
    assert consumer.respond(signal([590.0, 600.0, 605.0], [600.0] * 3, round_=1), "leader") is None
    assert consumer.plan_mw is newer.load_mw


def test_a_repeated_signal_gets_the_same_answer_without_new_thought(make_world: MakeWorld) -> None:
    world = make_world()
    leader = Leader(world)
    Consumer(world.grid.spread(), "homes", "homes", demand([1.0, 1.5, 2.0], 80.0), "leader")
    for _ in range(3):
        leader.send("homes", signal([610.0, 600.0, 605.0], [600.0] * 3))
        world.clock.run_until(world.clock.now_s + 1.0)
    first, second, third = leader.heard
    assert second.load_mw is first.load_mw
    assert third.load_mw is first.load_mw
    assert [problem.solves for problem in world.shared_things] == [1]
