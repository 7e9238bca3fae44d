"""Certificates of what is told of plants' days: costs of plans, sums of meters, the indicator LCR."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from gridarium.agents.vpp.plant import VirtualPowerPlant
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.vpp_meters import (
    has_plants,
    paid_share,
    periods_of_day,
    plant_of_owner,
)
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.vpp_section import plants_of
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, REGION_PURCHASE, REGION_SALE
from gridarium.market.certificate_book import KIND

_SAME = 1e-6
"""Of the largest amount that is compared, or of 1."""
_LEAST_MW = 1e-6
"""What a storage moves that rests."""
_ENERGY = {"load": "load", "charged": "charge", "discharged": "discharge", "green": "green"}
_MONEY = ("purchase_money", "sales_money", "environmental_money")


def told_days(known: GridEvidence) -> Iterator[Reading]:
    """What is told of plans and days of plants, each worked out anew from its parts."""
    section = DISTRIBUTION_OPERATOR.of(known.scenario)
    if section is None or not has_plants(known):
        return
    if "vpp_days" in known.tables:
        yield Reading(
            "costs of plans", _apart(_plans(known, section.pricing)), _SAME, "", True,
            "largest difference of what a plant told that its plan costs, wears and would cost without "
            "storages, and prices times what was planned (B3, B5), relative to the largest of them; of "
            "plants that plan a day at a time",
        )  # fmt: skip
        yield Reading(
            "reports of payments", _apart(_reports(known)), _SAME, "", True,
            "largest difference of what a plant has heard that it was paid and that was cancelled for a day, "
            "and what ledger and records show, relative to the largest of them",
        )  # fmt: skip
    yield Reading(
        "days of regions", _apart(_region_days(known)), _SAME, "", True,
        "largest difference of energy, money and counts of actions of a plant's day in a region, and sums "
        "over its periods, relative to the largest of them",
    )  # fmt: skip
    yield Reading(
        "indicator of response", _apart(_indicators(known)), _SAME, "", True,
        "largest difference of a day's costs by the ledger, its saving and the indicator LCR, and what the "
        "table of the operator tells of them (B5, B6), relative to the largest of them",
    )  # fmt: skip


Pair = tuple[str, float, float]
"""What is compared, as told and as worked out."""


def _apart(pairs: Iterator[Pair]) -> float:
    """Largest difference, each relative to the largest value of its kind, or to 1."""
    told = pd.DataFrame(pairs, columns=["what", "told", "due"])
    if told.empty:
        return 0.0
    size = told.groupby("what")["due"].transform(lambda due: max(1.0, float(due.abs().max())))
    both_unknown = told["told"].isna() & told["due"].isna()
    return float(((told["told"] - told["due"]).abs() / size).mask(both_unknown, 0.0).max(skipna=False))


def _plans(known: GridEvidence, pricing: str) -> Iterator[Pair]:
    """Costs of each plan under the operator's final terms; others may have been made under older ones."""
    hours, per_day, plants = known.world.period_h, periods_of_day(known), plants_of(known.scenario)
    regions, told = known.tables["price_regions"], known.tables["vpp_regions"]
    whole = told.groupby(["region", "period"])["green_plan_mw"].sum()
    final = final_days(known)
    wear, owners = STORAGES.of(known.scenario), plant_of_owner(known)
    for row in known.tables["vpp_days"].to_dict("records"):
        name, region, day = str(row["agent"]), str(row["region"]), int(row["day"])
        if plants[name].look_ahead_days > 1 or (name, day) not in final:
            continue
        own = told[(told["agent"] == name) & (told["region"] == region)].set_index("period").sort_index()
        own = own.loc[day * per_day : (day + 1) * per_day - 1]
        here = regions[regions["region"] == region].set_index("period").loc[own.index]
        wears = max(wear[owner].wear_cost_per_mwh for owner, plant in owners.items() if plant == name)
        idle = hours * float(_values(own, "buy_price_per_mwh") @ _values(own, "load_mw"))
        yield "idle", float(row["idle_money"]), idle
        worn = hours * wears * float(own["discharge_plan_mw"].sum())
        yield "wear", float(row["wear_money"]), worn
        paid = _green_price(pricing, here, whole.loc[region].loc[own.index]) @ _values(own, "green_plan_mw")
        yield "cost", float(row["cost_money"]), _energy_money(own, hours) - hours * float(paid) + worn
        if "pulled_money" in row:
            yield "pull", float(row["pulled_money"]), hours * _pulled_per_h(own)


def final_days(known: GridEvidence) -> frozenset[tuple[str, int]]:
    """Plants, by name, and the days on which they have heard their operator's last word."""
    return frozenset(
        (known.grid.local(plant.name), day.number)
        for plant in known.of(VirtualPowerPlant)
        for day in plant.days
        if day.is_final
    )


def _energy_money(own: pd.DataFrame, hours: float) -> float:
    """What is bought less what is sold by plan (B5)."""
    net = _planned_net_mw(own)
    bought = _values(own, "buy_price_per_mwh") @ np.maximum(net, 0.0)
    return hours * float(bought - _values(own, "sell_price_per_mwh") @ np.maximum(-net, 0.0))


def _planned_net_mw(own: pd.DataFrame) -> Array:
    return np.asarray(
        _values(own, "load_mw") + _values(own, "charge_plan_mw") - _values(own, "discharge_plan_mw")
    )


def _pulled_per_h(own: pd.DataFrame) -> float:
    """rho / 2 (net - target)^2, of periods with a pull."""
    off = np.nan_to_num(_planned_net_mw(own) - _values(own, "pull_target_mw"))
    return float(0.5 * _values(own, "pull_per_mw2h") @ off**2)


