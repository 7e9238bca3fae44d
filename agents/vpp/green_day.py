"""A region's day with a storage whose green energy is paid for, and the exact replay of a schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.green_label import LabelledSchedule, replay_label
from gridarium.environment.storage import StorageRatings
from gridarium.market.cleanness import Pricing
from gridarium.market.messages.tariffs import Pull
from gridarium.market.regional_bill import RegionalBill, RegionDay


@dataclass(frozen=True, eq=False)
class GreenDay:
    """What a storage's dispatch in one region rests on, over a day or more.

    Parameters
    ----------
    region : RegionDay
        It may sell for at most the price at which it buys, and its green price is not negative.
    ratings : StorageRatings
        `soc_initial` says what is inside at first.
    initial_share : float
        Green share of what is inside at first, from 0 to 1.
    green_share : ndarray, shape (n_period,)
        Green share of the grid's power, from 0 to 1.
    pricing : {"none", "uniform", "nodal"}
        How green discharge is paid: in scenario 3, 1 and 2.
    wear_cost_per_mwh : float
        Of each MWh discharged.
    final_mwh, least_green_mwh : float, optional
        Energy inside at the end, and the least green energy then; both as at first if left out.
    pull : Pull, optional
        Towards what the region's draw, load and storage, is drawn while it is planned; no money.

    Raises
    ------
    InputError
        With all values that are out of their range.
    """

    region: RegionDay
    ratings: StorageRatings
    initial_share: float
    green_share: Array
    pricing: Pricing = "uniform"
    wear_cost_per_mwh: float = 0.0
    final_mwh: float | None = None
    least_green_mwh: float | None = None
    pull: Pull | None = None

    def __post_init__(self) -> None:
        region, faults = self.region, []
        ranges: dict[str, tuple[Array | float, float, float, str]] = {
            "green_share": (self.green_share, 0.0, 1.0, "of the grid's power"),
            "final_mwh": (self.end_mwh[0], *self.ratings.band_mwh, "MWh"),
            "least_green_mwh": (self.end_mwh[1], 0.0, self.end_mwh[0], "MWh, what is inside then"),
            "initial_share": (self.initial_share, 0.0, 1.0, "of what is inside"),
            "wear_cost_per_mwh": (self.wear_cost_per_mwh, 0.0, np.inf, "money/MWh"),
            "green_price_per_mwh": (region.green_price_per_mwh, 0.0, np.inf, "money/MWh"),
        }
        for name, (given, low, high, unit) in ranges.items():
            values = np.asarray(given, dtype=np.float64).ravel()
            wrong = values[~((values >= low) & (values <= high) & np.isfinite(values))]
            if len(wrong):
                faults.append(Fault(name, float(wrong[0]), f"must be in [{low:g}, {high:g}] {unit}"))
        if np.shape(self.green_share) != region.load_mw.shape:
            allowed = f"must have the load's shape {region.load_mw.shape}"
            faults.append(Fault("green_share", np.shape(self.green_share), allowed))
        if self.pull is not None and np.shape(self.pull.target_mw) != region.load_mw.shape:
            allowed = f"must have the load's shape {region.load_mw.shape}"
            faults.append(Fault("pull.target_mw", np.shape(self.pull.target_mw), allowed))
        if (above := region.sell_price_per_mwh > region.buy_price_per_mwh).any():
            at = int(above.argmax())
            allowed = (
                f"must be at most the buy price {region.buy_price_per_mwh[at]:g} money/MWh of period {at}"
            )
            faults.append(Fault("sell_price_per_mwh", float(region.sell_price_per_mwh[at]), allowed))
        if faults:
            raise InputError(f"green dispatch of {region.name}", faults)

    @property
    def n_period(self) -> int:
        """Number of periods."""
        return len(self.region.load_mw)

    @property
    def initial_mwh(self) -> float:
        """Energy inside before the day, MWh."""
        return self.ratings.soc_initial * self.ratings.e_max_mwh

    @property
    def initial_green_mwh(self) -> float:
        """Green energy inside before the day, MWh."""
        return self.initial_share * self.initial_mwh

    @property
    def end_mwh(self) -> tuple[float, float]:
        """Energy inside at the end, and the least green energy then, MWh."""
        energy = self.initial_mwh if self.final_mwh is None else self.final_mwh
        return energy, self.initial_green_mwh if self.least_green_mwh is None else self.least_green_mwh

    @property
    def idle_money(self) -> float:
        """What the region's load costs without the storage."""
        return float(self.region.buy_price_per_mwh @ self.region.load_mw) * self.region.period_h

    def pulled_money(self, charge_mw: Array, discharge_mw: Array) -> float:
        """What the pull counts of a schedule, as if it were money; 0 without one."""
        if self.pull is None:
            return 0.0
        drawn_mw = self.drawn_mw(charge_mw, discharge_mw)
        return float(self.pull.weight_per_h(drawn_mw).sum()) * self.region.period_h

    def drawn_mw(self, charge_mw: Array, discharge_mw: Array) -> Array:
        """What the region draws, load and storage, MW, shape (n_period,)."""
        return self.region.load_mw + charge_mw - discharge_mw


