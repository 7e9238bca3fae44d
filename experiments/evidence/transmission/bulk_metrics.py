"""Metrics of a bulk system under a TIES and of its regional systems: cost, carbon, load, fairness, rounds."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

import pandas as pd

from gridarium.environment.clock import HOUR_S, day_length
from gridarium.experiments.evidence.grid_evidence import Tables, rows_of
from gridarium.experiments.evidence.shares import ratio
from gridarium.market import accounts
from gridarium.market.fairness import gini, jain, proportionality

Metric = tuple[str, float]

COST_ITEMS = {
    "fuel_money": (accounts.FUEL, accounts.FUEL_SUPPLIERS),
    "start_stop_money": (accounts.START_STOP, accounts.FUEL_SUPPLIERS),
    "wear_money": (accounts.WEAR, accounts.MAINTENANCE),
    "balancing_money": (accounts.PURCHASE, accounts.REAL_TIME_MARKET),
    "own_carbon_money": (accounts.CARBON, accounts.CARBON_MARKET),
}
"""Parts of a TIES's cost (D1), by the item under which, and the account to which, they are paid."""
SOCIAL_COST = "social_cost_money"
_TRANSFERS = ("own_carbon_money", "services_money")
_SERVICES = (accounts.SERVICE_WEAR, accounts.SERVICE_ENERGY, accounts.SERVICE_CALL)
_OF_REGIONS = ("energy_money", "carbon_money", "pool_fee_money", "response_money")
"""Parts of what regional systems pay and bear."""


def _cost_parts(tables: Tables) -> dict[str, float]:
    payoffs = tables["payoffs"]
    return {
        name: float(
            payoffs.loc[(payoffs["item"] == item) & (payoffs["agent"] == account), "amount_money"].sum()
        )
        for name, (item, account) in COST_ITEMS.items()
    }


def emission_tco2(tables: Tables, period_h: float) -> float:
    """Of the units less what was captured, and in the balancing energy that came in, tCO2."""
    units, head = tables["units"], tables["heads"]
    return period_h * float(
        units["emission_gross_tco2_per_h"].sum()
        - units["absorbed_tco2_per_h"].sum()
        + head["carbon_t_per_h"].clip(lower=0.0).sum()
    )


def _called_parts(tables: Tables) -> dict[str, float]:
    """What a TIES has paid for services on feeders below; nothing where it can call none."""
    if "services" not in tables:
        return {}
    own = rows_of(tables, "payoffs", "ties")
    return {"services_money": -float(own.loc[own["item"].isin(_SERVICES), "amount_money"].sum())}


