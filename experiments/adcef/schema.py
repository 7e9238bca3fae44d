"""The sections of a scenario file of model C: every field with its unit, range and default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gridarium.experiments.behaviour_schema import Behaviour, Mixture, misplaced
from gridarium.experiments.registry import is_known
from gridarium.experiments.scenario_fields import (
    Amount,
    BusLabel,
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveShare,
    Range,
    Section,
    Share,
    Source,
)
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.scenario_schema import Scenario, Storage


class Network(Section):
    """The feeder, where the units stand on it, and what its operator has to keep."""

    source: Source = "case33bw"
    """case33bw, a pandapower JSON file, or a SimBench code."""
    sites: dict[Name, BusLabel] = Field(default_factory=dict)
    """Bus of each unit; units that are not named here are placed on load buses automatically."""
    peak_load_mw: Annotated[float, Range(0, 1e5, above_low=True)] | None = 3.715
    """Nominal load the feeder is rescaled to, impedances inversely, MW; null keeps the network's own."""
    impedance_factor: Annotated[float, Range(0.01, 100)] = 1.0
    """Factor on all branch impedances."""
    slack_voltage_pu: Annotated[float, Range(0.5, 1.5)] | None = None
    """Voltage of the substation, p.u.; null keeps the network's own."""
    voltage_min_pu: Annotated[float, Range(0.5, 1.5)] = 0.95
    """Lowest voltage allowed at any bus, p.u."""
    voltage_max_pu: Annotated[float, Range(0.5, 1.5)] = 1.05
    """Highest voltage allowed at any bus, p.u."""
    loading_max: Annotated[float, Range(0, 10, above_low=True)] | None = 1.0
    """Share of a branch's rating that dispatch may use; null ignores ratings."""

    @model_validator(mode="before")
    @classmethod
    def _from_source(cls, value: object) -> object:
        return {"source": value} if isinstance(value, str) else value

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a voltage band upside down, and a substation outside it."""
        low, high, slack = self.voltage_min_pu, self.voltage_max_pu, self.slack_voltage_pu
        if low >= high:
            yield Conflict("voltage_min_pu", low, f"must be below voltage_max_pu = {high:g} p.u.")
        elif slack is not None and not low <= slack <= high:
            yield Conflict("slack_voltage_pu", slack, f"must be in the voltage band [{low:g}, {high:g}] p.u.")


class Prices(Section):
    """What the upstream market and the carbon market ask, and the limits of exchange."""

    wholesale_share_of_tou: Annotated[float, Range(0, 2)] = 0.6
    """Purchase price of the operator as a share of the retail time-of-use price."""
    wholesale_column: Name | None = None
    """Profile column with the purchase price instead, money/MWh; null takes the share."""
    metered_factor_column: Name | None = None
    """Profile column with the carbon factor of what really comes in, tCO2/MWh; null is what is told."""
    carbon_price_per_tco2: Annotated[float, Range(0, 1000), Money()] = 73.65
    """Price of the carbon market, money/tCO2."""
    quota_tco2_per_mwh: Annotated[float, Range(0, 2)] = 0.5
    """Free emission quota per unit of load, tCO2/MWh."""
    import_limit_mw: Amount = 10.0
    """Most that the substation may take from upstream, MW."""
    export_limit_mw: Amount = 0.0
    """Most that the substation may feed upstream, MW."""
    export_share_of_wholesale: Share = 0.0
    """Price of exported energy as a share of the wholesale price."""


class GasTurbine(Section):
    """A gas turbine with a quadratic cost a p^2 + b p + c."""

    p_min_mw: Amount = 0.0
    """Lowest output, MW."""
    p_max_mw: PositiveAmount
    """Highest output, MW."""
    s_max_mva: PositiveAmount
    """Apparent power rating, MVA."""
    cost_quadratic_per_mw2h: MoneyAmount
    """a, money/(MW^2 h)."""
    cost_linear_per_mwh: MoneyAmount
    """b, money/MWh."""
    cost_fixed_per_h: MoneyAmount
    """c, money/h."""
    emission_tco2_per_mwh: Annotated[float, Range(0, 3)]
    """Emission factor, tCO2/MWh."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield outputs in the wrong order."""
        if self.p_min_mw > self.p_max_mw:
            yield Conflict("p_min_mw", self.p_min_mw, f"must be at most p_max_mw = {self.p_max_mw:g} MW")
        if self.s_max_mva < self.p_max_mw:
            yield Conflict("s_max_mva", self.s_max_mva, f"must be at least p_max_mw = {self.p_max_mw:g} MW")


