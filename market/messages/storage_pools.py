"""Owners of storages and their pool: registration, availability, values of coalitions, shares, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings


@dataclass(frozen=True, slots=True)
class Registration:
    """What an owner tells a pool of its storage before it can be enrolled.

    Parameters
    ----------
    ratings : StorageRatings
    soh : float
        State of health, share in (0, 1].
    response_s : float
        Time to full power, s.
    reserve_share : float
        Part of the capacity above the lowest state of charge that the owner keeps to itself.
    ageing_cost_per_mwh : float
        What a MWh discharged costs the owner in life of the storage.
    """

    ratings: StorageRatings
    soh: float
    response_s: float
    reserve_share: float
    ageing_cost_per_mwh: float


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a pool makes of a registration.

    Parameters
    ----------
    storage_class : str
        "fast-response", "energy-reserve" or "none".
    tasks : tuple of str
        That storages of the class serve: none where the pool has no use for it.
    compensated : bool
        Whether a member also gets what it would have earned alone.
    operator_plays : bool
        Whether the operator is a player of the game, and has a share of its own.
    """

    storage_class: str
    tasks: tuple[str, ...]
    compensated: bool
    operator_plays: bool


@dataclass(frozen=True, slots=True)
class OwnerPay:
    """What an owner got of a day, as far as the pool knows.

    Parameters
    ----------
    member : bool
    money : float
        Share, and what it would have earned alone where it got that, too; nan before anything is known.
    per_mwh : float
        The same per MWh of capacity.
    """

    member: bool
    money: float
    per_mwh: float


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """Who takes part in the pool on a day?

    Parameters
    ----------
    day : int
    announced_money : float
        Share that the owner would have of that day as a member; nan while nothing is known.
    member : bool
        Whether it is enrolled until now.
    may_revise : bool
        Whether it may change that for this day.
    pay : mapping of str to OwnerPay
        Of all owners on the newest day that is settled.
    """

    day: int
    announced_money: float
    member: bool
    may_revise: bool
    pay: Mapping[str, OwnerPay]


@dataclass(frozen=True, slots=True)
class Availability:
    """An owner's answer.

    Parameters
    ----------
    day : int
    joins : bool
        Whether it accepts tasks on that day.
    e_mwh : float
        What will be inside as the day begins.
    alone_money : float
        What it would earn by itself on a day, as it knows from the newest tariff; nan before it heard any.
    """

    day: int
    joins: bool
    e_mwh: float
    alone_money: float


@dataclass(frozen=True, slots=True)
class MembersRequest:
    """An operator's question: whom may it command on a day?"""

    day: int


@dataclass(frozen=True, slots=True)
class PoolMembers:
    """Who is a member on a day and for which tasks, and the coalitions whose values the pool wants to know.

    Parameters
    ----------
    day : int
    owners : tuple of str
        All owners that are registered, in the order of the flags.
    members : ndarray of bool, shape (n_owner,)
    moves, regulates : ndarray of bool, shape (n_owner,)
        Whose class serves energy tasks, and whose class serves voltage, members or not.
    ageing_cost_per_mwh : ndarray, shape (n_owner,)
    coalitions : ndarray of bool, shape (n_coalition, n_owner)
    """

    day: int
    owners: tuple[str, ...]
    members: Flags
    moves: Flags
    regulates: Flags
    ageing_cost_per_mwh: Array
    coalitions: Flags


@dataclass(frozen=True, slots=True)
class CoalitionValues:
    """What coalitions would have saved an operator on a day that is over (A7).

    Parameters
    ----------
    day : int
    owners : tuple of str
    coalitions : ndarray of bool, shape (n_coalition, n_owner)
    values_money : ndarray, shape (n_coalition,)
    """

    day: int
    owners: tuple[str, ...]
    coalitions: Flags
    values_money: Array


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What came of a day, told to every owner alike.

    Parameters
    ----------
    day : int
    pay : mapping of str to OwnerPay
    announced_money, share_money : mapping of str to float
        Of each member: what it was told before, and what it has got.
    values : CoalitionValues
    sub_pools : tuple of tuple of str
    capacity_mwh : mapping of str to float
        From these anybody can check the shares.
    turn : str or None
        Who may look for a group to leave with; None for everybody.
    """

    day: int
    pay: Mapping[str, OwnerPay]
    announced_money: Mapping[str, float]
    share_money: Mapping[str, float]
    values: CoalitionValues
    sub_pools: tuple[tuple[str, ...], ...]
    capacity_mwh: Mapping[str, float]
    turn: str | None


@dataclass(frozen=True, slots=True)
class GroupOffer:
    """An owner's proposal to others: let us be the pool, without the rest.

    Parameters
    ----------
    day : int
        Of the report from which it was worked out.
    members : tuple of str
        With the proposer.
    share_money : mapping of str to float
        What each would have got of that day.
    """

    day: int
    members: tuple[str, ...]
    share_money: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """Whether an owner comes along."""

    day: int
    accepts: bool


@dataclass(frozen=True, slots=True)
class GroupExit:
    """A group that has agreed tells the pool that it goes on by itself.

    Parameters
    ----------
    day : int
    members : tuple of str
    """

    day: int
    members: tuple[str, ...]
