"""Certificates of a case of model E: how far it is from physics, balance, and the best that could be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gridarium.experiments.net_zero.metrics import Tables
from gridarium.experiments.net_zero.money_certificates import money, pool
from gridarium.experiments.net_zero.system_certificates import carbon, energy, flexibility, optimum, units
from gridarium.experiments.records import Certificate, Reading

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built
    from gridarium.experiments.net_zero.schema import NetZeroScenario


def certify(case: str, scenario: NetZeroScenario, built: Built, tables: Tables) -> list[Certificate]:
    """All certificates of one case."""
    return [item.certificate(case, scenario.currency_code) for item in _measured(scenario, built, tables)]


def _measured(scenario: NetZeroScenario, built: Built, tables: Tables) -> Iterator[Reading]:
    yield from energy(built, tables)
    if built.operator is not None:
        yield from units(built, tables)
        yield from flexibility(built, tables)
        yield from carbon(built, tables)
        yield from optimum(tables)
    yield from money(built, tables)
    if len(tables["trades"]):
        yield from pool(scenario, built, tables)
