"""A pool of regional systems under a TIES: it forms, refunds by the meters, and breaks without a gain."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gridarium.agents.region.carbon_pool import CarbonPool
from gridarium.agents.region.region import Region
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CARBON_MARKET, POOL_FEE, POOLED_CARBON
from gridarium.market.carbon_pooling import Answered, saved_money

SETTINGS = ("horizon_h=48", "period_h=1.0", "grids.bulk.ties.trigger_mw=1000")


@cache
def world(fee_money: float) -> BuiltWorld:
    pooled = f"cases.ladder.grids.bulk.carbon_pool={{fee_money: {fee_money}}}"
    built = build(load_scenario("ries-small", [*SETTINGS, pooled]).cases["ladder"])
    _play(built)
    return built


def received(built: BuiltWorld, account: str, purpose: str) -> float:
    ledger = built.world.ledger.table()
    return float(
        ledger.loc[(ledger["account"] == account) & (ledger["purpose"] == purpose), "amount_money"].sum()
    )


def test_all_join_what_costs_nothing_and_share_what_they_save_by_their_meters() -> None:
    built = world(0.0)
    pool = built.one(CarbonPool)
    saved = 0.0
    for number, day in enumerate(pool.days):
        assert len(day.members) == 3
        answered = []
        for region in built.of(Region):
            signal = region.day(number).signal
            assert signal is not None and signal.ladder is not None
            drawn = built.world.meters[region.name][24 * number : 24 * (number + 1)]
            answered.append(Answered(np.maximum(signal.factor_tco2_per_mwh, 0.0) * drawn, signal.ladder))
        saved += saved_money(answered, 1.0)
        assert sum(day.refunds_money.values()) == pytest.approx(saved_money(answered, 1.0))
        assert all(refund >= 0.0 for refund in day.refunds_money.values())
    refunded = sum(received(built, region.name, POOLED_CARBON) for region in built.of(Region))
    assert refunded == pytest.approx(saved) == pytest.approx(-received(built, CARBON_MARKET, POOLED_CARBON))
    assert saved > 1.0


def test_who_gains_more_than_the_fee_stays_and_the_others_leave() -> None:
    planned = world(0.0).one(CarbonPool).days[0].planned_money
    order = sorted(planned, key=planned.__getitem__)
    fee = 0.5 * (planned[order[0]] + planned[order[1]])
    built = world(fee)
    first, second = built.one(CarbonPool).days
    assert len(first.members) == 3
    assert set(second.members) == set(order[1:])
    assert received(built, order[0], POOL_FEE) == pytest.approx(-fee)
    assert order[0] not in second.refunds_money


def test_a_pool_needs_something_to_share() -> None:
    with pytest.raises(ScenarioError, match="must be left out where carbon_policy"):
        load_scenario("ries-small", ["grids.bulk.carbon_pool={}"])
