"""Money of a run: both sides of each payment, sums, and payments against tariffs times meters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers, scope_of, sums
from gridarium.market.accounts import FUEL, LINE_ENERGY, LINE_FEE, RETAIL, TRUE_UP

_MINUTE = pd.Timedelta(minutes=1)
_SAME = 1e-9
"""Of money, relative to the larger of the largest amount there and 1 of the currency."""


def money(run: Result, case: str) -> Iterator[Check]:
    """Both sides of each booking, what everybody was paid in all, and energy and fuel by price and meter."""
    ledger = run.tables["ledger"]
    ledger = ledger[ledger["case"] == case]
    yield _both_sides(case, ledger)
    payoffs, retail = Worst(_SAME, ""), Worst(1e-7, "")
    fuel, lines = Worst(1e-6, ""), Worst(1e-7, "")
    for grid in grids(run, case):
        _payoffs(grid, ledger, payoffs)
        _retail(grid, ledger, retail)
        _true_ups(grid, ledger, retail)
        _fuel(grid, ledger, fuel)
        _lines(grid, ledger, lines)
    yield from payoffs.checks(case, "payoffs", "sums of the ledger by account and purpose")
    yield from retail.checks(case, "retail bills", "what customers paid against price times meter")
    yield from fuel.checks(case, "fuel", "what fuel has cost against cost curves and power")
    yield from lines.checks(case, "line trades", "what trades were paid against price, energy and fee")


def _both_sides(case: str, ledger: pd.DataFrame) -> Check:
    """Whether each entry has two rows, of which each is the other one's counterpart."""
    first, second = ledger.iloc[::2], ledger.iloc[1::2]
    subject = "both sides of payments"
    if len(first) != len(second):
        return Check(case, subject, False, f"{len(ledger):,} rows: one of them has no other side")
    matches = np.ones(len(first), dtype=bool)
    for one, other in (("entry", "entry"), ("account", "counterparty"), ("counterparty", "account"),
                       ("purpose", "purpose")):  # fmt: skip
        matches &= first[one].to_numpy() == second[other].to_numpy()
    matches &= first["amount_money"].to_numpy() == -second["amount_money"].to_numpy()
    if not matches.all():
        entry = first["entry"].iloc[int(np.argmin(matches))]
        return Check(case, subject, False, f"entry {entry}: its sides do not match")
    return Check(case, subject, True, f"{len(first):,} payments, each paid by one and received by another")


def _largest(values: Array) -> float:
    return max(1.0, float(np.abs(values).max(initial=0.0)))


