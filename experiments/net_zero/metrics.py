"""Metrics of one case of model E, taken from its tables; names carry units."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridarium.market import accounts

Tables = Mapping[str, pd.DataFrame]

COST_PARTS = {
    "fuel_money": (accounts.FUEL, accounts.FUEL_SUPPLIERS, 1.0),
    "start_stop_money": (accounts.START_STOP, accounts.FUEL_SUPPLIERS, 1.0),
    "carbon_trading_money": (accounts.CARBON, accounts.CARBON_MARKET, 1.0),
    "demand_response_money": (accounts.DEMAND_RESPONSE, "operator", -1.0),
    "storage_compensation_money": (accounts.WEAR_COMPENSATION, "operator", -1.0),
    "p2p_cost_money": (accounts.LINE_FEE, "esp", 1.0),
    "real_time_money": (accounts.PURCHASE, accounts.REAL_TIME_MARKET, 1.0),
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
    """Parts of the system's cost as paid, money."""
    paid = ledger.groupby(["purpose", "account"])["amount_money"].sum()
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
        "total_cost_money": sum(parts.values()),
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
    for bound in tables["benchmarks"]["bound_money"]:
        cost = realised_cost_money(quarters)
        metrics["perfect_information_gap_percent"] = 100.0 * (cost - float(bound)) / abs(float(bound))
    return metrics


def realised_cost_money(quarters: pd.DataFrame) -> float:
    """Cost that the operator counted, penalties on missing reserve included, money."""
    return float(quarters[list(COUNTED)].sum().sum())


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


def _provider(leases: pd.DataFrame) -> dict[str, float]:
    if leases.empty:
        return {}
    sources = ("line_fees_money", "energy_margin_money", "compensation_money", "degradation_money")
    sums = {f"esp_{name}": float(leases[name].sum()) for name in sources}
    return {"esp_profit_money": sum(sums.values()), **sums}


def _prosumers(tables: Tables) -> dict[str, float]:
    """Profit of each prosumer: income, and value of what it received, less payments and fees."""
    if tables["trades"].empty:
        return {}
    money = (
        tables["prosumers"]
        .groupby("prosumer", sort=False)[["income_money", "value_money", "payments_money", "fees_money"]]
        .sum()
    )
    profits = money["income_money"] + money["value_money"] - money["payments_money"] - money["fees_money"]
    return {f"{name}_profit_money": float(profit) for name, profit in profits.items()}


def _pool(pool: pd.DataFrame, period_h: float) -> dict[str, float]:
    sums = pool[["traded_mwh", "payments_money", "fees_money", "welfare_money", "welfare_bound_money"]].sum()
    return {
        "p2p_mwh": float(sums["traded_mwh"]),
        "p2p_price_per_mwh": float(sums["payments_money"] / sums["traded_mwh"]),
        "p2p_fees_money": float(sums["fees_money"]),
        "p2p_welfare_money": float(sums["welfare_money"]),
        "p2p_efficiency_percent": 100.0 * float(sums["welfare_money"] / sums["welfare_bound_money"]),
        "p2p_trading_h": float((pool["traded_mwh"] > 0.0).sum()) * period_h,
    }
