"""What a regional system's users need, what may be asked of them, and how they like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.horizon import Horizon


@dataclass(frozen=True)
class Window:
    """Hours of the day from which load may move, and hours into which.

    Parameters
    ----------
    from_h, to_h : tuple of float
        Start and end, h, in [0, 24].
    transfer : float
        Energy that arrives for each MWh that leaves (k), above 0.

    Raises
    ------
    ScenarioError
        If a range is empty or outside the day, or nothing would arrive.

    Notes
    -----
    D15.
    """

    from_h: tuple[float, float]
    to_h: tuple[float, float]
    transfer: float = 1.0

    def __post_init__(self) -> None:
        faults = [
            Fault(name, list(hours), "h, must start before it ends, within [0, 24]")
            for name, hours in (("from_h", self.from_h), ("to_h", self.to_h))
            if not 0.0 <= hours[0] < hours[1] <= 24.0
        ]
        if not 0.0 < self.transfer <= 2.0:
            faults.append(Fault("transfer", self.transfer, "must be in (0, 2]"))
        if faults:
            raise ScenarioError("window", faults)

    def steps(self, n_period: int, period_h: float) -> tuple[list[int], list[int]]:
        """Periods of a day that load may leave, and those in which it may arrive."""
        hour = period_h * np.arange(n_period) % 24.0
        leaves, arrives = (
            np.flatnonzero((hour >= start) & (hour < stop)).tolist()
            for start, stop in (self.from_h, self.to_h)
        )
        return leaves, arrives

    def moves(self, n_period: int, period_h: float) -> list[tuple[int, int, float]]:
        """Periods of a day between which load may move, with the transfer coefficient of each move."""
        leaves, enters = self.steps(n_period, period_h)
        return [(start, stop, self.transfer) for start in leaves for stop in enters if start != stop]


@dataclass(frozen=True)
class Comfort:
    """Load of heating and cooling that may be moved as long as rooms stay near their set point.

    Parameters
    ----------
    load_share : float
        Of the base load, in [0, 1].
    band_degc : float
        Most that rooms may be off their set point, degC, above 0.
    drift_degc_per_h : float
        By how much they drift in an hour without heating or cooling, degC/h, above 0.
    memory : float
        Part of a distance from the set point that is left after an hour, in [0, 1).

    Notes
    -----
    D16; a first-order room. The paper gives the band of 2 degC only.
    """

    load_share: float = 0.2
    band_degc: float = 2.0
    drift_degc_per_h: float = 2.5
    memory: float = 0.8


@dataclass(frozen=True)
class Flexibility:
    """What may be asked of the users of a regional system, and what that costs.

    Parameters
    ----------
    cut_share, shift_share : float
        Most of the base load of a period that may be cut, or moved in or out (k_cut, k_sh), in [0, 1].
    cut_cost_per_mwh, cut_cost_per_mw2h : float
        Linear and quadratic cost of load that is cut.
    shift_cost_per_mwh, shift_cost_per_mw2h : float
        The same of load that moves, counted where it leaves and where it arrives.
    windows : sequence of Window
        None means that nothing may be moved.
    comfort : Comfort, optional
        None without heating and cooling.
    dissatisfaction_weight : float
        a2, in [0, 1): share of dissatisfaction in what is minimised.

    Raises
    ------
    ScenarioError
        If a number is out of its range.

    Notes
    -----
    D11, D13, and (32) with a1 = 1 - a2.
    """

    cut_share: float = 0.15
    shift_share: float = 0.087
    cut_cost_per_mwh: float = 50.0
    cut_cost_per_mw2h: float = 1.0
    shift_cost_per_mwh: float = 2.0
    shift_cost_per_mw2h: float = 0.2
    windows: tuple[Window, ...] = ()
    comfort: Comfort | None = None
    dissatisfaction_weight: float = 0.3

    def __post_init__(self) -> None:
        checks: Sequence[tuple[str, float, bool, str]] = [
            ("cut_share", self.cut_share, 0.0 <= self.cut_share <= 1.0, "in [0, 1]"),
            ("shift_share", self.shift_share, 0.0 <= self.shift_share <= 1.0, "in [0, 1]"),
            *(
                (name, getattr(self, name), getattr(self, name) >= 0.0, "at least 0")
                for name in (
                    "cut_cost_per_mwh",
                    "cut_cost_per_mw2h",
                    "shift_cost_per_mwh",
                    "shift_cost_per_mw2h",
                )
            ),
            (
                "dissatisfaction_weight",
                self.dissatisfaction_weight,
                0.0 <= self.dissatisfaction_weight < 1.0,
                "in [0, 1)",
            ),
        ]
        faults = [
            Fault(name, value, f"must be {allowed}") for name, value, good, allowed in checks if not good
        ]
        if faults:
            raise ScenarioError("flexibility", faults)


@dataclass(frozen=True)
class RegionDemand:
    """A regional system's private data.

    Parameters
    ----------
    base_mw : ndarray, shape (n_step,)
        Load that nobody touches, of a day or of several; at least 0.
    flexibility : Flexibility
    reference_price_per_mwh : float
        Price that its base load cost so far, for the scale of dissatisfaction; above 0.
    """

    base_mw: Array
    flexibility: Flexibility
    reference_price_per_mwh: float = 50.0

    def __post_init__(self) -> None:
        least = float(np.min(self.base_mw))
        faults = [] if least >= 0.0 else [Fault("base_mw", least, "MW, must be at least 0")]
        if self.reference_price_per_mwh <= 0.0:
            faults.append(
                Fault("reference_price_per_mwh", self.reference_price_per_mwh, "money/MWh, must be above 0")
            )
        if faults:
            raise ScenarioError("regional system", faults)

    @property
    def flexibility_mw(self) -> float:
        """Mean width of the band in which its load can lie: cuts, moves either way, and rooms either way."""
        own = self.flexibility
        rooms = own.comfort.load_share if own.comfort else 0.0
        moves = own.shift_share if own.windows else 0.0
        return (own.cut_share + 2.0 * moves + 2.0 * rooms) * float(np.mean(self.base_mw))

    def on(self, horizon: Horizon, day: int) -> RegionDemand:
        """The demand of one day."""
        return replace(self, base_mw=horizon.of_day(self.base_mw, day))
