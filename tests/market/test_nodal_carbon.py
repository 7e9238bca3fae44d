"""The surcharge on nodal carbon by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.nodal_carbon import NodalCarbonTariff
from gridarium.market.supply import Situation, Supply
from gridarium.market.tariffs import told_to

TOU = np.array([300.0, 800.0])


@dataclass(frozen=True)
class Nodes:
    load_mw: np.ndarray
    intensity_tco2_per_mwh: np.ndarray


def situation(nodes: Nodes | None) -> Situation:
    nothing, load = np.zeros(2), np.array([3.0, 2.0])
    # 2.6 tCO2 come in, 2.4 of them to the loads: storages keep the rest.
    return Situation(
        MarketConditions(TOU, TOU, nothing, np.full(2, 0.52), np.full(2, 100.0), 0.0),
        Supply(np.array([3.0, 2.0]), np.full(2, 0.52), nothing, nothing, nothing),
        load, load, nothing, nothing, nothing, nothing, nothing, 1.0, nodes,
    )  # fmt: skip


NODES = Nodes(np.array([[1.0, 0.0], [2.0, 2.0]]), np.array([[0.8, 0.9], [0.4, 0.4]]))


def test_price_at_each_bus() -> None:
    offer = NodalCarbonTariff(adjustment=1.5).offer(situation(NODES))
    assert offer.price_per_mwh == pytest.approx(np.array([[420.0, 935.0], [360.0, 860.0]]))
    assert offer.told_factor_tco2_per_mwh == pytest.approx(NODES.intensity_tco2_per_mwh)
    # The mean of each hour, and 0.2 tCO2 that storages keep over 5 MWh.
    assert offer.factor_tco2_per_mwh == pytest.approx([1.6 / 3.0 + 0.04, 0.4 + 0.04])
    assert offer.factor_tco2_per_mwh @ [3.0, 2.0] == pytest.approx(2.6)


def test_revenue_neutral_surcharge_costs_planned_loads_nothing() -> None:
    offer = NodalCarbonTariff(revenue_neutral=True).offer(situation(NODES))
    surcharge = offer.price_per_mwh - TOU
    assert surcharge == pytest.approx(100.0 * (NODES.intensity_tco2_per_mwh - 2.4 / 5.0))
    assert (surcharge * NODES.load_mw).sum() == pytest.approx(0.0, abs=1e-12)


def test_who_draws_at_several_buses_is_told_their_mean() -> None:
    posted = np.array([[420.0, 935.0], [360.0, 860.0]])
    assert told_to(np.array([0.0, 1.0]), posted) == pytest.approx([360.0, 860.0])
    assert told_to(np.array([0.25, 0.75]), posted) == pytest.approx([375.0, 878.75])
    assert told_to(np.array([0.25, 0.75]), TOU) is TOU


def test_what_it_needs_is_told() -> None:
    with pytest.raises(ScenarioError, match="needs a feeder with a dso"):
        NodalCarbonTariff().offer(situation(None))
    with pytest.raises(ScenarioError, match="revenue_neutral: got 'maybe'; must be true or false"):
        NodalCarbonTariff(revenue_neutral="maybe")  # type: ignore[arg-type]
