"""Random leader-follower instances on one supply bus, the same for every method that is compared."""

from __future__ import annotations

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.environment.arrays import Array
from gridarium.environment.random_streams import RandomStreams
from gridarium.market.price_limits import PriceLimits

VALLEY, SHOULDER, PEAK = 320.0, 680.0, 980.0
"""Levels of the time-of-use price, money/MWh."""

BAND = (0.6, 1.4)
BETA_PER_MWH_PER_MW = (20.0, 400.0)
FLEXIBLE_SHARE = (0.1, 0.4)
PURCHASE_SHARE = 0.6
BASE_LOAD_MW = np.array((
    1.55, 1.45, 1.40, 1.38, 1.40, 1.50, 1.80, 2.15, 2.35, 2.40, 2.30, 2.15,
    2.00, 2.05, 2.15, 2.30, 2.55, 2.95, 3.40, 3.715, 3.60, 3.20, 2.50, 1.90,
))  # fmt: skip
"""Load of the whole feeder by hour of the day."""


def random_instance(
    seed: int,
    n_period: int = 24,
    n_follower: int | None = None,
    each_bill_capped: bool = False,
    beta_per_mwh_per_mw: float | None = None,
    flexible_share: float | None = None,
) -> LeaderProblem:
    """Draw a leader's problem; a seed always gives the same one.

    Parameters
    ----------
    seed : int
    n_period : int
        At most 24; fewer take evenly spaced hours of the day.
    n_follower : int, optional
        Classes of followers; drawn from 1 to 3 when left out.
    each_bill_capped : bool
        Whether no class may pay more than at the reference price, which is much harder to solve; otherwise
        all together may not.
    beta_per_mwh_per_mw, flexible_share : float, optional
        The same for all classes instead of the drawn ones; everything else is drawn as without them.

    Returns
    -------
    LeaderProblem
        Price band 0.6 to 1.4 of the time-of-use price, and the cap on bills.

    Notes
    -----
    One aggregate supply bus, as in section C.1.5. Beta is drawn from 20 to 400 money/MWh per MW for a
    follower of the whole feeder's size; a class with a share of the load has as much more slope per MW.
    """
    random = RandomStreams(seed).stream("leader instance")
    hours = np.linspace(0.0, 24.0, n_period, endpoint=False).astype(int)
    reference = time_of_use()[hours] * random.uniform(0.9, 1.1)
    count = n_follower if n_follower is not None else int(random.integers(1, 4))
    share = random.dirichlet(np.full(count, 5.0))
    no_new_peak = bool(random.integers(0, 2))
    given = beta_per_mwh_per_mw, flexible_share
    followers = tuple(
        _follower(random, reference, part * BASE_LOAD_MW[hours], float(part), no_new_peak, given)
        for part in share
    )
    bills = tuple(float(reference @ follower.base_mw) for follower in followers)
    cap = None if each_bill_capped else sum(bills)
    limits = PriceLimits(BAND[0] * reference, BAND[1] * reference, bill_cap_money=cap)
    cut = SupplyCut(0.0, _marginal_cost(random, reference, hours))
    return LeaderProblem(
        reference, followers, limits, (cut,), follower_bill_caps_money=bills if each_bill_capped else ()
    )


def time_of_use() -> Array:
    """Valley from 23 to 7 h, peak from 10 to 15 and from 18 to 22 h."""
    price = np.full(24, SHOULDER)
    price[[23, *range(7)]] = VALLEY
    price[[*range(10, 15), *range(18, 22)]] = PEAK
    return price


def _follower(
    random: np.random.Generator,
    reference: Array,
    base: Array,
    share: float,
    no_new_peak: bool,
    given: tuple[float | None, float | None],
) -> FollowerModel:
    base = base * np.exp(random.normal(0.0, 0.2, len(base)))
    # Drawn even where given, so that what comes after stays the same.
    drawn = random.uniform(*BETA_PER_MWH_PER_MW), random.uniform(*FLEXIBLE_SHARE)
    beta, flexible = (own if own is not None else chance for own, chance in zip(given, drawn, strict=True))
    most = flexible * base
    up = np.minimum(most, base.max() - base) if no_new_peak else most
    return FollowerModel(base, reference, float(beta) / share, most, up)


def _marginal_cost(random: np.random.Generator, reference: Array, hours: Array) -> Array:
    """Purchase at a noisy share of the reference price, cheaper while the sun shines."""
    cost = PURCHASE_SHARE * reference * np.exp(random.normal(0.0, 0.3, len(hours)))
    sun = np.exp(-0.5 * ((hours - random.uniform(11.0, 14.0)) / random.uniform(1.5, 3.0)) ** 2)
    return np.asarray(cost * (1.0 - random.uniform(0.2, 0.8) * sun))