class StorageUnit(Storage):
    """A battery that the operator dispatches."""

    wear_cost_per_mwh: MoneyAmount = 0.0
    """Cost of wear per energy discharged, money/MWh."""


class Renewable(Section):
    """A plant that follows a profile."""

    column: Name
    """Profile column with its available power, MW."""
    inverter_oversize: Annotated[float, Range(1, 10)] = 1.1
    """Apparent power rating as a multiple of the column's peak."""


class ConsumerClass(Section):
    """Consumers that are alike; together they are a share of the load at every bus."""

    share: Share
    """Share of the total load; the shares of all classes sum to 1."""
    count: Annotated[int, Range(1, 100_000)] = 1
    """Number of agents that the class is divided into."""
    beta_per_mwh_per_mw: Annotated[float, Range(0, 1e5, above_low=True), Money()]
    """Slope of marginal utility if the class were the whole load, money/MWh per MW; 20 to 400 are usual."""
    flexible_share: Share = 0.2
    """Share of the base load of a period that may be added or taken away."""
    shiftable_mwh: Amount | None = None
    """Most energy the whole class may shift in a day, MWh; null sets no limit."""
    agent: Source = "consumer"
    """Kind of agent: `consumer`, another registered one, or the dotted path `package.module:Class`."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact consumer."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""
    battery: Storage | None = None
    """Battery of the whole class, behind its meters."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an agent that is not known, and a mixture of more than everybody."""
        if not is_known("agents", self.agent):
            yield Conflict("agent", self.agent, "must be a registered agent or a path package.module:Class")
        yield from misplaced(self.behaviour, "follower")
        total = sum(part.share for part in self.mixture)
        if total > 1.0 + 1e-9:
            yield Conflict("mixture", total, "shares must sum to at most 1")


class PriceLimits(Section):
    """What a leader that searches for its price may post, as shares of the reference price and its bill."""

    low_share: Annotated[float, Range(0, 1)] = 0.6
    """Lowest price, times the reference price of the period."""
    high_share: Annotated[float, Range(1, 10)] = 1.4
    """Highest price, times the reference price of the period."""
    bill_share: Annotated[float, Range(0, 10)] | None = 1.0
    """Most that all consumers may pay in a day, times their base load's bill; null sets no cap."""
    average_share: Annotated[float, Range(0, 10)] | None = None
    """Largest mean price over the base load, times that of the reference price; null sets no cap."""
    discount_share: Annotated[float, Range(0, 1)] | None = None
    """Most that consumers may save in a day, times their base load's bill; null sets no cap."""


