"""Storages of a virtual power plant in one region as one, and what a day of theirs rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.cleanness import CleannessSignal, RegionTerms
from gridarium.market.regional_bill import RegionDay

_ROUNDING_MWH = 1e-9


@dataclass(frozen=True)
class PlantStorage:
    """A storage that a plant may command.

    Parameters
    ----------
    owner : str
        Name in the world of its owner.
    region : str
    ratings : StorageRatings
        Without what its owner keeps to itself.
    wear_cost_per_mwh : float
        Of each MWh discharged.
    """

    owner: str
    region: str
    ratings: StorageRatings
    wear_cost_per_mwh: float = 0.0


def fleet_start(
    name: str, storages: Sequence[PlantStorage], e_mwh: Sequence[float], green_share: Sequence[float]
) -> FleetStart:
    """Storages that are alike as one, with what each holds as a day begins; at least one.

    Parameters
    ----------
    name : str
        In errors.
    storages : sequence of PlantStorage
    e_mwh, green_share : sequence of float
        Of each.
    """
    units, held = [one.ratings for one in storages], np.array(e_mwh)
    first, e_max, total = units[0], sum(unit.e_max_mwh for unit in units), float(held.sum())
    ratings = replace(
        first,
        name=name,
        p_max_mw=sum(unit.p_max_mw for unit in units),
        e_max_mwh=e_max,
        # What owners hold is told by many and may be off the band by last digits.
        soc_initial=min(max(total / e_max, first.soc_min), first.soc_max),
        s_max_mva=sum(unit.s_max_mva for unit in units),
    )
    share = float(held @ np.array(green_share)) / total if total > 0.0 else 0.0
    home = sum(unit.soc_initial * unit.e_max_mwh for unit in units)
    return FleetStart(ratings, share, home, storages[0].wear_cost_per_mwh)


@dataclass(frozen=True)
class FleetStart:
    """What a fleet begins a day with.

    Parameters
    ----------
    ratings : StorageRatings
        Of all together, with what is inside.
    green_share : float
        Of what is inside.
    home_mwh : float
        What all held at the start of the world, with which a horizon shall end as far as that is in reach.
    wear_cost_per_mwh : float
        Of each MWh discharged.
    """

    ratings: StorageRatings
    green_share: float
    home_mwh: float
    wear_cost_per_mwh: float

    def day_at(self, signal: CleannessSignal, terms: RegionTerms, step_h: float) -> GreenDay:
        """What a dispatch in a region rests on, by an operator's terms.

        It ends with as much green energy as there is at first; with as green a rest where that is less.
        """
        region = RegionDay(
            terms.region,
            terms.load_mw,
            terms.buy_price_per_mwh,
            terms.sell_price_per_mwh,
            terms.initial_price_per_mwh,
            step_h,
            terms.foreign_load_mw,
            terms.foreign_green_mw,
        )
        begun = self.ratings.soc_initial * self.ratings.e_max_mwh
        (into, out), passed = self.ratings.efficiencies, len(region.load_mw) * step_h * self.ratings.p_max_mw
        final = min(max(self.home_mwh, begun - passed / out), begun + passed * into)
        if abs(final - begun) <= _ROUNDING_MWH:
            final = begun
        return GreenDay(
            region,
            self.ratings,
            self.green_share,
            signal.green_share,
            signal.pricing,
            self.wear_cost_per_mwh,
            final,
            self.green_share * min(begun, final),
            terms.pull,
        )
