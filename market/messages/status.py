"""Period by period: what agents do, and what they are about to do."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What is the state right before a settlement period, and what will that period bring?"""

    period: int


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """What a unit does right before a period.

    Parameters
    ----------
    period : int
    on : bool
    net_mw, gross_mw : float
    absorbed_tco2_per_h, regenerated_tco2_per_h : float
    tank_tco2 : float
        As the period begins.
    """

    period: int
    on: bool
    net_mw: float
    gross_mw: float
    absorbed_tco2_per_h: float
    regenerated_tco2_per_h: float
    tank_tco2: float


@dataclass(frozen=True, slots=True)
class RenewableStatus:
    """What a renewable plant delivers right before a period, and can deliver from it on until the day ends.

    Parameters
    ----------
    period : int
    delivered_mw : float
    available_mw : ndarray, shape (n_left,)
        The first value is certain, the others are expected; empty after the last period.
    """

    period: int
    delivered_mw: float
    available_mw: Array


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """What a load draws from a period on until the day ends, MW, shape (n_left,).

    The first value is certain, the others are expected.
    """

    period: int
    load_mw: Array


@dataclass(frozen=True, slots=True)
class FlexibleStatus:
    """What a flexible load draws right before a period, MW, and must still get by the day's end, MWh.

    Parameters
    ----------
    period : int
    drawn_mw : float
    owed_mwh : float
        Energy from which it was kept so far today; negative where it took more than its base.
    """

    period: int
    drawn_mw: float
    owed_mwh: float


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """What a storage does right before a period, and what is in it as the period begins.

    Parameters
    ----------
    period : int
    charge_mw, discharge_mw : float
    e_mwh : float
    pool_tco2 : float, optional
        Content of its virtual carbon pool, where it has one.
    green_mwh, green_discharge_mwh : float, optional
        Green energy in it as the period begins, and what was discharged of it right before, at the grid
        terminals, where it is labelled.
    """

    period: int
    charge_mw: float
    discharge_mw: float
    e_mwh: float
    pool_tco2: float | None = None
    green_mwh: float | None = None
    green_discharge_mwh: float | None = None
