"""A regional system as an agent: what it answers, draws and pays, and that it says nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.bounded.action import PartialCompliance
from gridarium.agents.region.region import Region
from gridarium.agents.region.region_demand import Flexibility, RegionDemand
from gridarium.environment.errors import SolveError
from gridarium.environment.world import World
from gridarium.market.accounts import PERSONAL_CARBON, RETAIL
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

MakeWorld = Callable[..., World]
BASE = np.array([1.0, 1.2, 0.8])
PRICE = np.array([40.0, 60.0, 90.0])


class Supplier(GridAgent):
    """Hears answers."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grid.head, "ties")
        self.heard: list[Any] = []

    @on(LoadPlan)
    def hear_plan(self, plan: LoadPlan, sender: str) -> None:
        self.heard.append(plan)

    @on(LoadForecast)
    def hear_forecast(self, forecast: LoadForecast, sender: str) -> None:
        self.heard.append(forecast)


def ladder(quota: float) -> PersonalLadder:
    return PersonalLadder(np.full(3, 20.0), 0.5, 0.5, 3, np.full(3, quota))


def told(round_: int = 1, quota: float = 0.0) -> TariffSignal:
    return TariffSignal(round_, PRICE, np.full(3, 0.5), PRICE, ladder=ladder(quota))


def lived(
    world: World, *signals: TariffSignal, behaviour: Behaviour | None = None
) -> tuple[Region, Supplier]:
    supplier = Supplier(world)
    demand = RegionDemand(BASE, Flexibility(shift_share=0.0, cut_cost_per_mw2h=100.0))
    region = Region(world.grid.head, "r1", demand, "ties", behaviour)
    for signal in signals:
        supplier.send("r1", signal)
    while world.running:
        world.step()
    return region, supplier


def test_it_answers_with_its_load_alone_and_draws_and_pays_what_it_said(make_world: MakeWorld) -> None:
    world = make_world()
    world.bus.record = True
    region, supplier = lived(world, told())
    (plan,) = supplier.heard
    assert plan.load_mw == pytest.approx(region.day(0).plan.net_mw)
    assert (plan.load_mw < BASE)[1:].all()
    log = world.bus.log()
    assert set(log.loc[log["sender"] == "r1", "topic"]) == {"LoadPlan"}
    assert world.meters["r1"] == pytest.approx(plan.load_mw)
    table = world.ledger.table()
    paid = (
        table[(table["account"] == "r1") & (table["amount_money"] < 0.0)]
        .groupby("purpose")["amount_money"]
        .sum()
    )
    assert -paid[RETAIL] == pytest.approx(PRICE @ plan.load_mw)
    assert -paid[PERSONAL_CARBON] == pytest.approx(ladder(0.0).cost_per_h(0.5 * plan.load_mw).sum())


def test_carbon_below_the_quota_is_a_reward(make_world: MakeWorld) -> None:
    world = make_world()
    region, _ = lived(world, told(quota=2.0))
    table = world.ledger.table()
    got = table[(table["account"] == "r1") & (table["purpose"] == PERSONAL_CARBON)]["amount_money"].sum()
    assert got == pytest.approx(-ladder(2.0).cost_per_h(0.5 * region.day(0).plan.net_mw).sum()) and got > 0.0


@pytest.mark.parametrize(("named", "paid"), [(None, "ties"), ("state", "state")])
def test_carbon_is_paid_to_the_supplier_unless_a_signal_names_a_collector(
    make_world: MakeWorld, named: str | None, paid: str
) -> None:
    world = make_world()
    lived(world, replace(told(), carbon_collector=named))
    steps = [one for one in world.ledger.entries if one.purpose == PERSONAL_CARBON]
    assert {(one.payer, one.payee) for one in steps} == {("r1", paid)}


def test_the_newest_signal_counts_and_an_old_one_is_not_answered(make_world: MakeWorld) -> None:
    dear = TariffSignal(2, PRICE + 100.0, np.zeros(3), PRICE)
    region, supplier = lived(make_world(), dear, told(1), dear)
    assert len(supplier.heard) == 2
    assert supplier.heard[0].load_mw == pytest.approx(supplier.heard[1].load_mw)
    assert region.day(0).signal == dear


def test_users_who_comply_in_part_draw_more_and_pay_for_that(make_world: MakeWorld) -> None:
    world = make_world()
    region, _ = lived(world, told(), behaviour=PartialCompliance(0.5))
    plan = region.day(0).plan.net_mw
    assert world.meters["r1"] == pytest.approx(0.5 * (plan + BASE))


def test_it_tells_its_base_load_when_asked(make_world: MakeWorld) -> None:
    world = make_world()
    supplier = Supplier(world)
    Region(world.grid.head, "r1", RegionDemand(BASE, Flexibility()), "ties")
    supplier.send("r1", ForecastRequest(0))
    supplier.send("r1", told())
    while world.running:
        world.step()
    assert supplier.heard[0].load_mw == pytest.approx(BASE)


def test_energy_without_a_price_is_an_error(make_world: MakeWorld) -> None:
    with pytest.raises(SolveError, match="agent r1: no price of day 0 was ever told"):
        lived(make_world())


def test_its_rows_tell_what_was_asked_of_users(make_world: MakeWorld) -> None:
    region, _ = lived(make_world(), told())
    rows = {one.table: one.values for one in region.rows()}
    assert set(rows) == {"loads", "dispatch", "responses", "satisfaction"}
    cut = np.asarray(rows["responses"]["cut_mw"])
    assert cut == pytest.approx(BASE - region.day(0).plan.net_mw, abs=1e-6)
    assert 0.0 < float(np.ravel(rows["satisfaction"]["satisfaction"])[0]) < 1.0
