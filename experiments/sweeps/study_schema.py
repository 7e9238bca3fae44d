"""The sections of a study file: what is varied, how it is sampled, what is kept and when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from gridarium.experiments.names.formatting import currency_code
from gridarium.experiments.names.renamed import new_name
from gridarium.experiments.schema.distribution import Distribution, is_number
from gridarium.experiments.schema.fields import (
    Conflict,
    Currency,
    Flag,
    MetricName,
    Name,
    Range,
    Section,
    Text,
)
from gridarium.experiments.schema.fields import Source as Place
from gridarium.experiments.sweeps.design import DesignSpec, design_faults
from gridarium.experiments.sweeps.factors import (
    Factor,
    Source,
    ValueList,
    ValueRange,
)


class RangeSection(Section):
    """Numbers from one to another: a grid in a full factorial, anything between in a sample."""

    start: Any
    """First value, in the unit of the field."""
    stop: Any
    """Last value, in the unit of the field."""
    count: Any = None
    """Number of equidistant values, both ends included; only a full factorial needs it."""


class DistributionSection(Section):
    """A continuous distribution of scipy.stats."""

    name: Name
    """Its name there: uniform, norm, truncnorm, beta, triang, ..."""
    args: dict[Name, Any] = Field(default_factory=dict)
    """Its shape parameters by name, and loc and scale."""


class FactorSection(Section):
    """Something that is varied: exactly one of values, levels, range and distribution says how."""

    paths: list[Place] = Field(default_factory=list)
    """Dotted paths into the scenario that take the value; `*` stands for every key of a mapping. Levels say
    themselves what they change."""
    values: list[Any] | None = None
    """The values themselves; a design that samples takes each equally often."""
    levels: dict[Name, dict[str, Any]] | None = None
    """Settings by name of the level, laid over each case as a case of a scenario is laid over its base; {} is
    the case as it is. A mechanism is switched off by all that makes it up."""
    range: RangeSection | None = None
    """Numbers from one to another."""
    distribution: DistributionSection | None = None
    """A distribution, for designs that sample."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield none or several ways to vary."""
        ways = ("values", "levels", "range", "distribution")
        given = [name for name in ways if getattr(self, name) is not None]
        if len(given) != 1:
            yield Conflict("", given, "must have exactly one of values, levels, range and distribution")
        if self.levels is not None and self.paths:
            yield Conflict("paths", self.paths, "must be left out: levels say what they change")

    def source(self) -> Source:
        """Return where the values come from."""
        if self.values is not None:
            return ValueList(tuple(self.values))
        if self.levels is not None:
            return ValueList(tuple(self.levels))
        if self.range is not None:
            return ValueRange(self.range.start, self.range.stop, self.range.count)
        law = self.distribution or DistributionSection(name="uniform")
        return Distribution(law.name, law.args)


class DesignSection(Section):
    """Which points of the space of factors are run."""

    kind: Literal["full-factorial", "one-at-a-time", "latin-hypercube", "sobol", "saltelli", "morris"] = (
        "full-factorial"
    )
    """Every combination, each value beside the first ones of the other factors, a space-filling sample, or
    the designs of the Sobol and Morris indices."""
    samples: Any = None
    """Points of the sample, base points of saltelli, trajectories of morris; null where values say it all."""
    seed: Any = 0
    """Seed of the sample."""
    levels: Any = 4
    """Levels of the grid of morris, even."""
    second_order: Flag = True
    """Whether saltelli also samples what the indices of pairs need."""

    def spec(self) -> DesignSpec:
        """Return the section in the sampler's terms."""
        return DesignSpec(self.kind, self.samples, self.seed, self.levels, self.second_order)


class StopRule(Section):
    """Stop once the mean of a metric is known well enough.

    An observation is a design point, averaged over its replications, or a replication where there
    is only one point. The rule looks at the observations in their fixed order, so that the sweep
    ends at the same one whatever the workers.
    """

    metric: MetricName
    """Metric whose mean is watched."""
    case: Name
    """Case in which it is watched."""
    width: Annotated[float, Range(0, 1e12, above_low=True)]
    """Widest 95 % interval of the mean, from end to end, in the metric's unit or relative to the mean."""
    relative: Flag = True
    """Whether the width is relative to the mean."""
    least: Annotated[int, Range(2, 10_000_000)] = 30
    """Fewest observations."""
    most: Annotated[int, Range(2, 10_000_000)] | None = None
    """Most observations; null goes to the end of the design."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield bounds in the wrong order."""
        if self.most is not None and self.most < self.least:
            yield Conflict("most", self.most, f"must be at least {self.least}, the fewest observations")


class Expectation(Section):
    """The sign of an effect that is expected before the runs."""

    factor: Name
    """What rises."""
    metric: MetricName
    """What answers to it."""
    sign: Literal["rises", "falls", "stays"]
    """What it is expected to do."""
    reason: Text
    """Why."""