class Leader(Section):
    """How the operator searches for its signal."""

    kind: Literal["best-response", "anticipating", "full-information"] = "best-response"
    """Takes the last loads as given; learns how loads answer; or knows everyone's data, as a benchmark."""
    round_limit: Annotated[int, Range(2, 1000)] = 40
    """Most prices that a leader which anticipates posts."""
    limit_probes: Annotated[int, Range(0, 6)] = 6
    """Probes that drive a third of the day to an end of the price band each."""
    search_nodes: Annotated[int, Range(1, 10_000_000)] = 500
    """Most nodes of each search for the optimum; unlike a time limit the same on every machine."""
    certify: Flag | None = None
    """Whether regret, distance from the proven bound and stability are measured, which takes some seconds;
    null means that they are for a leader that searches."""

    @property
    def searches(self) -> bool:
        """Whether it looks for the best price, and not for a fixed point."""
        return self.kind != "best-response"

    @model_validator(mode="before")
    @classmethod
    def _take_a_name(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class Tariff(Section):
    """The signal that the operator publishes."""

    kind: Literal["tou", "static-carbon", "adcef"] = "adcef"
    """Plain time-of-use price, a constant carbon adder, or the adjustable carbon emission factor."""
    adjustment: Annotated[float, Range(0, 10)] = 1.0
    """kappa: share of the carbon price that enters the revised price."""
    pool: Literal["strict", "managed"] = "managed"
    """Virtual carbon pool: strict mixing like a water tank, or allocation decided by the operator."""
    surplus: Literal["ex-ante", "ex-post"] = "ex-ante"
    """Renewable surplus measured before or after the consumers' response."""
    balance_budget: Flag = True
    """Whether discounts may not exceed what the carbon market pays."""
    limits: PriceLimits = PriceLimits()
    """What a leader may post that searches for its price; the best response follows the formula instead."""


class Dso(Section):
    """The distribution system operator, who leads the game."""

    carbon_in_cost: Flag = True
    """Whether carbon costs enter the operator's own dispatch."""
    loss_price_per_mwh: MoneyAmount = 1.0
    """Small price on network losses, money/MWh; it keeps the relaxed power flow physical at zero prices."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality of the leader, in the order they act; empty is the exact one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for followers."""
        yield from misplaced(self.behaviour, "leader")


class Negotiation(Section):
    """When agents negotiate, and when they stop."""

    opens_h_before: Annotated[float, Range(0, 168, above_low=True)] = 4.0
    """Opening of the negotiation before the delivery day, h."""
    closes_h_before: Annotated[float, Range(0, 168)] = 1.0
    """Gate closure before the delivery day, h."""
    price_tolerance_per_mwh: Annotated[float, Range(0, 1000, above_low=True), Money()] = 0.01
    """Largest price change that counts as converged, money/MWh."""
    damping: PositiveShare = 0.5
    """Share of each new signal that is taken over; 1 is undamped."""
    round_limit: Annotated[int, Range(1, 100_000)] = 60
    """Most rounds of publishing and replying."""
    reply_timeout_s: Annotated[float, Range(0, 86400, above_low=True)] = 5.0
    """How long the leader waits for replies in a round, s."""
    resend_after_s: Annotated[float, Range(0, 86400, above_low=True)] = 1.0
    """After which silence a signal is sent again, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a gate that closes before it opens, or so late that delivery overtakes the outcome."""
        # After the gate, forecasts, the last round, the final tariff and the orders may each take a timeout.
        least = 4.0 * self.reply_timeout_s / 3600.0
        if self.closes_h_before >= self.opens_h_before:
            allowed = f"must be below opens_h_before = {self.opens_h_before:g} h"
            yield Conflict("closes_h_before", self.closes_h_before, allowed)
        elif self.closes_h_before < least:
            allowed = f"must be at least {least:.4g} h, four times reply_timeout_s"
            yield Conflict("closes_h_before", self.closes_h_before, allowed)


class AdcefScenario(Scenario):
    """One case of a study of model C, with every default filled in."""

    model: Literal["adcef"]
    """Which model is built."""
    profiles: Source = "adcef-ordinary"
    """A shipped set of profiles or the path of a CSV file."""
    power_scale: Annotated[float, Range(0, 1e4, above_low=True)] = 1.0
    """Factor on all powers of the profiles, so that a feeder of another size can take their shapes."""
    network: Network = Network()
    prices: Prices = Prices()
    gas_turbines: dict[Name, GasTurbine] = Field(default_factory=dict)
    storages: dict[Name, StorageUnit] = Field(default_factory=dict)
    renewables: dict[Name, Renewable] = Field(default_factory=dict)
    consumers: dict[Name, ConsumerClass] = Field(
        default={"all": {"share": 1.0, "beta_per_mwh_per_mw": 60.0}}, validate_default=True
    )
    tariff: Tariff = Tariff()
    leader: Leader = Leader()
    dso: Dso = Dso()
    negotiation: Negotiation = Negotiation()

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Names of everything that has a site on the feeder."""
        return (*self.gas_turbines, *self.storages, *self.renewables)

    @property
    def has_plain_consumers(self) -> bool:
        """Whether all consumers are as the models of a leader have them (C12 to C16, no battery)."""
        return all(
            group.agent == "consumer" and group.battery is None and group.shiftable_mwh is None
            for group in self.consumers.values()
        )

    @property
    def certifies_leader(self) -> bool:
        """Whether the leader is measured against the best that is possible."""
        wanted = self.leader.certify
        return self.leader.searches and self.has_plain_consumers if wanted is None else wanted

    @property
    def profile_source(self) -> str:
        """What its profiles are read from."""
        return self.profiles

    @property
    def profile_columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        return (
            "load_mw",
            "tou_price_per_mwh",
            "grid_tco2_per_mwh",
            *(u.column for u in self.renewables.values()),
            *filter(None, (self.prices.wholesale_column, self.prices.metered_factor_column)),
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        return (profile_path(self.profiles), Path(self.network.source))


SCHEMA = AdcefScenario
