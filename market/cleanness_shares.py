"""What storage owners of a virtual power plant are worth to it: by Shapley, and with minus without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.market.cleanness import Pricing
from gridarium.market.coalition import TabulatedGame, check_players, membership, shapley
from gridarium.market.regional_bill import RegionDay

Split = Literal["shapley", "with-minus-without"]


@dataclass(frozen=True, slots=True, eq=False)
class OwnerSchedule:
    """What the storage of an owner does on a day.

    Parameters
    ----------
    owner : str
    charge_mw, discharge_mw, green_discharge_mw : ndarray, shape (n_period,)
    """

    owner: str
    charge_mw: Array
    discharge_mw: Array
    green_discharge_mw: Array


def saving_game(day: RegionDay, schedules: Sequence[OwnerSchedule], pricing: Pricing) -> TabulatedGame:
    """Give the game in which owners of a region are worth what their schedules save together.

    Parameters
    ----------
    day : RegionDay
    schedules : sequence of OwnerSchedule
        One for each owner, at most 16, of as many periods as the region.
    pricing : {"none", "uniform", "nodal"}
        How green discharge is paid.

    Returns
    -------
    TabulatedGame
        v(S): the bill of the region less that with the schedules of S, while the others rest. It is additive
        but for two things: a nodal price that all green discharge of an hour lowers, and what is discharged
        for others to use, which is not sold.

    Raises
    ------
    InputError
        If a schedule has another length, there are no owners, too many, or one twice, or a bill cannot be.

    Notes
    -----
    The others rest: schedules are not planned anew for each coalition. With fixed schedules no coalition
    can earn what others keep it from, so that shares measure the payment rule, not the planning.
    """
    wrong = [
        Fault(f"{one.owner}.{name}", np.shape(getattr(one, name)), f"must be of shape {day.load_mw.shape}")
        for one in schedules
        for name in ("charge_mw", "discharge_mw", "green_discharge_mw")
        if np.shape(getattr(one, name)) != day.load_mw.shape
    ]
    if wrong:
        raise InputError(f"region {day.name}", wrong)
    names = check_players([one.owner for one in schedules])
    member = membership(len(names))
    charge, discharge, green = (
        member @ np.array([getattr(one, name) for one in schedules])
        for name in ("charge_mw", "discharge_mw", "green_discharge_mw")
    )
    cost = day.bill(charge, discharge, green, pricing).cost_money
    return TabulatedGame(names, cost[0] - cost)


def with_minus_without(game: TabulatedGame) -> Array:
    """Give what each player adds to all others: the value with it less the value without it.

    Returns
    -------
    ndarray, shape (n_player,)
        In the unit of v. Their sum is in general not v(N): where players crowd each other it is less.

    Notes
    -----
    What the paper calls its Shapley or contribution method (B.1.3).
    """
    everyone = 2**game.n_player - 1
    return np.asarray(game.total - game.values[everyone ^ (1 << np.arange(game.n_player))])


def owner_shares_money(games: Sequence[TabulatedGame], split: Split = "shapley") -> Mapping[str, float]:
    """Give each owner's share of what a plant saves in all regions.

    Parameters
    ----------
    games : sequence of TabulatedGame
        One for each region; an owner may stand in several.
    split : {"shapley", "with-minus-without"}

    Returns
    -------
    mapping of str to float
        Money by owner; by Shapley they sum to the saving of all regions.

    Raises
    ------
    InputError
        If the split is unknown.

    Notes
    -----
    Regions do not touch each other's bills, and both splits are additive over games in which absent owners
    add nothing: so the shares of one game over all regions come region by region, for any number of owners.
    """
    if split not in get_args(Split):
        raise InputError("shares", [Fault("split", split, f"must be one of {', '.join(get_args(Split))}")])
    rule = {"shapley": shapley, "with-minus-without": with_minus_without}[split]
    shares: dict[str, float] = {}
    for game in games:
        for owner, share in zip(game.players, rule(game).tolist(), strict=True):
            shares[owner] = shares.get(owner, 0.0) + share
    return shares
