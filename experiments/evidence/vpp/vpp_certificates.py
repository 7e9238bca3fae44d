"""Certificates of virtual power plants: energy of regions, money, nodal prices, carbon, certificates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.ledger_tables import records_of
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.vpp.vpp_meters import (
    FLOWS,
    by_region,
    has_plants,
    largest_difference,
    metered,
    paid_share,
    plant_of_owner,
    region_of_owner,
)
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.parts.vpp_section import plants_of
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, REGION_PURCHASE, REGION_SALE, RETAIL
from gridarium.market.certificate_book import KIND, double_counting, unfounded

_ROUNDING = 1e-6
_CENT = 1e-6
_PRICE = 1e-3
"""Of green energy, money/MWh: what solver noise of green discharge moves it by."""
_TRACED = 0.1
"""Share of the grid's carbon factor by which preset congestion may be off the real flow."""


def energy(known: GridEvidence) -> Iterator[Reading]:
    """Meters of regions against those of agents, and with losses against the head (B9)."""
    if not has_plants(known):
        return
    told, regions = known.tables["vpp_regions"], known.tables["price_regions"]
    wrong = largest_difference(by_region(told, *FLOWS), metered(known))
    both = (rows.groupby(["region", "period"])[list(FLOWS)].sum() for rows in (told, regions))
    yield Reading(
        "meters of regions", max(wrong, largest_difference(*both)), _ROUNDING, "MW", True,
        "largest difference of load, charge and discharge of a region as plants, or the operator, count "
        "them, and as loads and storages there have metered them",
    )  # fmt: skip
    net = regions["load_mw"] + regions["charge_mw"] - regions["discharge_mw"]
    n = known.world.n_period
    taken = by_period(regions.assign(net=net), "net", n) + _losses_mw(known)
    head = by_period(known.tables["heads"], "p_metered_mw", n)
    yield Reading(
        "regions and head", float(np.abs(taken - head).max()), _ROUNDING, "MW", True,
        "largest difference of what all regions draw, with losses of all branches, and what passes the head "
        "(B9)",
    )  # fmt: skip


def _losses_mw(known: GridEvidence) -> Array:
    branches = known.tables["branches"]
    lost = branches.assign(lost=branches["p_from_mw"] - branches["p_to_mw"])
    return by_period(lost, "lost", known.world.n_period)


def money(known: GridEvidence) -> Iterator[Reading]:
    """What plants paid and were paid for energy and cleanness, against prices times meters (B5)."""
    if not has_plants(known):
        return
    told, hours = known.tables["vpp_regions"], known.world.period_h
    net = told["load_mw"] + told["charge_mw"] - told["discharge_mw"]
    posted = known.tables["price_regions"].set_index(["region", "period"])["nodal_price_per_mwh"]
    price = posted.loc[list(zip(told["region"], told["period"], strict=True))].to_numpy(dtype=float)
    owed = told.assign(
        bought=hours * told["buy_price_per_mwh"] * net.clip(lower=0.0),
        sold=hours * told["sell_price_per_mwh"] * (-net).clip(lower=0.0),
        clean=hours * price * told["green_mw"] * paid_share(known),
        passed_on=hours * told["buy_price_per_mwh"] * told["load_mw"],
    )
    energy_error = max(
        _unbooked(known, owed, "bought", REGION_PURCHASE, -1.0), _unbooked(known, owed, "sold", REGION_SALE)
    )
    yield Reading(
        "regional energy paid", energy_error, _CENT, "money", True,
        "largest difference, in a period, of what the ledger shows that a plant paid or got for energy, and "
        "nodal prices times its net meters",
    )  # fmt: skip
    paid_error = _unbooked(known, owed, "clean", ENVIRONMENTAL_PAYMENT)
    yield Reading(
        "environmental payments", paid_error, _CENT, "money", True,
        "largest difference, in a period, of what the ledger shows that a plant was paid for cleanness, and "
        "posted nodal carbon prices times its green discharge as far as loads could use it",
    )  # fmt: skip
    yield Reading(
        "retail passed on", _unbooked(known, owed, "passed_on", RETAIL), _CENT, "money", True,
        "largest difference, in a period, of what the ledger shows that customers paid a plant, and nodal "
        "prices times the loads that it serves",
    )  # fmt: skip
    parts = (("bought", "purchase_money"), ("sold", "sales_money"), ("clean", "environmental_money"))
    owed["environmental_money"] *= paid_share(known)
    off = max(float((owed[column] - owed[name]).abs().max()) for column, name in parts)
    yield Reading(
        "bills told", off, _CENT, "money", True,
        "largest difference of what a plant told of its bill in a region and period, and prices times meters",
    )  # fmt: skip


