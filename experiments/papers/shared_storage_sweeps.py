"""What the paper of model A states about price and intensity of its carbon penalty: claims on sweeps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.claims.swept import falls, flattens, of_metric, swept
from gridarium.experiments.papers.shared_storage_beyond import at
from gridarium.experiments.results.records import Claim

ASSUMED = "assumed profiles, gas, renewables, storages' sizes and elasticities"
_PRICE = ("carbon_price_per_tco2", "shared-storage-penalty")
_INTENSITY = ("adjustment", "shared-storage-intensity")
_RISE = 1.005
"""A cost that grows by less than half a per cent is flat."""


def total_cost_money(evidence: Evidence, case: str) -> float:
    """Purchase, gas and carbon of a case, money (A12); carbon at the price of the case, whoever pays it."""
    price = evidence.setting(case, "prices", "carbon_price_per_tco2")
    return power_cost_money(evidence, case) + price * evidence.metric("emission_tco2", case)


def power_cost_money(evidence: Evidence, case: str) -> float:
    """What power costs in a case without carbon, money."""
    return evidence.metric("purchase_money", case) + evidence.metric("turbine_cost_money", case)


_EMISSION = {"{:.2f} t": of_metric("emission_tco2")}
_COSTS = {**_EMISSION, "power {:,.0f}": power_cost_money, "with carbon {:,.0f}": total_cost_money}


def _flat_then_rising(price: Array, emission: Array, power: Array, total: Array) -> bool:
    at_price = dict(zip(price.tolist(), power.tolist(), strict=True))
    flat: bool = at_price[150.0] <= _RISE * at_price[100.0]
    return flat and at_price[250.0] > _RISE * at_price[200.0]


def _best_in_the_middle(price: Array, emission: Array, power: Array, total: Array) -> bool:
    """Whether the reduction per cost added is best between 100 and 150."""
    cost = (power - power[0]) / power[0]
    reduction = (emission[0] - emission) / emission[0]
    score = reduction - cost
    return bool(100.0 <= price[int(np.argmax(score))] <= 150.0)


SWEEP_CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    swept(
        "A-price-reduction",
        at("5.7"),
        "from 0 to 250 CNY/t emission falls by 34.5 %, ever less",
        "falls, decreasingly",
        _PRICE,
        _EMISSION,
        lambda price, emission: falls(emission) and flattens(price, emission),
        ASSUMED,
    ),
    swept(
        "A-price-cost",
        at("5.7"),
        "cost is flat from 100 to 150 CNY/t and rises beyond 200",
        "flat, then rising",
        _PRICE,
        _COSTS,
        _flat_then_rising,
        ASSUMED,
    ),
    swept(
        "A-price-band",
        at("5.7"),
        "100 to 150 CNY/t are the robust band",
        "100 to 150 CNY/t",
        _PRICE,
        _COSTS,
        _best_in_the_middle,
        f"{ASSUMED}; relative reduction less relative rise of power cost (A24)",
    ),
    swept(
        "A-price-renewables",
        at("5.7"),
        "the share of renewables used (called curtailment) rises from 78.3 to 92.1 %, and saturates",
        "rises, saturating",
        _PRICE,
        {"{:.2%}": of_metric("renewable_used_share")},
        lambda price, used: falls(-used) and flattens(price, -used),
        ASSUMED,
    ),
    swept(
        "A-intensity-reduction",
        at("5.6"),
        "from intensity 0.5 to 1.0 the cut of emission grows from 18.2 to 25.7 %",
        "falls",
        _INTENSITY,
        _EMISSION,
        lambda intensity, emission: falls(emission),
        ASSUMED,
    ),
    swept(
        "A-intensity-cost",
        at("5.6"),
        "beyond an intensity of 1.5 cost surges and gains flatten",
        "gains flatten, cost surges",
        _INTENSITY,
        _COSTS,
        lambda intensity, emission, power, total: (
            flattens(intensity, emission) and power[-1] - power[-2] > power[1] - power[0] > 0.0
        ),
        ASSUMED,
    ),
)
