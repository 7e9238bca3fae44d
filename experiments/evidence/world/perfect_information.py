"""The benchmark of a day: what it would cost if everything were known in advance."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from gridarium.agents.system.commitment_problem import CommitmentShape
from gridarium.agents.system.perfect_information import BenchmarkDay, PerfectInformation
from gridarium.agents.system.power_system import SystemForecast
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.parts.supply import REAL_TIME

logger = logging.getLogger(__name__)

_QUARTERS_OF_DAY = 96


def benchmark_table(known: GridEvidence) -> pd.DataFrame:
    """Cost of a day of perfect information and the bound that no policy undercuts.

    One row for a grid whose scenario asks for it, or none: only a run of one day begins in a state that the
    benchmark knows, and a day on which more was imported than the limit allows has no plan to compare with.
    """
    try:
        day = benchmark_day(known)
    except InfeasibleError as error:
        logger.warning("no comparison with perfect information: %s", error)
        return pd.DataFrame()
    if day is None:
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "grid": [known.grid.name],
            "cost_money": day.cost_money,
            "bound_money": day.bound_money,
            "gap": day.gap,
            "is_proven": day.is_proven,
        }
    )


def benchmark_day(known: GridEvidence) -> BenchmarkDay | None:
    """The best day that was possible, found once a run; None where a scenario asks for none.

    Raises
    ------
    InfeasibleError
        If no day satisfies all constraints with what was imported.
    """
    world, operators = known.world, known.of(SystemOperator)
    section = OPERATOR.of(known.scenario) if operators else None
    if section is None or section.benchmark_nodes == 0 or world.n_period > _QUARTERS_OF_DAY:
        return None
    nodes = section.benchmark_nodes
    (operator,) = operators
    shape = CommitmentShape(operator.system, round(world.n_period * world.period_h))
    problem = world.shared(
        ("perfect information", shape),
        lambda: PerfectInformation(shape, world.period_h, node_limit=nodes),
    )
    actual = _what_became(known)
    return world.shared(
        ("day of perfect information", known.grid.name), lambda: problem.solve("benchmark", actual)
    )


def _what_became(known: GridEvidence) -> SystemForecast:
    """What became of the day: loads as metered, wind as available, the pool as it traded."""
    scenario, n_period = known.scenario, known.world.n_period
    dispatch, loads = known.tables["dispatch"], known.tables["loads"]
    below = dispatch[dispatch["kind"].isin(["grid_below", "recorded_grid"])]
    taken = by_period(below, "p_demand_mw", n_period) - by_period(below, "p_supply_mw", n_period)
    from_others = np.zeros(n_period)
    if "prosumers" in known.tables:
        received = by_period(known.tables["prosumers"], "received_mwh", n_period)
        from_others = received / known.world.period_h
    drawn = by_period(dispatch[dispatch["kind"] == "prosumer"], "p_demand_mw", n_period)
    fixed = by_period(loads[loads["kind"] == "load"], "p_metered_mw", n_period)
    operator = OPERATOR.of(scenario)
    assert operator is not None
    flexible = [_base_mw(loads, name) for name in FLEXIBLE_LOADS.of(scenario)]
    base = np.array(flexible).reshape(-1, n_period).T
    sections = list(FLEXIBLE_LOADS.of(scenario).values())
    return SystemForecast(
        load_mw=fixed + drawn + from_others + taken,
        wind_mw=_available_mw(dispatch, n_period),
        flexible_mw=base,
        flexible_least_mw=base * np.array([section.lowest_share for section in sections]),
        flexible_most_mw=base * np.array([section.highest_share for section in sections]),
        market_price_per_mwh=np.full(n_period, REAL_TIME.of(scenario).price_per_mwh),
        pool_mw=from_others,
        pool_fee_per_mwh=np.full(n_period, operator.pool_fee_per_mwh),
    )


def _available_mw(dispatch: pd.DataFrame, n_period: int) -> Array:
    """Wind that was available; nobody tells of it in a system without wind farms."""
    farms = dispatch[dispatch["kind"] == "renewable"]
    return np.zeros(n_period) if farms.empty else by_period(farms, "p_available_mw", n_period)


def _base_mw(loads: pd.DataFrame, name: str) -> Array:
    return loads.loc[loads["agent"] == name, "p_base_mw"].to_numpy(dtype=float)
