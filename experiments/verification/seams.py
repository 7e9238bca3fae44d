"""Seams of a run: power, carbon and money on both sides of each grid's head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers, scope_of, wide
from gridarium.market.accounts import EXPORT, PURCHASE, REAL_TIME

_SAME = 1e-9
"""Of both sides of a seam, relative to the larger of the largest value there and 1 of its unit."""
_A_WATT_MW = 1e-6


def seams(run: Result, case: str) -> Iterator[Check]:
    """Power and carbon of each grid that hangs on another, and what was paid at each head."""
    found, energy = {one.name: one for one in grids(run, case)}, Worst(_SAME, "")
    carbon, money, meter = Worst(1e-7, ""), Worst(1e-7, ""), Worst(_SAME, "")
    for grid in found.values():
        _meter(grid, meter)
        above = found.get(_above(grid))
        if above is not None and above.name != grid.name:
            _energy(grid, above, energy)
            _carbon(grid, above, carbon)
        _money(run, case, grid, found, money)
    yield from meter.checks(case, "meters of heads", "what was metered against what passed")
    yield from energy.checks(case, "seam energy", "power through the head times replicas, on both sides")
    yield from carbon.checks(case, "seam carbon", "carbon through the head against the sender's intensity")
    yield from money.checks(case, "seam money", "what was paid against price told times meter")


def _above(grid: GridTables) -> str:
    """The grid that a grid hangs on, itself for a root."""
    under = grid.section.get("under")
    return grid.name if under is None else str(under)


def _replicas(grid: GridTables) -> float:
    return float(grid.section.get("replicas") or 1) if grid.name else 1.0


def _largest(values: Array) -> float:
    return max(1.0, float(np.abs(values).max(initial=0.0)))


def _through(grid: GridTables) -> Array:
    head = grid.rows("dispatch", kind="head")
    return grid.series(head, "p_supply_mw") - grid.series(head, "p_demand_mw")


def _meter(grid: GridTables, worst: Worst) -> None:
    heads = grid.rows("heads")
    if len(heads) == grid.n_period:
        passed = _through(grid)
        worst.add(
            passed - numbers(heads, "p_metered_mw"), lambda at: f"{grid.place}period {at}", _largest(passed)
        )
        for product, sign, price in (
            ("import", 1.0, "price_per_mwh"),
            ("export", -1.0, "export_price_per_mwh"),
        ):
            rows = grid.rows("trades", product=product)
            volume = np.maximum(sign * passed, 0.0) * grid.period_h
            apart = np.array(
                [
                    grid.series(rows, "volume_mwh") - volume,
                    (numbers(rows, "price_per_mwh") - numbers(heads, price))
                    / _largest(numbers(heads, price)),
                ]
            )
            worst.add(apart, lambda _, at, what=product: f"{grid.place}{what}, period {at}", _largest(passed))


def _energy(grid: GridTables, above: GridTables, worst: Worst) -> None:
    taken = above.rows("dispatch", agent=grid.name, kind="grid_below")
    drawn = above.series(taken, "p_demand_mw") - above.series(taken, "p_supply_mw")
    passed = _replicas(grid) * _through(grid)
    worst.add(passed - drawn, lambda at: f"{grid.place}period {at}", _largest(passed))


def _carbon(grid: GridTables, above: GridTables, worst: Worst) -> None:
    heads = grid.rows("heads")
    taken = above.rows("dispatch", agent=grid.name, kind="grid_below")
    if len(heads) != grid.n_period or taken.empty:
        return
    labels = list(above.tables["buses"]["bus"].to_numpy(dtype=object)[:: above.n_period])
    upper, lower = (
        np.nan_to_num(wide(one.tables["buses"], "carbon_intensity_tco2_per_mwh", one.n_period))
        for one in (above, grid)
    )
    passed, carried = numbers(heads, "p_metered_mw"), numbers(heads, "carbon_t_per_h")
    sender = np.where(passed >= 0.0, upper[labels.index(str(taken["bus"].iloc[0]))], lower[0])
    worst.add(carried - sender * passed, lambda at: f"{grid.place}period {at}", _largest(carried))


def _money(run: Result, case: str, grid: GridTables, found: dict[str, GridTables], worst: Worst) -> None:
    """Payments at a head for energy that has passed it, by the price that its supplier has told."""
    heads = grid.rows("heads")
    if len(heads) != grid.n_period:
        return
    place = found.get(_above(grid), grid) if grid.name else grid
    ledger = run.tables["ledger"]
    ledger = ledger[(ledger["case"] == case) & ledger["purpose"].isin((PURCHASE, EXPORT, REAL_TIME))]
    # All accounts of the grid: the replicas that it stands for pay beside its operator.
    paid = ledger[ledger["account"].map(scope_of) == grid.name]
    signals = place.rows("signals")
    told = signals[signals["price_below_per_mwh"].notna()]
    if place is grid:
        told = told[told["agent"] != heads["agent"].iloc[0]]
    suppliers = {place.full(str(agent)): rows for agent, rows in told.groupby("agent", sort=False)}
    for supplier, rows in suppliers.items():
        own = paid[paid["counterparty"] == supplier]
        if len(rows) != grid.n_period or own.empty:
            continue
        passed = numbers(heads, "p_metered_mw")
        price = np.where(
            passed >= 0.0, numbers(rows, "price_below_per_mwh"), numbers(rows, "export_price_below_per_mwh")
        )
        owed = price * passed * numbers(heads, "replicas") * grid.period_h
        settled = own[own["period"].notna()]
        gap = -grid.series(settled, "amount_money") - owed
        slack = np.abs(price) * _A_WATT_MW * numbers(heads, "replicas")
        off = np.maximum(np.abs(gap) - slack, 0.0)
        worst.add(off, lambda at: f"{grid.place}period {at}", _largest(owed))
