"""A personal carbon price: a ladder that moves with the hour, the round, the past, the size and the share.

Five factors stand on a base price, each 1 where it says nothing: scarcity of the hour (`TimeFactor`), the
round of the game (`GameFactor`), what a follower emitted on the day before (`HistoryFactor`), how large it
is (`SizeFactor`), and its Shapley value of abatement (`ShapleyFactor`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError


def _checked(owner: str, checks: tuple[tuple[str, float, bool, str], ...]) -> None:
    """Refuse numbers out of their range, all at once."""
    faults = [Fault(name, value, f"must be {allowed}") for name, value, good, allowed in checks if not good]
    if faults:
        raise InputError(owner, faults)


def _relative(values: Array, least: float = 0.0) -> Array:
    """How far each value is above the mean, as a share of the mean size or of a least one; 0 for all 0.

    Where no value is below 0 that is a share of the mean. A mean in which values of both signs cancel is no
    measure of them.
    """
    scale = max(float(np.abs(values).mean()), least)
    return (values - values.mean()) / scale if scale > 0.0 else np.zeros_like(values)


@dataclass(frozen=True)
class Band:
    """Lowest and highest value of a factor.

    Raises
    ------
    InputError
        If the lowest is not above 0, or above the highest.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        good = 0.0 < self.low <= self.high < float("inf")
        _checked("carbon price", (("low", self.low, good, f"in (0, high = {self.high:g}]"),))

    def clip(self, values: Array) -> Array:
        """The values, cut off at the ends."""
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class TimeFactor:
    """tau_t = clip(1 + k1 (L_t - Lbar) / Lbar + k2 (e_t - ebar) / ebar): dear hours are scarce or dirty ones.

    Parameters
    ----------
    load_weight, intensity_weight : float
        k1 and k2, at least 0.
    band : Band
        0.5 to 1.5 in the paper.

    Notes
    -----
    D21 (46).
    """

    load_weight: float = 0.5
    intensity_weight: float = 0.5
    band: Band = Band(0.5, 1.5)

    def __post_init__(self) -> None:
        _checked(
            "time factor",
            (
                ("load_weight", self.load_weight, self.load_weight >= 0.0, "at least 0"),
                ("intensity_weight", self.intensity_weight, self.intensity_weight >= 0.0, "at least 0"),
            ),
        )

    def of(self, load_mw: Array, intensity_tco2_per_mwh: Array) -> Array:
        """tau of each period from load and intensity of the whole system, shape (n_period,)."""
        by_load = self.load_weight * _relative(load_mw)
        by_intensity = self.intensity_weight * _relative(intensity_tco2_per_mwh)
        return self.band.clip(1.0 + by_load + by_intensity)


@dataclass(frozen=True)
class GameFactor:
    """g_k = gmin + (gmax - gmin) / (1 + exp(-kappa (k - k0))): the price comes up while the game goes on.

    Parameters
    ----------
    band : Band
        gmin and gmax.
    rate, turning_round : float
        kappa, above 0, and k0.

    Notes
    -----
    D22. A function of the round alone: a game cannot come to rest before it has come up.
    """

    band: Band = Band(0.8, 1.0)
    rate: float = 1.0
    turning_round: float = 4.0

    def __post_init__(self) -> None:
        _checked("game factor", (("rate", self.rate, self.rate > 0.0, "above 0"),))

    def of(self, round_: int) -> float:
        """g of a round, from 1."""
        rise = self.band.high - self.band.low
        return self.band.low + rise / (1.0 + float(np.exp(-self.rate * (round_ - self.turning_round))))


@dataclass(frozen=True)
class HistoryFactor:
    """h_r = clip(1 + b (E_r - Ebar) / Ebar) from the emissions of the day before.

    Parameters
    ----------
    weight : float
        b, at least 0.
    band : Band
        0.8 to 1.2 in the paper.

    Notes
    -----
    D23, by real past days: the paper mixes days and rounds. On the first day it is 1.
    """

    weight: float = 0.5
    band: Band = Band(0.8, 1.2)

    def __post_init__(self) -> None:
        _checked("history factor", (("weight", self.weight, self.weight >= 0.0, "at least 0"),))

    def of(self, emission_tco2: Array) -> Array:
        """h of each follower, shape (n_follower,)."""
        return self.band.clip(1.0 + self.weight * _relative(emission_tco2))


