"""The platform of a pool of storages: enrols owners, says who takes part, shares out what that is worth."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows, columns_of
from gridarium.agents.storage.pool_books import PoolBooks, PoolDay
from gridarium.agents.storage.records_desk import RecordsDesk
from gridarium.environment.arrays import Flags, series
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.storage_pools import (
    AvailabilityRequest,
    CoalitionValues,
    Enrolment,
    GroupExit,
    MembersRequest,
    OwnerPay,
    PoolMembers,
    PoolReport,
    Registration,
)
from gridarium.market.pool_settlement import settle_pool_shares
from gridarium.market.pool_splits import Shapley, SplitRule
from gridarium.market.storage_pooling import ENERGY, OPERATOR, VOLTAGE, ClassRules

_NOISE_MONEY = 0.01
"""Of coalition values: nobody is kept out for less."""


@dataclass(frozen=True)
class PoolRules:
    """How a pool is run.

    Parameters
    ----------
    classes : ClassRules
    split : SplitRule
    sub_pools : int
        Groups of owners that are alike (K).
    compensated : bool
        Whether the operator also pays members what they would have earned alone.
    operator_plays : bool
        Whether the operator is a player of the game.
    admission : {"open", "no-one-loses"}
        Who may join: everybody, or only those by whom no member's share falls.
    revisions : {"one-a-day", "together"}
        Whether one owner may change its mind on a day, in random order, or all may.
    overstatement : float
        By which share announcements are above what the pool expects.
    understated_share : float
        Part of what was executed that owners are not shown in their records, in [0, 1].
    reply_timeout_s, resend_after_s : float
        How long owners' answers are awaited, and after what silence it asks again.
    """

    classes: ClassRules = field(default_factory=ClassRules)
    split: SplitRule = field(default_factory=Shapley)
    sub_pools: int = 2
    compensated: bool = True
    operator_plays: bool = False
    admission: Literal["open", "no-one-loses"] = "open"
    revisions: Literal["one-a-day", "together"] = "one-a-day"
    overstatement: float = 0.0
    understated_share: float = 0.0
    reply_timeout_s: float = 5.0
    resend_after_s: float = 1.0


class StoragePool(GridAgent):
    """Brings owners of storages and the operator of their feeder together.

    - `days`: who took part, what was announced, and what was paid

    Parameters
    ----------
    site : Site
    name : str
    owners : sequence of str
        Who may register.
    operator : str
    rules : PoolRules
    horizon : Horizon

    Notes
    -----
    The day before, it asks who is available, scores and admits them (A10), and tells the operator. Once the
    day is over it hears what coalitions would have saved and pays each member its share. What is announced
    for a day comes from the newest values: those of the day before last, as a day is planned before the one
    before it is over.
    """

    kind = "storage_pool"

    def __init__(
        self,
        site: Site,
        name: str,
        owners: tuple[str, ...],
        operator: str,
        rules: PoolRules,
        horizon: Horizon,
    ) -> None:
        super().__init__(site, name)
        self._owners, self._operator, self._rules, self._horizon = owners, operator, rules, horizon
        self._told: dict[str, Registration] = {}
        self._complete = self.world.clock.env.event()
        self._books = PoolBooks(rules.split, rules.sub_pools, rules.classes, rules.operator_plays)
        self._enrolled: frozenset[str] = frozenset()
        self._group: GroupExit | None = None
        self._turns: list[str] = []
        self._answers: dict[int, PoolMembers] = {}
        self._asked: dict[int, Asked] = {}
        self._pay: Mapping[str, OwnerPay] = dict.fromkeys(owners, OwnerPay(False, float("nan"), float("nan")))
        self.days: list[PoolDay] = []
        self.mount(RecordsDesk(self, rules.understated_share))

    # Who belongs to it.

    @on(Registration)
    def enrol(self, told: Registration, sender: str) -> Enrolment:
        """Class a storage, and tell its owner for which tasks."""
        if sender not in self._owners:
            raise MessageError(f"agent {self.name}: {sender} must be one of {', '.join(self._owners)}")
        self._told[sender] = told
        if len(self._told) == len(self._owners) and not self._complete.triggered:
            self._told = {name: self._told[name] for name in self._owners}
            self._books.open(self._told, self.stream("orders"))
            self._complete.succeed()
        rules = self._rules
        return Enrolment(
            rules.classes.class_of(told),
            rules.classes.tasks_of(told),
            rules.compensated,
            rules.operator_plays,
        )

    @on(GroupExit)
    def let_go(self, leaving: GroupExit, sender: str) -> Receipt:
        """Note that a group goes on by itself; the first one to tell it on a day counts."""
        if self._group is None and sender in leaving.members:
            self._group = leaving
        return Receipt()

    @on(MembersRequest)
    def tell_members(self, request: MembersRequest, sender: str) -> PoolMembers | None:
        """Ask the owners who takes part in a day, and tell the operator."""
        if (answer := self._answers.get(request.day)) is not None:
            return answer
        if request.day not in self._asked:
            self.world.clock.process(self._gather(request.day))
        self._asked[request.day] = self.asked
        return None

    def _gather(self, number: int) -> Generator[Any, Any, None]:
        yield self._complete
        group, self._group = self._group, None
        if group is not None:
            # The pool that a group leaves falls apart; the others may apply from the next day on.
            self._enrolled = frozenset(group.members)
        turn = self._turn()
        day = PoolDay(number, turn, group is not None)
        for name in self._owners:
            day.announced_money[name] = self._announced(name)
        requests = {
            name: AvailabilityRequest(
                number,
                day.announced_money[name],
                name in self._enrolled,
                group is None and (self._rules.revisions == "together" or name == turn),
                self._pay,
            )
            for name in self._owners
        }
        question = self.ask(requests, self._rules.reply_timeout_s, self._rules.resend_after_s)
        yield from question.answered()
        day.answers = dict(question.replies)
        self._admit(day)
        self.days.append(day)
        self._answers[number] = self._members_message(day)
        self.reply(self._asked[number], self._answers[number])

    def _turn(self) -> str | None:
        """Whose turn it is to change its mind; None where everybody may."""
        if self._rules.revisions == "together":
            return None
        if not self._turns:
            self._turns = self.stream("turns").permutation(list(self._owners)).tolist()
        return self._turns.pop()

    def _announced(self, name: str) -> float:
        """Share that an owner would have as a member by the newest values, as the pool tells it."""
        if not self._books.knows_values:
            return float("nan")
        expected = self._books.prospect_money(name, self._enrolled)
        return expected + abs(expected) * self._rules.overstatement

    def _admit(self, day: PoolDay) -> None:
        """Who is enrolled from now on, and who of them is fit for a task today (A10)."""
        wanting = frozenset(name for name, answer in day.answers.items() if answer.joins)
        # Who does not answer is still enrolled, and gets no tasks today.
        silent = self._enrolled - day.answers.keys()
        staying, coming = (wanting & self._enrolled) | silent, wanting - self._enrolled
        if self._rules.admission == "no-one-loses" and self._books.knows_values and staying:
            coming = frozenset(name for name in coming if self._welcome(name, staying))
        self._enrolled = staying | coming
        classes = self._rules.classes
        for name, answer in day.answers.items():
            told = self._told[name]
            day.score[name] = classes.score(told, answer.e_mwh)
            fit = day.score[name] >= classes.score_min and bool(classes.tasks_of(told))
            if name in self._enrolled and fit:
                day.members.append(name)
        day.enrolled = self._enrolled

    def _welcome(self, name: str, members: frozenset[str]) -> bool:
        """Whether no member's share falls if somebody joins."""
        before, after = (self._books.shares_money(some) for some in (members, members | {name}))
        return all(after[member] >= before[member] - _NOISE_MONEY for member in members)

    def _members_message(self, day: PoolDay) -> PoolMembers:
        classes, told = self._rules.classes, self._told

        def flags(chosen: Mapping[str, bool]) -> Flags:
            values = np.array([chosen[name] for name in self._owners], dtype=np.bool_)
            values.flags.writeable = False
            return values

        return PoolMembers(
            day.number,
            self._owners,
            flags({name: name in day.members for name in self._owners}),
            flags({name: ENERGY in classes.tasks_of(told[name]) for name in self._owners}),
            flags({name: VOLTAGE in classes.tasks_of(told[name]) for name in self._owners}),
            series([told[name].ageing_cost_per_mwh for name in self._owners]),
            self._books.needed(frozenset(day.members)),
        )

    # What it is worth.

    @on(CoalitionValues)
    def take_values(self, values: CoalitionValues, sender: str) -> None:
        """Share out what the members were worth on a day, pay them, and tell everybody."""
        day = self.days[values.day]
        if day.is_settled:
            # Links may deliver twice what is paid once.
            return
        self._books.take(values)
        shares = self._books.shares_money(frozenset(day.members))
        own = shares.pop(OPERATOR, 0.0)
        day.settle(shares, own, self._books.number, self._books.capacity_mwh, self._rules.compensated)
        day.kept_money = self._books.kept_money(frozenset(day.members))
        self._pay = day.pay
        period = self._horizon.periods(values.day).stop - 1
        paid = {**shares, self._operator: own}
        settle_pool_shares(self.world.ledger, self.world.clock.now_s, period, self.name, paid)
        announced = {name: day.announced_money[name] for name in day.members}
        books = self._books
        report = PoolReport(
            day.number, day.pay, announced, shares, values, books.unions, books.capacity_mwh, day.turn
        )
        for name in self._owners:
            self.send(name, report)

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """Who took part on each day for which share, and what coalitions were worth."""
        if not self.days:
            return
        local, rules = self.grid.local, self._rules
        for name in self._owners:
            told = self._told[name]
            fixed = {
                "storage_class": rules.classes.class_of(told),
                "sub_pool": self._books.sub_pool(name),
                "p_max_mw": told.ratings.p_max_mw,
                "e_max_mwh": told.ratings.e_max_mwh,
            }
            own = columns_of([day.row(name) for day in self.days])
            yield Rows("storage_pool", {**own, **fixed}, by="row", agent=local(name), kind="storage")
        totals = columns_of([day.total_row for day in self.days])
        if not self._books.leaves_rest:
            del totals["kept_money"]
        yield Rows("pool_days", totals, by="row")
        for rows in self._books.value_rows(local):
            yield Rows("coalitions", rows, by="row")
