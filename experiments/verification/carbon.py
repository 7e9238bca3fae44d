"""Carbon of a run, traced anew through the flows of each grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers, wide

_SAME = 1e-6
"""Of a carbon flow, relative to the largest of its grid or to 1 tCO2/h."""
_NO_FLUX = 1e-6
"""Share of a period's supply below which a bus has no intensity."""
_TRACED = frozenset({"head", "grid_below", "shunt", "renewable", "gas_turbine", "thermal", "storage"})
"""Kinds whose carbon follows from tables and scenario."""
_DRAWING = frozenset({"consumer", "load", "flexible_load", "region", "compensator"})


def carbon(run: Result, case: str) -> Iterator[Check]:
    """Carbon that arrives at each bus against its sources there and what the flows bring.

    Notes
    -----
    Proportional sharing: ``e_n F_n = R_n + sum_m e_m P_mn``, with the intensity e of a bus, the power F that
    arrives, the carbon R of its own sources, and the power P that a neighbour sends; the equation is
    evaluated on the tables, not solved. R of turbines and thermal units follows from their emission, that
    of storages from what their content loses.
    """
    at_buses, told = Worst(_SAME, "of the largest flow"), Worst(_SAME, "of the largest flow")
    untraced: set[str] = set()
    of_case = grids(run, case)
    for grid in of_case:
        kinds = set(grid.rows("dispatch")["kind"])
        untraced |= kinds - _TRACED - _DRAWING
        _head(grid, told)
        if kinds <= _TRACED | _DRAWING:
            _traced(grid, {one.name: one for one in of_case}, at_buses)
    yield from at_buses.checks(case, "carbon flow", "carbon traced through the flows by proportional sharing")
    yield from told.checks(case, "carbon at heads", "carbon that comes in against power times factor")
    if untraced:
        said = f"on grids with {', '.join(sorted(untraced))}: tables do not tell the carbon of what they give"
        yield Check(case, "carbon not traced", True, said)


def _intensity(grid: GridTables) -> Array:
    return np.nan_to_num(wide(grid.tables["buses"], "carbon_intensity_tco2_per_mwh", grid.n_period))


def _head_mw(grid: GridTables) -> Array:
    head = grid.rows("dispatch", kind="head")
    return grid.series(head, "p_supply_mw") - grid.series(head, "p_demand_mw")


def _head(grid: GridTables, worst: Worst) -> None:
    """Carbon of a head that nothing stands above, against the factor that its supplier has told."""
    heads = grid.rows("heads")
    if heads.empty or (heads["above"].astype(str) != "").any() or heads["agent"].nunique() > 1:
        return
    taken = np.maximum(numbers(heads, "p_metered_mw"), 0.0)
    factor, carried = numbers(heads, "factor_told_tco2_per_mwh"), numbers(heads, "carbon_t_per_h")
    off = np.where(taken > 0.0, carried - factor * taken, 0.0)
    worst.add(off, lambda at: f"{grid.place}period {at}", max(1.0, float(np.abs(carried).max())))


def _traced(grid: GridTables, of_case: Mapping[str, GridTables], worst: Worst) -> None:
    buses, n_period = grid.tables["buses"], grid.n_period
    intensity, source = _intensity(grid), wide(buses, "p_source_mw", n_period)
    below = wide(buses, "p_below_mw", n_period)
    arriving = source + np.maximum(-below, 0.0)
    arriving[0] += np.maximum(_head_mw(grid), 0.0)
    put_in = _sources(grid, of_case, intensity)
    supply = arriving.sum(axis=0)
    brought, carried = arriving.copy(), np.zeros_like(arriving)
    for sender, receiver, sent, received in _branches(grid):
        np.add.at(brought, (receiver, np.arange(n_period)), received)
        np.add.at(carried, (receiver, np.arange(n_period)), sent * intensity[sender, np.arange(n_period)])
    alive = brought > _NO_FLUX * supply
    off = np.where(alive, intensity * brought - put_in - carried, 0.0)
    labels = buses["bus"].to_numpy(dtype=object)[::n_period]
    scale = max(1.0, float((intensity * np.where(alive, brought, 0.0)).max()))
    worst.add(off, lambda bus, at: f"{grid.place}bus {labels[bus]}, period {at}", scale)


def _branches(grid: GridTables) -> Iterator[tuple[Index, Index, Array, Array]]:
    """Sender, receiver, and the power at both ends of each branch, each of shape (n_period,)."""
    branches, n_period = grid.rows("branches"), grid.n_period
    if branches.empty:
        return
    labels = list(grid.tables["buses"]["bus"].to_numpy(dtype=object)[::n_period])
    index = {label: number for number, label in enumerate(labels)}
    ends = [branches[name].map(index).to_numpy().reshape(-1, n_period) for name in ("from_bus", "to_bus")]
    p_from, p_to = (wide(branches, name, n_period) for name in ("p_from_mw", "p_to_mw"))
    forward = p_from + p_to >= 0.0
    yield from zip(
        np.where(forward, ends[0], ends[1]),
        np.where(forward, ends[1], ends[0]),
        np.where(forward, p_from, -p_to),
        np.where(forward, p_to, -p_from),
        strict=True,
    )


def _sources(grid: GridTables, of_case: Mapping[str, GridTables], intensity: Array) -> Array:
    """Carbon that sources put in at each bus, tCO2/h, shape (n_bus, n_period)."""
    labels = list(grid.tables["buses"]["bus"].to_numpy(dtype=object)[:: grid.n_period])
    found = np.zeros((len(labels), grid.n_period))
    found[0] += _through_head(grid)
    for (agent, kind), rows in grid.rows("dispatch").groupby(["agent", "kind"], sort=False):
        bus = str(rows["bus"].iloc[0])
        if bus not in labels:
            continue
        supply = grid.series(rows, "p_supply_mw")
        at = labels.index(bus)
        if kind == "gas_turbine":
            found[at] += grid.section["gas_turbines"][agent]["emission_tco2_per_mwh"] * supply
        elif kind == "thermal":
            found[at] += _emitted(grid, str(agent))
        elif kind == "storage":
            found[at] += _released(grid, str(agent), intensity[at])
        elif kind == "grid_below" and supply.any():
            found[at] += supply * _intensity(of_case[str(agent)])[0]
    return found


def _through_head(grid: GridTables) -> Array:
    """What comes in through the head, tCO2/h; nothing where power goes out."""
    heads = grid.rows("heads")
    return np.maximum(grid.series(heads, "carbon_t_per_h"), 0.0)


def _emitted(grid: GridTables, unit: str) -> Array:
    """What a unit emits beyond what its absorber takes up, tCO2/h."""
    rows = grid.rows("units", agent=unit)
    return grid.series(rows, "emission_gross_tco2_per_h") - grid.series(rows, "absorbed_tco2_per_h")


def _released(grid: GridTables, storage: str, intensity: Array) -> Array:
    """Carbon that leaves a storage, tCO2/h: what came in less what its content gained."""
    rows = grid.rows("storages", agent=storage)
    held = grid.series(rows, "carbon_tco2")
    gained = np.diff(held, prepend=0.0) / grid.period_h
    return intensity * grid.series(rows, "p_charge_mw") - gained
