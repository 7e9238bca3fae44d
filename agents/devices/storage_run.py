"""The energy of a storage through the period that runs, in the middle of which its power may change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

from gridarium.environment.pieces import Piece, Pieces
from gridarium.environment.storage import StorageFlow, StorageRatings, StorageUnit
from gridarium.market.messages.edge import Correction


class Wanted(NamedTuple):
    """What a storage is to do up to an instant of the period.

    Parameters
    ----------
    to_s : float
        Since the period began.
    net_mw : float
        To be drawn; negative where it is to discharge.
    q_mvar : float
        To be fed in.
    """

    to_s: float
    net_mw: float
    q_mvar: float


def corrected_by(correction: Correction, told: Wanted, until_s: float, ratings: StorageRatings) -> Wanted:
    """What is told and a correction, as far as the inverter carries both: active power goes before."""
    net = min(max(told.net_mw - correction.p_mw, -ratings.p_max_mw), ratings.p_max_mw)
    left = math.sqrt(max(0.0, ratings.s_max_mva**2 - net**2))
    return Wanted(until_s, net, min(max(told.q_mvar + correction.q_mvar, -left), left))


class StorageRun:
    """What a storage does in a period, piece by piece, as far as its energy and power allow.

    - `begin`, `rewrite`: a new period, and another future within it
    - `unit`: the storage as the period will end if nothing changes any more
    - `flow`, `means`: energies moved within it, and mean powers
    - `at`, `loss_mw`, `content_mwh`: what it does at an instant, loses, and holds

    Parameters
    ----------
    ratings : StorageRatings
    period_s, period_h : float
        Length of a period.
    """

    def __init__(self, ratings: StorageRatings, period_s: float, period_h: float) -> None:
        self._ratings, self._period_h = ratings, period_h
        self.unit = StorageUnit(ratings)
        self._begun, self._pieces = copy(self.unit), Pieces(period_s)
        self.flow = StorageFlow(0.0, 0.0)

    @property
    def period_s(self) -> float:
        """Length of a period, s."""
        return self._pieces.period_s

    @property
    def means(self) -> tuple[float, float, float]:
        """Mean charge and discharge, MW, and reactive power, Mvar, of the period."""
        charge, discharge, q_mvar = self._pieces.means
        return charge, discharge, q_mvar

    def at(self, since_s: float) -> tuple[float, float, float]:
        """Charge and discharge, MW, and reactive power, Mvar, at an instant, s since the period began."""
        charge, discharge, q_mvar = self._pieces.at(since_s)
        return charge, discharge, q_mvar

    def loss_mw(self, since_s: float) -> float:
        """What is lost as heat at an instant, MW: ``(1 - eta_ch) P_ch + (1 / eta_dis - 1) P_dis``."""
        charge, discharge, _ = self.at(since_s)
        into, out = self._ratings.efficiencies
        return (1.0 - into) * charge + (1.0 / out - 1.0) * discharge

    def content_mwh(self, since_s: float) -> float:
        """Energy inside at an instant of the period, s since it began."""
        unit = copy(self._begun)
        for piece in self._pieces.before(since_s):
            self._move(unit, piece)
        return unit.e_mwh

    def begin(self) -> None:
        """Begin the next period, of which nothing is said yet."""
        self._begun = copy(self.unit)
        self._pieces.begin()

    def rewrite(self, since_s: float, ahead: Sequence[Wanted], period: int) -> None:
        """Replace what is ahead of an instant.

        Parameters
        ----------
        since_s : float
            Since the period began.
        ahead : sequence of Wanted
            One after the other, up to the end of the period.
        period : int
            Its number, in errors.
        """
        self._pieces.rewrite(since_s)
        unit, into, out = copy(self._begun), 0.0, 0.0
        for piece in self._pieces:
            flow = self._move(unit, piece, period)
            into, out = into + flow.e_in_mwh, out + flow.e_out_mwh
        from_s = since_s
        for wanted in ahead:
            hours = (wanted.to_s - from_s) / self.period_s * self._period_h
            charge, discharge = self.possible_mw(wanted.net_mw, unit.e_mwh, hours)
            flow = unit.step(charge, discharge, hours, period)
            into, out = into + flow.e_in_mwh, out + flow.e_out_mwh
            self._pieces.add(wanted.to_s, (charge, discharge, wanted.q_mvar))
            from_s = wanted.to_s
        self.unit, self.flow = unit, StorageFlow(into, out)

    def _move(self, unit: StorageUnit, piece: Piece, period: int | None = None) -> StorageFlow:
        charge, discharge, _ = piece.values
        return unit.step(charge, discharge, self._pieces.share(piece) * self._period_h, period)

    def possible_mw(self, net_mw: float, e_mwh: float, hours: float) -> tuple[float, float]:
        """A power for some hours, cut off where the storage would be full or empty; one way at a time, MW."""
        ratings = self._ratings
        least, most = ratings.band_mwh
        room = max(0.0, most - e_mwh) / (ratings.efficiency_charge * hours)
        stock = max(0.0, e_mwh - least) * ratings.efficiency_discharge / hours
        charge = min(max(0.0, net_mw), ratings.p_max_mw, room)
        return charge, min(max(0.0, -net_mw), ratings.p_max_mw, stock)
