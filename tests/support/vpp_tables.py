"""A day of two virtual power plants in two regions, as tables, by schedules that nobody optimised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.agents.vpp.green_dispatch import dispatch_without_label
from gridarium.environment.arrays import Array
from gridarium.environment.green_label import LabelledSchedule, replay_label
from gridarium.environment.ledger import Ledger
from gridarium.environment.profiles import read_profiles
from gridarium.environment.records import Records
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.distribution_operator import DistributionOperator
from gridarium.experiments.parts.negotiation import Negotiation
from gridarium.experiments.parts.price_regions import PriceRegion, PriceRegions
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import StorageUnit
from gridarium.experiments.parts.supply import Prices
from gridarium.experiments.parts.vpp_section import Vpp
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.accounts import MAINTENANCE, REGION_PURCHASE, REGION_SALE, RETAIL, WEAR
from gridarium.market.cleanness import Pricing, cleanness_price_per_mwh
from gridarium.market.green_certificates import GreenCertificates
from gridarium.market.pool_settlement import settle_cleanness
from gridarium.market.regional_bill import RegionDay

N = 24
START = pd.Timestamp("2026-01-15", tz="Asia/Shanghai")
REGIONS = {"hill": 0.30, "dale": 0.20}
"""Load of each, MW."""
OWNERS = {"h1": ("north", "hill", "1"), "h2": ("south", "hill", "1"), "d1": ("north", "dale", "2")}
"""Plant, region and bus of each owner's storage."""
SHARES = {"north": 0.6, "south": 0.4}
WEAR_COST = 5.0
_UNIT: dict[str, Any] = {
    "p_max_mw": 0.1,
    "e_max_mwh": 0.4,
    "efficiency_charge": 0.95,
    "efficiency_discharge": 0.95,
}


def evidence(pricing: Pricing = "nodal", rules: Mapping[str, str] | None = None) -> GridEvidence:
    """What is known of that day; labels by a rule for each plant, proportional by default.

    Storages charge from 2 h and discharge in the evening; losses are 2 % of what each branch carries.
    """
    world = SimpleNamespace(
        n_period=N, period_h=1.0, periods_done=N, clock=SimpleNamespace(period_s=3600.0), times=None
    )
    grid = SimpleNamespace(name="", world=world, local=str, named=str)
    scenario = _scenario(pricing, rules or {})
    tables = _tables(scenario)
    return GridEvidence("only", cast(Any, scenario), cast(Any, grid), (), tables)


def altered(known: GridEvidence, table: str, change: Callable[[pd.DataFrame], object]) -> GridEvidence:
    """The same with a table that somebody has changed in place."""
    copy = known.tables[table].copy()
    change(copy)
    return replace(known, tables={**known.tables, table: copy})


def _scenario(pricing: Pricing, rules: Mapping[str, str]) -> SimpleNamespace:
    owners = {plant: [name for name, own in OWNERS.items() if own[0] == plant] for plant in SHARES}
    return SimpleNamespace(
        period_h=1.0,
        start=None,
        profiles="green-vpp",
        prices=Prices(green_share_column="green_share"),
        distribution_operator=DistributionOperator(pricing=pricing, expected_budget_money=20.0),
        price_regions=PriceRegions(
            regions={
                name: PriceRegion(behind=behind, load_column="load", price_column="price")
                for name, behind in (("hill", None), ("dale", "line 2"))
            }
        ),
        negotiation=Negotiation(),
        vpps={
            plant: Vpp(
                load_share=share,
                owners=owners[plant],
                label_rule=cast(Any, rules.get(plant, "proportional")),
                initial_green_share=0.3,
            )
            for plant, share in SHARES.items()
        },
        storages={name: StorageUnit(**_UNIT, wear_cost_per_mwh=WEAR_COST) for name in OWNERS},
    )  # fmt: skip


def _tables(scenario: SimpleNamespace) -> dict[str, pd.DataFrame]:
    supply = read_profiles(profile_path("green-vpp")).column("green_share")[:N]
    charge, discharge = np.zeros((2, N))
    charge[2:4], discharge[18:20] = 0.08, (0.08 * 2 * 0.95**2) / 2
    storages = pd.concat([_storage(scenario, name, charge, discharge, supply) for name in OWNERS])
    regions, plants = _regions(scenario, storages), []
    for plant in SHARES:
        plants += [_plant(plant, region, storages, regions) for region in REGIONS]
    told = pd.concat(plants, ignore_index=True)
    ledger, records = _books(told, storages)
    net = regions["load_mw"] + regions["charge_mw"] - regions["discharge_mw"]
    by_region = regions.assign(net=net).pivot(index="region", columns="period", values="net")
    branches = _branches({"line 1": by_region.sum(), "line 2": by_region.T["dale"]})
    head = branches[branches["branch"] == "line 1"]["p_from_mw"].to_numpy()
    return {
        "storages": storages,
        "price_regions": regions,
        "vpp_regions": told,
        "vpp_days": _days(told),
        "dispatch": _dispatch(storages),
        "branches": branches,
        "rounds": _rounds(),
        "heads": pd.DataFrame({"agent": "operator", "period": np.arange(N), "p_metered_mw": head}),
        "ledger": ledger,
        "records": records,
    }


