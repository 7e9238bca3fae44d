"""An owner's side of a pool: it registers, says day by day whether it takes part, may leave in a group."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.storage.join_rules import TIE_MONEY, ExactJoin, JoinExperience, JoinOutlook, JoinRule
from gridarium.agents.storage.own_records import OwnRecords
from gridarium.environment.storage import StorageRatings
from gridarium.market.formation import Group, blocking_group
from gridarium.market.messages.storage_pools import (
    Availability,
    AvailabilityRequest,
    Enrolment,
    GroupAnswer,
    GroupExit,
    GroupOffer,
    PoolReport,
    Registration,
)
from gridarium.market.pool_splits import PoolGame, SplitRule, shares_of_owners, values_of
from gridarium.market.storage_pooling import OPERATOR

_WAITS_S, _AGAIN_AFTER_S = 600.0, 1.0
"""How long an owner asks others, and after what silence it repeats itself, s."""


@dataclass(frozen=True)
class OwnerTerms:
    """What an owner brings to a pool, and how it decides.

    Parameters
    ----------
    pool : str
        Name of the platform.
    soh : float
        State of health, share.
    response_s : float
        Time to full power, s.
    reserve_share : float
        Part of the capacity that it keeps to itself.
    ageing_cost_per_mwh : float
        Of each MWh that is discharged.
    effort_money : float
        What a day of membership costs it beyond what it forgoes.
    begins : bool
        Whether it is a member at first.
    rule : JoinRule
    split : SplitRule, optional
        By which the pool shares, for whoever looks for a group to leave with; None for who does not.
    auditor_key : bytes, optional
        Public key by which heads of the records are signed; None where nobody tells any.
    """

    pool: str
    soh: float = 1.0
    response_s: float = 1.0
    reserve_share: float = 0.0
    ageing_cost_per_mwh: float = 0.0
    effort_money: float = 0.0
    begins: bool = True
    rule: JoinRule = field(default_factory=ExactJoin)
    split: SplitRule | None = None
    auditor_key: bytes | None = None


class PoolMembership(Listener):
    """Decides for an owner; a part that the owner mounts.

    - `register`: a process that enrols the storage
    - `alone_money`: what the owner would earn by itself on a day, as it knows; nan before it heard a tariff

    Parameters
    ----------
    owner : GridAgent
    ratings : StorageRatings
    terms : OwnerTerms
    arriving_mwh : callable
        Takes a day; tells what will be inside as it begins, MWh.
    records : OwnRecords
        By which it checks what the platform shows.
    """

    def __init__(
        self,
        owner: GridAgent,
        ratings: StorageRatings,
        terms: OwnerTerms,
        arriving_mwh: Callable[[int], float],
        records: OwnRecords,
    ) -> None:
        self._agent, self._ratings, self._terms, self._arriving_mwh = owner, ratings, terms, arriving_mwh
        self._records = records
        self._enrolment = Enrolment("none", (), False, False)
        self._newest: PoolReport | None = None
        self.alone_money = float("nan")

    def register(self) -> Generator[Any, Any, None]:
        """Tell the pool what the storage can do."""
        terms = self._terms
        told = Registration(
            self._ratings, terms.soh, terms.response_s, terms.reserve_share, terms.ageing_cost_per_mwh
        )
        question = self._agent.ask({terms.pool: told}, _WAITS_S, _AGAIN_AFTER_S)
        yield from question.answered()
        self._enrolment = question.replies.get(terms.pool, self._enrolment)

    @on(AvailabilityRequest)
    def tell_availability(self, request: AvailabilityRequest, sender: str) -> Availability:
        """Decide whether to take part in a day."""
        joins = request.member
        if np.isnan(request.announced_money) or np.isnan(self.alone_money):
            joins = self._terms.begins
        elif request.may_revise:
            outlook = JoinOutlook(
                self._agent.name, request.member, request.announced_money, self._forgone_money, request.pay
            )
            joins = self._terms.rule.joins(outlook, self._agent.stream("joining"))
        e_mwh = self._arriving_mwh(request.day)
        return Availability(request.day, joins, e_mwh, self.alone_money)

    @property
    def _forgone_money(self) -> float:
        """What membership costs: effort, and the earnings alone of who does not get them as a member."""
        return self._terms.effort_money + (0.0 if self._enrolment.compensated else self.alone_money)

    @on(PoolReport)
    def take_report(self, report: PoolReport, sender: str) -> None:
        """Learn from a day, and look for a group to leave with if it is one's turn."""
        self._newest, name = report, self._agent.name
        member = name in report.share_money
        if not np.isnan(self.alone_money):
            experience = JoinExperience(
                member,
                report.announced_money.get(name, float("nan")),
                report.share_money.get(name, float("nan")),
                self._forgone_money,
            )
            self._learn(report.day, experience)
        # Who leaves with a group must be in the pool, and an owner by itself is no pool.
        if self._terms.split is not None and member and report.turn in (None, name):
            group = self._group(report, self._terms.split)
            if group is not None and self._terms.rule.accepts(*self._gains(report, group.share_money)):
                self._agent.world.clock.process(self._propose(report, group))

    def _learn(self, day: int, experience: JoinExperience) -> None:
        """Learn from a day: where there is an auditor, once it is checked."""
        rule = self._terms.rule
        if self._records.are_checked:
            self._records.when_checked(
                day, lambda verified: rule.learn(replace(experience, verified=verified))
            )
        else:
            rule.learn(experience)

    def _group(self, report: PoolReport, split: SplitRule) -> Group | None:
        """The group that pays best by the published values, everybody in it gaining; None without one."""
        values, pay, plays = report.values, report.pay, self._enrolment.operator_plays
        game = PoolGame(
            values.owners,
            report.sub_pools,
            report.capacity_mwh,
            values_of(values.coalitions, values.values_money),
        )
        # A member keeps what it would have earned alone where members get that, too.
        alone = {name: self._alone_part(report, name) for name in values.owners}

        def shares(members: tuple[str, ...]) -> Mapping[str, float]:
            found = shares_of_owners(split, game, members, plays)
            return {name: money + alone.get(name, 0.0) for name, money in found.items()}

        present = {name: pay[name].money for name in report.share_money}
        members = [name for name in values.owners if name in present]
        needed = (OPERATOR,) if plays else ()
        # An operator that plays has to gain, too: without it no coalition is worth anything.
        present |= {name: shares(tuple(members))[name] for name in needed}
        group = blocking_group(members, self._agent.name, shares, present, TIE_MONEY, needed)
        if group is None:
            return None
        return Group(group.members, {name: group.share_money[name] - alone[name] for name in group.members})

    def _alone_part(self, report: PoolReport, name: str) -> float:
        """What a member would get beside its share."""
        if not self._enrolment.compensated:
            return 0.0
        return report.pay[name].money - report.share_money.get(name, 0.0)

    def _gains(self, report: PoolReport, share_money: Mapping[str, float]) -> tuple[float, float]:
        """What the owner would gain by a share it is offered, and what it gains now."""
        name = self._agent.name
        offered = share_money[name] - self._forgone_money
        present = report.share_money[name] - self._forgone_money if name in report.share_money else 0.0
        return offered, present

    def _propose(self, report: PoolReport, group: Group) -> Generator[Any, Any, None]:
        """Ask the others of a group; if all come along, tell the pool."""
        agent, others = self._agent, [name for name in group.members if name != self._agent.name]
        if others:
            offer = GroupOffer(report.day, group.members, group.share_money)
            question = agent.ask(dict.fromkeys(others, offer), _WAITS_S, _AGAIN_AFTER_S)
            silent = yield from question.answered()
            if silent or not all(answer.accepts for answer in question.replies.values()):
                return
        leaving = GroupExit(report.day, group.members)
        yield from agent.ask({self._terms.pool: leaving}, _WAITS_S, _AGAIN_AFTER_S).answered()

    @on(GroupOffer)
    def answer_offer(self, offer: GroupOffer, sender: str) -> GroupAnswer:
        """Come along with a group, or not."""
        report = self._newest
        if report is None or report.day != offer.day:
            return GroupAnswer(offer.day, False)
        return GroupAnswer(offer.day, self._terms.rule.accepts(*self._gains(report, offer.share_money)))
