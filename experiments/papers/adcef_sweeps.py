"""What the paper of model C states about its own parameters: claims on a sweep over one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.experiments.claims.kinds import Evidence, Finding, directional
from gridarium.experiments.claims.swept import falls, flattens, of_metric, swept
from gridarium.experiments.results.records import Claim

ASSUMED = "assumed profiles, tariff, quota, storage energy and consumers' utility"
_AT = "Processes 2025, 13(12), 4023, section 5.4"


_BETA = ("beta_per_mwh_per_mw", "adcef-beta")
_PRICE = ("carbon_price_per_tco2", "adcef-carbon-price")
_FIGURES = {
    "{:.3f} t": of_metric("emission_tco2"),
    "{:,.0f} revenue": of_metric("dso_net_revenue_money"),
}

_beta_order = swept(
    "C-beta-order",
    f"{_AT}, Table 4",
    "less rigid users (smaller beta) emit less",
    "emission rises with beta",
    _BETA,
    _FIGURES,
    lambda beta, emission, revenue: falls(emission[::-1]),
    ASSUMED,
)
_price_reduction = swept(
    "C-price-reduction",
    _AT,
    "a higher carbon price reduces emission",
    "emission falls",
    _PRICE,
    _FIGURES,
    lambda price, emission, revenue: falls(emission),
    ASSUMED,
)
_price_saturation = swept(
    "C-price-saturation",
    _AT,
    "the reduction saturates as the carbon price rises",
    "reduction per CNY/tCO2 shrinks",
    _PRICE,
    _FIGURES,
    lambda price, emission, revenue: flattens(price, emission),
    ASSUMED,
)
_price_revenue = swept(
    "C-price-revenue",
    _AT,
    "a higher carbon price raises the DSO's net revenue",
    "revenue rises",
    _PRICE,
    _FIGURES,
    lambda price, emission, revenue: bool(np.all(np.diff(revenue) > 0)),
    ASSUMED,
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
