"""What agents shall do, told by whoever has planned it."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array, Index


@dataclass(frozen=True, slots=True)
class Command:
    """What an agent shall do from a period on until the day ends; repeated until it is acknowledged.

    Parameters
    ----------
    issue : int
        Number of the command; a later one replaces it.
    period : int
        The first settlement period that it is about.
    """

    issue: int
    period: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was sent has arrived."""


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
    q_mvar : ndarray, shape (n_period,), optional
        Reactive power fed into the grid; left out on a grid without it.
    """

    on: Array
    q_mvar: Array | None = None


@dataclass(frozen=True, slots=True)
class RenewableSetpoint(Command):
    """What a renewable plant shall deliver, as far as it is available; arrays of shape (n_left,).

    Parameters
    ----------
    p_mw : ndarray
    q_mvar : ndarray, optional
        Left out on a grid without reactive power.
    """

    p_mw: Array
    q_mvar: Array | None = None


@dataclass(frozen=True, slots=True)
class TapCommand(Command):
    """Positions that a tap changer shall take, shape (n_left,); it stays at the last one."""

    position: Index


@dataclass(frozen=True, slots=True)
class CompensatorSetpoint(Command):
    """What a compensator shall give, Mvar, shape (n_left,); negative where it draws."""

    q_mvar: Array


@dataclass(frozen=True, slots=True)
class LoadCommand(Command):
    """What a flexible load shall draw, MW, shape (n_left,)."""

    load_mw: Array


@dataclass(frozen=True, slots=True)
class PoolSchedule:
    """Carbon liability that enters and leaves a storage's virtual carbon pool.

    Parameters
    ----------
    in_t_per_h, out_t_per_h : ndarray, shape (n_left,)
    first_tco2 : float
        Content of the pool before the first period.
    """

    in_t_per_h: Array
    out_t_per_h: Array
    first_tco2: float


@dataclass(frozen=True, slots=True)
class StorageCommand(Command):
    """What a storage shall do; arrays of shape (n_left,).

    Parameters
    ----------
    charge_mw, discharge_mw : ndarray
    q_mvar : ndarray, optional
        Left out on a grid without reactive power.
    pool : PoolSchedule, optional
        Where the tariff moves carbon in time.
    price_per_mwh : ndarray, optional
        At which it trades what it charges and discharges, where it does.
    """

    charge_mw: Array
    discharge_mw: Array
    q_mvar: Array | None = None
    pool: PoolSchedule | None = None
    price_per_mwh: Array | None = None
