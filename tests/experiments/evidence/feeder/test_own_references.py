"""Two sabotages of those who decide, which their own problems cannot see: the right certificate falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.feeder import consumer_day
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.agents.prosumers import manners
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.feeder.follower_conditions import TOLERANCE, ConsumerCase
from gridarium.experiments.running.case_run import run_case
from gridarium.experiments.scenario import load_scenario
from gridarium.market.bargaining import Bargain
from gridarium.market.messages.tariffs import TariffSignal


def fallen(scenario: str, case: str, *settings: str) -> tuple[set[str], set[str]]:
    """Names of all certificates of a short run that are no invariants, and of those that fail."""
    found = run_case(case, load_scenario(scenario, list(settings)).cases[case]).certificates
    measured = [one for one in found if not one.is_invariant]
    assert len(found) - len(measured) >= 4
    return {one.name for one in measured}, {one.name for one in measured if not one.passed}


@pytest.fixture
def reluctant(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every consumer shifts 1 % less than it wants, and believes that this is best."""
    load_of = consumer_day.ConsumerDay._load_of

    def less(self: consumer_day.ConsumerDay, solution: consumer_day.Solution | None) -> np.ndarray:
        return self.base_mw + 0.99 * (load_of(self, solution) - self.base_mw)

    monkeypatch.setattr(consumer_day.ConsumerDay, "_load_of", less)
    yield


def test_consumers_that_shift_less_than_they_want_are_seen(reluctant: None) -> None:
    names, failed = fallen("adcef-small", "adcef", "horizon_h=6")
    assert "follower optimality" in names & failed
    assert "follower regret" in names - failed


def test_bargains_that_are_not_split_in_halves_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def uneven(bargain: Bargain, p_mwh: float) -> float:
        worth = bargain.utility.value(p_mwh) / p_mwh
        price = 0.55 * bargain.cost_per_mwh + 0.45 * worth
        return min(max(price, bargain.band[0]), bargain.band[1])

    settings = ("net-zero-bargaining", "declared-nash-quadratic", "horizon_h=9")
    names, failed = fallen(*settings)
    assert "split of gains" in names and failed == set()
    monkeypatch.setattr(manners, "nash_price", uneven)
    assert fallen(*settings)[1] == {"split of gains"}


N = 6
PRICE = np.array([300.0, 280.0, 500.0, 900.0, 640.0, 310.0])
BATTERY = StorageRatings("battery", 0.2, 0.4, 0.1, 0.9, 0.5, 0.92, 0.95, 0.2)


@pytest.mark.parametrize("shiftable_mwh", [None, 0.05])
@pytest.mark.parametrize("battery", [None, BATTERY])
def test_the_conditions_hold_where_a_plan_is_best_and_nowhere_else(
    shiftable_mwh: float | None, battery: StorageRatings | None
) -> None:
    base = np.array([0.8, 0.7, 1.0, 1.3, 1.1, 0.9])
    demand = Demand(base, 2000.0, 0.1, shiftable_mwh, battery)
    reference = np.full(N, 500.0)
    signal = TariffSignal(1, PRICE, np.zeros(N), reference, True, 0)
    day = consumer_day.ConsumerDay(_Alone(), "somebody", demand, 1.0)
    day.decide(day.best_load(signal))
    case = ConsumerCase(
        base, day.plan_mw, day.battery_mw, PRICE, reference, 2000.0, 0.1, shiftable_mwh, battery, 1.0
    )
    assert case.residual() < 0.1 * TOLERANCE
    shift = day.plan_mw - day.battery_mw - base
    assert np.abs(shift).max() > 0.01
    less = replace(case, plan_mw=day.plan_mw - 0.01 * shift)
    assert less.residual() > 10.0 * TOLERANCE
    more = replace(case, plan_mw=day.plan_mw + 0.01 * shift)
    assert more.residual() > 10.0 * TOLERANCE
    if battery is not None:
        idle = replace(case, plan_mw=day.plan_mw - 0.01 * day.battery_mw, battery_mw=0.99 * day.battery_mw)
        assert idle.residual() > 10.0 * TOLERANCE


class _Alone:
    """A world in which nothing is shared."""

    def shared(self, key: object, make: object) -> object:
        return self.__dict__.setdefault(str(key), make())  # type: ignore[operator]
