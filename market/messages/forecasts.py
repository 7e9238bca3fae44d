"""The day before: what there will be, told by plants, loads and storages to whoever plans."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.environment.uncertainty import ScenarioSet


@dataclass(frozen=True, slots=True)
class ScenarioTerms:
    """Which scenarios of its forecast a plant is asked for.

    Parameters
    ----------
    n_scenario : int
    bound : float
        Largest relative error, in [0, 1).
    persistence : float
        Autocorrelation of the error from one step to the next, in [0, 1).
    """

    n_scenario: int
    bound: float
    persistence: float


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """What will there be on a day, 0 for the first, and in which scenarios, if any are wanted?"""

    day: int
    scenarios: ScenarioTerms | None = None


@dataclass(frozen=True, slots=True)
class LoadForecast:
    """A load as expected for a day before any response.

    Parameters
    ----------
    day : int
    load_mw : ndarray, shape (n_period,)
    flexibility_mw : float, optional
        Mean width of the band in which the load can lie, for whoever weighs followers by it.
    deviation_share : float
        Largest share by which it may come to differ from this, either way.
    """

    day: int
    load_mw: Array
    flexibility_mw: float | None = None
    deviation_share: float = 0.0


@dataclass(frozen=True, slots=True)
class FlexibleOffer:
    """What a load expects to draw on a day and the limits of what it can draw, MW, shape (n_period,) each."""

    day: int
    base_mw: Array
    lowest_mw: Array
    highest_mw: Array


@dataclass(frozen=True, slots=True)
class RenewableForecast:
    """What a renewable plant expects to be able to deliver on a day.

    Parameters
    ----------
    day : int
    available_mw : ndarray, shape (n_period,)
    scenarios : ScenarioSet, optional
        What may come of it, where that was asked.
    """

    day: int
    available_mw: Array
    scenarios: ScenarioSet | None = None


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
class ScheduleRequest:
    """What would a storage do by itself on a day at this tariff?

    Parameters
    ----------
    day : int
        0 for the first.
    price_per_mwh : ndarray, shape (n_step,)
        At which it would both buy and sell.
    self_scheduled : bool
        Whether it shall do so, as long as it hears no other tariff; else commands will follow.
    """

    day: int
    price_per_mwh: Array
    self_scheduled: bool = False


@dataclass(frozen=True, slots=True)
class OwnSchedule:
    """What a storage would do by itself, and what it will hold when the day begins.

    Parameters
    ----------
    day : int
    e_mwh : float
        As far as it knows.
    charge_mw, discharge_mw : ndarray, shape (n_step,)
    earnings_money : float
        At the tariff that it was asked about, less wear.
    """

    day: int
    e_mwh: float
    charge_mw: Array
    discharge_mw: Array
    earnings_money: float

    @property
    def net_mw(self) -> Array:
        """What it would draw, MW, shape (n_step,); negative where it feeds back."""
        return self.charge_mw - self.discharge_mw


@dataclass(frozen=True, slots=True)
class StorageOffer:
    """Energy that a storage will hold when a day begins, as far as it knows, MWh."""

    day: int
    e_mwh: float


@dataclass(frozen=True, slots=True)
class TapPosition:
    """Where a tap changer will stand when a day begins, as far as it knows."""

    day: int
    position: int
