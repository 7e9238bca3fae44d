"""A virtual power plant: plans storages that owners pool with it, by what an operator pays for cleanness."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridarium.agents.base import GridAgent, on
from gridarium.agents.feeder.records_audit import RecordsAuditor
from gridarium.agents.rows import Rows
from gridarium.agents.storage.pooled_orders import hear_members, record_orders
from gridarium.agents.vpp.books import PlantBooks, PlantRegion
from gridarium.agents.vpp.certificate_desk import CertificateDesk
from gridarium.agents.vpp.coalition_worth import PlantValuer, Valuing
from gridarium.agents.vpp.fleet_start import PlantStorage
from gridarium.agents.vpp.label_outlook import LabelOutlook
from gridarium.agents.vpp.planners import VppPlanner
from gridarium.agents.vpp.plant_day import VppDay
from gridarium.environment.arrays import series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.cleanness import (
    CleannessSignal,
    EnvironmentalReport,
    GreenShares,
    RegionPlans,
)
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.forecasts import ScheduleRequest
from gridarium.market.messages.storage_pools import CoalitionValues, MembersRequest
from gridarium.market.pool_settlement import settle_pool_value
from gridarium.market.stackelberg import NegotiationRules

if TYPE_CHECKING:
    from gridarium.environment.security.authority import Authority


@dataclass(frozen=True)
class PlantContract:
    """With whom a plant has to do, and how it works.

    Parameters
    ----------
    operator, pool : str
        Who pays for cleanness, and the platform of its owners.
    regions : tuple of PlantRegion
    storages : tuple of PlantStorage
        All that owners may bring; those of one region are alike.
    load_share : float
        Part of the load of each region that it serves.
    initial_share : float
        Green share of what storages hold at the start.
    planner : VppPlanner
    planner_name : str
        By which tables tell it.
    valuing : {"replanned", "as-scheduled"}
        What coalitions are worth.
    authority : Authority, optional
        Whose key signs heads of the records, where owners check these.
    """

    operator: str
    pool: str
    regions: tuple[PlantRegion, ...]
    storages: tuple[PlantStorage, ...]
    load_share: float
    initial_share: float
    planner: VppPlanner
    planner_name: str
    valuing: Valuing = "replanned"
    authority: Authority | None = None


class VirtualPowerPlant(GridAgent):
    """Answers an operator's terms with plans for the storages of each region, and has them carried out.

    - `days`: who took part, on which terms and by which plans

    Parameters
    ----------
    site : Site
    name : str
    contract : PlantContract
    rules : NegotiationRules
        Of the operator's negotiation on the first day.
    horizon : Horizon

    Notes
    -----
    Before its first answer of a day it asks its pool who is a member, and all owners what they will hold and
    what they would earn by themselves. On the operator's last word it commands members pro rata of capacity.
    In each period it has what they report as green certified and hands it over; at the end of a day, once
    the operator has told what it has paid, it pays the pool what the members have saved it.
    """

    kind = "vpp"

    def __init__(
        self, site: Site, name: str, contract: PlantContract, rules: NegotiationRules, horizon: Horizon
    ) -> None:
        super().__init__(site, name)
        self._contract, self._rules, self._horizon = contract, rules, horizon
        self._owners = {one.owner: one.region for one in contract.storages}
        self.days: list[VppDay] = []
        self._outlook = LabelOutlook(contract.storages, contract.initial_share, horizon)
        self._valuer = PlantValuer(contract.planner, contract.valuing)
        waits_s, again_after_s = rules.reply_timeout_s, rules.resend_after_s
        self._desk = CertificateDesk(self, self._owners, contract.operator, waits_s, again_after_s)
        self.mount(self._desk)
        self._books = PlantBooks(
            self,
            horizon,
            contract.regions,
            contract.storages,
            contract.load_share,
            self.days,
            self._desk.certified_mwh,
        )
        self._auditor: RecordsAuditor | None = None
        if contract.authority is not None:
            self._auditor = RecordsAuditor(self, tuple(self._owners), contract.authority)

    # The day before.

    @on(CleannessSignal)
    def answer(self, signal: CleannessSignal, sender: str) -> RegionPlans | None:
        """Plan under the operator's terms; where nothing is known of the day yet, once it is."""
        while len(self.days) <= signal.day:
            self.days.append(VppDay(len(self.days), self._horizon))
        day = self.days[signal.day]
        if day.is_known:
            return self._plans(day, signal)
        is_new, day.waiting = day.waiting is None, (self.asked, signal)
        if is_new:
            self.world.clock.process(self._gather(day))
        return None

    def _gather(self, day: VppDay) -> Generator[Any, Any, None]:
        """Learn who takes part in a day with what inside, and answer what was asked meanwhile."""
        contract, rules = self._contract, self._rules.later(day.number * self._horizon.day_s)
        question = self.ask_until(self._rules, rules.closes_s, {contract.pool: MembersRequest(day.number)})
        told = yield from hear_members(self, question, contract.pool)
        assert day.waiting is not None
        price = {one.region: one.buy_price_per_mwh for one in day.waiting[1].regions}
        requests = {
            owner: ScheduleRequest(day.number, series(price[region][: self._horizon.n_step]))
            for owner, region in self._owners.items()
        }
        question = self.ask(requests, rules.reply_timeout_s, rules.resend_after_s)
        yield from question.answered()
        shares = {
            owner: self._outlook.arriving_share(owner, self._desk.newest.get(owner), day.number)
            for owner in question.replies
        }
        day.begin(self.name, told, contract.storages, question.replies, shares, contract.planner)
        asked, signal = day.waiting
        self.reply(asked, self._plans(day, signal))

    def _plans(self, day: VppDay, signal: CleannessSignal) -> RegionPlans:
        """The answer to terms; the operator's last word is carried out."""
        was_final, plans = day.is_final, day.plans(signal)
        if day.is_final and not was_final:
            self._commit(day)
        return plans

    def _commit(self, day: VppDay) -> None:
        """Tell owners how green the supply is, and members what to do, until they know or the day begins."""
        self._outlook.commit(day)
        orders, shares = day.orders, GreenShares(day.number, series(day.green_share))
        record_orders(self, orders)
        begins_s = self.world.delivery_s + day.number * self._horizon.day_s
        for told in (dict.fromkeys(self._owners, shares), orders):
            self.world.clock.process(self.ask_until(self._rules, begins_s, told).answered())

    # The day itself.

    def settle(self, period: int) -> None:
        """Book the period, and hand over certificates for it once owners have reported."""
        self._books.settle(period)
        self.world.outlast(self.world.clock.process(self._desk.deliver(period)))

    @on(EnvironmentalReport)
    def take_report(self, report: EnvironmentalReport, sender: str) -> Receipt | None:
        """Close a day: pay the pool what its members have saved, and tell it what coalitions would have."""
        if report.day not in self._books.reports:
            self._books.reports[report.day] = report
            self._close(self.days[report.day])
        return None if self.asked.number is None else Receipt()

    def _close(self, day: VppDay) -> None:
        told, world, pool = day.told, self.world, self._contract.pool
        if told is None:
            return
        values = self._valuer.values_money(day, told.owners, told.coalitions)
        mine = (told.coalitions == told.members).all(axis=1)
        saved = float(values[mine][0]) if told.members.any() else 0.0
        period = self._horizon.periods(day.number).stop - 1
        settle_pool_value(world.ledger, world.clock.now_s, period, self.name, pool, saved)
        self.send(pool, CoalitionValues(day.number, told.owners, told.coalitions, series(values)))
        if self._auditor is not None:
            world.outlast(world.clock.process(self._auditor.tell_head(day.number)))

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What it planned, had certified and settled in its regions, and what is known of its plans."""
        yield from self._books.region_rows()
        yield from self._books.day_rows(self._contract.planner_name)
