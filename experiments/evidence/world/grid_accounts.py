"""What each grid of a world of several adds to the whole: carbon, cost to everybody, bills, energy left."""

from __future__ import annotations

import pandas as pd

from gridarium.agents.feeder.consumer import Consumer
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables, rows_of
from gridarium.market import accounts

OUTSIDE = (
    accounts.UPSTREAM,
    accounts.REAL_TIME_MARKET,
    accounts.DAY_AHEAD_MARKET,
    accounts.FUEL_SUPPLIERS,
    accounts.MAINTENANCE,
)
"""Accounts of who stands for the rest of the world, beside the carbon market."""
FINAL_USERS = ("consumer", "region", "load", "flexible_load", "prosumer")
"""Kinds of agents for whose needs there is a grid."""
_NO_PAYMENTS = ("utility", "value of energy", "curtailment")
"""Items of payoffs that nobody pays."""


def grid_accounts_table(known: GridEvidence) -> pd.DataFrame:
    """A row for a grid that is one of several: what one copy of it adds to the world.

    Notes
    -----
    Emission is that of its units less what they captured, and where it hangs on no other grid that of the
    energy that came in. What is used up is what leaves the world's accounts for fuel, starts, wear and energy
    from outside, less what outsiders pay, and what responses cost those who respond. Payments among agents
    cancel in the world, so that they are no cost here.
    """
    tables = known.tables
    if len(known.world.grids) < 2 or not {"units", "heads"} & tables.keys():
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "grid": [known.grid.name],
            "copies": [known.grid.copies],
            "emission_tco2": [known.world.period_h * _carbon_per_h(known)],
            "resource_money": [_paid_to(tables, OUTSIDE) + _borne(tables, "response_money")],
            "carbon_money": [_paid_to(tables, (accounts.CARBON_MARKET,))],
            "discomfort_money": [_discomfort_money(known)],
            "user_cost_money": [_bills_money(tables)],
            "curtailed_mwh": [known.world.period_h * _curtailed_mw(tables)],
        }
    )


def _carbon_per_h(known: GridEvidence) -> float:
    """Sum over periods of what units emit net of capture, and what comes in from outside, tCO2/h."""
    units, head = known.tables.get("units"), known.tables.get("heads")
    own = 0.0
    if units is not None:
        own = float(units["emission_gross_tco2_per_h"].sum() - units["absorbed_tco2_per_h"].sum())
    if head is None or known.grid.above is not None:
        return own
    return own + float(head["carbon_t_per_h"].clip(lower=0.0).sum())


def _paid_to(tables: Tables, names: tuple[str, ...]) -> float:
    """What the agents of a grid have paid to accounts, less what these have paid to them, money."""
    payoffs = tables["payoffs"]
    return float(payoffs.loc[payoffs["agent"].isin(names), "amount_money"].sum())


def _borne(tables: Tables, column: str) -> float:
    """What regional systems bear without paying it to anybody, money."""
    told = rows_of(tables, "satisfaction", "region")
    return float(told[column].sum()) if len(told) else 0.0


def _discomfort_money(known: GridEvidence) -> float:
    """What it is worth to users to draw as they wanted to at first; of elastic ones what is cut alone."""
    payoffs = known.tables["payoffs"]
    lost = -float(payoffs.loc[payoffs["item"] == "curtailment", "amount_money"].sum())
    shifted = sum(consumer.discomfort_money for consumer in known.of(Consumer))
    return lost + shifted + _borne(known.tables, "discomfort_money")


def _bills_money(tables: Tables) -> float:
    """What final users paid less what they were paid, money."""
    own = rows_of(tables, "payoffs", *FINAL_USERS)
    return -float(own.loc[~own["item"].isin(_NO_PAYMENTS), "amount_money"].sum())


def _curtailed_mw(tables: Tables) -> float:
    """Sum over periods of what the sun and the wind had left, MW."""
    plants = rows_of(tables, "dispatch", "renewable")
    return float((plants["p_available_mw"] - plants["p_supply_mw"]).sum()) if len(plants) else 0.0