@dataclass(frozen=True)
class SizeFactor:
    """s_r = clip((L_r / Lbar) ** -g): the larger, the smaller.

    Parameters
    ----------
    exponent : float
        g, at least 0.
    band : Band
        0.9 to 1.1 in the paper.

    Notes
    -----
    D24.
    """

    exponent: float = 0.2
    band: Band = Band(0.9, 1.1)

    def __post_init__(self) -> None:
        _checked("size factor", (("exponent", self.exponent, self.exponent >= 0.0, "at least 0"),))

    def of(self, load_mwh: Array) -> Array:
        """s of each follower from its energy of a day, shape (n_follower,).

        Who draws nothing, or gives, is the smallest there can be; where nobody draws, all are of one size.
        """
        drawn_mwh = np.maximum(load_mwh, 0.0)
        if self.exponent == 0.0 or not drawn_mwh.any():
            return self.band.clip(np.ones_like(drawn_mwh))
        relative, size = drawn_mwh / drawn_mwh.mean(), np.full_like(drawn_mwh, np.inf)
        return self.band.clip(np.power(relative, -self.exponent, out=size, where=relative > 0.0))


@dataclass(frozen=True)
class ShapleyFactor:
    """delta_r = exp(-a (phi_r - phibar) / phibar): who abates more than the mean pays less for each tonne.

    Parameters
    ----------
    strength : float
        a, at least 0; 0.5 gives the paper's 0.88 at phi = 0.42 of three followers.

    Notes
    -----
    D20, in the exponential form: the paper's point (0.42 of 1 among three, 0.88) fits it at a = 0.5, the
    linear one only at 0.46.

    Examples
    --------
    >>> import numpy as np
    >>> float(ShapleyFactor().of(np.array([0.30, 0.42, 0.28]))[1].round(3))
    0.878
    """

    strength: float = 0.5

    def __post_init__(self) -> None:
        _checked("Shapley factor", (("strength", self.strength, self.strength >= 0.0, "at least 0"),))

    def of(self, value: Array, least_tco2: float = 0.0) -> Array:
        """delta of each follower, shape (n_follower,), from Shapley values of abatement; 1 without any.

        Parameters
        ----------
        value : ndarray, shape (n_follower,)
            Shapley values, tCO2.
        least_tco2 : float
            Mean size of values below which they count for less and less: where nobody avoids anything they
            are the rounding of dispatches.
        """
        return np.exp(-self.strength * _relative(value, least_tco2))


