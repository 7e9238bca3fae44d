"""What the paper of model D states about a fair carbon price in four dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from gridarium.experiments.claims.kinds import (
    RECOMPUTED,
    Evidence,
    Finding,
    Measure,
    NotMeasuredError,
    directional,
    exact,
)
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.names.formatting import number
from gridarium.experiments.papers.ries_carbon_admm import ADMM
from gridarium.experiments.papers.ries_carbon_beyond import BEYOND, at
from gridarium.experiments.papers.ries_carbon_sweeps import SWEEP_CLAIMS
from gridarium.experiments.results.records import Claim
from gridarium.market.carbon_price import PersonalLadder, ShapleyFactor
from gridarium.market.fairness import jain

_SCHEMES = ("none", "fixed", "ladder", "dynamic", "full")
_EQUAL = ("fixed-equal", "ladder-equal", "dynamic-equal", "full-equal")
_BASE, _STATIC, _FULL = "none", "fixed", "full"
_ASSUMED = "assumed units, costs, quotas and loads: the paper's tables are missing"


def _metric(evidence: Evidence, name: str, case: str) -> float:
    """A metric of the bulk grid."""
    return evidence.metric(f"bulk.{name}", case)


def shapley_example() -> float:
    """Coefficient of the paper's follower with 0.42 of the abatement of three (D20).

    Examples
    --------
    >>> shapley_example()
    0.88
    """
    return float(ShapleyFactor().of(np.array([0.30, 0.42, 0.28]))[1].round(2))


def _shapley_coefficient(evidence: Evidence) -> Claim:
    return exact(
        "D-shapley-coefficient",
        at("5"),
        "a Shapley value of 0.42 among three followers makes a coefficient of 0.88",
        0.88,
        shapley_example(),
        "the exponential form with a strength of 0.5; the linear one would need 0.46, which nothing states",
        RECOMPUTED,
    )


def _jain_formula(evidence: Evidence) -> Claim:
    return exact(
        "D-jain-formula",
        at("3"),
        "Jain's index of x is (sum x)^2 / (n sum x^2)",
        round(36.0 / 42.0, 6),
        round(jain([1.0, 2.0, 3.0]), 6),
        "of 1, 2 and 3; the paper does not say of what it takes the index",
        RECOMPUTED,
    )


def ladder_example() -> float:
    """What 500 t above the quota cost by steps of 200 t, from 30 per tonne on, each dearer by a quarter (D4).

    Examples
    --------
    >>> ladder_example()
    18000.0
    """
    ladder = PersonalLadder(np.array([30.0]), 200.0, 0.25, 3, np.array([1000.0]))
    return float(ladder.cost_per_h(np.array([1500.0]))[0])


def _ladder_sum(evidence: Evidence) -> Claim:
    return exact(
        "D-ladder-sum",
        at("3, equations (4) and (5)"),
        "a ladder costs the sum over steps of price times what lies on the step",
        200.0 * 30.0 + 200.0 * 37.5 + 100.0 * 45.0,
        ladder_example(),
        "500 t above the quota, steps of 200 t at 30, 37.5 and 45",
        RECOMPUTED,
    )


def _sum_of_parts(evidence: Evidence) -> Claim:
    return exact(
        "D-cost-sum",
        at("4"),
        "the cost falls by 537 k USD: generation 324, carbon 156, losses 37, demand response 20",
        537.0,
        324.0 + 156.0 + 37.0 + 20.0,
        "the parts sum to it; another place of the paper says 547 k",
        RECOMPUTED,
    )


def _change(
    metric: str, sign: int, reason: str, case: str = _FULL, reference: str = _BASE, least: float = 0.0
) -> Measure:
    """A relative change of at least so many percent in the direction of a sign."""

    def measure(evidence: Evidence) -> Finding:
        change = 100.0 * evidence.change(f"bulk.{metric}", case, reference)
        holds = change * sign > max(least, 1e-4)
        return Finding(f"{change:+.2f} %", holds, reason, change)

    return measure


def _order(metric: str, cases: Sequence[str], reason: str) -> Measure:
    """A metric that falls from case to case."""

    def measure(evidence: Evidence) -> Finding:
        values = [_metric(evidence, metric, case) for case in cases]
        falls = all(after < before for before, after in pairwise(values))
        shown = "; ".join(f"{case} {number(value)}" for case, value in zip(cases, values, strict=True))
        apart = 100.0 * (max(values) - min(values)) / abs(values[0])
        return Finding(shown, falls, f"{apart:.2g} % from the largest to the smallest; {reason}")

    return measure


def _parts_fall(evidence: Evidence) -> Finding:
    shown, falls = [], True
    for name in ("fuel_money", "own_carbon_money", "loss_share"):
        change = 100.0 * evidence.change(f"bulk.{name}", _FULL, _BASE)
        shown.append(f"{name.removesuffix('_money').replace('_', ' ')} {change:+.1f} %")
        falls = falls and change < 0.0
    return Finding(
        "; ".join(shown), falls, "the paper's fourth part, demand response, is paid by regions here"
    )


def _peak_valley(evidence: Evidence) -> Finding:
    before, after = (_metric(evidence, name, _FULL) for name in ("base_peak_valley_mw", "peak_valley_mw"))
    change = 100.0 * (after / before - 1.0)
    reason = "mean of the days; 150 to 116 MW is -22.7 %, printed as 22.3 %"
    return Finding(f"{before:.1f} to {after:.1f} MW ({change:+.1f} %)", after < before, reason, change)


def _above(metric: str, limit: float, reason: str) -> Measure:
    def measure(evidence: Evidence) -> Finding:
        value = _metric(evidence, metric, _FULL)
        return Finding(f"{value:.4f}", value > limit, reason, value)

    return measure


def _below(metric: str, limit: float, reason: str) -> Measure:
    def measure(evidence: Evidence) -> Finding:
        value = _metric(evidence, metric, _FULL)
        return Finding(f"{value:.4g}", value <= limit, reason, value)

    return measure


def _jain_against_static(evidence: Evidence) -> Finding:
    static, full = (_metric(evidence, "jain_carbon_per_tonne", case) for case in (_STATIC, _FULL))
    reason = "of what a tonne costs; prices that differ by person are what makes it uneven"
    return Finding(f"{static:.4f} with a static price, {full:.4f} with all", full > static, reason)


def _rounds(evidence: Evidence) -> Finding:
    rounds = _metric(evidence, "most_rounds", _FULL)
    reason = "longest of all negotiations; the game factor is a function of the round and sets its pace"
    return Finding(f"{rounds:.0f}", rounds <= 15.0, reason)


def _converges(evidence: Evidence) -> Finding:
    found = [one for one in evidence.certificates if one.name.endswith("convergence")]
    if not found:
        raise NotMeasuredError("this run has no certificate of convergence")
    at_rest = sum(one.passed for one in found)
    return Finding(
        f"{at_rest} of {len(found)} cases",
        at_rest == len(found),
        "every day of a case; loads and prices to the tolerance of the scenario",
    )


def _unique(evidence: Evidence) -> Finding:
    at_rest, spread = (_metric(evidence, name, _FULL) for name in ("starts_at_rest", "starts_spread"))
    radius = _metric(evidence, "best_response_radius", _FULL)
    return Finding(
        f"{at_rest:.0f} of 5 starts end within {spread:.1e} of each other, spectral radius {radius:.2f}",
        at_rest == 5.0 and spread <= 1e-3,
        "of the rounds, whose fixed point is no Stackelberg equilibrium; a sample proves nothing, and strict "
        "convexity of both problems does not make the leader's convex once followers answer",
    )


def _explained(evidence: Evidence) -> Finding:
    own = evidence.of("abatement", _FULL)
    value = float(np.corrcoef(own["shapley_tco2"], own["alone_tco2"])[0, 1]) ** 2
    reason = "against what each avoids alone; abatement is nearly additive, so this tests little"
    return Finding(f"{value:.3f}", value > 0.8, reason, value)


_judged = partial(directional, rests_on=_ASSUMED)
_STRICT = "the schemes rise in stringency: at the same base price each takes more than the one before"

CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    _shapley_coefficient,
    _jain_formula,
    _ladder_sum,
    _sum_of_parts,
    _judged(
        "D-hypothesis-jain", at("1"), "hypothesis: Jain's index is above 0.9", "> 0.9",
        _above("jain_carbon_per_tonne", 0.9, "of what a tonne costs the regional systems for carbon"),
        [_FULL],
    ),
    _judged(
        "D-hypothesis-emission", at("1"),
        "hypothesis: at least 15 % less emission than with a static carbon price", "falls by 15 % or more",
        _change("emission_tco2", -1, "against the fixed price", reference=_STATIC, least=15.0),
        [_STATIC, _FULL],
    ),
    _judged(
        "D-hypothesis-rounds", at("5"), "the game comes to rest after 12 to 15 rounds", "<= 15",
        _rounds, [_FULL],
    ),
    _judged(
        "D-cost", at("4"), "total cost falls by 27.5 %", "falls (-27.5 %)",
        _change("ties_cost_money", -1, "all that the TIES pays: supply, wear, carbon, balancing energy (D1)"),
        [_BASE, _FULL], figure=-27.5,
    ),
    _judged(
        "D-cost-parts", at("4"), "generation, carbon and losses all cost less", "fall", _parts_fall,
        [_BASE, _FULL],
    ),
    _judged(
        "D-cost-fixed", at("5"), "a fixed price alone cuts cost by 4.6 %", "falls (-4.6 %)",
        _change("ties_cost_money", -1, "the further savings printed are points, not percent", case=_STATIC),
        [_BASE, _STATIC], figure=-4.6,
    ),
    _judged(
        "D-emission", at("5"), "emission falls by 17.8 %", "falls (-17.8 %)",
        _change("emission_tco2", -1, "2485 t at 0.65 t/MWh is one day, beside a cost of a year"),
        [_BASE, _FULL], figure=-17.8,
    ),
    _judged(
        "D-intensity", at("5"), "carbon intensity falls from 0.65 to 0.42 t/MWh", "falls (-35.4 %)",
        _change("intensity_tco2_per_mwh", -1, "with 17.8 % less emission it would need 27 % more energy"),
        [_BASE, _FULL], figure=-35.4,
    ),
    _judged(
        "D-order-emission", at("5"), "emission falls from no price over fixed, ladder and dynamic to all",
        "falls", _order("emission_tco2", _SCHEMES, _STRICT), _SCHEMES,
    ),
    _judged(
        "D-order-cost", at("5"), "the cost of the TIES falls in the same order", "falls",
        _order("ties_cost_money", _SCHEMES, _STRICT), _SCHEMES,
    ),
    _judged(
        "D-order-resource", at("5"), "cost falls in the same order without payments among agents", "falls",
        _order("resource_cost_money", _SCHEMES, "fuel, starts, wear, balancing energy and responses"),
        _SCHEMES,
    ),
    _judged(
        "D-order-equal", at("5"), "at equal emission the full mechanism costs the least", "falls",
        _order("resource_cost_money", _EQUAL, "resource cost, each scheme at the level that meets one cap"),
        _EQUAL,
    ),
    _judged(
        "D-order-equal-ties", at("5"), "at equal emission the TIES pays the least with the full mechanism",
        "falls", _order("ties_cost_money", _EQUAL, "each scheme at the level that meets one cap"), _EQUAL,
    ),
    _judged(
        "D-peak-valley", at("5"), "the difference of peak and valley falls from 150 to 116 MW",
        "falls (-22.7 %)", _peak_valley, [_FULL], figure=-22.7,
    ),
    _judged(
        "D-renewables", at("5"), "more renewable energy is used, 97.8 % instead of 85.6 %",
        "rises (+14.3 %)",
        _change("renewable_used_share", 1, "elsewhere 87 % before, and by hour 95.75 % on average"),
        [_BASE, _FULL], figure=14.3,
    ),
    _judged(
        "D-losses", at("5"), "losses fall from 4.8 to 3.7 %", "falls (-22.9 %)",
        _change("loss_share", -1, "the network is the paper's in per unit, at the size of the load"),
        [_BASE, _FULL], figure=-22.9,
    ),
    _judged(
        "D-satisfaction", at("5"), "satisfaction falls from 1.00 to 0.94", "falls (-6 %)",
        _change("satisfaction", -1, "users respond to the tariff without a carbon price, too"),
        [_BASE, _FULL], figure=-6.0,
    ),
    _judged(
        "D-satisfaction-kept", at("4"), "a weight of 0.3 keeps satisfaction above 0.95", "> 0.95",
        _above("satisfaction", 0.95, "mean of regions and days; the paper's own result is 0.94"), [_FULL],
    ),
    _judged(
        "D-jain-static", at("4"), "the mechanism is fairer than others by Jain's index, 0.94 against 0.78",
        "rises", _jain_against_static, [_STATIC, _FULL],
    ),
    _judged(
        "D-proportionality", at("3"), "shares of carbon cost and of emission differ by less than 5 %",
        "<= 0.05", _below("carbon_share_gap", 0.05, "largest difference of a regional system"), [_FULL],
    ),
    _judged(
        "D-envy", at("3"), "no regional system prefers what another was told", "<= 0",
        _below("envy_money", 0.0, "money that the carbon prices of another would have saved in the run"),
        [_FULL],
    ),
    _judged(
        "D-region-cost", at("4"), "regional systems pay 2.3 % more on average", "rises (+2.3 %)",
        _change("regions_cost_money", 1, "elsewhere bills fall by 27.5 %"), [_BASE, _FULL], figure=2.3,
    ),
    _judged(
        "D-carbon-share", at("4"), "carbon rises from 8 to 12 % of what regional systems pay",
        "rises (+50 %)", _change("regions_carbon_share", 1, "from a fixed price to all", reference=_STATIC),
        [_STATIC, _FULL], figure=50.0,
    ),
    _judged(
        "D-explained", at("4"), "Shapley values explain abatement with an R2 of 0.89", "> 0.8 (0.89)",
        _explained, [_FULL], figure=0.89,
    ),
    _judged("D-converges", at("5"), "rounds come to rest", "all", _converges),
    _judged("D-uniqueness", at("3"), "the equilibrium exists and is unique", "one", _unique, (_FULL,)),
    *ADMM,
    *SWEEP_CLAIMS,
    *BEYOND,
)  # fmt: skip
"""All of them; figures of the paper only where it prints one."""

PAPER = Paper("Sustainability 2025, 17(22), 10095: a fair carbon price for regional systems", CLAIMS)
