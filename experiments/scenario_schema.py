"""What the scenarios of all models have in common: who runs when, on which data, over which links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gridarium.experiments.scenario_fields import (
    Conflict,
    Currency,
    Duration,
    ExchangeRate,
    PositiveAmount,
    PositiveShare,
    Probability,
    Range,
    ScopedName,
    Section,
    Share,
    Text,
    ZonedTime,
)


class Storage(Section):
    """A battery; without `s_max_mva` its inverter gives no reactive power."""

    p_max_mw: PositiveAmount
    """Highest charge and discharge power at the grid side, MW."""
    e_max_mwh: PositiveAmount
    """Energy capacity, MWh."""
    soc_min: Share = 0.1
    """Lowest state of charge, share of capacity."""
    soc_max: Share = 0.9
    """Highest state of charge, share of capacity."""
    soc_initial: Share = 0.5
    """State of charge at the start and at the end of the day, share of capacity."""
    efficiency_charge: PositiveShare = 0.92
    """Energy stored per energy taken."""
    efficiency_discharge: PositiveShare = 0.95
    """Energy given per energy released."""
    s_max_mva: PositiveAmount | None = None
    """Apparent power rating, MVA; null means p_max_mw and no reactive power."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield states of charge in the wrong order, and an inverter that is too small."""
        if self.soc_min >= self.soc_max:
            yield Conflict("soc_min", self.soc_min, f"must be below soc_max = {self.soc_max:g}")
        elif not self.soc_min <= self.soc_initial <= self.soc_max:
            allowed = f"must be in [soc_min, soc_max] = [{self.soc_min:g}, {self.soc_max:g}]"
            yield Conflict("soc_initial", self.soc_initial, allowed)
        if self.s_max_mva is not None and self.s_max_mva < self.p_max_mw:
            yield Conflict("s_max_mva", self.s_max_mva, f"must be at least p_max_mw = {self.p_max_mw:g} MW")


class Outage(Section):
    """A time in which an agent can neither send nor receive."""

    agent: ScopedName
    """Name of the agent; GRID/NAME where a scenario has several grids."""
    start_s: Duration
    """Start after the simulation's start, s."""
    end_s: Duration
    """End after the simulation's start, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an outage that ends before it starts."""
        if self.end_s <= self.start_s:
            yield Conflict("end_s", self.end_s, f"must be above start_s = {self.start_s:g} s")


class Communication(Section):
    """The links between agents; the defaults are instant and lossless."""

    latency_s: Annotated[float, Range(0, 86400)] = 0.0
    """Delay of a message, s."""
    latency_jitter_s: Annotated[float, Range(0, 86400)] = 0.0
    """Spread of the delay, s."""
    loss: Probability = 0.0
    """Probability that a message is lost."""
    duplication: Probability = 0.0
    """Probability that a message arrives twice."""
    reordering: Probability = 0.0
    """Probability that a message is overtaken by the next one."""
    outages: list[Outage] = Field(default_factory=list)
    """Times in which single agents are cut off."""


class Scenario(Section):
    """One case of a study, with every default filled in; each model has a schema of its own on top."""

    model: str
    """Which model is built."""
    title: Text = ""
    """One line for tables and figures."""
    description: Text = ""
    """What the study is about."""
    currency: Currency = "cny"
    """Currency of all money, the code of ISO 4217 in lower case."""
    exchange_rates: dict[Currency, ExchangeRate] = Field(default_factory=dict)
    """Units of this currency for one unit of each other one in which a section has its money."""
    seed: Annotated[int, Range(0, 2**63 - 1)] = 1
    """Root of all random streams; cases with one seed share their draws."""
    start: ZonedTime = Field(default="2026-01-15T00:00:00+08:00", validate_default=True)
    """Start of the delivery day; rows of the profiles follow each other from here, whatever their dates."""
    period_h: Annotated[float, Range(1 / 60, 1)] = 1.0
    """Length of a settlement period, h; the number of profile rows is the horizon."""
    communication: Communication = Communication()

    @property
    def currency_code(self) -> str:
        """Code of its currency as people read it."""
        return self.currency.upper()

    def rate_of(self, currency: str | None) -> float:
        """Return what one unit of a section's currency is in that of the scenario, 1 for a section without.

        Raises
        ------
        KeyError
            If it is another one and has no rate; `currencies_have_rates` finds these beforehand.
        """
        return 1.0 if currency in (None, self.currency) else self.exchange_rates[str(currency)]

    @property
    def profile_source(self) -> str:
        """What its profiles are read from."""
        raise NotImplementedError

    @property
    def profile_columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        raise NotImplementedError

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        raise NotImplementedError
