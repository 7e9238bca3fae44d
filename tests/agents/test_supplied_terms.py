"""What a supplier's terms come to in regions: nodal prices, carbon price of a ladder, parts of a pull."""

from __future__ import annotations

import numpy as np
import pytest
from priced_regions import LOAD, stage
from priced_regions import plans as answer_of

from gridarium.agents.distribution.supplied_terms import ladder_price_per_tco2, moved_prices, parted_pull
from gridarium.environment.arrays import series
from gridarium.environment.errors import MessageError
from gridarium.environment.horizon import Horizon
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import Pull, TariffSignal

RESTING = stage({"a": lambda signal: answer_of(signal, *np.zeros((3, 2, 3)))})
HORIZON = Horizon.of(RESTING.world, 8.0)


def terms(ladder: PersonalLadder | None) -> TariffSignal:
    """A day of three steps."""
    price, factor = series(np.full(3, 300.0)), series(np.array([0.5, 0.4, 0.0]))
    return TariffSignal(1, price, factor, price, ladder=ladder)


def test_loads_pay_what_supply_costs_and_regions_differ_as_by_contract() -> None:
    random = np.random.default_rng(2)
    buy, load = random.uniform(200.0, 900.0, (3, 24)), random.uniform(0.1, 2.0, (3, 24))
    sell, told = 0.8 * buy, random.uniform(-50.0, 400.0, 24)
    new_buy, new_sell = moved_prices(buy, sell, load, told)
    assert (new_buy * load).sum(axis=0) == pytest.approx(told * load.sum(axis=0))
    assert new_buy - new_buy[0] == pytest.approx(buy - buy[0])
    assert new_buy - new_sell == pytest.approx(buy - sell)


def test_without_load_regions_weigh_the_same() -> None:
    buy = np.array([[400.0], [600.0]])
    moved, _ = moved_prices(buy, buy, np.zeros((2, 1)), np.array([100.0]))
    assert moved.ravel().tolist() == [0.0, 200.0]


def test_carbon_costs_what_the_ladder_of_one_grid_asks_around_its_emission() -> None:
    ladder = PersonalLadder(series(np.full(3, 40.0)), 10.0, 0.25, 3, series(np.full(3, 5.0)))
    found = ladder_price_per_tco2("operator", terms(ladder), HORIZON, 10, np.array([4.0, -3.0, 4.0]))
    # Of all ten: 20 t/h, half a step into the second one; nothing is carried by what is fed back or clean.
    wanted = ladder.ramp_per_tco2(np.array([20.0, 0.0, 0.0]))
    assert found == pytest.approx(wanted)
    assert found[0] > found[1]
    with pytest.raises(MessageError, match="agent operator: its supplier tells no ladder"):
        ladder_price_per_tco2("operator", terms(None), HORIZON, 10, np.zeros(3))


def test_parts_of_a_pull_count_at_least_as_much_as_the_whole_and_as_much_where_nothing_moves() -> None:
    contract, random = RESTING.operator.contract, np.random.default_rng(5)
    load = np.array([LOAD["near"], LOAD["far"]])
    drawn, head = {"a": random.normal(0.0, 0.2, (2, 3))}, random.uniform(1.0, 2.0, 3)
    pull = Pull(series(random.uniform(1.0, 2.0, 3)), 80.0)
    parts = parted_pull(contract, pull, load, drawn, head)
    assert set(parts) == {("a", "near"), ("a", "far")}

    def counted(moved: np.ndarray) -> tuple[float, float]:
        whole = float(pull.weight_per_h(head + moved.sum(axis=0)).sum())
        own = sum(
            float(parts["a", region].weight_per_h(load[row] + drawn["a"][row] + moved[row]).sum())
            for row, region in enumerate(("near", "far"))
        )
        return whole, own

    for moved in random.normal(0.0, 0.5, (20, 2, 3)):
        whole, own = counted(moved)
        assert own >= whole - 1e-9
    assert counted(np.zeros((2, 3)))[0] == pytest.approx(counted(np.zeros((2, 3)))[1])
    even = np.tile(random.normal(0.0, 0.5, 3), (2, 1))
    assert counted(even)[0] == pytest.approx(counted(even)[1])
