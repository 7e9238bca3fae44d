"""Metrics of one case, taken from its tables; names carry units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridarium.market import accounts

Tables = Mapping[str, pd.DataFrame]


def summarise(tables: Tables, period_h: float) -> dict[str, float]:
    """Metrics of the tables of one case.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a single case.
    period_h : float
        Length of a settlement period, h.

    Returns
    -------
    dict
        Solver noise included.
    """
    return {
        **_money(tables["payoffs"]),
        **_carbon(tables["carbon"]),
        **_energy(tables, period_h),
        **_grid(tables),
        **_negotiation(tables["rounds"]),
    }


def _money(payoffs: pd.DataFrame) -> dict[str, float]:
    items = payoffs.groupby(["kind", "item"])["amount_money"].sum()
    dso = items.get("dso", pd.Series(dtype=float))
    consumers = payoffs[~payoffs["kind"].isin(["dso", "counterparty"])]
    bills = -consumers.loc[consumers["item"] != "utility", "amount_money"].sum()
    utility = consumers.loc[consumers["item"] == "utility", "amount_money"].sum()
    return {
        "dso_net_revenue_money": float(dso.sum()),
        "sales_money": float(dso.get(accounts.RETAIL, 0.0) + dso.get(accounts.TRUE_UP, 0.0)),
        "purchase_money": -float(dso.get(accounts.PURCHASE, 0.0)),
        "turbine_cost_money": -float(dso.get(accounts.FUEL, 0.0)),
        "carbon_revenue_money": float(dso.get(accounts.CARBON, 0.0)),
        "user_cost_money": float(bills),
        "user_surplus_money": float(utility - bills),
    }


def _carbon(carbon: pd.DataFrame) -> dict[str, float]:
    return {
        "emission_tco2": float(carbon["emission_grid_tco2"].sum() + carbon["emission_gas_tco2"].sum()),
        "allocated_tco2": float(carbon["allocated_tco2"].sum()),
        "negative_credit_tco2": float(carbon["credit_tco2"].sum()),
    }


def _energy(tables: Tables, period_h: float) -> dict[str, float]:
    dispatch, decisions = tables["dispatch"], tables["decisions"]
    by_kind = dispatch.groupby("kind")[["p_supply_mw", "p_demand_mw"]].sum() * period_h
    renewable = dispatch[dispatch["kind"] == "renewable"]
    available = float(renewable["p_available_mw"].sum()) * period_h
    used = float(renewable["p_supply_mw"].sum()) * period_h
    load = decisions.groupby("period")[["p_base_mw", "p_metered_mw"]].sum()
    moved = np.abs(load["p_metered_mw"] - load["p_base_mw"]).sum() * period_h / 2.0
    metrics = {
        "load_mwh": float(load["p_metered_mw"].sum()) * period_h,
        "shifted_mwh": float(moved),
        "peak_load_mw": float(load["p_metered_mw"].max()),
        "import_mwh": float(by_kind["p_supply_mw"]["grid"]),
        "renewable_used_mwh": used,
        "curtailed_mwh": available - used,
    }
    if available > 0.0:
        metrics["renewable_used_share"] = used / available
    # Not the sum over branches: iron losses of transformers are in none.
    metrics["loss_mwh"] = float((by_kind["p_supply_mw"] - by_kind["p_demand_mw"]).sum())
    return metrics


def _grid(tables: Tables) -> dict[str, float]:
    branches, buses = tables["branches"], tables["buses"]
    metrics = {
        "voltage_min_pu": float(buses["vm_pu"].min()),
        "voltage_max_pu": float(buses["vm_pu"].max()),
    }
    if branches["loading"].notna().any():
        metrics["loading_max"] = float(branches["loading"].max())
    return metrics


def _negotiation(rounds: pd.DataFrame) -> dict[str, float]:
    return {
        "rounds": float(len(rounds)),
        "price_residual_per_mwh": float(rounds["price_change_per_mwh"].iloc[-1]),
    }