def _payoffs(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """Sums that payoffs tell of accounts of this grid alone; what agents tell besides is no booking."""
    told = grid.rows("payoffs")
    paid = ledger.groupby(["account", "purpose"])["amount_money"].sum()
    amounts = {
        (grid.full(str(agent)), str(item)): float(amount)
        for agent, item, amount in told[["agent", "item", "amount_money"]].itertuples(index=False)
    }
    both = [name for name in amounts if name in paid.index]
    told_money = np.array([amounts[name] for name in both])
    off = told_money - np.array([float(paid[name]) for name in both])
    worst.add(off, lambda at: f"{grid.place}{', '.join(both[at])}", _largest(told_money))


def _paid(ledger: pd.DataFrame, payer: str, payee: str, purpose: str, n_period: int) -> Array | None:
    """What one has paid another in each period; None if that was never."""
    rows = ledger[
        (ledger["account"] == payee)
        & (ledger["counterparty"] == payer)
        & (ledger["purpose"] == purpose)
        & ledger["period"].notna()
    ]
    if rows.empty:
        return None
    return sums(rows["period"].to_numpy(dtype=int), numbers(rows, "amount_money"), n_period)


def _retail(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """What an operator has sold, as trades tell it: priced, metered and paid."""
    trades, loads = grid.rows("trades", product="retail"), grid.rows("loads")
    # What grids below pay is a matter of their heads.
    below = set(grid.rows("dispatch", kind="grid_below")["agent"])
    own = [str(name) not in below and scope_of(name) not in below for name in trades.get("buyer", ())]
    trades = trades[np.array(own, dtype=bool)] if own else trades.iloc[:0]
    for (seller, buyer), rows in trades.groupby(["seller", "buyer"], sort=False) if own else ():
        volume = grid.series(rows, "volume_mwh")
        paid = _paid(ledger, grid.full(str(buyer)), grid.full(str(seller)), RETAIL, grid.n_period)
        owed = sums(
            rows["period"].to_numpy(dtype=int),
            numbers(rows, "volume_mwh") * numbers(rows, "price_per_mwh"),
            grid.n_period,
        )
        where = f"{grid.place}{buyer}"
        worst.add((np.zeros_like(owed) if paid is None else paid) - owed, _at(where), _largest(owed))
        metered = loads[loads["agent"] == buyer]
        if len(metered) == grid.n_period:
            worst.add(volume - numbers(metered, "p_metered_mw") * grid.period_h, _at(where), _largest(volume))
    _regions(grid, ledger, worst)


def _regions(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """What regional systems that are one agent each have paid their TIES: its price times what they drew."""
    signals, drawn = grid.rows("signals", kind="ties"), grid.rows("dispatch", kind="region")
    for supplier, told in signals.groupby("agent", sort=False):
        if len(told) != grid.n_period:
            continue
        for region, rows in drawn.groupby("agent", sort=False):
            paid = _paid(ledger, grid.full(str(region)), grid.full(str(supplier)), RETAIL, grid.n_period)
            if paid is not None:
                owed = numbers(told, "price_per_mwh") * grid.series(rows, "p_demand_mw") * grid.period_h
                worst.add(paid - owed, _at(f"{grid.place}{region}"), _largest(owed))


def _true_ups(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """What a budget lacked on each day, shared among who pays the tariff by what they drew on it (C8)."""
    days, trades = grid.rows("days", kind="dso"), grid.rows("trades", product="retail")
    tariff = grid.section.get("tariff") or {}
    is_balanced = tariff.get("kind") == "adcef" and tariff.get("balance_budget")
    paid = ledger[(ledger["purpose"] == TRUE_UP) & (ledger["amount_money"] > 0.0)]
    for seller, sold in trades.groupby("seller", sort=False) if len(days) else ():
        own = paid[paid["account"] == grid.full(str(seller))]
        length = grid.n_period // len(days)
        lacked = np.maximum(numbers(days, "budget_excess_money"), 0.0)
        if own.empty and not is_balanced:
            continue
        names = {str(name): rows for name, rows in sold.groupby("buyer", sort=False)}
        drawn = np.array([grid.series(rows, "volume_mwh") for rows in names.values()])
        by_day = drawn.reshape(len(names), len(days), length).sum(axis=2)
        total = by_day.sum(axis=0)
        shares = np.divide(by_day, total, out=np.zeros_like(by_day), where=total > 0.0)
        for name, owed in zip(names, shares * lacked, strict=True):
            full = {grid.full(name), name}
            rows = own[own["counterparty"].isin(full) | own["counterparty"].map(scope_of).isin({name})]
            got = grid.series(rows, "amount_money").reshape(len(days), length).sum(axis=1)
            worst.add(got - owed, lambda at, name=name: f"{grid.place}{name}, day {at}", _largest(lacked))


def _at(where: str) -> Any:
    return lambda at: f"{where}, period {at}"


def _fuel(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """Fuel of gas turbines by their cost curves: quadratic, linear, and fixed while they run."""
    for name, unit in (grid.section.get("gas_turbines") or {}).items():
        rows = grid.rows("units", agent=str(name))
        if len(rows) != grid.n_period:
            continue
        # Rows of units are net of nothing: what a turbine gives is what it burns for.
        p_mw, on = numbers(rows, "net_mw"), numbers(rows, "on")
        owed = (
            grid.money_rate
            * grid.period_h
            * (
                unit["cost_quadratic_per_mw2h"] * p_mw**2
                + unit["cost_linear_per_mwh"] * p_mw
                + unit["cost_fixed_per_h"] * on
            )
        )
        bought = ledger[
            (ledger["account"] == grid.full(str(name)))
            & (ledger["purpose"] == FUEL)
            & ledger["period"].notna()
        ]
        worst.add(-grid.series(bought, "amount_money") - owed, _at(f"{grid.place}{name}"), _largest(owed))


def _lines(grid: GridTables, ledger: pd.DataFrame, worst: Worst) -> None:
    """Payments between prosumers by the price agreed on and what was delivered, and fees of lines."""
    trades = grid.rows("trades")
    if "delivered_mwh" not in trades:
        return
    trades = trades[trades["delivered_mwh"].notna()]
    if trades.empty:
        return
    owed = numbers(trades, "delivered_mwh") * numbers(trades, "price_per_mwh")
    sellers = trades["seller"].map(lambda name: grid.full(str(name))).to_numpy(dtype=object)
    # A minute's energy is paid for as it ends.
    due = pd.Series(owed).groupby([sellers, (trades["time"] + _MINUTE).to_numpy()]).sum()
    got = ledger[(ledger["purpose"] == LINE_ENERGY) & (ledger["amount_money"] > 0.0)]
    paid = got["amount_money"].groupby([got["account"].to_numpy(), got["time"].to_numpy()]).sum()
    places = list(due.index)
    worst.add(
        np.array([paid.get(place, 0.0) - due[place] for place in places]),
        lambda at: f"{grid.place}{places[at][0]}, {places[at][1]}",
        _largest(owed),
    )
    fees = ledger[(ledger["purpose"] == LINE_FEE) & (ledger["amount_money"] < 0.0)]
    of_grid = -float(fees[fees["account"].map(scope_of) == grid.name]["amount_money"].sum())
    told = float(numbers(trades, "fee_money").sum())
    worst.add(np.array([of_grid - told]), lambda _: f"{grid.place}line fees", max(1.0, told))
