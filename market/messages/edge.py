"""What an edge controller, fast units, sensors and the platform tell each other within a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gridarium.environment.arrays import Array
from gridarium.market.messages.commands import StorageCommand

OutageCause = Literal["failure", "overheating"]
"""Its breaker has opened and it tells nothing; or it got too hot and opened it itself."""


@dataclass(frozen=True, slots=True)
class EdgeEnrolment:
    """A unit that takes an edge controller's messages says so once.

    Parameters
    ----------
    p_max_mw, s_max_mva : float
        Largest charge and discharge power, and apparent power of the inverter.
    e_min_mwh, e_max_mwh : float
        Least and most energy inside.
    efficiency_charge, efficiency_discharge : float
    response_s : float
        Time from a correction or a takeover until it acts, s.
    covers : tuple of str
        Units that it stands by for; none for a unit that is dispatched.
    """

    p_max_mw: float
    s_max_mva: float
    e_min_mwh: float
    e_max_mwh: float
    efficiency_charge: float
    efficiency_discharge: float
    response_s: float
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeederSchedule:
    """What the storages of a feeder have been told to do, when it is committed and when it changes.

    Parameters
    ----------
    day : int
    first_period : int
        The first settlement period that it is about.
    schedules : mapping of str to StorageCommand
        By name of the storage in the world.
    """

    day: int
    first_period: int
    schedules: Mapping[str, StorageCommand]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a unit measures at an instant.

    Parameters
    ----------
    time_s : float
        When it was measured.
    p_mw, q_mvar : float
        Fed into the grid; negative where it charges or draws.
    e_mwh : float
        Energy inside.
    temperature_c : float
        Of the unit; nan where it has no thermometer.
    breaker_closed : bool
        Whether it is connected.
    """

    time_s: float
    p_mw: float
    q_mvar: float
    e_mwh: float
    temperature_c: float
    breaker_closed: bool


@dataclass(frozen=True, slots=True)
class Takeover:
    """A standby unit shall do at once what another one was told.

    Parameters
    ----------
    of : str
        Name of the unit that is out.
    command : StorageCommand
        What that unit was told, from the running period on.
    from_s : float
        When it was sent.
    """

    of: str
    command: StorageCommand
    from_s: float


@dataclass(frozen=True, slots=True)
class Active:
    """A standby unit delivers what it has taken over.

    Parameters
    ----------
    of : str
        Name of the unit that it stands in for.
    time_s : float
        Since when.
    """

    of: str
    time_s: float


@dataclass(frozen=True, slots=True)
class StandDown:
    """The unit that a standby stood in for is back: be idle again.

    Parameters
    ----------
    of : str
        Name of that unit.
    from_s : float
        When it was sent; a takeover that was sent before counts no more, whenever it arrives.
    """

    of: str
    from_s: float


@dataclass(frozen=True, slots=True)
class Correction:
    """A change of a unit's power on top of its set-point; one that was sent later replaces it.

    Parameters
    ----------
    from_s : float
        When it was sent.
    p_mw, q_mvar : float
        Fed into the grid beyond the set-point; 0 takes an earlier correction back.
    until_s : float
        When it ends, if it is not taken back before.
    """

    from_s: float
    p_mw: float
    q_mvar: float
    until_s: float


@dataclass(frozen=True, slots=True)
class VoltageReading:
    """Voltages of buses at an instant.

    Parameters
    ----------
    time_s : float
        When they were measured.
    buses : tuple of str
        Labels.
    vm_pu : ndarray, shape (n_bus,)
        Magnitudes in that order.
    """

    time_s: float
    buses: tuple[str, ...]
    vm_pu: Array


@dataclass(frozen=True, slots=True)
class UnitOutage:
    """A unit does not deliver any more.

    Parameters
    ----------
    unit : str
        Its name in the world.
    time_s : float
        Since when, as far as is known.
    cause : OutageCause
    standby : str or None
        Who has taken over what it was told.
    e_mwh : float
        What was inside as it was last heard of; nan where that is not known.
    """

    unit: str
    time_s: float
    cause: OutageCause
    standby: str | None
    e_mwh: float


@dataclass(frozen=True, slots=True)
class UnitReturned:
    """A unit that was out can be dispatched again.

    Parameters
    ----------
    unit : str
        Its name in the world.
    time_s : float
        Since when.
    e_mwh : float
        What is inside.
    """

    unit: str
    time_s: float
    e_mwh: float
