"""Customers at a head: one answer to each signal, forecasts as soon as they are known, no terms no plan."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.following import HeadCustomer, refuse_head_terms
from gridarium.agents.recorded_grid import HeadRecord, RecordedGrid
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.market.accounts import PERSONAL_CARBON, PURCHASE
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest
from gridarium.market.messages.tariffs import LoadPlan, Pull, TariffSignal

KNOWN_AT_S, CLOSES_S = 100.0, 1000.0
BASE = np.arange(1.0, 25.0)


class Town(HeadCustomer):
    """Knows its day late, and plans its base load less the number of the signal."""

    def __init__(self, site: Any, horizon: Horizon) -> None:
        super().__init__(site, "town", "bulk/supplier", horizon=horizon)
        self.known = False
        self.heard: list[TariffSignal] = []

    def process(self) -> Generator[Any, Any, None]:
        yield self.world.clock.wait_until(KNOWN_AT_S)
        self.known = True
        self.answer_forecasts()
        while not (self.heard and self.heard[-1].final):
            asked, terms = yield from self.next_terms(0, CLOSES_S)
            self.heard.append(terms)
            self.tell_plan(asked, terms)

    def head_forecast_mw(self, day: int) -> Array | None:
        return BASE if self.known and day == 0 else None

    def terms_of_day(self, day: int) -> TariffSignal:
        return self.heard[-1]

    def head_plan_mw(self, day: int) -> Array:
        return BASE - len(self.heard)


class Supplier(GridAgent):
    """Asks, and keeps each reply with the time at which it came."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grids[0].head, "supplier")
        self.got: list[tuple[float, Any]] = []

    def inquire(self, payload: Any, resend_after_s: float = 1e6) -> None:
        question = self.ask({"r1/town": payload}, 900.0, resend_after_s)

        def wait() -> Generator[Any, Any, None]:
            yield from question.answered()
            self.got += [(self.world.clock.now_s, reply) for reply in question.replies.values()]

        self.world.clock.process(wait())

    @property
    def replies(self) -> list[Any]:
        return [reply for _, reply in self.got]


Pair = tuple[Supplier, Town]


@pytest.fixture
def make_pair() -> Callable[..., Pair]:
    """A supplier, and a town of three equal grids that plans in hours over quarters."""

    def made(n_day: int = 1) -> Pair:
        bulk = Grid(Feeder.copper_plate(), np.full(96 * n_day, 0.6), name="bulk")
        town = Grid(Feeder.copper_plate(), name="r1", above=bulk.head, replicas=3)
        clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 900.0)
        world = World((bulk, town), clock, 96 * n_day, 3600.0)
        return Supplier(world), Town(town.head, Horizon.of(world, 1.0))

    return made


def signal(round_: int, final: bool = False, day: int = 0) -> TariffSignal:
    values = series(np.full(24, 600.0))
    return TariffSignal(round_, values, values, values, final=final, day=day)


def go(town: Town, until_s: float) -> None:
    if town.world.clock.now_s == 0.0:
        town.start()
    town.world.clock.run_until(until_s)