def _storage(
    scenario: SimpleNamespace, name: str, charge: Array, discharge: Array, supply: Array
) -> pd.DataFrame:
    ratings = storage_ratings(name, scenario.storages[name])
    plant = scenario.vpps[OWNERS[name][0]]
    schedule = LabelledSchedule(charge, discharge, supply, 1.0)
    if plant.label_rule == "load-generator":
        schedule = schedule._replace(green_out_mwh=_greenest_mwh(schedule, ratings.efficiencies))
    labels = replay_label(ratings, schedule, plant.initial_green_share * 0.2, plant.label_rule)
    columns = {"p_charge_mw": charge, "p_discharge_mw": discharge, "e_mwh": labels.e_mwh}
    green = {"green_mwh": labels.stored_mwh, "green_in_mwh": labels.in_mwh, "green_out_mwh": labels.out_mwh}
    return pd.DataFrame({"agent": name, "kind": "storage", "period": np.arange(N), **columns, **green})


def _greenest_mwh(schedule: LabelledSchedule, efficiencies: tuple[float, float]) -> Array:
    """As much green energy as there is, at the terminals, as it is given away period by period."""
    green, given, (into, out) = 0.3 * 0.2, [], efficiencies
    for charge, discharge, share in zip(*schedule[:3], strict=True):
        given.append(min(green, discharge / out))
        green += into * share * charge - given[-1]
    return out * np.array(given)


