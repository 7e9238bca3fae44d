"""Sections of a scenario of model E on the pool: storage provider, leased lines, prosumers, trading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from gridarium.experiments.behaviour_schema import Behaviour, misplaced
from gridarium.experiments.scenario_fields import (
    Conflict,
    Duration,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveMoney,
    Range,
    Section,
    Share,
)
from gridarium.experiments.scenario_schema import Storage

Fee = Annotated[float, Range(0, 1000), Money()]
Length = Annotated[float, Range(0, 1e5)]


class LeaseTerms(Section):
    """The ladder of line fees: the price of a km rises from interval to interval."""

    base_fee_per_km_mwh: Fee
    """Fee of the first interval (l), money per km and MWh sent."""
    interval_km: Annotated[float, Range(0, 1e5, above_low=True)] = 50.0
    """Length of an interval (d), km."""
    growth: Annotated[float, Range(0, 10)] = 0.25
    """By which share of the base the fee of each further interval rises (a)."""


class Lease(Section):
    """How the provider names its terms from day to day."""

    search: Literal["fixed", "cost-plus", "profit-search", "epsilon-greedy"] = "fixed"
    """Rule of the search."""
    first: LeaseTerms = LeaseTerms(base_fee_per_km_mwh=0.2)
    """Terms of the first day."""
    lowest: LeaseTerms | None = None
    """Lower bounds of the search; null binds it to the first terms."""
    highest: LeaseTerms | None = None
    """Upper bounds of the search; null binds it to the first terms."""
    step_share: Share = 0.25
    """First step of the profit search, share of the bounds' distance."""
    repeats: Annotated[int, Range(1, 1000)] = 1
    """Days for which the profit search keeps a trial up."""
    cost_per_km_mwh: Fee = 0.1
    """Cost of a line, money per km and MWh, for `cost-plus`."""
    markup: Annotated[float, Range(0, 100)] = 0.2
    """Share that `cost-plus` adds to it."""
    exploration: Share = 0.1
    """Share of days on which `epsilon-greedy` tries anything."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield terms outside their bounds."""
        first, low, high = self.first, self.lowest or self.first, self.highest or self.first
        for name in LeaseTerms.model_fields:
            bounds, value = (getattr(low, name), getattr(high, name)), getattr(first, name)
            if not bounds[0] <= value <= bounds[1]:
                allowed = f"must be in the bounds lowest and highest, [{bounds[0]:g}, {bounds[1]:g}]"
                yield Conflict(f"first.{name}", value, allowed)


class Provider(Section):
    """The energy storage provider: a storage that the operator commands, and lines that it leases."""

    active: Flag = True
    """Whether it takes part."""
    storage: Storage
    """Its shared storage."""
    compensation_per_mwh: MoneyAmount = 1.43
    """What the operator pays for wear (rho_s), money per MWh in or out inside the storage."""
    degradation_cost_per_mwh: MoneyAmount = 1.43
    """What wear costs the provider, money per MWh in or out inside the storage."""
    lease: Lease = Lease()


class LineOutage(Section):
    """A time in which a line carries nothing."""

    line: Annotated[list[Name], Field(min_length=2, max_length=2)]
    """The two prosumers that it joins."""
    start_s: Duration
    """Start after the start of the delivery day, s."""
    end_s: Duration
    """End after the start of the delivery day, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an outage that ends before it starts."""
        if self.end_s <= self.start_s:
            yield Conflict("end_s", self.end_s, f"must be above start_s = {self.start_s:g} s")


class Lines(Section):
    """Private lines between prosumers."""

    distance_km: dict[Name, dict[Name, Length]]
    """Length of the line from one prosumer to another, km; one order of the two is enough."""
    capacity_mw: PositiveAmount = 4.32
    """Most that a line carries, MW."""
    loss_per_km: Annotated[float, Range(0, 0.1)] = 0.0
    """Share of the energy sent that is lost on each km."""
    outages: list[LineOutage] = Field(default_factory=list)
    """Times in which single lines carry nothing."""


class Utility(Section):
    """What energy from the pool is worth to a prosumer in each minute."""

    kind: Literal["log", "quadratic"] = "log"
    """K ln(1 + p/p0), or the straight demand line a - s p."""
    scale_money: PositiveMoney = 2.6
    """K, money."""
    unit_mwh: Annotated[float, Range(1e-9, 1e3)] = 0.001
    """p0, the unit in which the logarithm counts energy, MWh."""
    intercept_per_mwh: PositiveMoney = 283.7
    """a, money/MWh."""
    slope_per_mwh2: PositiveMoney = 2900.0
    """s, fall of the price for each MWh in a minute, money/MWh^2."""


class Prosumer(Section):
    """A prosumer with photovoltaics, a load, and perhaps a battery."""

    pv_column: Name
    """Profile column with its photovoltaic power, MW."""
    load_column: Name
    """Profile column with its load, MW."""
    battery: Storage | None = None
    """Its battery; null for none."""
    utility: Utility = Utility()
    reservation_price_per_mwh: MoneyAmount = 0.0
    """What its own energy is worth to it when it sells, money/MWh."""
    fluctuation: Share = 0.1
    """Standard deviation of photovoltaics and load from minute to minute, share of the mean."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact prosumer."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others."""
        yield from misplaced(self.behaviour, "prosumer")


class Trading(Section):
    """How prosumers trade over leased lines."""

    active: Flag = True
    """Whether prosumers trade at all."""
    rule: Literal["nash", "ep-leader", "alternating", "posted", "zi-c", "zip"] = "nash"
    """How price and volume of each minute are agreed on."""
    desk: Flag = True
    """Whether a desk introduces sellers and buyers; without one they talk to their neighbours."""
    partners: Annotated[int, Range(1, 1000)] = 8
    """Sellers that the desk introduces to a buyer; without a desk, neighbours that a seller talks to."""
    band_low_price_per_mwh: MoneyAmount = 0.0
    """Lowest price allowed; the highest is that of the real-time market, money/MWh."""
    turns: Annotated[int, Range(1, 10)] = 3
    """How often a seller shares its supply before each period."""
    rounds: Annotated[int, Range(1, 100)] = 3
    """Offers that a seller makes to a buyer in a minute, at most."""
    posted_price_per_mwh: MoneyAmount | None = None
    """Price of the rule `posted`, money/MWh; null takes the middle of the band."""
    patience_ep: Share = 0.9
    """Worth of a gain one round later to a seller, for the rule `alternating`."""
    patience_ip: Share = 0.9
    """Worth of a gain one round later to a buyer, for the rule `alternating`."""
    deadline: Annotated[int, Range(1, 1000)] | None = None
    """Number of offers of the rule `alternating`; null sets no limit."""
    reputation_weight: Share = 0.1
    """Weight of the last delivery in a reputation."""