def test_a_repeated_signal_gets_the_same_answer_again(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    supplier.inquire(signal(1))
    go(town, 200.0)
    for _ in range(2):
        supplier.inquire(signal(1))
        go(town, town.world.clock.now_s + 50.0)
    first, second, third = supplier.replies
    # It answers for its three copies together, in its own steps.
    assert isinstance(first, LoadPlan)
    assert first.load_mw.tolist() == (3 * (BASE - 1)).tolist()
    assert first.load_mvar is None
    assert second is first
    assert third is first
    assert len(town.heard) == 1


def test_copies_of_a_signal_on_the_way_are_one_signal(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    # Asked every ten seconds, for a hundred of them before it listens.
    supplier.inquire(signal(1), resend_after_s=10.0)
    go(town, 300.0)
    assert [time_s for time_s, _ in supplier.got] == [KNOWN_AT_S]
    assert len(town.heard) == 1


def test_each_new_signal_gets_a_new_plan_until_the_final_one(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    for round_, final in ((1, False), (2, False), (2, True)):
        supplier.inquire(signal(round_, final))
        go(town, town.world.clock.now_s + 150.0)
    assert [plan.load_mw[0] for plan in supplier.replies] == [0.0, -3.0, -6.0]
    assert [(one.round, one.final) for one in town.heard] == [(1, False), (2, False), (2, True)]


def test_a_signal_that_a_newer_one_has_overtaken_is_left_unanswered(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    supplier.inquire(signal(2))
    go(town, 10.0)
    supplier.inquire(signal(1))
    go(town, 950.0)
    assert [one.round for one in town.heard] == [2]
    assert len(supplier.got) == 1


def test_a_forecast_that_is_asked_too_early_comes_when_the_day_is_known(
    make_pair: Callable[..., Pair],
) -> None:
    supplier, town = make_pair()
    supplier.inquire(ForecastRequest(0), resend_after_s=15.0)
    supplier.inquire(signal(1, final=True))
    go(town, 60.0)
    assert supplier.got == []
    go(town, 200.0)
    assert {time_s for time_s, _ in supplier.got} == {KNOWN_AT_S}
    (forecast,) = (reply for reply in supplier.replies if isinstance(reply, LoadForecast))
    # In settlement periods, and for all copies.
    assert (forecast.day, forecast.load_mw.tolist()) == (0, np.repeat(3 * BASE, 4).tolist())
    # However often it was asked, it answers once; who asks afterwards is answered at once.
    assert town.world.bus.sent == 7 + 1 + 2
    supplier.inquire(ForecastRequest(0))
    go(town, 210.0)
    assert supplier.got[-1][0] == 200.0
    assert supplier.replies[-1].load_mw.tolist() == forecast.load_mw.tolist()


def test_a_forecast_of_a_day_that_stays_unknown_is_kept_open(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair(n_day=2)
    supplier.inquire(ForecastRequest(1))
    supplier.inquire(signal(1, final=True))
    go(town, 500.0)
    assert not any(isinstance(reply, LoadForecast) for reply in supplier.replies)


@pytest.mark.parametrize("told", [None, signal(1, day=1)], ids=["nothing", "another day"])
def test_without_terms_before_the_gate_closes_there_is_no_plan(
    make_pair: Callable[..., Pair], told: TariffSignal | None
) -> None:
    supplier, town = make_pair(n_day=2)
    if told is not None:
        supplier.inquire(told)
    go(town, CLOSES_S)
    with pytest.raises(
        MessageError, match="agent r1/town: no terms from bulk/supplier before the gate closed"
    ):
        go(town, CLOSES_S + 1.0)


def test_what_is_left_of_the_day_is_told_in_settlement_periods(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    supplier.inquire(signal(1, final=True))
    go(town, 200.0)
    supplier.inquire(StatusRequest(90))
    go(town, 300.0)
    status = supplier.replies[-1]
    assert isinstance(status, LoadStatus)
    assert (status.period, status.load_mw.tolist()) == (90, [66.0] * 2 + [69.0] * 4)


def test_prices_are_held_over_the_settlement_periods(make_pair: Callable[..., Pair]) -> None:
    _, town = make_pair()
    price = series(np.arange(24.0))
    terms = TariffSignal(1, price, price, price, export_price_per_mwh=series(0.5 * price))
    assert town.told_price_per_mwh(terms).tolist() == np.repeat(price, 4).tolist()
    assert town.told_export_per_mwh(terms).tolist() == np.repeat(0.5 * price, 4).tolist()
    assert town.told_export_per_mwh(signal(1)).tolist() == [0.0] * 96


LADDER = PersonalLadder(series(np.full(24, 40.0)), 1.5, 0.5, 3, series(np.full(24, 3.0)))


@pytest.mark.parametrize("collector", [None, "state"])
@pytest.mark.parametrize("taken_mw", [0.2, 2.0, 4.0, -1.0])
def test_a_ladder_of_all_copies_is_paid_by_each_for_its_part(
    make_pair: Callable[..., Pair], collector: str | None, taken_mw: float
) -> None:
    supplier, town = make_pair()
    terms = replace(signal(1, final=True), ladder=LADDER, carbon_collector=collector)
    terms = replace(terms, factor_tco2_per_mwh=series(np.full(24, 0.8)))
    supplier.inquire(terms)
    go(town, 200.0)
    town.pay_head(37, taken_mw)
    # 3 t/h are free for the three together; steps of 1.5 t/h at 40, 60 and 80; a quarter of an hour.
    carbon = 3 * 0.8 * max(taken_mw, 0.0) - 3.0
    dearer = max(carbon - 1.5, 0.0) + max(carbon - 3.0, 0.0)
    owed = 0.25 * (40.0 * carbon + 20.0 * dearer)
    ledger = town.world.ledger
    booked = [entry for entry in ledger.entries if entry.purpose == PERSONAL_CARBON]
    signs = {True: 1.0, False: -1.0}
    paid = {
        side: sum(signs[e.payer == side] * e.amount for e in booked if side in (e.payer, e.payee))
        for side in ("r1/town", "r1/replicas")
    }
    assert paid["r1/town"] == pytest.approx(owed / 3)
    assert paid["r1/replicas"] == pytest.approx(2 * owed / 3)
    other = {e.payee if e.payer.startswith("r1/") else e.payer for e in booked}
    assert other == {collector or "bulk/supplier"}
    assert all(entry.period == 37 for entry in booked)


def test_a_recorded_grid_pays_the_ladder_that_its_operator_would(make_pair: Callable[..., Pair]) -> None:
    supplier, town = make_pair()
    metered = np.linspace(-1.0, 5.0, 96)
    record = HeadRecord(metered, metered, metered, np.zeros(96))
    recorded = RecordedGrid(supplier.grid.head, "r2", record, "bulk/supplier", replicas=3)
    terms = replace(signal(1, final=True), ladder=LADDER, carbon_collector="state")
    with pytest.raises(MessageError, match="bulk/supplier has told no terms of day 0"):
        recorded.settle(0)
    recorded.take_terms(terms, "bulk/supplier")
    supplier.inquire(terms)
    go(town, 200.0)
    for period in (0, 40, 95):
        recorded.settle(period)
        town.pay_head(period, float(metered[period]))
    for purpose in (PURCHASE, PERSONAL_CARBON):
        booked = [entry for entry in town.world.ledger.entries if entry.purpose == purpose]
        paid = [
            [entry.amount for entry in booked if own in (entry.payer, entry.payee)]
            for own in (recorded.name, town.name)
        ]
        assert len(paid[0]) >= 2 and paid[0] == pytest.approx(paid[1])


def test_who_cannot_plan_with_more_than_prices_refuses_it() -> None:
    refuse_head_terms("town", signal(1), "of a kind")
    both = replace(signal(1), ladder=LADDER, pull=Pull(np.zeros(24), 1.0))
    told = (
        "agent town: its supplier asks with a ladder of carbon and a pull, which an operator of a kind cannot"
    )
    with pytest.raises(MessageError, match=told):
        refuse_head_terms("town", both, "of a kind")
