"""What prosumers expect to draw, against what they do draw where nothing fluctuates and nobody trades."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.prosumers.own_balance import OwnBalance, ProsumerData
from gridarium.agents.prosumers.own_forecast import draw_without_trade
from gridarium.environment.storage import StorageRatings
from gridarium.market.utility import QuadraticUtility

BATTERY = StorageRatings("home", 0.4, 1.0, 0.1, 0.9, 0.2, 0.9, 0.8, 0.4)
UTILITY = QuadraticUtility(300.0, 1e3)


def test_by_hand_the_battery_takes_the_surplus_and_gives_it_back() -> None:
    net = np.array([0.5, -0.2, -0.2])
    drawn = draw_without_trade(net, 1.0, BATTERY, 0.2, 0.2)
    # 0.4 of 0.5 fit through the inverter: 0.36 inside, 0.288 at the meter, of which 0.2 and then 0.088.
    assert drawn == pytest.approx([0.0, 0.0, 0.2 - 0.088])
    assert draw_without_trade(net, 1.0, None, 0.0, 0.0) == pytest.approx([0.0, 0.2, 0.2])


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_comes_about_without_trade_and_fluctuation(seed: int) -> None:
    random = np.random.default_rng(seed)
    pv, load = random.uniform(0.0, 1.0, (2, 48))
    own = OwnBalance(ProsumerData(pv, load, UTILITY, BATTERY), 0.25, 15, random, per_day=24)
    first_day, second = own.foreseen_mwh(slice(0, 24)), own.foreseen_mwh(slice(24, 48))
    drawn = []
    for period in range(48):
        own.open(period)
        drawn.append(own.close(period, 0.0, 0.0).drawn)
        if period == 11:
            # Asked within the day before, it goes on from what is in its battery by then.
            assert own.foreseen_mwh(slice(24, 48)) == pytest.approx(second, abs=1e-12)
    assert np.concatenate([first_day, second]) == pytest.approx(drawn, abs=1e-12)
