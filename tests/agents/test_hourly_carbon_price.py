"""A carbon price that moves with the hour: a market's, and a supplier's ladder that a DSO passes on."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.upstream import CarbonMarket, UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CARBON, PERSONAL_CARBON
from gridarium.market.carbon_price import PersonalLadder
from small_cases import FREE_TO_RUN

FAST = ("negotiation.price_tolerance_per_mwh=0.01", "negotiation.round_limit=60", *FREE_TO_RUN)
# A ladder whose step is as long as what the feeder draws in an hour, so that its price moves.
LADDER = PersonalLadder(series(np.linspace(20.0, 80.0, 24)), 0.8, 0.5, 4, series(np.full(24, 0.2)))


def small(case: str, *more: str) -> GridScenario:
    found = load_scenario("adcef-small", [*FAST, *more]).cases[case]
    assert isinstance(found, GridScenario)
    return found


def lived(scenario: GridScenario) -> Built:
    built = build(scenario)
    while built.world.running:
        built.world.step()
    return built


def booked_money(built: Built, account: str, purpose: str) -> Array:
    """What an account got for something, money by period."""
    table = built.world.ledger.table()
    own = table[(table["account"] == account) & (table["purpose"] == purpose)]
    return np.asarray(own.groupby("period")["amount_money"].sum().reindex(range(24), fill_value=0.0))


@pytest.fixture(scope="module")
def by_the_hour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Array]:
    """A feeder under a carbon market that is dear at night, and its price."""
    price = np.where(np.arange(24) < 8, 500.0, 20.0)
    lines = profile_path("adcef-ordinary").read_text(encoding="utf-8").splitlines()
    names, *rows = [line for line in lines if not line.startswith("#")]
    told = [f"{names},own_price", *(f"{row},{one}" for row, one in zip(rows, price, strict=True))]
    path = tmp_path_factory.mktemp("profiles") / "own.csv"
    path.write_text("\n".join(told), encoding="utf-8")
    return lived(small("adcef", f"profiles={path}", "dso.carbon_price_column=own_price")), price


def test_posted_price_and_dispatch_follow_the_hour(by_the_hour: tuple[Built, Array]) -> None:
    built, price = by_the_hour
    day, usual = built.one(Dso).today, lived(small("adcef")).one(Dso).today
    assert day.conditions.carbon_price_per_tco2.tolist() == price.tolist()
    assert usual.conditions.carbon_price_per_tco2.tolist() == [73.65] * 24
    adder = price * (day.plan.offer.factor_tco2_per_mwh - day.conditions.quota_tco2_per_mwh)
    assert day.signal.price_per_mwh == pytest.approx(day.conditions.tou_price_per_mwh + adder, abs=0.02)
    # Gas emits less than what comes in, so that it moves to where carbon is dear.
    own, others = (one.plan.dispatch.turbine_mw.sum(axis=0) for one in (day, usual))
    assert own[:8].sum() > 0.03 > others[:8].sum()
    assert own[8:].sum() < others[8:].sum() - 0.03


def test_the_market_pays_each_hour_at_its_own_price(by_the_hour: tuple[Built, Array]) -> None:
    built, price = by_the_hour
    accounts = built.one(Dso).today.accounts
    below = built.one(Dso).today.conditions.quota_tco2_per_mwh - accounts.settled_factor
    owed = price * below * accounts.load_mw()
    paid = booked_money(built, "dso", CARBON)
    # The true-up of the day is booked in its last hour.
    assert paid.sum() == pytest.approx(owed.sum(), abs=1e-9)
    assert built.one(CarbonMarket).reduction_tco2 == pytest.approx(float(below @ accounts.load_mw()))
    assert accounts.carbon_revenue_money() == pytest.approx(owed)


@pytest.fixture(scope="module", params=["adcef", "static-carbon"])
def passing(request: pytest.FixtureRequest) -> Built:
    """A feeder whose DSO passes on the ladder that its supplier tells."""

    def process(market: UpstreamMarket) -> Generator[Any, Any, None]:
        terms = replace(market._terms(0), ladder=LADDER, carbon_collector="state")
        yield from market.ask({"dso": terms}, 3600.0, 3600.0).answered()

    scenario = small(request.param)
    prices = scenario.prices.model_copy(update={"carbon_price_from": "supplier"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UpstreamMarket, "process", process)
        return lived(scenario.model_copy(update={"prices": prices}))


def test_a_ladder_is_passed_on_at_its_price_around_the_plan(passing: Built) -> None:
    day = passing.one(Dso).today
    bought = day.plan.dispatch.buy_mw * day.terms.factor_tco2_per_mwh
    # By hand: from middle to middle of the steps the price rises evenly.
    steps = np.interp((bought - 0.2) / 0.8, [0.5, 1.5, 2.5, 3.5], [1.0, 1.5, 2.0, 2.5])
    price = LADDER.base_price_per_tco2 * steps
    assert day.plan.situation.conditions.carbon_price_per_tco2 == pytest.approx(price)
    assert np.ptp(steps) > 0.3
    above = day.plan.offer.factor_tco2_per_mwh - day.conditions.quota_tco2_per_mwh
    adder = day.signal.price_per_mwh - day.conditions.tou_price_per_mwh
    lifted = adder - price * above
    assert lifted == pytest.approx(lifted.mean(), abs=0.03)
    # Beside the ladder, in blocks, the dispatch counts no carbon.
    assert not day.conditions.carbon_price_per_tco2.any()


def test_no_carbon_market_is_there_and_the_ladder_is_paid_once(passing: Built) -> None:
    assert not passing.of(CarbonMarket)
    table = passing.world.ledger.table()
    assert not (table["purpose"] == CARBON).any()
    accounts = passing.one(Dso).today.accounts
    assert booked_money(passing, "state", PERSONAL_CARBON) == pytest.approx(-accounts.carbon_revenue_money())
    assert accounts.carbon_revenue_money().sum() < -100.0


def test_with_a_balanced_budget_customers_pay_the_whole_ladder(passing: Built) -> None:
    dso, day = passing.one(Dso), passing.one(Dso).today
    adder = day.signal.price_per_mwh - day.conditions.tou_price_per_mwh
    collected = float(adder @ day.accounts.load_mw())
    asked = -float(day.accounts.carbon_revenue_money().sum())
    # What the quota frees of the ladder's price is a gift of the operator's; a uniform rise takes it back.
    assert (collected > asked - 0.05) == dso.tariff.budget_balanced


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (("prices.carbon_price_from=supplier",), "prices.carbon_price_from: got 'supplier'; must be market"),
        (
            ("dso.carbon_price_column=load_mw", "leader.kind=anticipating"),
            "dso.carbon_price_column: got 'load_mw'",
        ),
        (
            ("dso.carbon_price_column=load_mw", "prices.carbon_price_per_tco2=50"),
            "prices.carbon_price_per_tco2: got 50",
        ),
    ],
)
def test_a_price_without_effect_or_nobody_to_tell_it_is_a_fault(
    settings: tuple[str, ...], place: str
) -> None:
    with pytest.raises(ScenarioError, match=place):
        small("adcef", *settings)
