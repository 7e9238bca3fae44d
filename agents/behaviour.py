"""How an agent departs from perfect rationality: hooks around its exact decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gridarium.environment.arrays import Array

if TYPE_CHECKING:
    import numpy as np

    from gridarium.environment.commons import Commons
    from gridarium.environment.horizon import Horizon


@dataclass(frozen=True, slots=True)
class HeardLoads:
    """What a leader perceives: the loads its followers last told.

    Parameters
    ----------
    round : int
        Negotiation round; 0 while these are forecasts.
    load_mw : mapping of str to ndarray, shape (n_period,)
        By follower.
    """

    round: int
    load_mw: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Deviation:
    """Surplus (positive) or deficit of a period if all goes on as planned, MW (E18).

    What a system operator perceives before it decides whether to plan anew.
    """

    period: int
    mw: float


class Decider(Protocol):
    """What a behaviour knows of every agent whose decisions it bounds."""

    @property
    def name(self) -> str:
        """Its name in the world."""

    @property
    def world(self) -> Commons:
        """Where it lives."""

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers of this agent for one purpose."""


class LoadChoices(Protocol):
    """The loads that a follower could keep to on a day, MW, shape (n_step,) each."""

    @property
    def base_mw(self) -> Array:
        """Nothing is changed."""

    def cheapest(self, price: Array, /) -> Array:
        """The load with the lowest bill under a price."""

    def nearest(self, load_mw: Array) -> Array:
        """The feasible load nearest to any load."""

    def between(self, first_mw: Array, second_mw: Array, weight: float) -> Array:
        """The mixture with a weight in [0, 1] on the second."""


class Chooser(Decider, Protocol):
    """A follower that could choose another load than its best."""

    @property
    def horizon(self) -> Horizon:
        """Its days and steps."""

    @property
    def plans(self) -> LoadChoices:
        """The loads that it could keep to on the day of the signal heard last."""

    @property
    def plan_mw(self) -> Array:
        """The load that it has decided on for that day."""

    def value_money(self, load_mw: Array, signal: Any) -> float:
        """What a load of that day is worth to it under a signal, its bill taken off; money per day."""

    def best_response(self, signal: Any) -> Array:
        """The load of that day that is optimal under a signal."""


class Behaviour:
    """The exact agent. Override any of the hooks to bound its rationality.

    A behaviour is named in the scenario, alone or in a list that is applied in order. Randomness is
    drawn from ``agent.stream("behaviour")``, so that runs stay reproducible.

    A consumer perceives a `TariffSignal`, chooses a load and acts on it; a leader perceives
    `HeardLoads` and chooses the price that it posts next; a system operator perceives a `Deviation` and
    chooses whether to plan anew.
    """

    def begin_day(self, agent: Decider, day: int) -> None:
        """Get ready to decide on a day; forget what holds for another one only."""

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """What the agent tells of its own day when it is asked for a forecast."""
        return forecast_mw

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """What the agent makes of a signal it received."""
        return signal

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """What the agent picks when `plan` is the optimum for the signal it perceived."""
        return plan

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """What the agent does in a period for which it has planned something."""
        return planned


class Composed(Behaviour):
    """Several behaviours, one after the other."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        self.behaviours = tuple(behaviours)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Let all of them get ready."""
        for behaviour in self.behaviours:
            behaviour.begin_day(agent, day)

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """Pass the forecast through all of them."""
        for behaviour in self.behaviours:
            forecast_mw = behaviour.foresee(agent, forecast_mw)
        return forecast_mw

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """Pass the signal through all of them."""
        for behaviour in self.behaviours:
            signal = behaviour.perceive(agent, signal)
        return signal

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Pass the plan through all of them."""
        for behaviour in self.behaviours:
            plan = behaviour.choose(agent, signal, plan)
        return plan

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """Pass the action through all of them."""
        for behaviour in self.behaviours:
            planned = behaviour.act(agent, period, planned)
        return planned
