"""A day of a virtual power plant: who takes part with what inside, on which terms, by which plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gridarium.agents.questions import Asked
from gridarium.agents.vpp.fleet import Fleet
from gridarium.agents.vpp.fleet_start import FleetStart, PlantStorage, fleet_start
from gridarium.agents.vpp.green_day import GreenDay
from gridarium.agents.vpp.planners import VppPlanner
from gridarium.environment.arrays import Array, series
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.cleanness import CleannessSignal, RegionPlans, RegionTerms
from gridarium.market.messages.commands import StorageCommand
from gridarium.market.messages.forecasts import OwnSchedule
from gridarium.market.messages.storage_pools import PoolMembers


class VppDay:
    """The state of one day.

    - `told`: what the pool has said
    - `able`: storages that could take part, by region, once contents are known; `fleets`: members of them
    - `signal`: the newest terms; `is_final` once the operator has had its last word
    - `waiting`: who has asked while nothing was known, and with what

    Parameters
    ----------
    number : int
        From 0.
    horizon : Horizon
    """

    def __init__(self, number: int, horizon: Horizon) -> None:
        self.number, self._horizon = number, horizon
        self.told: PoolMembers | None = None
        self.fleets: dict[str, Fleet] = {}
        self.able: dict[str, tuple[PlantStorage, ...]] = {}
        self._starts: dict[str, FleetStart] = {}
        self.signal: CleannessSignal | None = None
        self.is_known = self.is_final = False
        self.waiting: tuple[Asked, CleannessSignal] | None = None

    def begin(
        self,
        plant: str,
        told: PoolMembers,
        storages: Sequence[PlantStorage],
        contents: Mapping[str, OwnSchedule],
        shares: Mapping[str, float],
        planner: VppPlanner,
    ) -> None:
        """Make the fleets of those members that have told what they will hold.

        Parameters
        ----------
        plant : str
            Named in errors.
        told : PoolMembers
        storages : sequence of PlantStorage
        contents : mapping of str to OwnSchedule
            By owner; who is silent is left out of the day.
        shares : mapping of str to float
            Green share of what each will hold.
        planner : VppPlanner
        """
        self.told, self.is_known = told, True
        fit = {
            name for name, moves in zip(told.owners, told.moves, strict=True) if moves and name in contents
        }
        inside = {name for name, takes_part in zip(told.owners, told.members, strict=True) if takes_part}
        for region in dict.fromkeys(one.region for one in storages):
            able = [one for one in storages if one.region == region and one.owner in fit]
            members = [one for one in able if one.owner in inside]
            if able:
                self.able[region] = tuple(able)
                self._starts[region] = _start(plant, able, contents, shares)
            if members:
                start = _start(plant, members, contents, shares)
                self.fleets[region] = Fleet(members, start, planner, self._horizon.step_h)

    def plans(self, signal: CleannessSignal) -> RegionPlans:
        """The answer to an operator's terms; to its last word the plans as they stand.

        A signal that was overtaken changes nothing.
        """
        newest = self.signal
        if newest is None or (signal.round >= newest.round and not self.is_final):
            self.signal, self.is_final = signal, signal.final
            for terms in signal.regions:
                if (fleet := self.fleets.get(terms.region)) is not None:
                    plan = fleet.look_at if signal.final else fleet.answer
                    plan(signal, terms)
        return self.answered

    @property
    def answered(self) -> RegionPlans:
        """What the plant does in all regions, by the newest terms."""
        assert self.signal is not None
        rest = np.zeros((3, len(self.signal.green_share)))
        rows = [
            rest if (fleet := self.fleets.get(terms.region)) is None else fleet.powers_mw
            for terms in self.signal.regions
        ]
        charge, discharge, green = (series(power) for power in np.array(rows).transpose(1, 0, 2))
        return RegionPlans(self.number, charge, discharge, green)

    @property
    def terms(self) -> Mapping[str, RegionTerms]:
        """The newest terms by region; none before any was heard."""
        return {} if self.signal is None else {one.region: one for one in self.signal.regions}

    @property
    def orders(self) -> dict[str, StorageCommand]:
        """What each member shall do in the settlement periods of the day: its part of the fleet's plan."""
        first, hold = self._horizon.periods(self.number).start, self._horizon.by_period
        orders = {}
        for fleet in self.fleets.values():
            charge, discharge = (
                hold(self._of_day(p)) for p in (fleet.plan.charge_mw, fleet.plan.discharge_mw)
            )
            for owner, part in fleet.parts():
                orders[owner] = StorageCommand(1, first, series(part * charge), series(part * discharge))
        return orders

    @property
    def n_step(self) -> int:
        """Steps of the day."""
        return self._horizon.n_step

    @property
    def green_share(self) -> Array:
        """How green the supply is, in steps of the day."""
        assert self.signal is not None
        return self._of_day(self.signal.green_share)

    def part_of(self, owner: str) -> tuple[Fleet, float] | None:
        """The fleet of a member, and its part of that; None for who is none."""
        for fleet in self.fleets.values():
            for name, part in fleet.parts():
                if name == owner:
                    return fleet, part
        return None

    def template(self, region: str) -> GreenDay:
        """The day of a region for its fleet; where nobody is a member, for all who are able."""
        if (fleet := self.fleets.get(region)) is not None:
            return fleet.day
        assert self.signal is not None
        return self._starts[region].day_at(self.signal, self.terms[region], self._horizon.step_h)

    def planned_mw(self, region: str) -> Array:
        """Charge, discharge and green discharge of the day in a region as answered, MW, shape (3, n_step)."""
        if (fleet := self.fleets.get(region)) is None:
            return np.zeros((3, self._horizon.n_step))
        return self._of_day(fleet.powers_mw)

    def _of_day(self, values: Array) -> Array:
        """The first day of a series that may look further."""
        return values[..., : self._horizon.n_step]


def _start(
    plant: str,
    storages: Sequence[PlantStorage],
    contents: Mapping[str, OwnSchedule],
    shares: Mapping[str, float],
) -> FleetStart:
    """Storages of a region as one, with what they will hold."""
    name = f"{plant} in {storages[0].region}"
    held = [contents[one.owner].e_mwh for one in storages]
    return fleet_start(name, storages, held, [shares[one.owner] for one in storages])
