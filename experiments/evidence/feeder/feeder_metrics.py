"""Metrics of a feeder: its DSO, its consumers and renewables, its network, its negotiation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.experiments.evidence.grid_evidence import Tables, has_prices_by_bus, rows_of
from gridarium.market import accounts

Metric = tuple[str, float]


def dso_money(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What a DSO earned, by item."""
    own = rows_of(tables, "payoffs", "dso")
    if own.empty:
        return
    items = own.groupby("item")["amount_money"].sum()
    yield "dso_net_revenue_money", float(items.sum())
    yield "sales_money", float(items.get(accounts.RETAIL, 0.0) + items.get(accounts.TRUE_UP, 0.0))
    if accounts.REAL_TIME in items:
        yield "served_sales_money", float(items[accounts.REAL_TIME])
    yield "purchase_money", -float(items.get(accounts.PURCHASE, 0.0))
    yield "turbine_cost_money", -float(items.get(accounts.GENERATION, 0.0))
    yield "carbon_revenue_money", float(items.get(accounts.CARBON, 0.0))
    if accounts.DEMAND_RESPONSE in items:
        yield "curtailment_compensation_money", -float(items[accounts.DEMAND_RESPONSE])


def consumer_money(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What consumers paid, and what was left to them of their utility."""
    own = rows_of(tables, "payoffs", "consumer")
    if own.empty:
        return
    is_utility, is_lost = own["item"] == "utility", own["item"] == "curtailment"
    bills = -own.loc[~is_utility & ~is_lost, "amount_money"].sum()
    yield "user_cost_money", float(bills)
    if own.loc[is_utility, "agent"].nunique() == own["agent"].nunique():
        yield "user_surplus_money", float(own.loc[is_utility, "amount_money"].sum(skipna=False) - bills)
    if is_lost.any():
        yield "load_curtailment_cost_money", -float(own.loc[is_lost, "amount_money"].sum())


def surcharge(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What consumers paid above the plain tariff, where each bus has a price of its own."""
    if not has_prices_by_bus(tables):
        return
    trades, signals = tables["trades"], rows_of(tables, "signals", "dso")
    retail = trades[trades["product"] == "retail"]
    above = retail["price_per_mwh"] - retail["period"].map(signals.set_index("period")["tou_price_per_mwh"])
    yield "surcharge_money", float((above * retail["volume_mwh"]).sum())


def feeder_carbon(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Carbon that a DSO answers for, and what its tariff made of it."""
    carbon = rows_of(tables, "carbon", "dso")
    if carbon.empty:
        return
    yield "emission_tco2", float(carbon["emission_grid_tco2"].sum() + carbon["emission_gas_tco2"].sum())
    yield "allocated_tco2", float(carbon["allocated_tco2"].sum())
    yield "negative_credit_tco2", float(carbon["credit_tco2"].sum())
    days = tables["days"]
    if float(days["pool_first_tco2"].max()) > 0.0:
        yield "pool_first_tco2", float(days["pool_first_tco2"].iloc[0])
        yield "pool_last_tco2", float(days["pool_last_tco2"].iloc[-1])
    credited = rows_of(tables, "credits", "dso")
    for reckoning in ("formula", "grid_factor", "avoided") if len(credited) else ():
        yield f"credit_{reckoning}_tco2", float(credited[f"{reckoning}_tco2"].sum())
    signals = rows_of(tables, "signals", "dso")
    before_credit = signals["factor_planned_tco2_per_mwh"] - signals["negative_factor_tco2_per_mwh"]
    adjusted = (before_credit - signals["system_factor_tco2_per_mwh"]).abs()
    yield "factor_adjustment_max_tco2_per_mwh", float(adjusted.max())


def storage_owners(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What owners of storages earned, what of it for being commanded, and how far they were redispatched."""
    own = rows_of(tables, "payoffs", "storage")
    if own.empty:
        return
    paid = own.loc[own["item"] == accounts.STORAGE_COMPENSATION, "amount_money"]
    yield "storage_income_money", float(own["amount_money"].sum())
    yield "storage_compensation_money", float(paid.sum())
    if "storage_schedules" in tables:
        moved = tables["storage_schedules"]["p_redispatched_mw"]
        yield "storage_redispatched_mwh", float(moved.sum()) * period_h


def equal_schedules(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Least and most emission and cost with schedules that are worth the same to their owners."""
    ties = tables.get("equal_schedules")
    if ties is None:
        return
    for name in ("emission_tco2", "cost_money"):
        of_rule = ties.groupby("rule")[name].sum(min_count=1)
        yield f"equal_schedules_least_{name}", float(of_rule.min())
        yield f"equal_schedules_most_{name}", float(of_rule.max())


def forecast_errors(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How wrong consumers of each class foresaw loads of days held out, and the load of all in this run."""
    errors = rows_of(tables, "forecast_errors", "consumer")
    if errors.empty:
        return
    names = (errors["group"] + "_" + errors["method"]).str.replace("-", "_")
    for name, own in errors.groupby(names, sort=False):
        yield f"{name}_mape_share", float(own["mape"].mean())
        yield f"{name}_rmse_mw", float(own["rmse_mw"].mean())
    loads = rows_of(tables, "loads", "consumer")
    # Who never errs tells no forecast apart from the base load.
    away = (loads["p_foreseen_mw"].fillna(loads["p_base_mw"]) - loads["p_base_mw"]).groupby(loads["period"])
    yield "forecast_error_rmse_mw", float(np.sqrt((away.sum() ** 2).mean()))


def consumer_energy(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What consumers drew, and how much of it they have moved."""
    loads = rows_of(tables, "loads", "consumer")
    if loads.empty:
        return
    load = loads.groupby("period")[["p_base_mw", "p_metered_mw"]].sum()
    moved = np.abs(load["p_metered_mw"] - load["p_base_mw"]).sum() * period_h / 2.0
    yield "load_mwh", float(load["p_metered_mw"].sum()) * period_h
    yield "shifted_mwh", float(moved)
    yield "peak_load_mw", float(load["p_metered_mw"].max())


def feeder_energy(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What came through the head of a network, what its renewables gave, and what was lost on the way.

    The copper plate of a TIES counts as one that loses nothing.
    """
    if "branches" not in tables and "bulk_plans" not in tables:
        return
    dispatch = tables["dispatch"]
    yield "import_mwh", float(rows_of(tables, "dispatch", "head")["p_supply_mw"].sum()) * period_h
    renewable = rows_of(tables, "dispatch", "renewable")
    available, used = (
        float(renewable[name].sum()) * period_h if len(renewable) else 0.0
        for name in ("p_available_mw", "p_supply_mw")
    )
    yield "renewable_used_mwh", used
    yield "curtailed_mwh", available - used
    if available > 0.0:
        yield "renewable_used_share", used / available
    # Not the sum over branches: iron losses of transformers are in none.
    yield "loss_mwh", float((dispatch["p_supply_mw"] - dispatch["p_demand_mw"]).sum()) * period_h


def network(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Voltages and loading of a network."""
    if "branches" not in tables:
        return
    branches, buses = tables["branches"], tables["buses"]
    yield "voltage_min_pu", float(buses["vm_pu"].min())
    yield "voltage_max_pu", float(buses["vm_pu"].max())
    if branches["loading"].notna().any():
        yield "loading_max", float(branches["loading"].max())


def negotiation(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How long a negotiation took, and what was left of it."""
    rounds = rows_of(tables, "rounds", "dso")
    if rounds.empty:
        return
    yield "rounds", float(len(rounds))
    yield "price_residual_per_mwh", float(rounds["price_change_per_mwh"].iloc[-1])
