"""What a system operator hears: answers are kept, and counted where they answer the present question."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.system.operation import Members, OperationRules
from gridarium.agents.system.operator_view import OperatorView
from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.agents.system.power_system import PowerSystem
from gridarium.environment.clock import DAY_S
from gridarium.environment.grids import Site
from gridarium.market.line_lease import Nomination, PoolOffer
from gridarium.market.operation_records import (
    CommandReceipt,
    FlexibleOffer,
    FlexibleStatus,
    LoadExpectation,
    LoadStatus,
    StorageAvailability,
    StorageStatus,
    UnitAvailability,
    UnitStatus,
    WindForecast,
    WindStatus,
)

DAY_AHEAD_TIMEOUT_S = 600.0


class OperatorInbox(GridAgent):
    """An operator's ears: questions with numbers, and a view of the system that grows with the answers.

    Parameters
    ----------
    site : Site
        In a world of whole days, or of less than one.
    name : str
    system : PowerSystem
    members : Members
    rules : OperationRules
    behaviour : Behaviour, optional
    """

    def __init__(
        self,
        site: Site,
        name: str,
        system: PowerSystem,
        members: Members,
        rules: OperationRules,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        world = self.world
        self.system, self.members, self.rules = system, members, rules
        self.day_length = min(world.n_period, round(DAY_S / world.clock.period_s))
        self._pool = PoolOutlook(
            world.n_period,
            self.day_length,
            world.period_h,
            len(members.nominators),
            rules.pool_memory,
        )
        self._view = OperatorView(system, members, rules, self._pool, self.day_length)
        self._question: tuple[str, int] = ("", 0)

    def _ask(
        self, kind: str, number: int, payloads: Mapping[str, Any]
    ) -> Generator[Any, Any, frozenset[str]]:
        """Ask until answered or time is up; only answers of this kind and number count."""
        self._question = kind, number
        timeout_s = DAY_AHEAD_TIMEOUT_S if kind == "day" else self.rules.reply_timeout_s
        silent: frozenset[str] = frozenset()
        if payloads:
            silent = yield from self.ask(payloads, timeout_s, self.rules.resend_after_s)
        return silent

    def _hear_pool(self, quarter: int) -> Generator[Any, Any, None]:
        """Wait for the nominations of a quarter, but not for long."""
        clock = self.world.clock
        deadline = clock.now_s + self.rules.reply_timeout_s
        while not self._pool.is_complete(quarter) and clock.now_s < deadline:
            yield clock.timeout(min(self.rules.resend_after_s, deadline - clock.now_s))

    @on(UnitAvailability)
    def take_unit(self, answer: UnitAvailability, sender: str) -> None:
        """Keep how a unit stands."""
        self._take_day_ahead(answer, sender)

    @on(WindForecast)
    def take_wind_forecast(self, answer: WindForecast, sender: str) -> None:
        """Keep a farm's forecast."""
        self._take_day_ahead(answer, sender)

    @on(LoadExpectation)
    def take_load_forecast(self, answer: LoadExpectation, sender: str) -> None:
        """Keep a load's forecast."""
        self._take_day_ahead(answer, sender)

    @on(FlexibleOffer)
    def take_flexible_offer(self, answer: FlexibleOffer, sender: str) -> None:
        """Keep what a load can shift."""
        self._take_day_ahead(answer, sender)

    @on(StorageAvailability)
    def take_storage(self, answer: StorageAvailability, sender: str) -> None:
        """Keep what a storage holds."""
        self._take_day_ahead(answer, sender)

    def _take_day_ahead(self, answer: Any, sender: str) -> None:
        self._view.note_day_ahead(answer, sender)
        self._count("day", answer.day, sender)

    @on(UnitStatus)
    def take_unit_status(self, status: UnitStatus, sender: str) -> None:
        """Keep a unit's report."""
        self._take_status(status, sender)

    @on(WindStatus)
    def take_wind_status(self, status: WindStatus, sender: str) -> None:
        """Keep a farm's report."""
        self._take_status(status, sender)

    @on(LoadStatus)
    def take_load_status(self, status: LoadStatus, sender: str) -> None:
        """Keep a load's report."""
        self._take_status(status, sender)

    @on(FlexibleStatus)
    def take_flexible_status(self, status: FlexibleStatus, sender: str) -> None:
        """Keep a flexible load's report."""
        self._take_status(status, sender)

    @on(StorageStatus)
    def take_storage_status(self, status: StorageStatus, sender: str) -> None:
        """Keep the storage's report."""
        self._take_status(status, sender)

    def _take_status(self, status: Any, sender: str) -> None:
        self._view.note_status(status, sender)
        self._count("status", status.quarter, sender)

    @on(CommandReceipt)
    def take_receipt(self, receipt: CommandReceipt, sender: str) -> None:
        """Note that a command has arrived."""
        self._count("command", receipt.issue, sender)

    @on(Nomination)
    def take_nomination(self, nomination: Nomination, sender: str) -> None:
        """Keep what a prosumer will have or need, where there is no desk."""
        self._pool.note(nomination, sender)

    @on(PoolOffer)
    def take_pool_offer(self, offer: PoolOffer, sender: str) -> None:
        """Keep what the desk expects of the pool."""
        self._pool.note(offer, sender)

    def _count(self, kind: str, number: int, sender: str) -> None:
        """Count an answer to the present question; copies and late ones answer nothing."""
        if self._question == (kind, number):
            self.answered(sender)
