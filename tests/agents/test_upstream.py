"""What an exogenous supplier and the carbon market tell: terms of any day, green shares, prices by step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.upstream import CarbonMarket, SupplyProfile, UpstreamMarket
from gridarium.environment.errors import InputError
from gridarium.environment.horizon import Horizon
from gridarium.environment.world import World
from gridarium.market.messages.cleanness import CarbonPriceRequest
from gridarium.market.messages.forecasts import ForecastRequest

MakeWorld = Callable[..., World]
N = 48
PRICE, FACTOR, GREEN = np.arange(1.0, N + 1.0), np.linspace(0.2, 0.8, N), np.linspace(0.0, 1.0, N)


def supplier(world: World, green_share: np.ndarray | None) -> UpstreamMarket:
    profile = SupplyProfile(PRICE, 0.5 * PRICE, FACTOR, green_share)
    return UpstreamMarket(world.grid.head, "market", profile, None, 0.0, 1.0, Horizon.of(world))


def test_terms_of_a_later_day_are_told_to_who_asks(make_world: MakeWorld) -> None:
    market = supplier(make_world(N), GREEN)
    told = market.tell_outlook(ForecastRequest(1), "operator")
    assert told.day == 1
    assert told.green_share is not None
    assert told.export_price_per_mwh is not None
    for values, whole in (
        (told.price_per_mwh, PRICE),
        (told.export_price_per_mwh, 0.5 * PRICE),
        (told.factor_tco2_per_mwh, FACTOR),
        (told.green_share, GREEN),
    ):
        assert values.tolist() == whole[24:].tolist()


def test_a_green_share_is_told_only_where_there_is_one(make_world: MakeWorld) -> None:
    assert supplier(make_world(N), None).tell_outlook(ForecastRequest(0), "operator").green_share is None


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_a_green_share_is_a_share(bad: float) -> None:
    with pytest.raises(InputError, match=r"green_share, step 3: got .*; must be in \[0, 1\]"):
        SupplyProfile(PRICE, PRICE, FACTOR, np.where(np.arange(N) == 3, bad, GREEN))


def test_the_carbon_market_tells_its_price_by_step_or_one_for_all(make_world: MakeWorld) -> None:
    head = make_world(N).grid.head
    by_step = CarbonMarket(head, "stepped", PRICE, 0.0)
    told = by_step.tell_prices(CarbonPriceRequest(1), "operator")
    assert (told.day, told.price_per_tco2.tolist()) == (1, PRICE[24:].tolist())
    same = CarbonMarket(head, "flat", 12.0, 0.0).tell_prices(CarbonPriceRequest(0), "operator")
    assert same.price_per_tco2.tolist() == [12.0] * 24
