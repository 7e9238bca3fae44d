"""Certificates of a trading desk: what it told the operator of the pool, and what it let sellers send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.p2p_desk import P2pDesk
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.prosumers.pool import lease_terms, line_fee_per_mwh, line_km
from gridarium.experiments.parts.prosumers import all_exact
from gridarium.experiments.parts.trading import active_trading
from gridarium.experiments.results.records import Reading

_POWER_MW, _ENERGY_MWH, _TINY_MW = 1e-6, 1e-8, 1e-9
_WEIGHT = 0.3
"""Of the last period in what a desk expects the pool to trade."""
_LEAST_SHARE, _ALL = 0.05, 1.0 - 1e-6
"""Least share of a pool that is reckoned with to trade, and part of a pool that counts as all of it."""


def desk(known: GridEvidence) -> Iterator[Reading]:
    """Offers and limits of each period, by what prosumers have nominated and traded before."""
    desks, trading = known.of(P2pDesk), active_trading(known.scenario)
    if not desks or trading is None:
        return
    (own,) = desks
    if len(known.of(Prosumer)) > trading.partners:
        # Who is introduced to whom is then a choice of the desk, and limits go by it.
        return
    hard = all_exact(known.scenario) and not (
        known.world.bus.lost or known.world.bus.refused or own.reputation
    )
    found = _Periods(known, own)
    off_offers, off_limits = found.apart()
    if own.offers:
        yield Reading(
            "offers of the pool", off_offers, _POWER_MW, "MW", hard,
            "largest difference of surplus, deficit and expected trade that the desk told the operator, and "
            "what was nominated, and its lesser part times the smoothed share of what was traded before",
        )  # fmt: skip
    yield Reading(
        "limits of the desk", off_limits, _ENERGY_MWH, "MWh", hard,
        "largest difference of what the desk let a seller send in a period, and what is left of the call "
        "over the share that trades, those with the least fee first",
    )  # fmt: skip


@dataclass
class _Told:
    """What was nominated for a period, by prosumer: MWh, shape (n_prosumer,)."""

    surplus: pd.Series[float]
    deficit: pd.Series[float]
    charging: pd.Series[float]
    limit: pd.Series[float]
    bought: pd.Series[float]


class _Periods:
    """One period after the other, with the share of what was introduced that has been traded."""

    def __init__(self, known: GridEvidence, own: P2pDesk) -> None:
        self._known, self._own = known, own
        rows = known.tables["prosumers"]
        rows = rows.assign(bought_mwh=rows["received_mwh"] - rows["for_battery_mwh"])
        columns = ("surplus_told_mwh", "deficit_told_mwh", "charging_told_mwh", "limit_mwh", "bought_mwh")
        self._rows = [
            _Told(*(of_period.set_index("agent")[column] for column in columns))
            for _, of_period in rows.groupby("period")
        ]
        self._share = 1.0
        self._introduced: list[float] = []

    def apart(self) -> tuple[float, float]:
        """Most by which offers and limits are off, MW and MWh."""
        offers = limits = 0.0
        for period, told in enumerate(self._rows):
            self._smooth(period)
            offers = max(offers, self._off_offer(period, told))
            limits = max(limits, self._off_limits(period, told))
        return offers, limits

    def _smooth(self, period: int) -> None:
        """Move the share by what was traded two periods ago, which all have metered since."""
        # Nobody hears of an operator's period where it is not told of the pool.
        if period < 2 or period not in self._own.offers or self._introduced[period - 2] <= _TINY_MW:
            return
        traded = float(self._rows[period - 2].bought.sum()) / self._introduced[period - 2]
        self._share = (1.0 - _WEIGHT) * self._share + _WEIGHT * min(1.0, traded)

    def _off_offer(self, period: int, told: _Told) -> float:
        if period not in self._own.offers:
            return 0.0
        offer, hours = self._own.offers[period], self._known.world.period_h
        surplus, deficit = float(told.surplus.sum()) / hours, float(told.deficit.sum()) / hours
        due = (surplus, deficit, self._share * min(surplus, deficit))
        return float(np.abs(np.array([offer.surplus_mw, offer.deficit_mw, offer.expected_mw]) - due).max())

    def _off_limits(self, period: int, told: _Told) -> float:
        due = self._limits_mwh(period, told)
        possible = min(float(told.surplus.sum()), float(told.deficit.sum()))
        surpluses = dict(zip(map(str, told.surplus.index), told.surplus.tolist(), strict=True))
        limits = dict(zip(surpluses, told.limit.tolist(), strict=True))
        sellers = (min(due.get(name, np.inf), mwh) for name, mwh in surpluses.items() if mwh > 0.0)
        self._introduced.append(min(possible, sum(sellers)))
        worst = 0.0
        for name, surplus in surpluses.items():
            # A limit is told only where it is less than what there is.
            heard = surplus if np.isnan(limits[name]) else limits[name]
            worst = max(worst, abs(heard - min(due.get(name, np.inf), surplus)))
            if name not in due and not np.isnan(limits[name]):
                # Under a limit nobody sends more than it has nominated, however high the limit is.
                worst = max(worst, surplus)
        return worst

    def _limits_mwh(self, period: int, told: _Told) -> dict[str, float]:
        """Most that each seller may send in a period; nobody in it where there is no limit."""
        call, hours = self._own.calls.get(period), self._known.world.period_h
        if call is None:
            return {}
        possible = min(float(told.surplus.sum()), float(told.deficit.sum()))
        left = hours * max(0.0, -call.change_mw) / max(self._share, _LEAST_SHARE)
        if left >= possible * _ALL:
            return {}
        found = {}
        for name in self._by_fee(told):
            found[name] = min(left, float(told.surplus[name]))
            left -= found[name]
        return found

    def _by_fee(self, told: _Told) -> list[str]:
        """Sellers in the order of the fee to the buyer that is nearest to each."""
        names = [str(name) for name in told.surplus.index]
        terms = lease_terms(self._known)[0]
        wants = [name for name in names if told.deficit[name] + told.charging[name] > _TINY_MW]
        fees = {
            name: min(
                line_fee_per_mwh(terms, line_km(self._known, name, other)) for other in wants if other != name
            )
            for name in names
            if told.surplus[name] > _TINY_MW and set(wants) - {name}
        }
        return sorted(fees, key=lambda name: (fees[name], name))
