"""A DSO whose supplier asks more than prices: what it answers in exchange rounds, and what it pays."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.upstream import UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.connection import Connection
from gridarium.environment.errors import MessageError
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import PERSONAL_CARBON, PURCHASE
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import CarbonTerms, LoadPlan, Pull, TariffSignal
from small_cases import FREE_TO_RUN

# Gas is dearer than import at some hours, and cheaper at others.
GAS = (
    "gas_turbines.gas_turbine_12.cost_linear_per_mwh=300",
    "gas_turbines.gas_turbine_25.cost_linear_per_mwh=450",
    "negotiation.price_tolerance_per_mwh=1e-4",
    "negotiation.round_limit=200",
    *FREE_TO_RUN,
)
LADDER = PersonalLadder(series(np.linspace(20.0, 80.0, 24)), 0.3, 0.5, 4, series(np.full(24, 0.2)))
Answered = Callable[..., tuple[Built, list[LoadPlan]]]


def built_case(*more: str) -> Built:
    return build(load_scenario("adcef-small", [*GAS, *more]).cases["adcef"])


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Answered:
    """The feeder under a supplier that sends one signal after the other, and its answers."""

    def lived(signals: Sequence[TariffSignal], *more: str) -> tuple[Built, list[LoadPlan]]:
        heard = list[LoadPlan]()

        def process(market: UpstreamMarket) -> Generator[Any, Any, None]:
            for signal in signals:
                question = market.ask({"dso": signal}, 3600.0, 3600.0)
                yield from question.answered()
                heard.append(question.replies["dso"])

        monkeypatch.setattr(UpstreamMarket, "process", process)
        built = built_case(*more)
        built.world.step()
        return built, heard

    return lived


@pytest.fixture(scope="module")
def plain() -> tuple[TariffSignal, Array]:
    """The supplier's terms, and what the feeder takes under them."""
    built = built_case()
    built.world.step()
    dso = built.one(Dso)
    return dso.today.terms, dso.head_plan_mw(0)


def pulled(terms: TariffSignal, round_: int, target_mw: Array, weight: float, final: bool) -> TariffSignal:
    return replace(terms, round=round_, pull=Pull(target_mw, weight), final=final)


def test_with_next_to_no_weight_it_answers_as_to_prices_alone(
    answered: Answered, plain: tuple[TariffSignal, Array]
) -> None:
    terms, taken = plain
    _, (answer,) = answered([pulled(terms, 1, np.zeros(24), 1e-6, True)])
    assert answer.load_mw == pytest.approx(taken, abs=2e-4)


def test_with_a_huge_weight_it_takes_what_it_is_drawn_to(
    answered: Answered, plain: tuple[TariffSignal, Array]
) -> None:
    terms, taken = plain
    # Turbines of 2.2 MW can stand in for import where that is high, and for nothing where there is none.
    target = np.clip(taken, 0.4, 0.9 * taken.max())
    built, (answer,) = answered([pulled(terms, 1, target, 1e5, True)])
    assert np.abs(target - taken).max() > 0.3
    assert answer.load_mw == pytest.approx(target, abs=2e-2)
    day = built.one(Dso).today
    counted = 0.5 * 1e5 * float(((answer.load_mw - target) ** 2).sum())
    assert day.plan.dispatch.pull_money == pytest.approx(counted, rel=1e-6)
    # Nobody earns or pays it.
    earned = day.rounds[-1].judgement.profit_money
    paid = day.plan.net_cost_money(True) + day.plan.dispatch.pull_money
    assert day.plan.net_cost_money(True) < paid
    assert earned == pytest.approx(
        float(day.signal.price_per_mwh @ day.total_mw) - day.plan.net_cost_money(True), rel=1e-4
    )


def test_the_same_signal_gets_the_same_answer_whatever_came_between(
    answered: Answered, plain: tuple[TariffSignal, Array]
) -> None:
    terms, taken = plain
    first = replace(pulled(terms, 1, 0.8 * taken, 30.0, False), ladder=LADDER)
    other = replace(
        pulled(terms, 2, taken + 0.5, 200.0, False), price_per_mwh=series(1.3 * terms.price_per_mwh)
    )
    _, answers = answered([first, other, replace(first, round=3), replace(first, round=4, final=True)])
    assert np.abs(answers[1].load_mw - answers[0].load_mw).max() > 0.1
    for again in answers[2:]:
        assert again.load_mw == pytest.approx(answers[0].load_mw, abs=1e-4)


