"""The day-ahead market of a system: takes declarations, and settles them against the meters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.day_ahead import Declaration
from gridarium.market.two_settlement import PositionAccount, settle_position


@dataclass(frozen=True)
class SettlementPrices:
    """At what both settlements are made; arrays of shape (n_period,).

    Parameters
    ----------
    day_ahead_per_mwh : ndarray
        Of energy that was declared.
    real_time_per_mwh : ndarray
        Of energy that departs from it, in either direction.
    """

    day_ahead_per_mwh: Array
    real_time_per_mwh: Array


class DayAheadMarket(GridAgent):
    """A market that buys and sells what was declared at a price that nobody can move.

    Units, wind farms and loads take part. What an operator declares for them before a day begins is settled
    at the day-ahead price, and what their meters show beyond it at the real-time price; a day for which
    nothing was declared in time is settled at the real-time price as a whole. The operator takes the other
    side of every position, so that settlements sum to zero; what passes the head of the grid it pays as
    without this market. It settles neither a storage, which has a contract of its own with the operator,
    nor prosumers, who declare nothing and pay the real-time price for what they draw, nor grids below, which
    pay at their heads.

    - `declared_mw`: what was declared for each participant and settlement period
    - `metered_mw`: what the meters have shown so far

    Parameters
    ----------
    site : Site
    name : str
    operator : str
        Who declares, and who takes the other side.
    participants : mapping of str to str
        Names in the world of those who take part, and what kind of agent each is.
    prices : SettlementPrices

    Notes
    -----
    Second and ninth step of the procedure E.2.
    """

    kind = "day_ahead_market"

    def __init__(
        self,
        site: Site,
        name: str,
        operator: str,
        participants: Mapping[str, str],
        prices: SettlementPrices,
    ) -> None:
        super().__init__(site, name)
        self._operator, self._participants, self._prices = operator, dict(participants), prices
        self._horizon = Horizon.of(self.world)
        n_period = self.world.n_period
        self.declared_mw = {name: np.full(n_period, np.nan) for name in participants}
        self.metered_mw = {name: np.zeros(n_period) for name in participants}

    @on(Declaration)
    def take_declaration(self, declaration: Declaration, sender: str) -> Receipt:
        """Keep what is declared for a day that has not begun; the first word on a day counts.

        Raises
        ------
        MessageError
            If somebody else declares than the operator, for somebody who takes no part, or what does not
            fit the days of the world.
        """
        self._check(declaration, sender)
        periods = self._horizon.periods(declaration.day)
        begins_s = self.world.delivery_s + periods.start * self.world.period_h * HOUR_S
        if self.world.clock.now_s < begins_s:
            for position in declaration.positions:
                of_day = self.declared_mw[position.participant][periods]
                np.copyto(of_day, position.power_mw, where=np.isnan(of_day))
        return Receipt()

    def _check(self, declaration: Declaration, sender: str) -> None:
        place = f"agent {self.name}, declaration of day {declaration.day} from {sender}"
        if sender != self._operator:
            raise MessageError(f"{place}: only {self._operator} may declare")
        if not 0 <= declaration.day < self._horizon.n_day:
            raise MessageError(f"{place}: the day must be in [0, {self._horizon.n_day - 1}]")
        for position in declaration.positions:
            if position.participant not in self._participants:
                raise MessageError(f"{place}: {position.participant} takes no part in the market")
            power, shape = position.power_mw, (self._horizon.day_length,)
            if power.shape != shape or not np.isfinite(power).all():
                allowed = f"power_mw must be finite, of shape {shape}"
                raise MessageError(f"{place}, {position.participant}: {allowed}, got {power}")

    def settle(self, period: int) -> None:
        """Settle what each participant declared, and what its meter shows beyond it."""
        world, hours = self.world, self.world.period_h
        for name, metered in self.metered_mw.items():
            metered[period] = _read(world.feed_in_meters, name, period) - _read(world.meters, name, period)
            settle_position(world.ledger, self._account(name, period, hours))

    def _account(self, name: str, period: int, hours: float) -> PositionAccount:
        return PositionAccount(
            time_s=self.world.clock.now_s,
            period=period,
            participant=name,
            operator=self._operator,
            declared_mwh=float(np.nan_to_num(self.declared_mw[name][period])) * hours,
            metered_mwh=float(self.metered_mw[name][period]) * hours,
            day_ahead_price_per_mwh=float(self._prices.day_ahead_per_mwh[period]),
            real_time_price_per_mwh=float(self._prices.real_time_per_mwh[period]),
        )

    def rows(self) -> Iterator[Rows]:
        """Its price, and both settlements of each participant."""
        prices, hours = self._prices, self.world.period_h
        yield Rows("signals", {"price_per_mwh": prices.day_ahead_per_mwh})
        for name, kind in self._participants.items():
            accounts = [self._account(name, period, hours) for period in range(self.world.n_period)]
            values: dict[str, ArrayLike] = {
                "declared_mw": self.declared_mw[name],
                "metered_mw": self.metered_mw[name],
                "day_ahead_price_per_mwh": prices.day_ahead_per_mwh,
                "real_time_price_per_mwh": prices.real_time_per_mwh,
                "day_ahead_money": [account.day_ahead_money for account in accounts],
                "imbalance_money": [account.imbalance_money for account in accounts],
            }
            yield Rows("settlements", values, agent=self.grid.local(name), kind=kind)


def _read(meters: Mapping[str, Array], name: str, period: int) -> float:
    """What a meter shows for a period, MW; 0 where there is none in this direction."""
    return float(meters[name][period]) if name in meters else 0.0