def _regions(scenario: SimpleNamespace, storages: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for region, load in REGIONS.items():
        own = storages[storages["agent"].map(lambda name: OWNERS[name][1]) == region]
        sums = own.groupby("period")[["p_charge_mw", "p_discharge_mw", "green_out_mwh"]].sum()
        green, loads = sums["green_out_mwh"].to_numpy(), np.full(N, load)
        potential = 0.6 * (1.0 - green / load)
        price = cleanness_price_per_mwh(
            scenario.distribution_operator.pricing, np.full(N, 40.0), loads, green
        )
        parts.append(
            pd.DataFrame(
                {
                    "agent": "operator", "region": region, "period": np.arange(N), "load_mw": loads,
                    "charge_mw": sums["p_charge_mw"].to_numpy(),
                    "discharge_mw": sums["p_discharge_mw"].to_numpy(), "green_discharge_mw": green,
                    "initial_tco2_per_mwh": 0.6, "potential_tco2_per_mwh": potential,
                    "initial_price_per_mwh": 40.0, "nodal_price_per_mwh": price,
                    "traced_tco2_per_mwh": potential, "buses": 1,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _buy_price_per_mwh() -> Array:
    return np.where((np.arange(N) >= 17) & (np.arange(N) < 21), 700.0, 260.0)


def _plant(plant: str, region: str, storages: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    names = [name for name, own in OWNERS.items() if own[:2] == (plant, region)]
    own = storages[storages["agent"].isin(names)].groupby("period")
    sums = own[["p_charge_mw", "p_discharge_mw", "green_out_mwh", "green_in_mwh"]].sum()
    charge, discharge, green, into = (
        sums.reindex(range(N), fill_value=0.0)[name].to_numpy() for name in sums
    )
    load = np.full(N, SHARES[plant] * REGIONS[region])
    buy = _buy_price_per_mwh()
    net = load + charge - discharge
    posted = regions[regions["region"] == region]["nodal_price_per_mwh"].to_numpy()
    return pd.DataFrame(
        {
            "grid": "", "agent": plant, "kind": "vpp", "period": np.arange(N), "region": region,
            "load_mw": load, "charge_plan_mw": charge, "discharge_plan_mw": discharge, "green_plan_mw": green,
            "charge_mw": charge, "discharge_mw": discharge, "green_mw": green, "green_charge_mw": into,
            "buy_price_per_mwh": buy, "sell_price_per_mwh": 0.8 * buy,
            "purchase_money": buy * np.maximum(net, 0.0), "sales_money": 0.8 * buy * np.maximum(-net, 0.0),
            "environmental_money": posted * green,
        }
    )  # fmt: skip


@cache
def benchmark_money(plant: str, region: str, count: int) -> float:
    """What a plant would pay in a region by the agents' own programme, with so many storages there."""
    buy, load = _buy_price_per_mwh(), np.full(N, SHARES[plant] * REGIONS[region])
    if not count:
        return float(buy @ load)
    ratings = storage_ratings(region, StorageUnit(**_UNIT))
    day = RegionDay(region, load, buy, 0.8 * buy, np.zeros(N))
    whole = GreenDay(day, ratings, 0.3, np.full(N, 0.5), "none", WEAR_COST)
    return dispatch_without_label(whole).plan.cost_money


def _days(told: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (plant, region), own in told.groupby(["agent", "region"], sort=False):
        count = sum(one[:2] == (plant, region) for one in OWNERS.values())
        benchmark = benchmark_money(str(plant), str(region), count)
        paid = own[["purchase_money", "sales_money", "environmental_money"]].sum()
        wear = WEAR_COST * float(own["discharge_mw"].sum())
        cost = float(paid.iloc[0] - paid.iloc[1] - paid.iloc[2]) + wear
        idle = float((own["buy_price_per_mwh"] * own["load_mw"]).sum())
        rows.append(
            {
                "grid": "", "agent": plant, "kind": "vpp", "day": 0, "region": region, "cost_money": cost,
                "bound_money": cost - 1e-4 * idle, "relaxed_money": cost - 2e-4 * idle,
                "relaxed_green_mwh": float(own["green_mw"].sum()) + 0.01,
                "replayed_green_mwh": float(own["green_mw"].sum()), "overstated_money": 2e-4 * idle,
                "idle_money": idle, "benchmark_money": benchmark, "wear_money": wear, "searches": 1,
                "planner": "shares",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _rounds() -> pd.DataFrame:
    """A day on which both plants answered once, and then rested."""
    return pd.DataFrame(
        {
            "agent": "operator", "kind": "distribution_operator", "day": 0, "round": [1, 2, 3, 4],
            "price_change_per_mwh": [3.0, 2.0, 0.0, 0.0], "ended": ["", "", "converged", "converged"],
        }
    )  # fmt: skip


def _dispatch(storages: pd.DataFrame) -> pd.DataFrame:
    periods = np.arange(N)
    loads = [
        pd.DataFrame({"agent": name, "bus": "", "period": periods, "p_supply_mw": 0.0, "p_demand_mw": load})
        for name, load in REGIONS.items()
    ]
    units = storages.rename(columns={"p_charge_mw": "p_demand_mw", "p_discharge_mw": "p_supply_mw"})
    units = units.assign(bus=units["agent"].map(lambda name: OWNERS[name][2]))
    return pd.concat([*loads, units[["agent", "bus", "period", "p_supply_mw", "p_demand_mw"]]])


def _branches(carried_mw: Mapping[str, pd.Series[float]]) -> pd.DataFrame:
    """Two branches in a row: what the second one loses is drawn through the first."""
    second = carried_mw["line 2"].to_numpy()
    into = {"line 2": 1.02 * second, "line 1": 1.02 * (carried_mw["line 1"].to_numpy() + 0.02 * second)}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "branch": name, "from_bus": start, "to_bus": end, "period": np.arange(N),
                    "p_from_mw": into[name], "p_to_mw": into[name] / 1.02,
                }
            )
            for name, start, end in (("line 1", "0", "1"), ("line 2", "1", "2"))
        ]
    )  # fmt: skip


def _books(told: pd.DataFrame, storages: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    ledger, records = Ledger(START), Records(START)
    issued = GreenCertificates(records)
    for row in told.to_dict("records"):
        time, period, plant = 3600.0 * (row["period"] + 1), int(row["period"]), str(row["agent"])
        for money, payer, payee, purpose in (
            (row["purchase_money"], plant, "operator", REGION_PURCHASE),
            (row["sales_money"], "operator", plant, REGION_SALE),
            (row["buy_price_per_mwh"] * row["load_mw"], str(row["region"]), plant, RETAIL),
        ):
            if money:
                ledger.book(time, payer, payee, money, purpose, period)
        settle_cleanness(ledger, time, period, "operator", plant, row["environmental_money"])
    for row in storages[storages["green_out_mwh"] > 0.0].to_dict("records"):
        owner, time, mwh = str(row["agent"]), 3600.0 * (row["period"] + 1), row["green_out_mwh"]
        number = issued.issue(time, owner, OWNERS[owner][0], int(row["period"]), mwh)
        issued.transfer(time, number, OWNERS[owner][0], "operator", mwh)
        issued.cancel(time, number, "operator", mwh)
        ledger.book(time, owner, MAINTENANCE, WEAR_COST * row["p_discharge_mw"], WEAR, int(row["period"]))
    return ledger.table(), records.table()
