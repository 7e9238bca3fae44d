"""What storage owners of a virtual power plant are worth to it by their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.market.cleanness import Pricing
from gridarium.market.coalition import TabulatedGame, check_players, membership
from gridarium.market.regional_bill import RegionDay


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
