"""The benchmark of a day: what it would cost if everything were known in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridarium.agents.system.commitment_problem import CommitmentShape
from gridarium.agents.system.perfect_information import PerfectInformation
from gridarium.agents.system.power_system import SystemForecast
from gridarium.experiments.tidy import below_mw

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built

_COLUMNS = ("cost_money", "bound_money", "gap", "is_proven")
_QUARTERS_OF_DAY = 96


def benchmark_table(built: Built) -> pd.DataFrame:
    """Cost of a day of perfect information and the bound that no policy undercuts.

    One row, or none: only a run of one day begins in a state that the benchmark knows.
    """
    nodes = built.scenario.operator.benchmark_nodes if built.scenario.operator else 0
    world, operator = built.world, built.operator
    if operator is None or nodes == 0 or world.n_period > _QUARTERS_OF_DAY:
        return pd.DataFrame(columns=list(_COLUMNS))
    shape = CommitmentShape(operator.system, round(world.n_period * world.period_h))
    problem = world.shared(
        ("perfect information", shape),
        lambda: PerfectInformation(shape, world.period_h, node_limit=nodes),
    )
    day = problem.solve("benchmark", _known(built))
    return pd.DataFrame([{name: getattr(day, name) for name in _COLUMNS}])


def _known(built: Built) -> SystemForecast:
    """What became of the day: loads as metered, wind as available, the pool as it traded."""
    world, n_period = built.world, built.world.n_period
    scenario, prosumers = built.scenario, built.prosumers
    zeros = np.zeros(n_period)
    received = sum((np.array([one.received for one in each.metered]) for each in prosumers), zeros)
    from_others = received / world.period_h
    drawn = sum((world.meters[one.name] for one in prosumers), zeros)
    taken = sum((mw for _, mw in below_mw(built.grid)), zeros)
    taken = sum((world.meters[one.name] - one.fed_back_mw for one in built.recorded), taken)
    load = built.load.loads_mw["actual"] if built.load else zeros
    base = np.array([one.loads_mw["base"] for one in built.flexible_loads]).reshape(-1, n_period).T
    sections = list(scenario.flexible_loads.values())
    rules = built.operator.rules if built.operator else None
    return SystemForecast(
        load_mw=load + drawn + from_others + taken,
        wind_mw=sum((farm.power_mw["available"] for farm in built.wind_farms), zeros),
        flexible_mw=base,
        flexible_least_mw=base * np.array([section.lowest_share for section in sections]),
        flexible_most_mw=base * np.array([section.highest_share for section in sections]),
        market_price_per_mwh=np.full(n_period, scenario.real_time_market.price_per_mwh),
        pool_mw=from_others,
        pool_fee_per_mwh=np.full(n_period, rules.pool_fee_per_mwh if rules else 0.0),
    )
