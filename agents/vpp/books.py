"""What a virtual power plant settles with its customers and owners, and tells of its regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent
from gridarium.agents.rows import Rows, columns_of
from gridarium.agents.vpp.fleet_start import PlantStorage
from gridarium.agents.vpp.plant_day import VppDay
from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import CARBON_MARKET
from gridarium.market.messages.cleanness import EnvironmentalReport, RegionTerms
from gridarium.market.settlement import PeriodAccount, settle_period


@dataclass(frozen=True)
class PlantRegion:
    """A region in which a plant serves customers.

    Parameters
    ----------
    name : str
    load : str
        Name in the world of who draws the load there.
    """

    name: str
    load: str


class PlantBooks:
    """Settles periods and keeps what is told of them.

    - `settle`: book a period
    - `region_rows`, `day_rows`: tables

    Parameters
    ----------
    plant : GridAgent
    horizon : Horizon
    regions : sequence of PlantRegion
    storages : sequence of PlantStorage
    load_share : float
        Part of each region's load that it serves.
    days : sequence of VppDay
        That come to be.
    certified_mwh : mapping
        Green energy certified, MWh, by owner and period.
    """

    def __init__(
        self,
        plant: GridAgent,
        horizon: Horizon,
        regions: Sequence[PlantRegion],
        storages: Sequence[PlantStorage],
        load_share: float,
        days: Sequence[VppDay],
        certified_mwh: Mapping[tuple[str, int], float],
    ) -> None:
        self._plant, self._horizon, self._load_share = plant, horizon, load_share
        self._regions, self._storages, self._days = tuple(regions), tuple(storages), days
        self._certified_mwh = certified_mwh
        self.reports: dict[int, EnvironmentalReport] = {}

    def settle(self, period: int) -> None:
        """Let customers pay for what they drew at the region's price, and pay for the wear of owners."""
        world, (day, step) = self._plant.world, self._horizon.place(period)
        terms = self._terms(day)
        served = self._load_share * world.period_h
        worn = sum(
            one.wear_cost_per_mwh * float(self._fed_in_mw(one.owner)[period]) for one in self._storages
        )
        account = PeriodAccount(
            time_s=world.clock.now_s,
            period=period,
            load_mwh={one.load: served * float(self._drawn_mw(one.load)[period]) for one in self._regions},
            price_per_mwh={one.load: float(terms[one.name].buy_price_per_mwh[step]) for one in self._regions},
            wear_money=worn * world.period_h,
            carbon_money=0.0,
            carbon_market=CARBON_MARKET,
        )
        settle_period(world.ledger, self._plant.name, account)

    def region_rows(self) -> Iterator[Rows]:
        """What was planned, metered, certified and paid in each region."""
        hours = self._plant.world.period_h
        for region in self._regions:
            told = self._told(region.name)
            owners = [one.owner for one in self._storages if one.region == region.name]
            nothing = np.zeros(self._horizon.n_period)
            load = self._load_share * self._drawn_mw(region.load)
            charge = sum((self._drawn_mw(owner) for owner in owners), nothing)
            discharge = sum((self._fed_in_mw(owner) for owner in owners), nothing)
            green = nothing.copy()
            for (owner, period), mwh in self._certified_mwh.items():
                green[period] += mwh / hours if owner in owners else 0.0
            net = load + charge - discharge
            yield Rows(
                "vpp_regions",
                {
                    "region": region.name,
                    "load_mw": load,
                    "charge_plan_mw": told["charge"],
                    "discharge_plan_mw": told["discharge"],
                    "green_plan_mw": told["green"],
                    "charge_mw": charge,
                    "discharge_mw": discharge,
                    "green_mw": green,
                    "green_charge_mw": told["share"] * charge,
                    "buy_price_per_mwh": told["buy"],
                    "sell_price_per_mwh": told["sell"],
                    "purchase_money": told["buy"] * np.maximum(net, 0.0) * hours,
                    "sales_money": told["sell"] * np.maximum(-net, 0.0) * hours,
                    "environmental_money": told["nodal"] * green * hours,
                    **self._pulls(region.name),
                },
            )

    def day_rows(self, planner: str) -> Iterator[Rows]:
        """What is known of the plans of each day and region, and what the operator has told of the day."""
        rows: list[Mapping[str, ArrayLike]] = []
        for day in self._days:
            told = self.reports.get(day.number, EnvironmentalReport(day.number, np.nan, np.nan))
            rows += [
                {
                    "day": day.number,
                    "region": region,
                    **fleet.figures,
                    "planner": planner,
                    "paid_money": told.paid_money,
                    "cancelled_mwh": told.cancelled_mwh,
                }
                for region, fleet in day.fleets.items()
                if day.signal is not None
            ]
        if rows:
            yield Rows("vpp_days", columns_of(rows), by="row")

    def _terms(self, day: int) -> Mapping[str, RegionTerms]:
        """The newest terms of a day by region."""
        terms = self._days[day].terms if day < len(self._days) else {}
        if not terms:
            raise MessageError(f"agent {self._plant.name}: no terms of its operator for day {day}")
        return terms

    def _told(self, region: str) -> dict[str, Array]:
        """Plans, prices and green shares in a region by settlement period of all days."""
        hold, n = self._horizon.by_period, self._horizon.n_step
        by_day = []
        for day in self._days:
            terms = day.terms[region]
            prices = (terms.buy_price_per_mwh, terms.sell_price_per_mwh, terms.nodal_price_per_mwh)
            told = [*day.planned_mw(region), *(price[:n] for price in prices), day.green_share]
            by_day.append(hold(np.array(told)))
        names = ("charge", "discharge", "green", "buy", "sell", "nodal", "share")
        return dict(zip(names, np.concatenate(by_day, axis=1), strict=True))

    def _pulls(self, region: str) -> dict[str, Array]:
        """Towards what, and how strongly, its draw in a region was pulled last; nothing if it never was."""
        pulls = [day.terms[region].pull for day in self._days]
        if not any(pulls):
            return {}
        hold, free = self._horizon.by_period, np.full(self._horizon.n_step, np.nan)
        targets = [free if pull is None else pull.target_mw for pull in pulls]
        weights = [0.0 if pull is None else pull.per_mw2h for pull in pulls]
        return {
            "pull_target_mw": hold(np.concatenate(targets)),
            "pull_per_mw2h": hold(np.repeat(weights, self._horizon.n_step)),
        }

    def _drawn_mw(self, name: str) -> Array:
        """What an agent has drawn by its meter, MW, shape (n_period,)."""
        return self._metered(self._plant.world.meters, name)

    def _fed_in_mw(self, name: str) -> Array:
        """What an agent has fed in by its meter, MW, shape (n_period,)."""
        return self._metered(self._plant.world.feed_in_meters, name)

    def _metered(self, meters: Mapping[str, Array], name: str) -> Array:
        return meters[name] if name in meters else np.zeros(self._horizon.n_period)
