"""How owners decide, day by day, whether to pool their storage: exactly, and in bounded ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from gridarium.agents.bounded.learning import roth_erev_update
from gridarium.environment.parameters import Parameterised, number
from gridarium.market.messages.storage_pools import OwnerPay

TIE_MONEY = 0.01
"""Differences of money a day that are the noise of coalition values: nobody moves for them."""


@dataclass(frozen=True)
class JoinOutlook:
    """What an owner knows as it decides.

    Parameters
    ----------
    owner : str
        Its name in the world.
    member : bool
        Whether it is one until now.
    announced_money : float
        The share that it has been told it would have as a member, money a day.
    forgone_money : float
        What membership costs it: its effort, and what it would earn alone where it does not get that, too.
    pay : mapping of str to OwnerPay
        Of all owners on the newest day that is settled.
    """

    owner: str
    member: bool
    announced_money: float
    forgone_money: float
    pay: Mapping[str, OwnerPay]

    @property
    def gain_money(self) -> float:
        """What membership is worth if the announcement is kept."""
        return self.announced_money - self.forgone_money


@dataclass(frozen=True)
class JoinExperience:
    """What came of a day for an owner.

    Parameters
    ----------
    member : bool
    announced_money, paid_money : float
        Shares; nan where it was no member.
    forgone_money : float
        As in `JoinOutlook`.
    verified : bool or None
        Whether its own entries in the records of the day stood its check; None where nothing was checked.
    """

    member: bool
    announced_money: float
    paid_money: float
    forgone_money: float
    verified: bool | None = None


class JoinRule(Protocol):
    """Decides for one owner; it may remember."""

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Whether it wants to be a member."""

    def accepts(self, offered_money: float, present_money: float) -> bool:
        """Whether it comes along with a group, for what it gains there against what it gains now."""

    def learn(self, told: JoinExperience) -> None:
        """Take note of a day that is over."""


def _moved(member: bool, gain_money: float, margin_money: float) -> bool:
    """Whether to be a member, where only a gain, or a loss, beyond a margin is worth a change."""
    return gain_money >= -margin_money if member else gain_money > margin_money


class ExactJoin:
    """Joins if the share is more than what it forgoes; believes what is announced."""

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Compare the share with what is forgone."""
        return _moved(outlook.member, outlook.gain_money, TIE_MONEY)

    def accepts(self, offered_money: float, present_money: float) -> bool:
        """If it gains."""
        return offered_money > present_money + TIE_MONEY

    def learn(self, told: JoinExperience) -> None:
        """Learn nothing."""


@dataclass(frozen=True, eq=False)
class MarginJoin(Parameterised):
    """Changes only for a gain, or a loss, beyond a margin.

    Parameters
    ----------
    margin_money : float
        A day.
    """

    margin_money: float = number(10.0, 0.0, 1e6)

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Compare the share with what is forgone, and the difference with the margin."""
        return _moved(outlook.member, outlook.gain_money, max(TIE_MONEY, self.margin_money))

    def accepts(self, offered_money: float, present_money: float) -> bool:
        """If it gains more than the margin."""
        return offered_money > present_money + max(TIE_MONEY, self.margin_money)

    def learn(self, told: JoinExperience) -> None:
        """Learn nothing."""


class ImitationJoin(ExactJoin):
    """Does as the owner does that was paid most per MWh of capacity, itself among them."""

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Look at everybody's pay; without any, stay."""
        known = {name: one for name, one in outlook.pay.items() if np.isfinite(one.per_mwh)}
        if not known:
            return outlook.member
        best = max(known, key=lambda name: (known[name].per_mwh, name == outlook.owner))
        return known[best].member


@dataclass(frozen=True, eq=False)
class RothErevJoin(Parameterised, ExactJoin):
    """Reinforces membership, or staying out, by what the day brought.

    Parameters
    ----------
    forgetting : float
    experimentation : float
        Part of a reward that goes to the other choice.
    first : float
        Propensity of both at first, in days of the largest reward so far.
    """

    forgetting: float = number(0.1, 0.0, 1.0)
    experimentation: float = number(0.1, 0.0, 1.0)
    first: float = number(1.0, 0.01, 1e3)
    _propensity: list[float] = field(default_factory=list, init=False)
    _rewards: list[float] = field(default_factory=list, init=False)

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Draw with probabilities in proportion to the propensities."""
        out, in_ = self._propensity or (self.first, self.first)
        return bool(random.random() < in_ / (out + in_))

    def learn(self, told: JoinExperience) -> None:
        """A member is rewarded by its share, whoever stayed out by what it did not forgo."""
        reward = max(0.0, told.paid_money if told.member else told.forgone_money)
        self._rewards[:] = [max([reward, *self._rewards])]
        part = reward / self._rewards[0] if self._rewards[0] > 0.0 else 0.0
        before = np.array(self._propensity or (self.first, self.first))
        after = roth_erev_update(before, int(told.member), part, self.forgetting, self.experimentation)
        self._propensity[:] = np.maximum(after, 1e-6).tolist()


@dataclass(frozen=True, eq=False)
class TrustJoin(Parameterised, ExactJoin):
    """Believes as much of an announcement as earlier ones were kept, and nothing of who is caught lying.

    Parameters
    ----------
    memory : float
        Weight of what it believed before against the newest day.
    first : float
        Part of an announcement that it believes at first.
    """

    memory: float = number(0.7, 0.0, 1.0)
    first: float = number(1.0, 0.0, 1.0)
    _kept: list[float] = field(default_factory=list, init=False)

    @property
    def trust(self) -> float:
        """Part of an announcement that it believes now."""
        return self._kept[0] if self._kept else self.first

    def joins(self, outlook: JoinOutlook, random: np.random.Generator) -> bool:
        """Compare what it believes of the share with what is forgone."""
        believed = self.trust * max(outlook.announced_money, 0.0) + min(outlook.announced_money, 0.0)
        return _moved(outlook.member, believed - outlook.forgone_money, TIE_MONEY)

    def learn(self, told: JoinExperience) -> None:
        """Of a day as a member with an announcement: how much of that was paid, at most all of it.

        Whose records did not stand the owner's check is not believed; who stays out sees, by records that do,
        what the platform is worth, up to what was believed at first.
        """
        if told.verified is False:
            self._kept[:] = [0.0]
        elif told.verified and not told.member:
            self._kept[:] = [max(self.trust, self.memory * self.trust + (1.0 - self.memory) * self.first)]
        elif told.member and told.announced_money > TIE_MONEY:
            kept = min(1.0, max(0.0, told.paid_money / told.announced_money))
            self._kept[:] = [self.memory * self.trust + (1.0 - self.memory) * kept]
