"""What the paper of model C states about its own parameters: claims on a sweep over one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.claims.kinds import Evidence, Finding, direction_verdict, directional
from gridarium.experiments.records import Claim

ASSUMED = "assumed profiles, tariff, quota, storage energy and consumers' utility"
_AT = "Processes 2025, 13(12), 4023, section 5.4"


def _swept(
    evidence: Evidence,
    id_: str,
    source: str,
    statement: str,
    expected: str,
    field: str,
    scenario: str,
    holds: Callable[[Array, Array, Array], bool],
) -> Claim:
    """A claim on the order of emission and revenue along a sweep."""
    cases = evidence.sweep(field)
    if len(cases) < 3:
        reason = f"needs a sweep over {field}, as in gridarium compare {scenario}"
        return Claim(id_, source, statement, "direction", expected, None, "not comparable", reason)
    emission = np.array([evidence.metric("emission_tco2", case) for case in cases])
    revenue = np.array([evidence.metric("dso_net_revenue_money", case) for case in cases])
    pairs = zip(emission, revenue, strict=True)
    shown = ", ".join(f"{e:.3f} t / {r:,.0f} {evidence.study.currency_code}" for e, r in pairs)
    values = np.array(list(cases.values()))
    verdict, reason = direction_verdict(holds(values, emission, revenue)), f"along {', '.join(cases)}"
    return Claim(id_, source, statement, "direction", expected, shown, verdict, reason, ASSUMED)


def _beta_order(evidence: Evidence) -> Claim:
    return _swept(
        evidence,
        "C-beta-order",
        f"{_AT}, Table 4",
        "less rigid users (smaller beta) emit less",
        "emission rises with beta",
        "beta_per_mwh_per_mw",
        "adcef-beta",
        lambda beta, emission, revenue: bool(
            np.all(np.diff(emission) > -1e-9) and emission[-1] > emission[0]
        ),
    )


def _price_reduction(evidence: Evidence) -> Claim:
    return _swept(
        evidence,
        "C-price-reduction",
        _AT,
        "a higher carbon price reduces emission",
        "emission falls",
        "carbon_price_per_tco2",
        "adcef-carbon-price",
        lambda price, emission, revenue: bool(
            np.all(np.diff(emission) < 1e-9) and emission[0] > emission[-1]
        ),
    )


def _price_saturation(evidence: Evidence) -> Claim:
    return _swept(
        evidence,
        "C-price-saturation",
        _AT,
        "the reduction saturates as the carbon price rises",
        "reduction per CNY/tCO2 shrinks",
        "carbon_price_per_tco2",
        "adcef-carbon-price",
        lambda price, emission, revenue: bool(np.all(np.diff(-np.diff(emission) / np.diff(price)) < 0)),
    )


def _price_revenue(evidence: Evidence) -> Claim:
    return _swept(
        evidence,
        "C-price-revenue",
        _AT,
        "a higher carbon price raises the DSO's net revenue",
        "revenue rises",
        "carbon_price_per_tco2",
        "adcef-carbon-price",
        lambda price, emission, revenue: bool(np.all(np.diff(revenue) > 0)),
    )


_GAS_COSTS = ("20-35", "142-249", "200-350", "520-520")


def _emission_by_gas_cost(evidence: Evidence) -> Finding:
    shown, falls = [], True
    for cost in _GAS_COSTS:
        changes = [
            evidence.change("emission_tco2", f"gas-{cost}-adcef{day}", f"gas-{cost}-tou{day}")
            for day in ("", "-high-res")
        ]
        shown.append(f"{cost}: {100 * changes[0]:+.1f} / {100 * changes[1]:+.1f} %")
        falls = falls and max(changes) < -1e-6
    reason = "by cost of gas at buses 12 and 25, CNY/MWh; ordinary and high renewables"
    return Finding("; ".join(shown), falls, reason)


_emission_whatever_gas_costs = directional(
    "C-emission-gas-cost",
    "Processes 2025, 13(12), 4023, section 5.2",
    "S3 emits 27.9 % less than S1; the cost of gas has no unit in the paper, so it is varied",
    "falls at every cost",
    _emission_by_gas_cost,
    [
        f"gas-{cost}-{tariff}{day}"
        for cost in _GAS_COSTS
        for tariff in ("tou", "adcef")
        for day in ("", "-high-res")
    ],
    rests_on=ASSUMED,
)

SWEEP_CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    _beta_order,
    _price_reduction,
    _price_saturation,
    _price_revenue,
    _emission_whatever_gas_costs,
)
