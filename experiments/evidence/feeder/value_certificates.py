"""Certificates of what loads are worth to consumers: utility, and what is lost by moving or cutting them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.follower_conditions import part_of_class
from gridarium.experiments.evidence.feeder.posted_prices import signals_told_to
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.results.records import Reading

_SAME = 1e-6


def values(known: GridEvidence) -> Iterator[Reading]:
    """Utility of consumers by the scenario, and what all users of a grid of several have lost."""
    told, off, lost = known.tables.get("payoffs"), list[float](), 0.0
    if told is None:
        return
    said = told.set_index(["agent", "item"])["amount_money"]
    for consumer in known.of(Consumer):
        utility, discomfort = _worth_money(known, consumer)
        lost += discomfort
        name = known.grid.local(consumer.name)
        if np.isfinite(utility):
            off.append(share_of(abs(float(said[name, "utility"]) - utility), abs(utility), LEAST_MONEY))
    for elastic in known.of(ElasticConsumer):
        cut, name = _cut_money(known, elastic), known.grid.local(elastic.name)
        lost += cut
        off.append(share_of(abs(float(said.get((name, "curtailment"), 0.0)) + cut), cut, LEAST_MONEY))
    if off:
        yield Reading(
            "value of loads", max(off), _SAME, "", True,
            "largest difference of a consumer's utility as told, and that of its meter by scenario and "
            "reference price, relative to it; of elastic ones of what they lost by drawing less (C13)",
        )  # fmt: skip
    accounts = known.tables.get("grid_accounts")
    if accounts is not None:
        asked = rows_of(known.tables, "satisfaction", "region")
        lost += float(asked["discomfort_money"].sum()) if len(asked) else 0.0
        apart = abs(float(accounts["discomfort_money"].sum()) - lost)
        yield Reading(
            "discomfort told", share_of(apart, lost, _SAME), _SAME, "", True,
            "difference of what users are said to have lost by drawing otherwise than they wanted to, and "
            "the same by scenario and meters, relative to it (C13, D11)",
        )  # fmt: skip


def _worth_money(known: GridEvidence, consumer: Consumer) -> tuple[float, float]:
    """Utility of what a consumer drew, its battery apart, and how far it is below the best; money.

    ``U = alpha P - beta P**2 / 2`` with ``alpha = reference + beta base`` lies ``beta (P - base)**2 / 2``
    below its value at the base load, each MWh between them at the reference price.
    """
    group, horizon = CONSUMERS.of(known.scenario)[consumer.group], consumer.horizon
    assert group.beta_per_mwh_per_mw is not None
    base, drawn = (_series(known, consumer.name, name) for name in ("p_base_mw", "p_metered_mw"))
    if not base.any() and not drawn.any():
        return 0.0, 0.0
    beta = group.beta_per_mwh_per_mw / (group.share * part_of_class(known, consumer))
    utility, discomfort = 0.0, 0.0
    for signal in signals_told_to(known, consumer):
        of_day = horizon.periods(signal.day)
        wanted, load = horizon.fit(base[of_day]), horizon.fit(drawn[of_day])
        consumed = load - consumer.day(signal.day).battery_mw
        rate = signal.reference_price_per_mwh + beta * wanted - 0.5 * beta * consumed
        utility += float(rate @ consumed) * horizon.step_h
        discomfort += 0.5 * beta * float(np.sum((consumed - wanted) ** 2)) * horizon.step_h
    return utility, discomfort


def _cut_money(known: GridEvidence, consumer: ElasticConsumer) -> float:
    """What an elastic consumer lost by drawing less than its base load, money."""
    elastic = CONSUMERS.of(known.scenario)[consumer.group].elasticity
    assert elastic is not None
    base, drawn = (_series(known, consumer.name, name) for name in ("p_base_mw", "p_metered_mw"))
    cut_mwh = float(np.maximum(base - drawn, 0.0).sum()) * known.world.period_h
    return elastic.curtailment_cost_per_mwh * cut_mwh


def _series(known: GridEvidence, name: str, column: str) -> Array:
    """A column of the loads of a consumer, shape (n_period,)."""
    rows = rows_of(known.tables, "loads", "consumer")
    return rows.loc[rows["agent"] == known.grid.local(name), column].to_numpy(dtype=float)
