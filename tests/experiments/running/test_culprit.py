"""Agents, rules and constructors from outside that raise, or give back nonsense: who it was, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.consumer import Consumer
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError, MessageError, MeterError, UserCodeError
from gridarium.experiments.running.case_run import run_case
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.tariffs import TouTariff

AGENT, OPENS = "consumers.residential.agent", "at 2026-01-14 20:00"


class Raising(Consumer):
    def best_response(self, signal: TariffSignal) -> Array:
        raise ZeroDivisionError("my own mistake")


class Misled(Consumer):
    """Hands on what makes code of gridarium raise."""

    def best_response(self, signal: TariffSignal) -> Array:
        return super().best_response(None)  # type: ignore[arg-type]


class Half(Consumer):
    def best_response(self, signal: TariffSignal) -> Array:
        return super().best_response(signal)[:12]


class Gappy(Consumer):
    def best_response(self, signal: TariffSignal) -> Array:
        plan = super().best_response(signal)
        return np.where(np.arange(24) == 4, np.nan, plan)


class Leaving(Consumer):
    def operate(self, period: int) -> None:
        raise SystemExit(4)


class Drawing(Consumer):
    def operate(self, period: int) -> None:
        self.place.draw(self.name, np.nan if period == 2 else 1.0)


class Short(Consumer):
    def tell_forecast(self, request: Any, sender: str) -> Any:
        told = super().tell_forecast(request, sender)
        return type(told)(told.day, told.load_mw[:5])

    tell_forecast.handles = Consumer.tell_forecast.handles  # type: ignore[attr-defined]


class Telling(Consumer):
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan | None:
        return LoadPlan(np.where(np.arange(24) == 7, np.inf, 1.0))

    respond.handles = Consumer.respond.handles  # type: ignore[attr-defined]


class Unmade(Behaviour):
    def __init__(self, weather: str) -> None:
        raise LookupError(f"no {weather}")


class Costly(TouTariff):
    def offer(self, situation: Any) -> Any:
        return {}[situation]


def ending(override: str) -> GridariumError:
    case = load_scenario("adcef-small", [override]).cases["tou"]
    with pytest.raises(GridariumError) as caught:
        run_case("tou", case)
    return caught.value


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        (
            "Raising",
            UserCodeError,
            f"{OPENS}: {__name__}:Raising.best_response raised ZeroDivisionError: my own",
        ),
        ("Half", UserCodeError, "day 0: plan must have shape (24,), got (12,), from best_response of agent "),
        ("Gappy", UserCodeError, "period 4: plan must be finite, got nan, from best_response of agent "),
        ("Leaving", UserCodeError, f"period 0: {__name__}:Leaving.operate raised SystemExit: 4"),
        ("Drawing", MeterError, "period 2: power drawn must be finite, MW, got nan"),
        ("Short", MessageError, "the load that it tells must cover its day, got 5 steps in place of 24"),
        ("Telling", MessageError, "step 7 of a day: the load that it tells must be finite, got inf"),
    ],
)
def test_an_agent_of_ones_own_is_named_with_the_time(name: str, kind: type, told: str) -> None:
    error = ending(f"{AGENT}={__name__}:{name}")
    assert type(error) is kind
    assert str(error).replace("residential: ", "residential, ").startswith(f"agent residential, {told}")


def test_the_line_is_that_of_the_user_and_the_cause_is_kept() -> None:
    error = ending(f"{AGENT}={__name__}:Misled")
    assert f"{OPENS}: {__name__}:Misled.best_response raised AttributeError" in str(error)
    assert "test_culprit.py, line " in str(error)
    assert isinstance(error.__cause__, AttributeError)


def test_rules_and_constructors_are_named_too() -> None:
    assert str(ending(f"tariff.kind={__name__}:Costly")).startswith(
        f"agent dso, {OPENS}: {__name__}:Costly.offer raised "
    )
    told = str(ending(f"consumers.residential.behaviour=[{{'{__name__}:Unmade': {{weather: rain}}}}]"))
    assert told.startswith(
        f"behaviour {__name__}:Unmade of agent residential: it raised LookupError: no rain ("
    )
    assert told.endswith(") when it was made")


def test_what_gridarium_itself_raises_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Consumer, signal: TariffSignal) -> Array:
        raise RuntimeError("a fault of the house")

    monkeypatch.setattr(Consumer, "best_response", broken)
    case = load_scenario("adcef-small").cases["adcef"]
    with pytest.raises(RuntimeError, match="a fault of the house"):
        run_case("adcef", case)
