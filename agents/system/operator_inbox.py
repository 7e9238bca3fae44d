"""What a system operator hears: answers to its questions, and what prosumers or their desk tell."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.following import HeadCustomer
from gridarium.agents.questions import Question
from gridarium.agents.system.operation import Members, OperationRules
from gridarium.agents.system.operator_view import OperatorView
from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.agents.system.power_system import PowerSystem
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.leasing import Nomination, PoolOffer
from gridarium.market.messages.status import StatusRequest

DAY_AHEAD_TIMEOUT_S = 600.0


class OperatorInbox(HeadCustomer):
    """An operator's ears: a view of the system that grows with what it is told.

    Parameters
    ----------
    site : Site
        In a world of whole days, or of less than one.
    name : str
    supplier : str
        Who supplies the head of its grid.
    system : PowerSystem
    members : Members
    rules : OperationRules
    behaviour : Behaviour, optional
    """

    def __init__(
        self,
        site: Site,
        name: str,
        supplier: str,
        system: PowerSystem,
        members: Members,
        rules: OperationRules,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, supplier, behaviour)
        world = self.world
        self.system, self.members, self.rules = system, members, rules
        self.day_length = self.horizon.day_length
        self._pool = PoolOutlook(
            world.n_period,
            self.day_length,
            world.period_h,
            len(members.nominators),
            rules.pool_memory,
        )
        self._view = OperatorView(system, members, rules, self._pool, self.day_length)

    def _hear_day_ahead(self, day: int, members: Sequence[str]) -> Generator[Any, Any, None]:
        """Ask what there will be on a day; it cannot be planned unless everybody answers."""
        question = self.ask(
            dict.fromkeys(members, ForecastRequest(day)), DAY_AHEAD_TIMEOUT_S, self.rules.resend_after_s
        )
        silent = yield from question.answered()
        if silent:
            names = ", ".join(sorted(silent))
            raise MessageError(
                f"agent {self.name}, day {day}: no word from {names} in {DAY_AHEAD_TIMEOUT_S:g} s"
            )
        self._view.note_day_ahead(day, question.replies)

    def _hear_status(self, period: int, members: Sequence[str]) -> Generator[Any, Any, int]:
        """Ask how a period begins; returns how many stayed silent."""
        question = self._ask_shortly(dict.fromkeys(members, StatusRequest(period)))
        silent = yield from question.answered()
        self._view.note_status(question.replies)
        return len(silent)

    def _command(self, orders: Mapping[str, Any]) -> Generator[Any, Any, None]:
        """Send commands, and a call, until they have arrived, but not for long: newer ones will follow."""
        yield from self._ask_shortly(orders).answered()

    def _ask_shortly(self, payloads: Mapping[str, Any]) -> Question:
        return self.ask(payloads, self.rules.reply_timeout_s, self.rules.resend_after_s)

    def _hear_pool(self, period: int) -> Generator[Any, Any, None]:
        """Wait for the nominations of a period, but not for long."""
        clock = self.world.clock
        deadline = clock.now_s + self.rules.reply_timeout_s
        while not self._pool.is_complete(period) and clock.now_s < deadline:
            yield clock.timeout(min(self.rules.resend_after_s, deadline - clock.now_s))

    @on(Nomination)
    def take_nomination(self, nomination: Nomination, sender: str) -> Receipt:
        """Keep what a prosumer will have or need, where there is no desk."""
        self._pool.note(nomination, sender)
        return Receipt()

    @on(PoolOffer)
    def take_pool_offer(self, offer: PoolOffer, sender: str) -> None:
        """Keep what the desk expects of the pool."""
        self._pool.note(offer, sender)