def called_services(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What a TIES has called feeders below for."""
    called = tables.get("services")
    if called is not None:
        for name in ("charge", "discharge", "pool"):
            yield f"called_{name}_mwh", float(called[f"{name}_called_mw"].sum()) * period_h


def ties_cost(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What a bulk system costs its TIES by part (D1), what it sells and uses up, and what it costs everybody.

    The last is what the optimum of all has least of (W.6): what is used up, carbon at what the TIES pays for
    it, and what dissatisfaction is worth; payments among agents cancel.
    """
    if "bulk_plans" not in tables:
        return
    parts, regions = _cost_parts(tables) | _called_parts(tables), tables.get("region_accounts")
    yield "ties_cost_money", sum(parts.values())
    yield from parts.items()
    own = rows_of(tables, "payoffs", "ties")
    yield "retail_money", float(own.loc[own["item"] == accounts.RETAIL, "amount_money"].sum())
    yield "ties_net_money", float(own["amount_money"].sum())
    used = sum(amount for name, amount in parts.items() if name not in _TRANSFERS)
    if regions is not None:
        used += float(regions[["response_money", "pool_fee_money"]].to_numpy().sum())
    yield "resource_cost_money", used
    if regions is not None:
        yield SOCIAL_COST, used + parts["own_carbon_money"] + float(regions["discomfort_money"].sum())


def bulk_carbon(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What was captured, emitted for what regions draw, and paid for it, and how often for each tonne.

    A tonne counts once for a TIES that answers for its units, and once more where a regional system pays the
    carbon market for it as well; what regions pay to the TIES refunds that.
    """
    if "bulk_plans" not in tables:
        return
    units, regions = tables["units"], tables.get("region_accounts")
    captured = float(units["absorbed_tco2_per_h"].sum())
    if captured > 0.0:
        yield "captured_tco2", period_h * captured
    emitted = emission_tco2(tables, period_h)
    yield "emission_tco2", emitted
    if regions is None:
        return
    energy = float(regions["energy_mwh"].sum())
    yield "intensity_tco2_per_mwh", ratio(emitted, energy)
    market = tables["payoffs"][tables["payoffs"]["agent"] == accounts.CARBON_MARKET]
    items = (accounts.CARBON, accounts.PERSONAL_CARBON, accounts.POOLED_CARBON)
    yield "carbon_paid_money", float(market.loc[market["item"].isin(items), "amount_money"].sum())
    own = period_h * (float(units["emission_gross_tco2_per_h"].sum()) - captured)
    if emitted > 0.0:
        yield "charges_per_tonne", (own + float(regions["market_tco2"].sum())) / emitted


def regions(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What regional systems draw and when, what that costs them, and how they like it."""
    own = tables.get("region_accounts")
    if own is None:
        return
    loads = rows_of(tables, "loads", "region")
    total = loads.groupby("period")[["p_base_mw", "p_metered_mw"]].sum()
    day = total.index.to_numpy() // day_length(len(total), HOUR_S * period_h)
    for name, column in (("", "p_metered_mw"), ("base_", "p_base_mw")):
        by_day = total[column].groupby(day)
        yield f"{name}peak_valley_mw", float((by_day.max() - by_day.min()).mean())
        yield f"{name}load_mwh", float(total[column].sum()) * period_h
    dispatch, load = tables["dispatch"], float(total["p_metered_mw"].sum())
    lost = float((dispatch["p_supply_mw"] - dispatch["p_demand_mw"]).sum())
    yield "loss_share", ratio(lost, load + lost)
    parts = own[list(_OF_REGIONS)].sum()
    yield "regions_cost_money", float(parts.sum())
    yield "regions_carbon_money", float(parts["carbon_money"])
    yield "regions_carbon_share", ratio(parts["carbon_money"], parts.sum())
    yield "satisfaction", float(rows_of(tables, "satisfaction", "region")["satisfaction"].mean())


def fairness(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How evenly energy and carbon are paid for among regional systems (D.1.6).

    Indices of what a tonne costs stand where nobody is paid for its carbon, as they are of amounts from 0
    on; envy is by the carbon prices of another at one's own load.
    """
    own = tables.get("region_accounts")
    if own is None:
        return
    cost, energy = own[list(_OF_REGIONS)].sum(axis=1).to_numpy(), own["energy_mwh"].to_numpy()
    if (cost > 0.0).all() and (energy > 0.0).all():
        yield "gini_cost_per_mwh", gini(cost / energy)
    if not own["carbon_money"].any() or not (own["personal_tco2"] > 0.0).all():
        return
    paid, tonnes = own["carbon_money"].to_numpy(), own["personal_tco2"].to_numpy()
    for name, amounts in (("carbon", paid), ("cost", cost)):
        if (amounts >= 0.0).all():
            yield f"jain_{name}_per_tonne", jain(amounts / tonnes)
            yield f"gini_{name}_per_tonne", gini(amounts / tonnes)
            yield f"{name}_share_gap", proportionality(amounts, tonnes).largest_gap
    yield "envy_money", float(own["envy_money"].max())


def bulk_negotiation(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How long the negotiations of a TIES took, and what became of its commitments and prices."""
    days: pd.DataFrame = rows_of(tables, "days", "ties")
    if days.empty:
        return
    yield "rounds", float(days["rounds"].sum())
    yield "most_rounds", float(days["most_rounds"].max())
    rounds = rows_of(tables, "rounds", "ties")
    # A signal to each follower, and an answer from each that was heard; what was sent again does not count.
    yield "round_messages", float((2 * rounds["replies"] + rounds["missing"]).sum())
    yield "subsystem_solves", float(rounds["replies"].sum())
    yield "at_rest_share", float((days["ended"] == "converged").mean())
    yield "revisions", float(days["revisions"].sum())
    yield "renewals", float(days["renewals"].sum())
    yield "price_level", float(days["level"].mean())
    known = days["interaction"].dropna()
    if len(known):
        yield "interaction", float(known.max())


def game_gaps(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How far the first day is from the optimum of all, from a better leader, and from Nash (W.6)."""
    if "game_gaps" not in tables:
        return
    (row,) = tables["game_gaps"].to_dict("records")
    for name in ("social", "stackelberg", "nash"):
        yield f"gap_{name}_percent", float(row[f"{name}_percent"])
    yield "gap_social_of_saving_percent", float(row["missed_saving_percent"])
    for name in ("starts_at_rest", "starts_spread", "best_response_radius"):
        yield name, float(row[name])


def exchange_gaps(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How far exchange rounds of the first day ended from the optimum of all (W.6).

    Shares of what responses save stand where they save something.
    """
    if "exchange_gaps" not in tables:
        return
    (row,) = tables["exchange_gaps"].to_dict("records")
    yield "gap_social_percent", float(row["social_percent"])
    if not isnan(row["missed_at_most_percent"]):
        yield "gap_social_of_saving_percent", float(row["missed_saving_percent"])
        yield "gap_social_of_saving_at_most_percent", float(row["missed_at_most_percent"])


def central_bound(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What the world has cost everybody, and the least that one plan for all could have cost (W.6)."""
    if "central_bounds" not in tables:
        return
    (row,) = tables["central_bounds"].to_dict("records")
    for name in ("outcome_money", "bound_money", "gap_percent", "supply_gap_percent"):
        yield f"central_{name}", float(row[name])