def _unbooked(known: GridEvidence, owed: pd.DataFrame, column: str, purpose: str, sign: float = 1.0) -> float:
    """Largest difference of what a plant owed or was owed in a period, and what is booked."""
    ledger, n = known.tables["ledger"], known.world.n_period
    booked = ledger[ledger["purpose"] == purpose]
    return max(
        float(
            np.abs(
                sign * by_period(booked[booked["account"] == plant], "amount_money", n)
                - by_period(own, column, n)
            ).max()
        )
        for plant, own in owed.groupby("agent", sort=False)
    )


def nodal_prices(known: GridEvidence) -> Iterator[Reading]:
    """Posted prices of green energy against c0 (1 - Pgd / L) at the green energy that was certified (B3)."""
    section = DISTRIBUTION_OPERATOR.of(known.scenario)
    if section is None or not has_plants(known):
        return
    regions = known.tables["price_regions"]
    load, green = (regions[name].to_numpy(dtype=float) for name in ("load_mw", "green_discharge_mw"))
    left = 1.0 - np.divide(green, load, out=np.zeros_like(load), where=load > 0.0)
    factor = {"none": 0.0 * left, "uniform": np.ones_like(left), "nodal": left}[section.pricing]
    called_for = regions["initial_price_per_mwh"].to_numpy(dtype=float) * factor
    plants = plants_of(known.scenario).values()
    follows = any(plant.planner == "price-taking" for plant in plants) and section.pricing == "nodal"
    tolerance = NEGOTIATION.of(known.scenario).price_tolerance_per_mwh if follows else _PRICE
    off = float(np.abs(regions["nodal_price_per_mwh"].to_numpy(dtype=float) - called_for).max())
    yield Reading(
        "nodal carbon price", off, tolerance, "money/MWh", _keeps_plans(known) and not follows,
        "largest difference of the price paid for green energy and the one that certified green discharge "
        "calls for (B3); nothing where cleanness is not paid",
    )  # fmt: skip
    if section.pricing == "none":
        ledger = known.tables["ledger"]
        paid = ledger.loc[ledger["purpose"] == ENVIRONMENTAL_PAYMENT, "amount_money"].abs().sum()
        yield Reading(
            "nothing paid", float(paid), 0.0, "money", True,
            "what the ledger shows that was paid for cleanness, where it is not to be paid",
        )  # fmt: skip


def _keeps_plans(known: GridEvidence) -> bool:
    """Whether green discharge was what had been planned, so that prices posted before hold after."""
    told = known.tables["vpp_regions"]
    return bool((told["green_mw"] - told["green_plan_mw"]).abs().max() <= _ROUNDING)


def rest(known: GridEvidence) -> Iterator[Reading]:
    """Whether plants came to rest: the price that their last answers call for against that they answered."""
    rounds = rows_of(known.tables, "rounds", "distribution_operator")
    if rounds.empty or not has_plants(known):
        return
    last = rounds.groupby("day").tail(1)
    worst = last.iloc[int(last["price_change_per_mwh"].to_numpy(dtype=float).argmax())]
    ended = rounds[(rounds["day"] == worst["day"]) & (rounds["ended"] != "")]["ended"].iloc[0]
    yield Reading(
        "rest of plants", float(worst["price_change_per_mwh"]),
        NEGOTIATION.of(known.scenario).price_tolerance_per_mwh, "money/MWh", False,
        "largest distance, at the end of a day's negotiation, of the nodal carbon price that all answers "
        "call for from the one that a plant has answered",
        f"ended after {worst['round']} rounds: {ended}",
    )  # fmt: skip