class StudyFile(Section):
    """A study file: a scenario or a function, and how it is varied."""

    study: Text
    """One line for tables and figures; the key tells a study from a scenario."""
    description: Text = ""
    """What the study is about."""
    base: Place | dict[str, Any] | None = None
    """A shipped scenario, the path of a scenario file, or a resolved scenario itself."""
    function: Place | None = None
    """Instead of a base: `package.module:name` of a function (parameters, seed) -> metrics by case."""
    currency: Currency | None = None
    """Currency of a function's money, the code of ISO 4217 in lower case; a base has its own."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Fixed values by dotted path, or fixed parameters of the function."""
    seed: Annotated[int, Range(0, 2**62)] | None = None
    """Seed of the first replication, the next has the next one; null takes the base's own, or 1."""
    cases: list[Name] | None = None
    """Cases run at each point, on common random numbers; null takes all of the base."""
    factors: dict[Name, FactorSection] = Field(default_factory=dict)
    """What is varied; the names are columns of the results."""
    design: DesignSection = DesignSection()
    """How it is sampled."""
    replications: Annotated[int, Range(1, 1_000_000)] = 1
    """Runs at each point, each with its own seed."""
    seeds: Literal["common", "own"] = "common"
    """Whether all points share the seeds of their replications, and differ by the factors alone; or each
    point of a random sample draws for itself, as in a Monte Carlo study. Cases share them either way."""
    metrics: list[MetricName] | None = None
    """Metrics to keep, those of a grid as GRID.NAME; null keeps all."""
    stop: StopRule | None = None
    """When to stop before the end of the design."""
    run_limit_s: Annotated[float, Range(0, 1e7, above_low=True)] | None = None
    """Longest time of a run with all its cases, s by the clock on the wall; what takes longer is a failure.
    Null lets every run take its time."""
    expected: list[Expectation] = Field(default_factory=list)
    """Signs expected of a one-at-a-time design, in the order in which they are told."""

    @property
    def currency_code(self) -> str:
        """Code of the currency of the results as people read it, once the base is resolved."""
        return currency_code(self.base if isinstance(self.base, dict) else {"currency": self.currency})

    def sources(self) -> list[Factor]:
        """Return the factors in the sampler's terms."""
        return [Factor(name, factor.source()) for name, factor in self.factors.items()]

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is missing or contradicts: model, paths, names, sampling, stop rule."""
        if (self.base is None) == (self.function is None):
            yield Conflict("base", self.base, "must be given, or else function, and not both")
        if self.base is not None and self.currency is not None:
            yield Conflict("currency", self.currency, "must be left out: the base has its own")
        for name, factor in self.factors.items():
            place = f"factors.{name}.paths"
            if self.function is not None and factor.paths:
                yield Conflict(place, factor.paths, "must be left out: the function gets the factor's name")
            elif self.base is not None and not factor.paths and factor.levels is None:
                yield Conflict(place, factor.paths, "must name at least one field of the scenario")
            if self.function is not None and factor.levels is not None:
                allowed = "must be values: a function has no settings to lay over it"
                yield Conflict(f"factors.{name}.levels", list(factor.levels), allowed)
        for field in ("cases", "metrics"):
            names = getattr(self, field)
            if names is not None and (not names or len({*names}) < len(names)):
                yield Conflict(field, names, "must name at least one, each once")
        yield from self._renamed_metrics()
        if self.seeds == "own" and self.design.kind not in ("latin-hypercube", "sobol"):
            allowed = f"must be common: points of a {self.design.kind} design are compared with each other"
            yield Conflict("seeds", self.seeds, allowed)
        for fault in design_faults(self.sources(), self.design.spec()):
            yield Conflict(fault.place, fault.value, fault.allowed)
        if self.stop is not None:
            yield from self._stop_conflicts(self.stop)
        yield from self._expected_conflicts()

    def _expected_conflicts(self) -> Iterator[Conflict]:
        """Yield expectations of what is not varied, not numbers, or not measured."""
        if self.expected and self.design.kind != "one-at-a-time":
            yield Conflict("expected", "signs", "must be left out unless the design is one-at-a-time")
        for number, one in enumerate(self.expected):
            factor = self.factors.get(one.factor)
            if factor is None:
                allowed = f"must be one of {', '.join(self.factors) or 'none'}"
                yield Conflict(f"expected.{number}.factor", one.factor, allowed)
            elif not all(is_number(value) for value in factor.values or ()):
                yield Conflict(f"expected.{number}.factor", one.factor, "must have numbers as values")
            if self.metrics is not None and one.metric not in self.metrics:
                allowed = f"must be one of {', '.join(self.metrics)}"
                yield Conflict(f"expected.{number}.metric", one.metric, allowed)

    def _renamed_metrics(self) -> Iterator[Conflict]:
        """Yield metrics of a scenario by names of before; those of a function are its own affair."""
        named = {f"metrics.{number}": name for number, name in enumerate(self.metrics or ())}
        named |= {f"expected.{number}.metric": one.metric for number, one in enumerate(self.expected)}
        if self.stop is not None:
            named["stop.metric"] = self.stop.metric
        for place, name in named.items():
            if self.function is None and (new := new_name(name)):
                yield Conflict(place, name, f"is now called {new}")

    def _stop_conflicts(self, stop: StopRule) -> Iterator[Conflict]:
        if self.factors and self.design.kind not in ("latin-hypercube", "sobol"):
            allowed = f"must be null: a {self.design.kind} design is analysed as a whole"
            yield Conflict("stop", "a stop rule", allowed)
        if self.metrics is not None and stop.metric not in self.metrics:
            yield Conflict("stop.metric", stop.metric, f"must be one of {', '.join(self.metrics)}")
        if self.cases is not None and stop.case not in self.cases:
            yield Conflict("stop.case", stop.case, f"must be one of {', '.join(self.cases)}")
