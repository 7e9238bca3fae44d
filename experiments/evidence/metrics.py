"""Metrics of one case, taken from its tables by component; names carry units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from gridarium.experiments.evidence.feeder import edge_metrics, feeder_metrics
from gridarium.experiments.evidence.grid_evidence import Tables, tables_of_grid
from gridarium.experiments.evidence.guarded import STRICT, Steps
from gridarium.experiments.evidence.storage import coalition_metrics
from gridarium.experiments.evidence.system import system_metrics
from gridarium.experiments.evidence.transmission import bulk_metrics
from gridarium.experiments.evidence.vpp import vpp_metrics
from gridarium.experiments.evidence.world import record_evidence
from gridarium.experiments.evidence.world.intrusion_evidence import intrusion_metrics
from gridarium.experiments.evidence.world.world_metrics import world_metrics

Metric = tuple[str, float]


def heads(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What passed the head of a grid whose operator pays for it."""
    head = tables.get("heads")
    if head is None:
        return
    taken = head["p_metered_mw"]
    yield "head_import_mwh", float(taken.clip(lower=0.0).sum()) * period_h
    yield "head_export_mwh", float((-taken).clip(lower=0.0).sum()) * period_h
    yield "head_carbon_tco2", float(head["carbon_t_per_h"].sum()) * period_h
    yield "head_carbon_told_tco2", float((head["factor_told_tco2_per_mwh"] * taken).sum()) * period_h


METRICS: tuple[Callable[[Tables, float], Iterable[Metric]], ...] = (
    feeder_metrics.dso_money,
    feeder_metrics.consumer_money,
    feeder_metrics.surcharge,
    feeder_metrics.storage_owners,
    feeder_metrics.equal_schedules,
    feeder_metrics.feeder_carbon,
    feeder_metrics.consumer_energy,
    feeder_metrics.forecast_errors,
    feeder_metrics.feeder_energy,
    feeder_metrics.network,
    feeder_metrics.negotiation,
    coalition_metrics.pool_shares,
    coalition_metrics.pool_formation,
    coalition_metrics.pool_stability,
    coalition_metrics.pool_splits,
    coalition_metrics.storage_use,
    record_evidence.record_checks,
    edge_metrics.failovers,
    edge_metrics.excursions,
    edge_metrics.edge_queue,
    system_metrics.system_cost,
    system_metrics.system_energy,
    system_metrics.perfect_information,
    system_metrics.day_ahead_market,
    system_metrics.provider,
    system_metrics.prosumers,
    system_metrics.pool,
    bulk_metrics.ties_cost,
    bulk_metrics.called_services,
    bulk_metrics.bulk_carbon,
    bulk_metrics.regions,
    bulk_metrics.fairness,
    bulk_metrics.bulk_negotiation,
    bulk_metrics.game_gaps,
    bulk_metrics.exchange_gaps,
    bulk_metrics.central_bound,
    vpp_metrics.bills,
    vpp_metrics.green_energy,
    vpp_metrics.actions,
    vpp_metrics.green_certificates,
    vpp_metrics.plan_gaps,
    heads,
)
"""Each from the tables of one grid and the length of a period, h; none where its part is missing."""


def summarise(
    tables: Tables, grids: Iterable[str], period_h: float, steps: Steps = STRICT
) -> dict[str, float]:
    """Metrics of the tables of one case; solver noise included.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a single case.
    grids : iterable of str
        Names of its grids; the metrics of a grid with a name are called GRID.metric.
    period_h : float
        Length of a settlement period, h.
    steps : Steps, optional
        Takes one metric after the other.
    """
    found: dict[str, float] = {}
    for grid in grids:
        own, prefix = tables_of_grid(tables, grid), f"{grid}." if grid else ""
        for metric in METRICS:
            told = steps.all_of(f"metrics {metric.__name__}", partial(metric, own, period_h))
            found |= {f"{prefix}{name}": value for name, value in told}
    found |= dict(steps.all_of("metrics of the world", partial(world_metrics, tables)))
    found |= intrusion_metrics(tables)
    return found | {"messages": float(tables["traffic"]["messages"].sum())}
