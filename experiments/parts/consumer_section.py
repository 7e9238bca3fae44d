"""What a scenario says of consumers: classes, how they answer prices, and how they foresee their load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gridarium.experiments.names.registry import is_known
from gridarium.experiments.parts.storage_section import Storage
from gridarium.experiments.schema.behaviours import Behaviour, Mixture, mixed_up
from gridarium.experiments.schema.fields import (
    Amount,
    Conflict,
    Money,
    MoneyAmount,
    Name,
    Names,
    Probability,
    Range,
    Section,
    Share,
    Source,
)
from gridarium.market.elasticity import USER_CLASSES


class Elasticity(Section):
    """How a load answers relative changes of prices, of its own and of other hours."""

    own: Annotated[float, Range(-10, 0, below_high=True)]
    """Relative change of the load of an hour per relative change of its own price."""
    cross: Annotated[float, Range(0, 10)] = 0.0
    """The same for prices of the hours around it, all together; spread evenly over them."""
    reach_h: Annotated[float, Range(0, 24)] = 6.0
    """How far around an hour other hours of the day count, h."""
    saving_share: Share | None = None
    """Most of the day's energy that may be saved, a share; null sets no limit."""
    curtailment_cost_per_mwh: MoneyAmount = 0.0
    """What a MWh below the base load costs the consumer, money/MWh; the operator makes it good by the meter,
    measured from the base load that it was told."""

    @model_validator(mode="before")
    @classmethod
    def _take_a_class(cls, value: object) -> object:
        known = USER_CLASSES.get(value) if isinstance(value, str) else None
        return value if known is None else {"own": known.own, "cross": known.cross, "reach_h": known.reach_h}


class LoadForecast(Section):
    """How consumers foresee their base load, whose days are drawn around the profile: synthetic ones."""

    kind: Literal["exponential-smoothing", "as-yesterday", "profile"] = "exponential-smoothing"
    """Holt-Winters smoothing of their own past, the day before once more, or the profile itself."""
    past_days: Annotated[int, Range(28, 366)] = 28
    """Days of the past that each has recorded."""
    held_out_days: Annotated[int, Range(1, 28)] = 7
    """Last days of the past on which the error is measured, without being fitted on."""
    deviation_bound: Probability = 0.15
    """Largest deviation of a load from its profile, a share; its standard deviation is half of that."""
    persistence: Probability = 0.9
    """Autocorrelation of the deviations of neighbouring steps."""
    weekend_share: Annotated[float, Range(0, 10, above_low=True)] = 1.0
    """Load of Saturdays and Sundays over that of the profile."""

    @model_validator(mode="before")
    @classmethod
    def _take_a_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    def conflicts(self) -> Iterator[Conflict]:
        """Yield days held out that leave too few to begin with."""
        if self.past_days - self.held_out_days < 21:
            allowed = f"must leave 21 of past_days = {self.past_days} to begin with"
            yield Conflict("held_out_days", self.held_out_days, allowed)


class ConsumerClass(Section):
    """Consumers that are alike; together they are a share of the load at every bus."""

    share: Share
    """Share of the load in its column; the shares of all classes with the same column sum to 1."""
    column: Name = "load_mw"
    """Profile column with the load of which the class has a share, MW."""
    load_profile: Source | None = None
    """Which of the network's own loads the class has a share of: those for which the file names this profile
    (SimBench: `H0-A`), where they stand, and at the power that they have; null is all of them alike. All
    classes name one or none does, and each has its column."""
    count: Annotated[int, Range(1, 100_000)] = 1
    """Number of agents that the class is divided into."""
    placement: Literal["spread", "each-bus"] = "spread"
    """Agents that stand at all load buses at once; or one agent at each load bus, with its part of the class
    by the nominal loads of the buses."""
    beta_per_mwh_per_mw: Annotated[float, Range(0, 1e5, above_low=True), Money()] | None = None
    """Slope of marginal utility if the class were the whole load, money/MWh per MW; 20 to 400 are usual. Must
    be given where no elasticity is."""
    elasticity: Elasticity | None = None
    """Answers to prices by elasticities instead of a utility: a section, or the class of users whose assumed
    values it takes, `residential`, `commercial` or `industrial`."""
    forecast: LoadForecast | None = None
    """How consumers foresee their base load: a section, or its kind; null, the default, is the profile and
    never wrong."""
    flexible_share: Share = 0.2
    """Share of the base load of a period that may be added or taken away."""
    deviation_share: Probability = 0.0
    """Largest share by which loads may come to differ from their forecasts, either way, as consumers say."""
    shiftable_mwh: Amount | None = None
    """Most energy the whole class may shift in a day, MWh; null sets no limit."""
    agent: Annotated[Source, Names("agents")] = "consumer"
    """Kind of agent: `consumer`, or `elastic-consumer` where an elasticity is given; another registered one,
    or the dotted path `package.module:Class`."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact consumer."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""
    battery: Storage | None = None
    """Battery of the whole class, behind its meters."""

    @model_validator(mode="before")
    @classmethod
    def _follow_elasticity(cls, value: object) -> object:
        is_elastic = isinstance(value, dict) and value.get("elasticity") is not None
        return {"agent": "elastic-consumer", **value} if is_elastic else value  # type: ignore[dict-item]

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an unknown agent, two kinds of demand or none, and a mixture of more than everybody."""
        if not is_known("agents", self.agent):
            yield Conflict("agent", self.agent, "must be a registered agent or a path package.module:Class")
        if self.placement == "each-bus" and self.count > 1:
            yield Conflict("count", self.count, "must be 1 where placement is each-bus")
        if self.placement == "each-bus" and self.load_profile is not None:
            yield Conflict("placement", self.placement, "must be spread where load_profile is given")
        yield from self._demand_conflicts()
        yield from mixed_up(self.behaviour, self.mixture, "follower")

    def _demand_conflicts(self) -> Iterator[Conflict]:
        if self.elasticity is None:
            if self.beta_per_mwh_per_mw is None:
                yield Conflict("beta_per_mwh_per_mw", None, "must be given where no elasticity is")
            if self.agent == "elastic-consumer":
                yield Conflict("agent", self.agent, "needs an elasticity")
            return
        if self.agent == "consumer":
            yield Conflict("agent", self.agent, "must be elastic-consumer where an elasticity is given")
        for name in ("beta_per_mwh_per_mw", "shiftable_mwh", "battery"):
            if getattr(self, name) is not None:
                yield Conflict(name, getattr(self, name), "must be left out where an elasticity is given")
