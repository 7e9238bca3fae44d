"""What a DSO counts on of storages that stand in for others, until these are back or the day is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.feeder.contract import Standby
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class _StandIn:
    """A standby that does what a unit was told on a day; `net_mw` is drawn, by settlement period."""

    helper: str
    day: int
    at: float
    e_mwh: float
    net_mw: Array
    q_mvar: Array


class StandbyBook:
    """Follows the contents of standby storages by what they were told: nothing, or what a unit was.

    - `begin`, `end`: a unit is stood in for, and no longer
    - `fed_in`: what comes of it

    Parameters
    ----------
    standbys : mapping of str to Standby
        By name in the world.
    """

    def __init__(self, standbys: Mapping[str, Standby]) -> None:
        self._standbys = standbys
        self._e_mwh = {
            name: one.ratings.soc_initial * one.ratings.e_max_mwh for name, one in standbys.items()
        }
        self._open: dict[str, _StandIn] = {}

    def begin(self, unit: str, helper: str, day: DsoDay, row: int, at: float) -> None:
        """A standby does from a time on what a unit is told by the dispatch in force.

        Parameters
        ----------
        unit, helper : str
        day : DsoDay
        row : int
            Of the unit in the dispatch.
        at : float
            Since the first settlement period, in periods.
        """
        hold, told = day.horizon.by_period, day.in_force
        net, q_mvar = told.charge_mw[row] - told.discharge_mw[row], told.storage_mvar[row]
        self._open[unit] = _StandIn(helper, day.number, at, self._e_mwh[helper], hold(net), hold(q_mvar))

    def end(self, unit: str, at: float, day: DsoDay) -> None:
        """A unit is back at a time, in periods; its standby keeps what it has then."""
        one = self._open.pop(unit, None)
        if one is not None:
            self._e_mwh[one.helper] = self._followed(one, at, day)[1]

    def fed_in(self, unit: str, day: DsoDay, first: int) -> tuple[int, str, ComplexArray] | None:
        """Bus and name of a standby, and what it feeds in from a step on, MW + j Mvar, shape (n_left,).

        None where nobody stands in for the unit on that day.
        """
        one = self._open.get(unit)
        if one is None or one.day != day.number:
            return None
        horizon = day.horizon
        powers, _ = self._followed(one, horizon.periods(day.number).stop, day)
        by_step = powers.reshape(horizon.n_step, horizon.per_step).mean(axis=1)
        fed_in = by_step + 1j * one.q_mvar[:: horizon.per_step]
        return self._standbys[one.helper].bus, one.helper, fed_in[first:]

    def _followed(self, one: _StandIn, until: float, day: DsoDay) -> tuple[Array, float]:
        """What a standby feeds in in each period of a day, MW, as far as its energy goes, and what is left.

        In a period that it stands in for a part of, its power while it does.
        """
        ratings, horizon = self._standbys[one.helper].ratings, day.horizon
        (least, most), periods, e_mwh = ratings.band_mwh, horizon.periods(one.day), one.e_mwh
        fed_in = np.zeros(horizon.day_length)
        for place, wanted in enumerate(one.net_mw.tolist()):
            begins = max(float(periods.start + place), one.at)
            hours = (min(periods.start + place + 1.0, until) - begins) * horizon.period_h
            if hours <= 0.0:
                continue
            room = max(0.0, most - e_mwh) / (ratings.efficiency_charge * hours)
            stock = max(0.0, e_mwh - least) * ratings.efficiency_discharge / hours
            into = min(max(0.0, wanted), ratings.p_max_mw, room)
            given = min(max(0.0, -wanted), ratings.p_max_mw, stock)
            e_mwh += (into * ratings.efficiency_charge - given / ratings.efficiency_discharge) * hours
            fed_in[place] = given - into
        return fed_in, e_mwh