def carbon(known: GridEvidence) -> Iterator[Reading]:
    """Carbon of regions by their potentials (B1, B2), and by the flow through the feeder."""
    if not has_plants(known):
        return
    regions, n = known.tables["price_regions"], known.world.n_period
    load, green, initial, potential, traced = (
        regions[name].to_numpy(dtype=float)
        for name in (
            "load_mw", "green_discharge_mw", "initial_tco2_per_mwh", "potential_tco2_per_mwh",
            "traced_tco2_per_mwh",
        )
    )  # fmt: skip
    rates = regions.assign(by_potential=potential * load, by_parts=initial * load - initial * green)
    off = np.abs(by_period(rates, "by_potential", n) - by_period(rates, "by_parts", n)).max()
    yield Reading(
        "emission of regions", float(off), _ROUNDING, "tCO2/h", True,
        "largest difference of carbon potentials times loads of all regions, and the grid's factor times "
        "their loads less green discharge (B1, B2)",
    )  # fmt: skip
    outside = np.maximum(potential - initial, -potential)
    yield Reading(
        "carbon potential", max(0.0, float(outside.max())), _ROUNDING, "tCO2/MWh", True,
        "how far a carbon potential leaves the range from 0 to the grid's factor",
    )  # fmt: skip
    known_flow = np.isfinite(traced)
    weight = load * known_flow
    gap = np.where(known_flow, np.abs(traced - potential), 0.0) @ weight / max(float(initial @ weight), 1e-9)
    yield Reading(
        "potential and flow", float(gap), _TRACED, "", False,
        "mean distance of carbon potentials, by labels and preset congestion, from intensities traced "
        "through the feeder, weighted by load, relative to the grid's factor",
    )  # fmt: skip


def certificates(known: GridEvidence) -> Iterator[Reading]:
    """Green certificates against each other, and against the green energy that has left storages."""
    if not has_plants(known):
        return
    table = known.tables.get("records", pd.DataFrame())
    records = records_of(table) if len(table) else []
    twice = double_counting(records)
    yield Reading(
        "double counting", float(len(twice)), 0.0, "", True,
        "records of green certificates that count energy twice, or that nobody could have written",
        twice[0].what if twice else "",
    )  # fmt: skip
    storages = known.tables["storages"]
    out = {
        (str(agent), int(period)): float(green)
        for agent, period, green in storages[["agent", "period", "green_out_mwh"]].itertuples(index=False)
    }
    without = unfounded(records, out)
    yield Reading(
        "unfounded certificates", float(len(without)), 0.0, "", True,
        "green certificates over more green energy than has left the storage",
        without[0].what if without else "",
    )  # fmt: skip
    hours, regions = known.world.period_h, known.tables["price_regions"]
    issued, cancelled = (_acted_mwh(table, verb) for verb in ("issued", "cancelled"))
    told = known.tables["vpp_regions"].groupby(["region", "period"])["green_mw"].sum()
    place = regions.set_index(["region", "period"])
    usable = hours * np.minimum(place["load_mw"], told.reindex(place.index).fillna(0.0))
    unused = abs(cancelled - float(usable.sum()))
    beyond = issued - float(usable.sum())
    yield Reading(
        "certificates in use", unused, _ROUNDING, "MWh", True,
        "difference of green energy of cancelled certificates and of what was issued and loads of regions "
        "could use",
        f"{beyond:.3g} MWh were more than they could use" if beyond > _ROUNDING else "",
    )  # fmt: skip
    off = hours * float((place["green_discharge_mw"] - usable / hours).abs().max())
    yield Reading(
        "green energy used", off, _ROUNDING, "MWh", True,
        "largest difference, in a region and period, of the green energy that potentials and prices count "
        "with and that of certificates, as far as loads could use it",
    )  # fmt: skip
    yield Reading(
        "certified green energy", _uncertified_mwh(known, table), _ROUNDING, "MWh", True,
        "largest difference, in a region and period, of the green energy that a plant was paid for and that "
        "of certificates issued for its storages there",
    )  # fmt: skip


def _acted_mwh(table: pd.DataFrame, verb: str) -> float:
    """Green energy of all records that say that certificates were issued, or cancelled."""
    if table.empty:
        return 0.0
    what = table["what"]
    return float(table.loc[what.str.startswith(KIND) & what.str.endswith(verb), "discharge_mwh"].sum())


def _uncertified_mwh(known: GridEvidence, table: pd.DataFrame) -> float:
    told = by_region(known.tables["vpp_regions"], "green_mw") * known.world.period_h
    if table.empty:
        return largest_difference(told, 0.0 * told)
    owners, regions = plant_of_owner(known), region_of_owner(known)
    issued = table[table["what"] == f"{KIND} issued"]
    rows = pd.DataFrame(
        {
            "agent": issued["writer"].map(owners).fillna("nobody"),
            "region": issued["writer"].map(regions).fillna("nowhere"),
            "period": issued["period"].astype("int64"),
            "green_mw": issued["discharge_mwh"].astype(float),
        }
    )
    return largest_difference(told, by_region(rows, "green_mw"))
