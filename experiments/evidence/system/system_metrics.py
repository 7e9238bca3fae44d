"""Metrics of a system with an operator, of its storage provider and of its pool of prosumers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import Tables, rows_of
from gridarium.experiments.evidence.shares import ratio
from gridarium.market import accounts

Metric = tuple[str, float]


class CostPart(NamedTuple):
    """Where the payoffs show a part of the system's cost: the item, whose (an agent or a kind), its sign."""

    item: str
    column: str
    whose: str
    sign: float


COST_PARTS = {
    "fuel_money": CostPart(accounts.FUEL, "agent", accounts.FUEL_SUPPLIERS, 1.0),
    "start_stop_money": CostPart(accounts.START_STOP, "agent", accounts.FUEL_SUPPLIERS, 1.0),
    "carbon_trading_money": CostPart(accounts.CARBON, "agent", accounts.CARBON_MARKET, 1.0),
    "demand_response_money": CostPart(accounts.DEMAND_RESPONSE, "kind", "operator", -1.0),
    "storage_compensation_money": CostPart(accounts.WEAR_COMPENSATION, "kind", "operator", -1.0),
    "p2p_cost_money": CostPart(accounts.LINE_FEE, "kind", "storage_provider", 1.0),
    "real_time_money": CostPart(accounts.PURCHASE, "kind", "market", 1.0),
}
"""Parts of the system's cost (E20, E26)."""

COUNTED = (
    "start_stop_money",
    "fuel_money",
    "carbon_money",
    "compensation_money",
    "wear_money",
    "line_fee_money",
    "market_money",
    "shortage_money",
)
"""Columns of the table of quarters that make up what the operator's problems minimise."""


SETTLED = {"units": ("thermal",), "wind": ("renewable",), "loads": ("load", "flexible_load")}
"""Kinds of agents that a day-ahead market settles, by what their metrics are called."""


def cost_parts(payoffs: pd.DataFrame) -> dict[str, float]:
    """Parts of the system's cost as paid, money."""
    found = {}
    for name, part in COST_PARTS.items():
        rows = payoffs[(payoffs["item"] == part.item) & (payoffs[part.column] == part.whose)]
        found[name] = part.sign * float(rows["amount_money"].sum())
    return found


def realised_cost_money(quarters: pd.DataFrame) -> float:
    """Cost that the operator counted, penalties on missing reserve included, money."""
    return float(quarters[list(COUNTED)].sum().sum())


