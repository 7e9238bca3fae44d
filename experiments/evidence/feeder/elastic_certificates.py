"""Certificates of elastic consumers: their plans against the response rule, derived anew from the tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.feeder_certificates import has_rational_consumers
from gridarium.experiments.evidence.feeder.posted_prices import signals_told_to
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.consumer_section import ConsumerClass
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.tariffs import TariffSignal

_BISECTIONS = 200


def responses(known: GridEvidence) -> Iterator[Reading]:
    """Whether elastic consumers have planned what their elasticities make of the final tariff."""
    consumers = known.of(ElasticConsumer)
    if not consumers:
        return
    away = max(distance for one in consumers for distance in _distances(known, one))
    yield Reading(
        "response rule", away, 1e-9, "", has_rational_consumers(known),
        "largest difference between a plan of an elastic consumer and what its elasticities and bounds make "
        "of the final tariff, relative to its peak load (A5, A6)",
    )  # fmt: skip


def _distances(known: GridEvidence, consumer: ElasticConsumer) -> Iterator[float]:
    """Of the plan of each day, relative to the peak of its base load."""
    group = CONSUMERS.of(known.scenario)[consumer.group]
    for signal in signals_told_to(known, consumer):
        day = consumer.day(signal.day)
        expected = expected_load_mw(group, day.base_mw, signal, consumer.horizon.step_h)
        yield float(np.abs(day.plan_mw - expected).max()) / max(float(day.base_mw.max()), 1e-12)


def expected_load_mw(group: ConsumerClass, base_mw: Array, signal: TariffSignal, step_h: float) -> Array:
    """What the elasticity of a class makes of a base load under a tariff, MW, shape (n_step,).

    Written out hour by hour from the scenario, beside the code that consumers use.
    """
    elastic, n_step = group.elasticity, len(base_mw)
    assert elastic is not None
    rises = [
        float(price / reference) - 1.0
        for price, reference in zip(signal.price_per_mwh, signal.reference_price_per_mwh, strict=True)
    ]
    low, high = 1.0 - group.flexible_share, 1.0 + group.flexible_share
    factors = []
    for t in range(n_step):
        near = [u for u in range(n_step) if u != t and abs(u - t) * step_h <= elastic.reach_h + 1e-9]
        around = elastic.cross * sum(rises[u] for u in near) / len(near) if near else 0.0
        factors.append(1.0 + elastic.own * rises[t] + around)

    def load(more: float) -> Array:
        return np.array(
            [base * min(max(f + more, low), high) for base, f in zip(base_mw, factors, strict=True)]
        )

    if elastic.saving_share is None or load(0.0).sum() >= (1.0 - elastic.saving_share) * base_mw.sum():
        return load(0.0)
    below, above = 0.0, high - min(factors)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (below + above)
        enough = load(middle).sum() >= (1.0 - elastic.saving_share) * base_mw.sum()
        below, above = (below, middle) if enough else (middle, above)
    return load(above)
