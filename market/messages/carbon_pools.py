"""Followers who pool their carbon ladders: what they report, and what each is told to be worth."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.market.carbon_price import PersonalLadder


@dataclass(frozen=True, slots=True)
class CarbonReport:
    """What a follower plans to answer for on a day, and whether it pools that with others.

    Parameters
    ----------
    day : int
    carbon_t_per_h : ndarray, shape (n_step,)
        Of its planned load, at the factor told.
    factor_tco2_per_mwh : ndarray, shape (n_step,)
    ladder : PersonalLadder
        What it would pay by itself.
    joins : bool
        Whether it is a member of the pool on that day.
    """

    day: int
    carbon_t_per_h: Array
    factor_tco2_per_mwh: Array
    ladder: PersonalLadder
    joins: bool


@dataclass(frozen=True, slots=True)
class PoolShare:
    """What a follower would get out of the pool on a day, by all plans; to an outsider, if it joined.

    Parameters
    ----------
    day : int
    share_money : float
        Its Shapley value of what members save together.
    fee_money : float
        What membership costs a day.
    """

    day: int
    share_money: float
    fee_money: float