def test_the_reference_of_its_consumers_stays_the_contract_tariff(
    answered: Answered, plain: tuple[TariffSignal, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    terms, taken = plain
    told, send = list[TariffSignal](), Connection.send

    def noted(connection: Connection, recipient: str, payload: Any, **more: Any) -> None:
        if isinstance(payload, TariffSignal) and connection.name == "dso":
            told.append(payload)
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", noted)
    dear = replace(terms, price_per_mwh=series(2.0 * terms.price_per_mwh), ladder=LADDER)
    built, _ = answered([replace(terms, final=False), pulled(dear, 2, taken, 30.0, True)])
    contract = built.one(Dso).contract.tou_price_per_mwh
    assert len(told) > 6
    for signal in told:
        assert signal.reference_price_per_mwh.tolist() == contract.tolist()
        # What its supplier asks with is its own affair.
        assert signal.ladder is None and signal.pull is None
    assert built.one(Dso).today.conditions.wholesale_price_per_mwh == pytest.approx(2.0 * terms.price_per_mwh)


def test_a_ladder_is_paid_for_what_the_meter_shows(
    answered: Answered, plain: tuple[TariffSignal, Array]
) -> None:
    terms, taken = plain
    built, (answer,) = answered([replace(terms, ladder=LADDER, carbon_collector="state")])
    while built.world.running:
        built.world.step()
    # Import that pays for its carbon gives way to gas.
    assert answer.load_mw.sum() < taken.sum() - 0.1
    metered = np.maximum(built.world.grid.exchange_mw, 0.0)
    carbon = terms.factor_tco2_per_mwh * metered - 0.2
    steps = sum(np.clip(carbon - 0.3 * n, 0.0, 0.3 if n < 3 else np.inf) * (1.0 + 0.5 * n) for n in range(4))
    owed = LADDER.base_price_per_tco2 * (steps + np.minimum(carbon, 0.0))
    table = built.world.ledger.table()
    booked = table[(table["account"] == "state") & (table["purpose"] == PERSONAL_CARBON)]
    by_period = booked.groupby("period")["amount_money"].sum().reindex(range(24), fill_value=0.0)
    assert by_period.to_numpy() == pytest.approx(owed, abs=1e-9)
    assert owed.min() < 0.0 < owed.max()
    energy = table[(table["account"] == "dso") & (table["purpose"] == PURCHASE)]["amount_money"].sum()
    assert -energy == pytest.approx(float(terms.price_per_mwh @ metered))
    # The dispatch has counted with what is paid in the end.
    assert metered == pytest.approx(answer.load_mw, abs=1e-5)


def test_each_of_several_equal_grids_plans_with_its_part() -> None:
    dso, price = built_case().one(Dso), np.full(24, 500.0)
    one = TariffSignal(1, price, 0.001 * price, price, ladder=LADDER)
    one = replace(one, pull=Pull(np.linspace(0.0, 3.0, 24), 9.0))
    of_five = replace(
        one,
        ladder=replace(LADDER, interval_t_per_h=1.5, quota_t_per_h=5.0 * LADDER.quota_t_per_h),
        pull=Pull(np.linspace(0.0, 15.0, 24), 9.0),
    )
    alone, each = (
        dso.contract.conditions(terms, CarbonTerms(np.zeros(1), 0.0), dso.horizon, replicas)
        for terms, replicas in ((one, 1), (of_five, 5))
    )
    assert alone.pull and each.pull and alone.ladder and each.ladder
    assert each.pull.target_mw == pytest.approx(alone.pull.target_mw)
    assert each.pull.per_mw2h == alone.pull.per_mw2h
    carbon = np.linspace(0.0, 3.0, 24)
    assert each.ladder.cost_per_h(carbon) == pytest.approx(alone.ladder.cost_per_h(carbon))
    assert 5.0 * each.ladder.cost_per_h(carbon) == pytest.approx(of_five.ladder.cost_per_h(5.0 * carbon))  # type: ignore[union-attr]


def test_a_leader_that_foresees_answers_refuses_more_than_prices(
    answered: Answered, plain: tuple[TariffSignal, Array]
) -> None:
    terms, taken = plain
    with pytest.raises(MessageError, match="agent dso: its supplier asks with a pull, which an operator"):
        answered([pulled(terms, 1, taken, 10.0, True)], "leader.kind=anticipating")
