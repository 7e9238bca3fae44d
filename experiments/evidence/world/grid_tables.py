"""What a grid tells of itself: its buses and branches, what passed its head, what grids below took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid, PeriodState, Site


def grid_rows(grid: Grid) -> Iterator[Rows]:
    """What passed the head of a grid, what grids on it took with all replicas, and what its shunts drew."""
    yield _exchange("head", "head", grid.head, grid.exchange_mw, _head_mvar(grid))
    for below in grid.below:
        assert below.above is not None
        taken, mvar = below.exchange_mw * below.replicas, _head_mvar(below) * below.replicas
        yield _exchange(below.name, "grid_below", below.above, -taken, -mvar)
    if grid.feeder.g_load_pu.any():
        drawn = np.array([float(state.flow.shunt_load_mw[0]) for state in grid.states])
        values: dict[str, ArrayLike] = {"bus": "", "p_supply_mw": 0.0, "p_demand_mw": drawn, "q_mvar": np.nan}
        yield Rows("dispatch", values, agent="shunts", kind="shunt")


def _exchange(name: str, kind: str, site: Site, supply_mw: Array, q_mvar: Array) -> Rows:
    return Rows(
        "dispatch",
        {
            "bus": site.label,
            "p_supply_mw": np.maximum(supply_mw, 0.0),
            "p_demand_mw": np.maximum(-supply_mw, 0.0),
            "q_mvar": q_mvar,
        },
        agent=name,
        kind=kind,
    )


def _head_mvar(grid: Grid) -> Array:
    """Reactive power through the head in each period, Mvar."""
    return np.array([float(state.flow.q_slack_mvar[0]) for state in grid.states])


def bus_table(grid: Grid, further: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Each bus in each period, with further columns of shape (n_bus, n_period)."""
    feeder = grid.feeder
    values: dict[str, ArrayLike] = {
        "vm_pu": _over_periods(grid, lambda state: state.flow.vm_pu[0]),
        "va_degree": _over_periods(grid, lambda state: state.flow.va_degree[0]),
        "p_source_mw": _over_periods(grid, lambda state: state.source_mw),
        "p_load_mw": _over_periods(grid, lambda state: state.load_mw),
        "p_charge_mw": _over_periods(grid, lambda state: state.charge_mw),
        "p_below_mw": _over_periods(grid, lambda state: state.below_mw),
        "carbon_intensity_tco2_per_mwh": _over_periods(grid, lambda state: state.intensity_tco2_per_mwh),
        "x": feeder.x[:, None],
        "y": feeder.y[:, None],
    }
    return _tidy(grid, {"bus": [str(label) for label in feeder.bus_labels]}, {**values, **further})


def branch_table(grid: Grid, further: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Each branch in each period, with further columns of shape (n_branch, n_period)."""
    feeder = grid.feeder
    labels = [str(label) for label in feeder.bus_labels]
    current = _over_periods(grid, lambda state: state.flow.i_pu[0])
    rating = np.where(np.isfinite(feeder.i_max_pu), feeder.i_max_pu, np.nan)
    items = {
        "branch": [str(label) for label in feeder.branch_labels],
        "from_bus": [labels[bus] for bus in feeder.parent],
        "to_bus": labels[1:],
    }
    values: dict[str, ArrayLike] = {
        "p_from_mw": _over_periods(grid, lambda state: state.flow.p_from_mw[0]),
        "q_from_mvar": _over_periods(grid, lambda state: state.flow.q_from_mvar[0]),
        "p_to_mw": _over_periods(grid, lambda state: state.flow.p_to_mw[0]),
        "q_to_mvar": _over_periods(grid, lambda state: state.flow.q_to_mvar[0]),
        "i_pu": current,
        "loading": current / rating[:, None],
    }
    return _tidy(grid, items, {**values, **further})


def _over_periods(grid: Grid, value: Callable[[PeriodState], Array]) -> Array:
    """What was measured in each period, shape (n_item, n_period)."""
    return np.stack([value(state) for state in grid.states], axis=1)


def _tidy(grid: Grid, items: Mapping[str, Sequence[str]], values: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """One row for each item and period; values of shape (n_item, n_period) or one that fits it."""
    world, count = grid.world, len(next(iter(items.values())))
    period = np.tile(np.arange(world.n_period), count)
    named = {
        name: np.repeat(np.array(labels, dtype=object), world.n_period) for name, labels in items.items()
    }
    series = {
        name: np.broadcast_to(np.asarray(value), (count, world.n_period)).ravel()
        for name, value in values.items()
    }
    first = {"grid": np.full(len(period), grid.name, dtype=object), "period": period}
    return pd.DataFrame({**first, "time": world.times.take(period), **named, **series})
