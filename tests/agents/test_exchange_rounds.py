"""Exchange rounds of a TIES: what their dispatch decides, where they come to rest, what they refuse."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from bulk_references import BulkCase, ReferenceDispatch, random_case, reference_cost
from named_columns import Columns, Term

from gridarium.agents.region.region import Region
from gridarium.agents.region.region_day import RegionPlan
from gridarium.agents.transmission.exchange_dispatch import ExchangeDispatch, ExchangeStep
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

SETTINGS = (
    "horizon_h=12",
    "period_h=1.0",
    "grids.bulk.ties.rounds.kind=exchange",
    "grids.bulk.ties.rounds.exchange.penalty=8",
    "grids.bulk.ties.energy_price=marginal",
)


@cache
def world(case: str, *settings: str) -> BuiltWorld:
    built = build(load_scenario("ries-small", [*SETTINGS, *settings]).cases[case])
    built.world.step()
    return built


class Exchange:
    """What followers shall take beyond a load of 0, for the reference: linear and quadratic in it."""

    def __init__(self, price: np.ndarray, heard: np.ndarray, weight: float, hours: float) -> None:
        self._price, self._heard, self._weight, self._hours = price, heard, weight, hours

    def declare(self, columns: Columns) -> None:
        """Z_t, and its distance from what was heard."""
        for t, (price, heard) in enumerate(zip(self._price, self._heard, strict=True)):
            columns.add("Z", t, cost=-self._hours * price, low=None)
            columns.add("apart", t, square=0.5 * self._hours * self._weight, low=None)
            columns.row([(1.0, ("Z", t)), (-1.0, ("apart", t))], float(heard), equal=True)

    def draws(self, t: int) -> list[Term]:
        """Z_t."""
        return [(1.0, ("Z", t))]


SEEDS = range(8)
WEIGHT = 0.7


def stepped(seed: int) -> tuple[BulkCase, np.ndarray, ExchangeStep]:
    """A case whose load is only heard, at a price around what its units cost."""
    case = random_case(seed)
    price = np.random.default_rng(seed).uniform(20.0, 60.0, case.n_period)
    shape = BulkShape(case.system, case.n_period, case.period_h)
    step = ExchangeDispatch(shape).step("ties", case.forecast, case.on, case.state, price, WEIGHT)
    return case, price, step


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_taken_is_what_another_solver_decides(seed: int) -> None:
    pytest.importorskip("clarabel")
    case, price, step = stepped(seed)
    heard = case.forecast.load_mw
    alone = replace(case, forecast=case.forecast.with_load(np.zeros(case.n_period)))
    users = [Exchange(price, heard, WEIGHT, case.period_h)]
    reference = ReferenceDispatch(alone, case.on, case.state, users=users)
    least = reference.least_cost()
    assert least is not None
    taken = [reference.columns.value("Z", t) for t in range(case.n_period)]
    assert step.taken_mw == pytest.approx(taken, abs=1e-3)
    counted = 0.5 * WEIGHT * (step.taken_mw - heard) ** 2 - price * step.taken_mw
    assert step.cost_money + case.period_h * counted.sum() == pytest.approx(least, rel=1e-6, abs=1e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_next_price_is_a_subgradient_of_what_supply_costs(seed: int) -> None:
    pytest.importorskip("clarabel")
    case, _, step = stepped(seed)
    least = reference_cost(case, case.on, case.state, step.taken_mw)
    assert least is not None
    random = np.random.default_rng(seed)
    for size in (0.1, 1.0, 5.0):
        move = size * random.standard_normal(case.n_period)
        other = reference_cost(case, case.on, case.state, step.taken_mw + move)
        if other is not None:
            expected = least + case.period_h * float(step.price_per_mwh @ move)
            assert other >= expected - 1e-6 * abs(least) - 1e-2


def test_rounds_come_to_rest_with_loads_at_their_targets_and_the_final_word_keeps_all() -> None:
    ties = world("full").one(Ties)
    day = ties.days[0]
    assert day.rounds[-1].ended == "converged"
    assert max(day.lengths) <= 40
    prices = {tuple(signal.price_per_mwh) for signal in day.signals.values()}
    assert len(prices) == 1
    for name, signal in day.signals.items():
        assert signal.final and signal.pull is not None
        assert day.loads_mw[name] == pytest.approx(signal.pull.target_mw, rel=2e-3, abs=0.2)
    # Whoever can move more is pulled less.
    weighed = [signal.pull.per_mw2h * day.flexibility_mw[name] for name, signal in day.signals.items()]
    assert weighed == pytest.approx([weighed[0]] * len(weighed))


def test_shares_may_be_equal_for_all_and_other_ways_from_round_to_round_end_at_the_same_loads() -> None:
    usual = world("full").one(Ties).days[0]
    way = ("shares=equal", "penalty=1", "variant=stretched")
    day = world("full", *(f"grids.bulk.ties.rounds.exchange.{one}" for one in way)).one(Ties).days[0]
    assert day.rounds[-1].ended == "converged"
    weights = [signal.pull.per_mw2h for signal in day.signals.values() if signal.pull is not None]
    assert len(weights) == len(day.followers) and weights == pytest.approx([weights[0]] * len(weights))
    for name, load_mw in usual.loads_mw.items():
        assert day.loads_mw[name] == pytest.approx(load_mw, rel=5e-3, abs=0.3)


def test_carbon_factors_go_a_part_of_the_way_to_those_of_the_dispatch_and_arrive() -> None:
    at_once = world("full").one(Ties).days[0]
    damped = world("full", "grids.bulk.ties.rounds.exchange.damping=0.5").one(Ties).days[0]
    assert damped.rounds[-1].ended == "converged"
    assert len(damped.rounds) != len(at_once.rounds)
    for name, signal in at_once.signals.items():
        told = damped.signals[name].factor_tco2_per_mwh
        assert told == pytest.approx(signal.factor_tco2_per_mwh, rel=5e-3, abs=1e-3)


def test_at_rest_the_price_alone_would_bring_about_the_same_loads() -> None:
    built = world("fixed")
    day = built.one(Ties).days[0]
    for region in built.of(Region):
        signal, own = day.signals[region.name], region.day(0)
        free = own.best(replace(signal, pull=None))
        regret = own.cost_money(own.plan, signal) - own.cost_money(free, signal)
        assert 0.0 <= regret + 1e-6 <= 1e-4 * own.cost_money(free, signal)


@pytest.mark.parametrize(
    "settings",
    [
        ("grids.bulk.ties.own_carbon.base_price_per_tco2=0",),
        ("grids.bulk.ties.energy_price=marginal-with-carbon",),
    ],
)
def test_where_followers_pay_what_supply_costs_the_rounds_end_at_the_best_for_all(
    settings: tuple[str, ...],
) -> None:
    built = world("none", *settings)
    ties = built.one(Ties)
    today, planner = ties.days[0], ties.planner
    days = [region.day(0) for region in built.of(Region)]
    social = SocialPlanner.of(planner.merit_order.shape, days)
    forecast = planner.forecast(today, np.zeros_like(today.loads[0]))
    args = ("test", forecast, today.on, today.state, days)
    best, reached = social.best(*args), social.cost_of(*args, [day.plan for day in days])
    untouched = social.cost_of(*args, [RegionPlan.untouched(day.demand.base_mw) for day in days])
    saving = untouched.cost_money - best.cost_money
    assert saving > 0.0
    assert -1e-3 * saving <= reached.cost_money - best.cost_money <= 5e-3 * saving


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (("grids.bulk.ties.energy_price=tou",), "energy_price"),
        (("grids.bulk.ties.rounds.damping=0.3",), "damping"),
        (("grids.bulk.ties.rounds.kind=prices",), "rounds.exchange"),
        (("grids.bulk.ties.rounds.exchange.active=random",), "rounds.exchange.variant"),
        (("grids.bulk.ties.rounds.exchange.round_s=1",), "rounds.exchange.variant"),
        (("grids.bulk.ties.rounds.exchange.relaxation=2",), "rounds.exchange.relaxation"),
        (
            ("grids.bulk.ties.rounds.exchange.variant=plain", "grids.bulk.ties.rounds.exchange.memory=3"),
            "rounds.exchange.memory",
        ),
        (("grids.bulk.ties.rounds.exchange_penalty=1",), "exchange.penalty"),
    ],
)
def test_what_only_the_other_kind_of_rounds_has_is_refused(settings: tuple[str, ...], place: str) -> None:
    with pytest.raises(ScenarioError, match=place):
        load_scenario("ries-small", [*SETTINGS, *settings])