def system_cost(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What a system cost, by part, and what it emitted."""
    if "quarters" not in tables:
        return
    parts, carbon = cost_parts(tables["payoffs"]), rows_of(tables, "carbon", "thermal")
    yield "total_cost_money", sum(parts.values())
    yield from parts.items()
    if len(carbon):
        yield "emission_tco2", float(carbon["emission_net_tco2"].sum())
        yield "emission_gross_tco2", float(carbon["emission_gross_tco2"].sum())


def system_energy(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What units, storage, market and wind gave to a system."""
    if "quarters" not in tables:
        return
    quarters, head = tables["quarters"], rows_of(tables, "dispatch", "head")
    wind, storage = rows_of(tables, "dispatch", "renewable"), rows_of(tables, "storages", "storage_provider")
    if "units" in tables:
        yield "thermal_mwh", float(tables["units"]["gross_mw"].sum()) * period_h
    discharged = float(storage["p_discharge_mw"].sum()) if len(storage) else 0.0
    spilled = float(head["p_demand_mw"].sum()) * period_h
    yield "storage_discharged_mwh", discharged * period_h
    yield "real_time_mwh", float(head["p_supply_mw"].sum()) * period_h
    yield "spilled_mwh", spilled
    yield "deviation_mwh", float(quarters["deviation_mw"].abs().sum()) * period_h
    yield "deviation_left_mwh", float(quarters["left_mw"].abs().sum()) * period_h
    yield "replans", float(quarters["fired"].sum())
    if len(wind) and wind["p_available_mw"].sum() > 0.0:
        # What nobody takes could as well have been left with the wind, which costs nothing.
        used = wind["p_supply_mw"].sum() * period_h - spilled
        yield "wind_used_percent", 100.0 * float(used / (wind["p_available_mw"].sum() * period_h))


def perfect_information(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How much more a day cost than one without surprises."""
    if "benchmarks" in tables:
        cost = realised_cost_money(tables["quarters"])
        for bound in tables["benchmarks"]["bound_money"]:
            yield "perfect_information_gap_percent", 100.0 * (cost - float(bound)) / abs(float(bound))


def day_ahead_market(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What units, wind farms and loads gain on what was declared, and on what departed from it."""
    for name, kinds in SETTLED.items():
        own = rows_of(tables, "settlements", *kinds)
        if len(own):
            yield f"{name}_day_ahead_money", float(own["day_ahead_money"].sum())
            yield f"{name}_imbalance_money", float(own["imbalance_money"].sum())


def provider(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What a provider of storage and lines earned, by source."""
    if "leases" in tables:
        sources = ("line_fees_money", "energy_margin_money", "compensation_money", "degradation_money")
        sums = {f"esp_{name}": float(tables["leases"][name].sum()) for name in sources}
        yield "esp_profit_money", sum(sums.values())
        yield from sums.items()


def prosumers(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What each class of prosumers gains in money over trading with nobody, and apart its utility (E9).

    Who is alone is a class of its own name.
    In money it gains income, premiums and what the system would have asked for the energy that it received,
    less payments and fees.
    """
    if _p2p(tables).empty:
        return
    signs = {"income": 1.0, "premiums": 1.0, "saved": 1.0, "payments": -1.0, "fees": -1.0}
    own = tables["prosumers"]
    profit = sum(sign * own[f"{name}_money"] for name, sign in signs.items())
    sums = own.assign(profit=profit).groupby("class", sort=False)[["profit", "utility_money"]].sum()
    for name, money, utility in sums.itertuples():
        yield f"{name}_profit_money", float(money)
        yield f"{name}_utility_money", float(utility)


def pool(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Volume, price and welfare of a pool in which there was trade."""
    if _p2p(tables).empty:
        return
    table = tables["pool"]
    sums = table[["traded_mwh", "payments_money", "fees_money", "welfare_money", "welfare_bound_money"]].sum()
    yield "p2p_mwh", float(sums["traded_mwh"])
    yield "p2p_price_per_mwh", ratio(sums["payments_money"], sums["traded_mwh"])
    yield "p2p_fees_money", float(sums["fees_money"])
    yield "p2p_welfare_money", float(sums["welfare_money"])
    yield "p2p_efficiency_percent", 100.0 * ratio(sums["welfare_money"], sums["welfare_bound_money"])
    yield from _defaults(_p2p(tables))
    yield from _calls(tables["quarters"], period_h) if "quarters" in tables else ()
    yield "p2p_trading_h", float((table["traded_mwh"] > 0.0).sum()) * period_h


def _defaults(trades: pd.DataFrame) -> Iterator[Metric]:
    """What was sold and did not arrive, and what sellers had sold that failed to send it; none if all did."""
    failed = trades.loc[trades["outcome"].isin(["short", "default"]), "seller"].unique()
    if len(failed):
        missing = (trades["contracted_mwh"] - trades["delivered_mwh"]).sum()
        yield "p2p_undelivered_mwh", float(missing)
        yield "p2p_of_defaulters_mwh", float(trades["contracted_mwh"][trades["seller"].isin(failed)].sum())


def _calls(quarters: pd.DataFrame, period_h: float) -> Iterator[Metric]:
    """What an operator called of a pool, what came of it, and what it paid."""
    if not quarters["called_mw"].any():
        return
    called, delivered = -quarters["called_mw"], -quarters["delivered_mw"]
    yield "pool_called_mwh", float(called.sum()) * period_h
    yield "pool_delivered_mwh", float(delivered.sum()) * period_h
    yield "pool_short_mwh", float((called - delivered).clip(lower=0.0).sum()) * period_h
    yield "pool_short_money", float(quarters["pool_short_money"].sum())
    yield "pool_paid_money", float(quarters["line_fee_money"].sum())


def _p2p(tables: Tables) -> pd.DataFrame:
    return rows_of(tables, "trades", "prosumer")
