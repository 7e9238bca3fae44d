"""Metrics of one case of model E, taken from its tables; names carry units."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridarium.agents.prosumers.trading import FEE
from gridarium.market import operation_records as purposes

Tables = Mapping[str, pd.DataFrame]

COST_PARTS = {
    "fuel_usd": (purposes.FUEL, purposes.FUEL_ACCOUNT, 1.0),
    "start_stop_usd": (purposes.START_STOP, purposes.FUEL_ACCOUNT, 1.0),
    "carbon_trading_usd": (purposes.CARBON, purposes.CARBON_ACCOUNT, 1.0),
    "demand_response_usd": (purposes.DEMAND_RESPONSE, "operator", -1.0),
    "storage_compensation_usd": (purposes.COMPENSATION, "operator", -1.0),
    "p2p_cost_usd": (FEE, "esp", 1.0),
    "real_time_usd": (purposes.REAL_TIME, purposes.MARKET_ACCOUNT, 1.0),
}
"""Parts of the system's cost (E20, E26): purpose and account in the ledger, and the sign there."""


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
        What a case does not have (a system, a provider, a trade) has no metrics.
    """
    return {
        **(_system(tables, period_h) if len(tables["units"]) else {}),
        **_provider(tables["leases"]),
        **_prosumers(tables),
        **(_pool(tables["pool"], period_h) if len(tables["trades"]) else {}),
        "messages": float(tables["traffic"]["messages"].sum()),
    }


def cost_parts(ledger: pd.DataFrame) -> dict[str, float]:
    """Parts of the system's cost as paid, USD."""
    paid = ledger.groupby(["purpose", "account"])["amount_usd"].sum()
    return {
        name: sign * float(paid.get((purpose, account), 0.0))
        for name, (purpose, account, sign) in COST_PARTS.items()
    }


def _system(tables: Tables, period_h: float) -> dict[str, float]:
    parts, carbon, quarters = cost_parts(tables["ledger"]), tables["carbon"], tables["quarters"]
    dispatch = tables["dispatch"]
    wind = dispatch[dispatch["kind"] == "wind"][["p_supply_mw", "p_available_mw"]].sum() * period_h
    storage = dispatch[dispatch["kind"] == "storage"]
    market = dispatch[dispatch["kind"] == "market"]
    metrics = {
        "total_cost_usd": sum(parts.values()),
        **parts,
        "emission_tco2": float(carbon["emission_net_tco2"].sum()),
        "emission_gross_tco2": float(carbon["emission_gross_tco2"].sum()),
        "thermal_mwh": float(tables["units"]["gross_mw"].sum()) * period_h,
        "storage_discharged_mwh": float(storage["p_supply_mw"].sum()) * period_h,
        "real_time_mwh": float(market["p_supply_mw"].sum()) * period_h,
        "spilled_mwh": float(market["p_demand_mw"].sum()) * period_h,
        "deviation_mwh": float(quarters["deviation_mw"].abs().sum()) * period_h,
        "deviation_left_mwh": float(quarters["left_mw"].abs().sum()) * period_h,
        "replans": float(quarters["fired"].sum()),
    }
    if wind["p_available_mw"] > 0.0:
        # What nobody takes could as well have been left with the wind, which costs nothing.
        used = wind["p_supply_mw"] - metrics["spilled_mwh"]
        metrics["wind_used_percent"] = 100.0 * float(used / wind["p_available_mw"])
    for bound in tables["benchmarks"]["bound_usd"]:
        cost = realised_cost_usd(quarters)
        metrics["perfect_information_gap_percent"] = 100.0 * (cost - float(bound)) / abs(float(bound))
    return metrics


def realised_cost_usd(quarters: pd.DataFrame) -> float:
    """Cost that the operator counted, penalties on missing reserve included, USD."""
    return float(quarters[list(COUNTED)].sum().sum())


COUNTED = (
    "start_stop_usd",
    "fuel_usd",
    "carbon_usd",
    "compensation_usd",
    "wear_usd",
    "line_fee_usd",
    "market_usd",
    "shortage_usd",
)
"""Columns of the table of quarters that make up what the operator's problems minimise."""


def _provider(leases: pd.DataFrame) -> dict[str, float]:
    if leases.empty:
        return {}
    sources = ("line_fees_usd", "energy_margin_usd", "compensation_usd", "degradation_usd")
    sums = {f"esp_{name}": float(leases[name].sum()) for name in sources}
    return {"esp_profit_usd": sum(sums.values()), **sums}


def _prosumers(tables: Tables) -> dict[str, float]:
    """Profit of each prosumer: income, and value of what it received, less payments and fees."""
    if tables["trades"].empty:
        return {}
    money = (
        tables["prosumers"]
        .groupby("prosumer", sort=False)[["income_usd", "value_usd", "payments_usd", "fees_usd"]]
        .sum()
    )
    profits = money["income_usd"] + money["value_usd"] - money["payments_usd"] - money["fees_usd"]
    return {f"{name}_profit_usd": float(profit) for name, profit in profits.items()}


def _pool(pool: pd.DataFrame, period_h: float) -> dict[str, float]:
    sums = pool[["traded_mwh", "payments_usd", "fees_usd", "welfare_usd", "welfare_bound_usd"]].sum()
    return {
        "p2p_mwh": float(sums["traded_mwh"]),
        "p2p_price_usd_per_mwh": float(sums["payments_usd"] / sums["traded_mwh"]),
        "p2p_fees_usd": float(sums["fees_usd"]),
        "p2p_welfare_usd": float(sums["welfare_usd"]),
        "p2p_efficiency_percent": 100.0 * float(sums["welfare_usd"] / sums["welfare_bound_usd"]),
        "p2p_trading_h": float((pool["traded_mwh"] > 0.0).sum()) * period_h,
    }
