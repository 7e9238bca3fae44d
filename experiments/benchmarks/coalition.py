"""Shares in pools of 3 to 1,000 owners: exactly, over sub-pools, and from random orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.storage_pools import Registration
from gridarium.market.pool_splits import Capacity, Owen, PoolGame, SampledShapley, Shapley, SplitRule
from gridarium.market.storage_pooling import ClassRules, sub_pools

SIZES = (3, 6, 10, 14, 30, 100, 300, 1000)
_MOST_EXACT = 14
"""Owners whose 2^n coalitions are tabulated."""
_PEAK_SHARE, _SHIFT_SHARE = 0.4, 0.5
"""Power and energy that a feeder can use, as shares of all owners': beyond it more is worth ever less."""


def pool_value(power_mw: Array, energy_mwh: Array) -> Callable[[Flags], Array]:
    """What coalitions save, in closed form: peaks that their power shaves, energy that their content moves.

    Parameters
    ----------
    power_mw, energy_mwh : ndarray, shape (n_owner,)

    Notes
    -----
    ``v(S) = P0 (1 - exp(-sum p / P0)) + E0 (1 - exp(-sum e / E0))``, P0 and E0 being shares of the sums over
    all owners: gains with falling margins, as in a feeder whose peak grows flatter the more it is shaved. The
    game is submodular, like those of dispatches.
    """
    useful_mw, useful_mwh = _PEAK_SHARE * power_mw.sum(), _SHIFT_SHARE * energy_mwh.sum()

    def value(coalitions: Flags) -> Array:
        inside = coalitions.astype(np.float64)
        shaved = useful_mw * (1.0 - np.exp(-(inside @ power_mw) / useful_mw))
        return np.asarray(shaved + useful_mwh * (1.0 - np.exp(-(inside @ energy_mwh) / useful_mwh)))

    return value


def bench_coalition(
    sub_pool_count: int = 4, evaluations: int = 200_000, *, sizes: Sequence[int] = SIZES
) -> dict[str, float]:
    """Share what pools of several sizes are worth, by each rule that can, and tell time and error.

    Parameters
    ----------
    sub_pool_count : int
        Groups of owners that are alike (K).
    evaluations : int
        Most coalitions that sampling may ask, the same for all sizes; more where so few make no interval.
    sizes : sequence of int
        Numbers of owners, drawn with seed 1: power 10 to 200 kW, one half of them fast.

    Returns
    -------
    dict of str to float
        `RULE_s_N`: processor seconds of a rule for N owners; `RULE_error_N`: sum of absolute differences from
        the exact Shapley value, as a share of v(N), where that exists; `RULE_distance_N`: likewise from the
        sampled one, beyond; `RULE_exponent`: slope of log seconds against log owners, over the sizes that
        take more than a millisecond.
    """
    # What is imported at first use is no rule's time.
    SampledShapley(200).shares(_drawn(2, 1))
    measured: dict[str, float] = {}
    seconds: dict[str, dict[int, float]] = {}
    for size in sizes:
        game, found = _drawn(size, sub_pool_count), dict[str, Array]()
        for name, rule in _rules(size, evaluations).items():
            found[name], spent = _timed(rule, game)
            measured[f"{name}_s_{size}"] = spent
            seconds.setdefault(name, {})[size] = spent
        reference, word = ("shapley", "error") if "shapley" in found else ("sampled", "distance")
        exact = found[reference]
        for name, shares in found.items():
            if name != reference:
                measured[f"{name}_{word}_{size}"] = float(np.abs(shares - exact).sum() / exact.sum())
    for name, by_size in seconds.items():
        long = {size: spent for size, spent in by_size.items() if spent > 1e-3}
        if len(long) > 1:
            slope = np.polyfit(np.log(list(long)), np.log(list(long.values())), 1)[0]
            measured[f"{name}_exponent"] = float(slope)
    return measured


def _drawn(size: int, sub_pool_count: int) -> PoolGame:
    random = np.random.default_rng(1)
    power = random.uniform(0.01, 0.2, size)
    hours = np.where(np.arange(size) % 2 == 0, 0.5, random.uniform(1.5, 4.0, size))
    energy = power * hours
    names = tuple(f"owner_{number + 1}" for number in range(size))
    told = {
        name: Registration(
            StorageRatings(name, p_mw, e_mwh, 0.1, 0.9, 0.5, 0.95, 0.95, p_mw),
            1.0,
            0.1 if e_mwh <= 0.5 * p_mw else 0.9,
            0.0,
            0.0,
        )
        for name, p_mw, e_mwh in zip(names, power.tolist(), energy.tolist(), strict=True)
    }
    unions = sub_pools(told, ClassRules(reserve_min_mwh=0.0), sub_pool_count)
    capacity = dict(zip(names, energy.tolist(), strict=True))
    return PoolGame(names, unions, capacity, pool_value(power, energy), seed=1)


def _rules(size: int, evaluations: int) -> dict[str, SplitRule]:
    """Rules that can be worked out for so many owners."""
    least = 2 + 100 * max(1, size - 1)
    rules: dict[str, SplitRule] = {
        "sampled": SampledShapley(max(evaluations, least)),
        "capacity": Capacity(),
    }
    if size <= _MOST_EXACT:
        rules |= {"shapley": Shapley(), "owen": Owen()}
    return rules


def _timed(rule: SplitRule, game: PoolGame) -> tuple[Array, float]:
    started = time.process_time()
    shares = rule.shares(game)
    return shares, time.process_time() - started