@dataclass(frozen=True, eq=False)
class GreenPlan:
    """A schedule with what it does to the label and to the bill, exactly.

    Parameters
    ----------
    charge_mw, discharge_mw : ndarray, shape (n_period,)
    energy_mwh, green_mwh : ndarray, shape (n_period,)
        Inside at the end of each period.
    green_discharge_mw : ndarray, shape (n_period,)
        At the terminals.
    bill : RegionalBill
        What is discharged beyond the region's green room is not paid as green.
    wear_money : float
    pulled_money : float
        What a pull counts of it, which nobody pays; 0 without one.
    """

    charge_mw: Array
    discharge_mw: Array
    energy_mwh: Array
    green_mwh: Array
    green_discharge_mw: Array
    bill: RegionalBill
    wear_money: float
    pulled_money: float = 0.0

    @property
    def cost_money(self) -> float:
        """Purchases less sales and what green discharge is paid (B5), and wear."""
        return float(self.bill.cost_money) + self.wear_money

    @property
    def counted_money(self) -> float:
        """Its cost, and what the pull counts: by this plans are compared."""
        return self.cost_money + self.pulled_money

    def beyond_load_mw(self, day: GreenDay) -> float:
        """Most by which green discharge exceeds the load that others' leaves to it, MW."""
        return max(0.0, float((self.green_discharge_mw - day.region.green_room_mw).max()))

    def missing_green_mwh(self, day: GreenDay) -> float:
        """Green energy that lacks at the end, MWh."""
        return max(0.0, day.end_mwh[1] - float(self.green_mwh[-1]))


def even_plan(day: GreenDay) -> GreenPlan:
    """The plan that goes evenly from what is inside at first to what shall be at the end, as a rest does."""
    gained_mw = (day.end_mwh[0] - day.initial_mwh) / (day.n_period * day.region.period_h)
    into, out = day.ratings.efficiencies
    charge, discharge = max(gained_mw, 0.0) / into, max(-gained_mw, 0.0) * out
    return replay(day, np.full(day.n_period, charge), np.full(day.n_period, discharge))


def replay(day: GreenDay, charge_mw: Array, discharge_mw: Array) -> GreenPlan:
    """What a schedule does, with labels that mix perfectly (B11); nothing here is relaxed.

    Parameters
    ----------
    day : GreenDay
    charge_mw, discharge_mw : ndarray, shape (n_period,)

    Raises
    ------
    StorageError
        If the storage cannot follow the schedule.
    """
    region = day.region
    schedule = LabelledSchedule(charge_mw, discharge_mw, day.green_share, region.period_h)
    labels = replay_label(day.ratings, schedule, day.initial_green_mwh)
    green = labels.out_mwh / region.period_h
    return GreenPlan(
        charge_mw,
        discharge_mw,
        labels.e_mwh,
        labels.stored_mwh,
        green,
        region.bill(charge_mw, discharge_mw, np.minimum(green, region.green_room_mw), day.pricing),
        day.wear_cost_per_mwh * float(discharge_mw.sum()) * region.period_h,
        day.pulled_money(charge_mw, discharge_mw),
    )
