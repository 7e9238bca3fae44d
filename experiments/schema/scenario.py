"""What all scenarios have in common: who runs when, on which data, over which links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gridarium.experiments.schema.communication import Communication
from gridarium.experiments.schema.fields import (
    Conflict,
    Currency,
    ExchangeRate,
    Name,
    Range,
    Section,
    Text,
    ZonedTime,
)


class Scenario(Section):
    """One case of a study, with every default filled in: what a run is, whatever lives in its world."""

    title: Text = ""
    """One line for tables and figures."""
    description: Text = ""
    """What the study is about."""
    papers: list[Name] = Field(default_factory=list)
    """Papers whose claims are judged."""
    currency: Currency = "cny"
    """Currency of all money, the code of ISO 4217 in lower case."""
    exchange_rates: dict[Currency, ExchangeRate] = Field(default_factory=dict)
    """Units of this currency for one unit of each other one in which a section has its money."""
    seed: Annotated[int, Range(0, 2**63 - 1)] = 1
    """Root of all random streams; cases with one seed share their draws."""
    start: ZonedTime | None = None
    """Start of the first delivery day; null is the first row of the profiles. A day of one's own file must
    begin then; the shipped sets are typical days, which can be of any date."""
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
    def begins(self) -> datetime:
        """When the first delivery day begins: at `start`, or with the profiles."""
        raise NotImplementedError

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        raise NotImplementedError


def broken_days(horizon_h: int | None) -> Iterator[Conflict]:
    """Yield a horizon that ends within a day after the first; a day of 25 h is for the profiles to have."""
    if horizon_h is not None and horizon_h > 25 and horizon_h % 24:
        yield Conflict("horizon_h", horizon_h, "must be at most 24 h or whole days")
