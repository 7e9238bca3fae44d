"""What the system operator, plants, loads, storage provider and trading desk tell each other."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array

# Day ahead.


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """The operator asks what there will be on a day, 0 for the first."""

    day: int


@dataclass(frozen=True, slots=True)
class UnitAvailability:
    """A thermal unit as it stands when it is asked.

    Parameters
    ----------
    day : int
    on : bool
    hours_in_state : float
        For how long it has been on or off.
    gross_mw, tank_tco2 : float
        Its gross power, and the CO2 in its solvent tank; 0 without a capture plant.
    available : ndarray, shape (n_hour,)
        1 in each hour of the day in which it could run, otherwise 0.
    """

    day: int
    on: bool
    hours_in_state: float
    gross_mw: float
    tank_tco2: float
    available: Array


@dataclass(frozen=True, slots=True)
class WindForecast:
    """What a wind farm expects to be able to deliver on a day, MW, shape (n_period,)."""

    day: int
    available_mw: Array


@dataclass(frozen=True, slots=True)
class LoadExpectation:
    """A load that does not respond, as expected for a day, MW, shape (n_period,)."""

    day: int
    load_mw: Array


@dataclass(frozen=True, slots=True)
class FlexibleOffer:
    """What a load expects to draw on a day and the limits of what it can draw, MW, shape (n_period,) each."""

    day: int
    base_mw: Array
    lowest_mw: Array
    highest_mw: Array


@dataclass(frozen=True, slots=True)
class StorageAvailability:
    """Energy in a storage when it is asked for a day, MWh."""

    day: int
    e_mwh: float


# Each quarter.


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The operator asks for the state right before a quarter, and for what that quarter will bring."""

    quarter: int


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """What a unit does right before a quarter.

    Parameters
    ----------
    quarter : int
    on : bool
    net_mw, gross_mw : float
    absorbed_tco2_per_h, regenerated_tco2_per_h : float
    tank_tco2 : float
        As the quarter begins.
    """

    quarter: int
    on: bool
    net_mw: float
    gross_mw: float
    absorbed_tco2_per_h: float
    regenerated_tco2_per_h: float
    tank_tco2: float


@dataclass(frozen=True, slots=True)
class WindStatus:
    """What a wind farm delivers right before a quarter, and can deliver from it on until the day ends, MW.

    Parameters
    ----------
    quarter : int
    delivered_mw : float
    available_mw : ndarray, shape (n_left,)
        The first value is certain, the others are expected; empty after the last quarter.
    """

    quarter: int
    delivered_mw: float
    available_mw: Array


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """What a load draws from a quarter on until the day ends, MW, shape (n_left,).

    The first value is certain, the others are expected.
    """

    quarter: int
    load_mw: Array


@dataclass(frozen=True, slots=True)
class FlexibleStatus:
    """What a flexible load draws right before a quarter, MW, and must still get by the day's end, MWh.

    Parameters
    ----------
    quarter : int
    drawn_mw : float
    owed_mwh : float
        Energy from which it was kept so far today; negative where it took more than its base.
    """

    quarter: int
    drawn_mw: float
    owed_mwh: float


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """What a storage does right before a quarter, MW, and the energy in it as the quarter begins, MWh."""

    quarter: int
    charge_mw: float
    discharge_mw: float
    e_mwh: float


# Commands.


@dataclass(frozen=True, slots=True)
class Command:
    """What an agent shall do from a quarter on until the day ends; repeated until it is acknowledged.

    Parameters
    ----------
    issue : int
        Number of the command; a later one replaces it.
    quarter : int
        The first that it is about.
    """

    issue: int
    quarter: int


@dataclass(frozen=True, slots=True)
class UnitSetpoint(Command):
    """What a unit and its capture plant shall do; arrays of shape (n_left,).

    Parameters
    ----------
    net_mw, absorbed_tco2_per_h, regenerated_tco2_per_h : ndarray
        Power fed into the grid, CO2 taken out of the flue gas, CO2 driven out of the solvent.
    """

    net_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array


@dataclass(frozen=True, slots=True)
class UnitSchedule(UnitSetpoint):
    """A whole day of a unit as committed: set-points, and when it runs, which no set-point changes later.

    Parameters
    ----------
    on : ndarray, shape (n_period,)
        1 where it runs, otherwise 0.
    """

    on: Array


@dataclass(frozen=True, slots=True)
class WindSetpoint(Command):
    """Most that a wind farm may deliver, MW, shape (n_left,)."""

    limit_mw: Array


@dataclass(frozen=True, slots=True)
class LoadCommand(Command):
    """What a flexible load shall draw, MW, shape (n_left,)."""

    load_mw: Array


@dataclass(frozen=True, slots=True)
class StorageCommand(Command):
    """What a storage shall do, and at which price it trades; arrays of shape (n_left,).

    Parameters
    ----------
    charge_mw, discharge_mw : ndarray
    price_per_mwh : ndarray
        The system's marginal price.
    """

    charge_mw: Array
    discharge_mw: Array
    price_per_mwh: Array


@dataclass(frozen=True, slots=True)
class LeftToPool:
    """Deficit of a quarter that the operator leaves to trade among prosumers, MW; told to the desk."""

    quarter: int
    left_mw: float


# What the operator perceives.


@dataclass(frozen=True, slots=True)
class Deviation:
    """Surplus (positive) or deficit (negative) of a quarter if all goes on as planned, MW (E18).

    What the operator perceives before it decides whether to plan anew.
    """

    quarter: int
    mw: float
