"""How a leader gets from the answers of one round to its next price: what any kind of leader offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.set_points import PointFlow, SetPoints, Trial
from gridarium.environment.arrays import Array


class Step(NamedTuple):
    """Where a leader goes next.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
        Price to post next.
    price_distance_per_mwh : float
        Largest distance of the posted price from the one that the leader is heading for; 0 at rest.
    stuck : bool
        Whether it has given up coming nearer to rest.
    """

    price_per_mwh: Array
    price_distance_per_mwh: float
    stuck: bool = False


class Cycle(NamedTuple):
    """Prices that go round without coming to rest.

    Parameters
    ----------
    best_per_mwh : ndarray, shape (n_period,)
        The one whose answers called for the least change, money/MWh.
    spread_per_mwh : ndarray, shape (n_period,)
        How far prices differ that were posted or called for on the way round, money/MWh; at a jump those that
        were posted next to it.
    around_per_mwh : ndarray, shape (n_answer, n_period), optional
        At a jump: what the answers to these call for, which lies on both sides of the best price.
    """

    best_per_mwh: Array
    spread_per_mwh: Array
    around_per_mwh: Array | None = None

    @property
    def size_per_mwh(self) -> float:
        """Largest difference in a period."""
        return float(self.spread_per_mwh.max())


class Foresight(NamedTuple):
    """How well a leader has foreseen the answers to its prices.

    Parameters
    ----------
    surprise_mw : float
        Largest distance of a load from the one foreseen in the last round.
    largest_base_mw : float
        Of all followers.
    contradictions : int
        Times that answers contradicted earlier ones.
    """

    surprise_mw: float
    largest_base_mw: float
    contradictions: int


@dataclass(frozen=True)
class Intention:
    """What a leader has decided besides its price.

    Parameters
    ----------
    points : SetPoints
        What units are to do.
    pool : CarbonPoolPlan
        Flows of the virtual pools.
    """

    points: SetPoints
    pool: CarbonPoolPlan


class Bench(Protocol):
    """What a leader may know and try out of its own feeder before it posts a price.

    - `shape`: feeder, units and limits
    - `available_mw`, `initial_mwh`: what was told of renewables and storages
    - `on`: whether each turbine runs, shape (n_turbine, n_period)
    """

    @property
    def shape(self) -> DispatchShape: ...  # noqa: D102

    @property
    def available_mw(self) -> Array: ...  # noqa: D102

    @property
    def initial_mwh(self) -> Array: ...  # noqa: D102

    @property
    def on(self) -> Array: ...  # noqa: D102

    def try_out(self, loads_mw: Mapping[str, Array], points: SetPoints) -> Trial | None:
        """The dispatch nearest to set points for some loads; None where these cannot be supplied."""

    def flow(self, loads_mw: Mapping[str, Array], points: SetPoints, like: Dispatch) -> PointFlow:
        """The power flow of set points as they are, with the reactive power of a dispatch."""


class Planning(Protocol):
    """Can plan for the answers that were heard last."""

    @property
    def perceived_mw(self) -> Mapping[str, Array]:
        """These answers, as the leader perceives them."""

    def plan(self) -> DayAhead:
        """The plan; an error where the answers cannot be supplied."""

    def attempt(self) -> DayAhead | None:
        """The plan, or None where the answers cannot be supplied."""


class PriceSetter(Protocol):
    """Decides what a leader posts."""

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array], bench: Bench) -> Array:
        """Price of the first round, money/MWh, shape (n_period,), when only forecasts are known."""

    def plan(self, answers: Planning) -> DayAhead | None:
        """The plan for the answers to the posted price, or None where they are worth none or were refused."""

    def revise(
        self,
        posted: Array,
        loads_mw: Mapping[str, Array],
        silent: frozenset[str],
        plan: DayAhead | None,
        stale: bool,
    ) -> Step:
        """Next price after the answers to the posted one; of silent followers an earlier load is given.

        A plan is stale where the leader has perceived the answers to an earlier price.
        """

    def settle(self, posted: Array) -> Array:
        """The price to announce, when time is up after a posted one; that same array if it stays."""

    def distance(self, posted: Array, plan: DayAhead) -> float:
        """Distance of a final price from the one that the final answers call for, money/MWh."""

    @property
    def cycle(self) -> Cycle | None:
        """The prices among which it got stuck; None for a leader that does not go round."""

    @property
    def intended(self) -> Intention | None:
        """Its own plan beside the price; None where the dispatch of least cost and its pools will do."""

    @property
    def foresees(self) -> bool:
        """Whether it foresees answers, by a model of what supply costs that knows prices alone."""

    @property
    def foresight(self) -> Foresight | None:
        """How well it has foreseen the answers; None for a leader that foresees none."""