def _green_price(pricing: str, here: pd.DataFrame, planned_mw: pd.Series[float]) -> Array:
    """c0 (1 - Pgd / L) of all plans together, c0, or nothing (B3)."""
    load, first = _values(here, "load_mw"), _values(here, "initial_price_per_mwh")
    used = np.divide(planned_mw.to_numpy(dtype=float), load, out=np.zeros_like(load), where=load > 0.0)
    return {"none": 0.0 * first, "uniform": first, "nodal": first * (1.0 - used)}[pricing]


def _reports(known: GridEvidence) -> Iterator[Pair]:
    """What each report that came has said was paid and cancelled, by ledger and records."""
    per_day, owners = periods_of_day(known), plant_of_owner(known)
    paid = _booked(known, (ENVIRONMENTAL_PAYMENT,)).assign(day=lambda rows: rows["period"] // per_day)
    gone = _cancelled(known)
    gone = gone.assign(plant=gone["storage"].map(owners), day=gone["period"] // per_day)
    for row in known.tables["vpp_days"].drop_duplicates(["agent", "day"]).to_dict("records"):
        if np.isnan(float(row["paid_money"])):
            continue
        own = paid[(paid["account"] == row["agent"]) & (paid["day"] == row["day"])]
        yield "paid", float(row["paid_money"]), float(own["amount_money"].sum())
        used = gone[(gone["plant"] == row["agent"]) & (gone["day"] == row["day"])]
        yield "cancelled", float(row["cancelled_mwh"]), float(used["mwh"].sum())


def _cancelled(known: GridEvidence) -> pd.DataFrame:
    """Each record of a certificate that was cancelled: the storage of the record that issued it, and MWh."""
    rows = known.tables.get("records")
    if rows is None:
        return pd.DataFrame(columns=["storage", "period", "mwh"], dtype=float)
    what = rows["what"].astype(str)
    number = what.str.extract(rf"^{KIND} (\d+) cancelled$")[0]
    gone = rows[number.notna()].assign(number=number.dropna().astype(int))
    return pd.DataFrame(
        {
            "storage": gone["number"].map(rows.set_index("entry")["writer"]),
            "period": gone["period"].astype("float64"),
            "mwh": gone["discharge_mwh"].astype("float64"),
        }
    )


def _booked(known: GridEvidence, purposes: tuple[str, ...]) -> pd.DataFrame:
    """Rows of the ledger for some purposes, of the accounts of plants."""
    ledger = known.tables["ledger"]
    return ledger[ledger["purpose"].isin(purposes) & ledger["account"].isin(plants_of(known.scenario))]


def _region_days(known: GridEvidence) -> Iterator[Pair]:
    """Sums of each day in each region, by its periods."""
    hours, per_day = known.world.period_h, periods_of_day(known)
    told, days = known.tables["vpp_regions"], known.tables["vpp_region_days"]
    told = told.assign(
        day=told["period"] // per_day, environmental_money=told["environmental_money"] * paid_share(known)
    ).sort_values("period", kind="stable")
    by_place = dict(iter(told.groupby(["agent", "day", "region"])))
    for row in days.to_dict("records"):
        own = by_place[row["agent"], row["day"], row["region"]]
        for name, column in _ENERGY.items():
            yield "energy", row[f"{name}_mwh"], hours * float(own[f"{column}_mw"].sum())
        money = {name: float(own[name].sum()) for name in _MONEY}
        for name, amount in money.items():
            yield "money", row[name], amount
        due = money["purchase_money"] - money["sales_money"] - money["environmental_money"]
        yield "money", row["cost_money"], due
        for way in ("charge", "discharge"):
            moves = [power > _LEAST_MW for power in own[f"{way}_mw"]]
            begun = sum(now and not before for before, now in pairwise([False, *moves]))
            yield "actions", row[f"{way}_actions"], float(sum(moves))
            yield "actions", row[f"{way}_runs"], float(begun)


def _indicators(known: GridEvidence) -> Iterator[Pair]:
    """Costs of each day by the ledger, and LCR = w_V dC / C_3 + w_S (E - dC) / E (B5, B6)."""
    section, per_day = DISTRIBUTION_OPERATOR.of(known.scenario), periods_of_day(known)
    assert section is not None
    energy = _booked(known, (REGION_PURCHASE, REGION_SALE))
    clean = _booked(known, (ENVIRONMENTAL_PAYMENT,))
    told = known.tables["vpp_regions"]
    without = known.world.period_h * told["buy_price_per_mwh"] * told["load_mw"]
    for row in known.tables["vpp_lcr"].to_dict("records"):
        bought, paid = (
            float(rows.loc[rows["period"] // per_day == row["day"], "amount_money"].sum())
            for rows in (energy, clean)
        )
        yield "money", row["environmental_money"], paid
        yield "money", row["cost_money"], -bought - paid
        yield "money", row["idle_money"], float(without[told["period"] // per_day == row["day"]].sum())
        saving = row["benchmark_money"] - row["cost_money"] - row["wear_money"]
        yield "money", row["saving_money"], saving
        idle = (section.expected_budget_money - 0.0) / section.expected_budget_money
        left = (section.expected_budget_money - saving) / section.expected_budget_money
        gained = saving / row["benchmark_money"] if row["benchmark_money"] > 0.0 else np.nan
        system = left if row["benchmark_money"] > 0.0 else np.nan
        yield "share", row["lcr_vpp"], gained
        yield "share", row["lcr_system"], system
        yield "share", row["lcr"], section.vpp_weight * gained + section.system_weight * system
        yield "share", row["lcr_idle"], section.system_weight * idle


def _values(rows: pd.DataFrame, name: str) -> Array:
    return np.asarray(rows[name].to_numpy(dtype=float))
