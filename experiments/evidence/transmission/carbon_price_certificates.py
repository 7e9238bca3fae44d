"""Certificates of carbon prices of followers: all five factors by hand, and what was posted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np
from scipy.special import expit

from gridarium.agents.transmission.merit_order import MeritOrder
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_TCO2
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY, CarbonPolicy
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading
from gridarium.market.carbon_policy import Standing

_SAME = 1e-9
_LEAST_PRICE, _LEAST_FACTOR, _LEAST_MEAN_MW = 1e-3, 1e-6, 1e-3
_LEAST_ABATED_SHARE = 1e-3
_MOST_ORDERED = 5
MOST_APART = 5.0
"""Times the tolerance of the rounds by which what is posted may miss what the last answers call for."""


def personal_prices(known: GridEvidence) -> Iterator[Reading]:
    """Prices and factors of carbon against the formulas, and what was known for them."""
    section, policy = TIES.of(known.scenario), CARBON_POLICY.of(known.scenario)
    days = [day for ties in known.of(Ties) for day in ties.days if day.priced_by is not None]
    if section is None or not days or policy.scheme == "none":
        return
    yield Reading(
        "carbon prices by formula", max(_off_formula(policy, day) for day in days), _SAME, "", True,
        "largest difference of a carbon price, a quota, a step or a carbon factor that the last answers of a "
        "day called for, and its formula by hand, relative to the largest (D19 to D27)",
    )  # fmt: skip
    at_rest = [day for day in days if _heard_everybody(day)]
    if not at_rest:
        return
    yield Reading(
        "carbon priced by answers", max(_off_answers(day) for day in at_rest), _SAME, "", True,
        "largest difference of loads, bases, Shapley values and the round by which carbon was priced, and "
        "those that the day's rounds ended with, relative to the largest of its kind",
    )  # fmt: skip
    if known.of(Ties)[0].pricing.abatement.sharing == "exact" and policy.scheme == "full":
        yield from _abatement(known)
    ended = [day for day in at_rest if day.rounds[-1].ended == "converged"]
    if ended and policy.emission_cap_tco2_per_day is None:
        yield Reading(
            "carbon prices posted", max(_off_posted(day) for day in ended),
            max(1e-3, MOST_APART * section.rounds.tolerance), "", plays_exactly(known),
            "largest difference of a carbon price or factor posted last, and the one that the answers to it "
            "call for, relative to the largest of its kind, where rounds came to rest",
        )  # fmt: skip


def _heard_everybody(day: TiesDay) -> bool:
    """Whether the last round of a day that goes as planned left no answer out."""
    return bool(day.rounds) and not day.renewals and not day.rounds[-1].missing


def _off(told: Array, due: Array, least: float) -> float:
    return float(np.abs(told - due).max()) / max(float(np.abs(due).max()), least)


def _off_formula(policy: CarbonPolicy, day: TiesDay) -> float:
    now = day.priced_by
    assert now is not None
    ladders = [offer.ladder for offer in day.called_for]
    prices = np.array([ladder.base_price_per_tco2 for ladder in ladders if ladder is not None])
    quotas = np.array([ladder.quota_t_per_h for ladder in ladders if ladder is not None])
    lengths = np.array([ladder.interval_t_per_h for ladder in ladders if ladder is not None])
    factors = np.array([offer.factor_tco2_per_mwh for offer in day.called_for])
    drawn = now.base_mw.clip(min=0.0)
    taxed, per_mwh = policy.scheme == "pigouvian", policy.quota_tco2_per_mwh
    steps = 1 if taxed or policy.scheme == "fixed" else policy.steps
    mean = np.maximum(drawn.sum(axis=1) / drawn.shape[1], _LEAST_MEAN_MW)
    counted = {(ladder.steps, ladder.growth) for ladder in ladders if ladder is not None}
    return max(
        _off(prices, _prices_per_tco2(policy, day.level, now), _LEAST_PRICE),
        _off(quotas, (0.0 if taxed else per_mwh) * drawn, _LEAST_FACTOR),
        _off(lengths, policy.interval_share * max(per_mwh, 1e-3) * mean, _LEAST_FACTOR),
        _off(factors, _factors_tco2_per_mwh(policy, now), _LEAST_FACTOR),
        float(counted != {(steps, policy.growth)}),
    )


def _prices_per_tco2(policy: CarbonPolicy, level: float, now: Standing) -> Array:
    """lam_0 times tau (D21), g (D22), h (D23), s (D24) and delta (D20), shape (n_follower, n_step)."""
    price = np.full(now.load_mw.shape, level * policy.base_price_per_tco2)
    if policy.scheme not in ("dynamic", "full"):
        return price
    load, factor = now.load_mw.sum(axis=0), now.factor_tco2_per_mwh
    tau = np.ones(len(load))
    for weight, values in ((policy.time_load_weight, load), (policy.time_intensity_weight, factor)):
        size = np.abs(values).sum() / len(values)
        if size > 0.0:
            tau += weight * (values - values.sum() / len(values)) / size
    low, high = policy.game_band.low, policy.game_band.high
    risen = float(expit(policy.game_rate * (now.round_ - policy.game_turning_round)))
    price *= np.minimum(np.maximum(tau, policy.time_band.low), policy.time_band.high)
    price *= low + (high - low) * risen
    return price if policy.scheme == "dynamic" else price * _own(policy, now)[:, None]


def _own(policy: CarbonPolicy, now: Standing) -> Array:
    """s delta h of each follower, shape (n_follower,)."""
    energy, phi = now.base_mw.sum(axis=1).clip(min=0.0), now.abatement_tco2
    size = np.ones(len(energy))
    if policy.size_exponent > 0.0 and energy.any():
        with np.errstate(divide="ignore"):
            size = (energy.mean() / energy) ** policy.size_exponent
    own = np.clip(size, policy.size_band.low, policy.size_band.high)
    # Of a thousandth of what base loads emit on, and by its size where values of both signs cancel.
    emitted = np.abs(now.base_mw @ now.factor_tco2_per_mwh).mean() * now.step_h
    whole = max(np.abs(phi).mean(), _LEAST_ABATED_SHARE * emitted)
    if whole > 0.0:
        own = own * np.exp(policy.shapley_strength * (phi.mean() - phi) / whole)
    if now.past_tco2 is not None and now.past_tco2.any():
        past = now.past_tco2
        history = 1.0 + policy.history_weight * (past - past.mean()) / np.abs(past).mean()
        own = own * np.clip(history, policy.history_band.low, policy.history_band.high)
    elif now.past_tco2 is not None:
        own = own * np.clip(1.0, policy.history_band.low, policy.history_band.high)
    return np.asarray(own)


def _factors_tco2_per_mwh(policy: CarbonPolicy, now: Standing) -> Array:
    """The factor of supply, moved between followers so that all of the carbon stays theirs (D26, D27)."""
    n = len(now.load_mw)
    if policy.scheme == "pigouvian":
        return np.tile(now.marginal_tco2_per_mwh.clip(min=0.0), (n, 1))
    if policy.scheme != "full":
        return np.tile(now.factor_tco2_per_mwh, (n, 1))
    moved = np.maximum(1.0 - policy.responsibility_sensitivity * now.share_moved, 0.0)
    total, weighted = now.load_mw.sum(axis=0), (moved[:, None] * now.load_mw).sum(axis=0)
    scale = np.array([all_ / part if part > 0.0 else 1.0 for all_, part in zip(total, weighted, strict=True)])
    return moved[:, None] * (scale * now.factor_tco2_per_mwh)


def _off_answers(day: TiesDay) -> float:
    now = day.priced_by
    assert now is not None and day.answered_mw is not None
    return max(
        _off(now.load_mw, day.answered_mw, _LEAST_MEAN_MW),
        _off(now.base_mw, day.base, _LEAST_MEAN_MW),
        _off(now.abatement_tco2, day.abatement_tco2, _LEAST_MEAN_MW),
        abs(float(now.round_ - len(day.rounds))),
    )


def _off_posted(day: TiesDay) -> float:
    told = [day.signals[name] for name in day.followers]
    factors = np.array([signal.factor_tco2_per_mwh for signal in told])
    called = np.array([offer.factor_tco2_per_mwh for offer in day.called_for])
    prices, wanted = (
        np.array([one.ladder.base_price_per_tco2 for one in offers if one.ladder is not None])
        for offers in (told, day.called_for)
    )
    return max(_off(factors, called, _LEAST_FACTOR), _off(prices, wanted, _LEAST_PRICE))


def _abatement(known: GridEvidence) -> Iterator[Reading]:
    """Shapley values of few followers, order by order, by dispatches of the loads that they told."""
    found = [
        _off_shapley(ties, day)
        for ties in known.of(Ties)
        for day in ties.days
        if _heard_everybody(day) and 0 < len(day.followers) <= _MOST_ORDERED
    ]
    apart = [one for one in found if one is not None]
    if apart:
        yield Reading(
            "abatement shared", max(apart), 1e-4, "", plays_exactly(known),
            "largest difference of a follower's share of what responses avoid, and the mean of what it adds "
            "over all orders in which followers may join, relative to all that is avoided, or of by how much "
            "they are said to interact (D17 to D19)",
        )  # fmt: skip


def _off_shapley(ties: Ties, day: TiesDay) -> float | None:
    """None where the units held cannot supply the loads of some coalition."""
    planner, n = ties.planner, len(day.followers)
    order = MeritOrder(planner.merit_order.shape)

    def emission(members: frozenset[int]) -> float | None:
        load = np.sum([day.loads[i] if i in members else day.base[i] for i in range(n)], axis=0)
        return order.emission_tco2("evidence", planner.forecast(day, load), day.on, day.state)

    worth = {group: emission(group) for group in map(frozenset, _subsets(n))}
    emitted = {group: value for group, value in worth.items() if value is not None}
    if len(emitted) < len(worth):
        return None
    share = np.zeros(n)
    for joined in permutations(range(n)):
        for place, player in enumerate(joined):
            before = frozenset(joined[:place])
            share[player] += (emitted[before] - emitted[before | {player}]) / math.factorial(n)
    alone = np.array([emitted[frozenset()] - emitted[frozenset({i})] for i in range(n)])
    scale = max(float(np.abs(share).sum()), 1e-3)
    wrong = max(np.abs(day.abatement_tco2 - share).max(), np.abs(day.alone_tco2 - alone).max())
    # By how much a coalition avoids another amount than its members do alone, as a share of the most avoided.
    avoided = {group: emitted[frozenset()] - value for group, value in emitted.items()}
    together = max(abs(value - float(alone[list(group)].sum())) for group, value in avoided.items())
    most = max(map(abs, avoided.values()))
    interaction = abs(day.interaction - together / most) if most > LEAST_TCO2 else 0.0
    return max(float(wrong) / scale, interaction)


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    for size in range(n + 1):
        yield from combinations(range(n), size)
