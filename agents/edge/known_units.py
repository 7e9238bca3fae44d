"""What an edge controller knows of the units of its feeder: by what they and the operator have told it."""

from __future__ import annotations

import math

import numpy as np

from gridarium.agents.edge.voltage_correction import FastUnit
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.commands import StorageCommand
from gridarium.market.messages.edge import EdgeEnrolment, OutageCause, Telemetry


def _continued(before: StorageCommand, command: StorageCommand) -> StorageCommand:
    """What was told for a day before a command, and by the command from its first period on."""
    kept = command.period - before.period
    if not 0 < kept <= len(before.charge_mw):
        return command

    def joined(old: Array, new: Array) -> Array:
        return series(np.concatenate([old[:kept], new]))

    def reactive(one: StorageCommand) -> Array:
        return np.zeros(len(one.charge_mw)) if one.q_mvar is None else one.q_mvar

    return StorageCommand(
        command.issue,
        before.period,
        joined(before.charge_mw, command.charge_mw),
        joined(before.discharge_mw, command.discharge_mw),
        joined(reactive(before), reactive(command)),
    )


class KnownUnit:
    """A storage that has enrolled.

    - `telemetry`: what it has told last
    - `outage`: why it does not deliver, where it does not

    Parameters
    ----------
    enrolment : EdgeEnrolment
    """

    def __init__(self, enrolment: EdgeEnrolment) -> None:
        self.enrolment = enrolment
        self.telemetry: Telemetry | None = None
        self.outage: OutageCause | None = None
        self._told: dict[int, StorageCommand] = {}

    @property
    def is_standby(self) -> bool:
        """Whether it stands by for others."""
        return bool(self.enrolment.covers)

    @property
    def last_mwh(self) -> float:
        """What was inside as it was heard of last, MWh; nan where it never was."""
        return math.nan if self.telemetry is None else self.telemetry.e_mwh

    def tell(self, day: int, command: StorageCommand) -> None:
        """Take what it was told for a day, or for the rest of one; what was told before holds until then."""
        before = self._told.get(day)
        if before is None or command.issue > before.issue:
            self._told[day] = command if before is None else _continued(before, command)

    def hear(self, telemetry: Telemetry) -> None:
        """Take what it measures; a report that was overtaken by a later one is none any more."""
        if self.telemetry is None or telemetry.time_s >= self.telemetry.time_s:
            self.telemetry = telemetry

    def rest_from(self, period: int) -> StorageCommand | None:
        """What it was told from a settlement period on; None where it was told nothing for that period."""
        covers = (one for one in self._told.values() if 0 <= period - one.period < len(one.charge_mw))
        told = next(covers, None)
        if told is None:
            return None
        first = period - told.period
        return StorageCommand(
            told.issue,
            period,
            series(told.charge_mw[first:]),
            series(told.discharge_mw[first:]),
            None if told.q_mvar is None else series(told.q_mvar[first:]),
        )

    def at_once(self, period: int, left_h: float) -> FastUnit:
        """What it is told to do now, and what it could for the rest of a settlement period.

        Without telemetry nothing is known of its energy, so that it has nothing but reactive power to offer.

        Parameters
        ----------
        period : int
        left_h : float
            Until the period ends, h.
        """
        own, told = self.enrolment, self.rest_from(period)
        p_mw = q_mvar = 0.0
        if told is not None:
            p_mw = float(told.discharge_mw[0] - told.charge_mw[0])
            q_mvar = 0.0 if told.q_mvar is None else float(told.q_mvar[0])
        least, most = p_mw, p_mw
        if self.telemetry is not None:
            e_mwh = self.telemetry.e_mwh
            out_mw = max(0.0, e_mwh - own.e_min_mwh) * own.efficiency_discharge / left_h
            in_mw = max(0.0, own.e_max_mwh - e_mwh) / own.efficiency_charge / left_h
            least = min(p_mw, max(-own.p_max_mw, -in_mw))
            most = max(p_mw, min(own.p_max_mw, out_mw))
        return FastUnit(p_mw, q_mvar, least, most, own.s_max_mva)