@dataclass(frozen=True)
class PersonalLadder:
    """What a follower pays for its carbon in each period: a ladder of its own, above and below its quota.

    Parameters
    ----------
    base_price_per_tco2 : ndarray, shape (n_period,)
        Price of the first step, at least 0.
    interval_t_per_h : float
        Length of a step, above 0.
    growth : float
        Rise of the price from step to step as a share of the first, at least 0.
    steps : int
        Number of prices, at least 1; the last step has no end. Below the quota the first price is a reward.
    quota_t_per_h : ndarray, shape (n_period,)
        Emission that is free, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range; with it the cost would not be convex.

    Notes
    -----
    D4 and D25: ``lam_n,t = lam_1,t (1 + (n - 1) a)`` on ``X_n,t = clip(E_t - q_t - (n - 1) d, 0, d)``. Steps
    are of a period: were they of a day, no hour would have a price of its own.

    Examples
    --------
    >>> import numpy as np
    >>> price, quota = np.array([40.0]), np.array([5.0])
    >>> ladder = PersonalLadder(price, interval_t_per_h=10.0, growth=0.25, steps=3, quota_t_per_h=quota)
    >>> [float(ladder.cost_per_h(np.array([carbon]))[0]) for carbon in (5.0, 15.0, 25.0, 35.0, 0.0)]
    [0.0, 400.0, 900.0, 1500.0, -200.0]
    """

    base_price_per_tco2: Array
    interval_t_per_h: float
    growth: float
    steps: int
    quota_t_per_h: Array

    def __post_init__(self) -> None:
        lowest = float(np.min(self.base_price_per_tco2))
        least = float(np.min(self.quota_t_per_h))
        _checked(
            "personal ladder",
            (
                ("base_price_per_tco2", lowest, lowest >= 0.0, "money/tCO2, at least 0"),
                ("interval_t_per_h", self.interval_t_per_h, self.interval_t_per_h > 0.0, "tCO2/h, above 0"),
                ("growth", self.growth, self.growth >= 0.0, "share of the first price, at least 0"),
                ("steps", self.steps, self.steps >= 1, "a number of steps, 1 or more"),
                ("quota_t_per_h", least, least >= 0.0, "tCO2/h, at least 0"),
            ),
        )

    @property
    def prices_per_tco2(self) -> Array:
        """Price of each step, shape (steps, n_period)."""
        rise = 1.0 + self.growth * np.arange(self.steps)
        return rise[:, None] * self.base_price_per_tco2

    @property
    def thresholds_t_per_h(self) -> Array:
        """Emission above the quota at which each step begins, shape (steps,)."""
        return self.interval_t_per_h * np.arange(self.steps, dtype=np.float64)

    def each_of(self, replicas: int) -> PersonalLadder:
        """The ladder of one of several equal followers, who pay together what this one asks of them all."""
        return replace(
            self,
            interval_t_per_h=self.interval_t_per_h / replicas,
            quota_t_per_h=self.quota_t_per_h / replicas,
        )

    def over(self, steps: Callable[[Array], Array]) -> PersonalLadder:
        """The same in other steps of the day, as a function lays series over them."""
        return replace(
            self,
            base_price_per_tco2=steps(self.base_price_per_tco2),
            quota_t_per_h=steps(self.quota_t_per_h),
        )

    def cost_per_h(self, carbon_t_per_h: Array) -> Array:
        """What emissions cost, money/h, shape (n_period,)."""
        above = carbon_t_per_h - self.quota_t_per_h
        extra = np.maximum(above - self.thresholds_t_per_h[:, None], 0.0)
        dearer = np.diff(self.prices_per_tco2, axis=0, prepend=np.zeros((1, len(above))))
        # The first step reaches below the quota, where it is a reward.
        extra[0] = above
        return np.asarray((dearer * extra).sum(axis=0))

    def marginal_per_tco2(self, carbon_t_per_h: Array) -> Array:
        """Price of the next tonne; where a step ends, that of the next step; shape (n_period,)."""
        above = (carbon_t_per_h - self.quota_t_per_h) / self.interval_t_per_h
        step = np.clip(np.floor(above), 0, self.steps - 1)
        return np.asarray(self.base_price_per_tco2 * (1.0 + self.growth * step))

    def ramp_per_tco2(self, carbon_t_per_h: Array) -> Array:
        """Price of a tonne without jumps: the ladder's mean over a window of one step around it.

        Returns
        -------
        ndarray, shape (n_period,)
            Money/tCO2; it rises evenly from the middle of a step to that of the next, and stays before the
            first middle and after the last one.

        Notes
        -----
        ``(1 / d) integral_{E - d/2}^{E + d/2} lam(e) de``, D25 over a window one step wide: a price for who
        passes the ladder on, and would otherwise go to and fro across the end of a step.

        Examples
        --------
        >>> import numpy as np
        >>> free, price = np.array([0.0]), np.array([40.0])
        >>> ladder = PersonalLadder(price, interval_t_per_h=10.0, growth=0.25, steps=3, quota_t_per_h=free)
        >>> [float(ladder.ramp_per_tco2(np.array([carbon]))[0]) for carbon in (-5.0, 5.0, 10.0, 15.0, 40.0)]
        [40.0, 40.0, 45.0, 50.0, 60.0]
        """
        above = (carbon_t_per_h - self.quota_t_per_h) / self.interval_t_per_h
        risen = np.clip(above - 0.5, 0.0, self.steps - 1.0)
        return np.asarray(self.base_price_per_tco2 * (1.0 + self.growth * risen))


def shared_by_load(source_t_per_h: Array, load_mw: Array) -> Array:
    """Carbon of each source that each follower answers for, tCO2/h, shape (n_source, n_follower, n_period).

    Parameters
    ----------
    source_t_per_h : ndarray, shape (n_source, n_period)
    load_mw : ndarray, shape (n_follower, n_period)
        At least 0, with a sum above 0 wherever carbon is emitted.

    Notes
    -----
    D26, ``F_g,r,t = e_g P_g,t L_r,t / sum_r' L_r',t``; over the followers it sums to what each source emits.
    """
    total = load_mw.sum(axis=0)
    shares = np.divide(load_mw, total, out=np.zeros_like(load_mw), where=total > 0.0)
    return np.asarray(source_t_per_h[:, None, :] * shares[None, :, :])


def moved_responsibility(share: Array, change_mwh: Array, load_mwh: Array, sensitivity: float) -> Array:
    """Responsibilities after loads have moved, shape (n_follower,); they sum to 1.

    Parameters
    ----------
    share : ndarray, shape (n_follower,)
        Before, with sum 1.
    change_mwh, load_mwh : ndarray, shape (n_follower,)
        By what each has lowered its load, and what it drew before, above 0.
    sensitivity : float
        s, in [0, 1].

    Notes
    -----
    D27 (54), ``w_r <- w_r (1 - s dL_r / L_r) / norm``, dL_r being a reduction.
    """
    _checked("responsibility", (("sensitivity", sensitivity, 0.0 <= sensitivity <= 1.0, "in [0, 1]"),))
    moved = share * np.maximum(1.0 - sensitivity * change_mwh / load_mwh, 0.0)
    total = float(moved.sum())
    return moved / total if total > 0.0 else share
