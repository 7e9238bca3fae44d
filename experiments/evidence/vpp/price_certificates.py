"""Certificates of prices and carbon of a feeder's regions: by profiles, terms of supply and bus flows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.bus_certificates import buses_of_regions
from gridarium.experiments.evidence.grid_evidence import GridEvidence, column_of, rows_of
from gridarium.experiments.evidence.shares import apart
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.price_regions import PRICE_REGIONS
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.results.records import Reading

_SAME = 1e-6
_LEAST_MW = 1e-12


def regional_prices(known: GridEvidence) -> Iterator[Reading]:
    """Prices at which plants planned in each region, against profiles and what the supplier told last."""
    told, section = rows_of(known.tables, "vpp_regions", "vpp"), PRICE_REGIONS.of(known.scenario)
    operators = known.of(DistributionOperator)
    if told.empty or section is None or not operators:
        return
    (operator,) = operators
    over = operator.horizon.by_period
    names = list(section.regions)
    buy = np.array(
        [over(column_of(known, one.price_column, operator.horizon)) for one in section.regions.values()]
    )
    lost = np.array([[1.0 - one.sale_share] for one in section.regions.values()])
    sell = buy - lost * np.abs(buy)
    if known.above is not None:
        move = _move_per_mwh(known, names, buy)
        buy, sell = buy + move, sell + move
    worst = 0.0
    for (_, region), rows in told.groupby(["agent", "region"], sort=False):
        place = names.index(str(region))
        for column, own in (("buy_price_per_mwh", buy), ("sell_price_per_mwh", sell)):
            by_period = rows.set_index("period")[column].sort_index().to_numpy(dtype=float)
            worst = max(worst, float(np.abs(by_period - own[place]).max()))
    yield Reading(
        "prices of regions", worst, _SAME, "money/MWh", True,
        "largest difference of a price at which a plant planned, and that of its region by the profiles; "
        "where the feeder has a supplier, moved so that their mean by loads is what that has told last (B7)",
    )  # fmt: skip


def _move_per_mwh(known: GridEvidence, names: list[str], price_per_mwh: Array) -> Array:
    """By how much all prices move, shape (n_period,)."""
    table: pd.DataFrame = known.tables["price_regions"]
    load = table.pivot(index="region", columns="period", values="load_mw").loc[names].to_numpy(dtype=float)
    total = load.sum(axis=0)
    even = np.full_like(load, 1.0 / len(names))
    share = np.divide(load, total, out=even, where=total > _LEAST_MW)
    asked = known.tables["heads"].sort_values("period")["price_per_mwh"].to_numpy(dtype=float)
    return np.asarray(asked - (share * price_per_mwh).sum(axis=0))


def regional_carbon(known: GridEvidence) -> Iterator[Reading]:
    """What green energy is worth at first, and carbon of regions, as their operator has told them."""
    regions, operators = known.tables.get("price_regions"), known.of(DistributionOperator)
    if regions is None or not operators:
        return
    (operator,) = operators
    pairs = [
        *_worth_at_first(known, operator, regions), *_factors(known, regions), *_potentials(known, regions)
    ]  # fmt: skip
    worst, name = max((apart(told, due), name) for name, told, due in pairs)
    yield Reading(
        "carbon of regions told", worst, _SAME, "", True,
        "largest difference of a region's initial price of green energy and kappa times the price of the "
        "carbon market, of its initial factor and the supplier's, of its potential and what green discharge "
        "leaves of that (B1, B2, B4), and of its traced intensity and the mean of its buses by loads; "
        "relative to the largest, or to 1",
        name,
    )  # fmt: skip


Pairs = Iterator[tuple[str, Array, Array]]


def _column(rows: pd.DataFrame, name: str) -> Array:
    return np.asarray(rows[name].to_numpy(dtype=float))


def _worth_at_first(known: GridEvidence, operator: DistributionOperator, regions: pd.DataFrame) -> Pairs:
    """c0 = kappa p (B4); a ladder's price moves with plans on the way, and is left out."""
    section, prices, horizon = (
        DISTRIBUTION_OPERATOR.of(known.scenario),
        PRICES.of(known.scenario),
        operator.horizon,
    )
    if section is None or prices.carbon_price_from == "supplier":
        return
    carbon = np.full(known.world.n_period, prices.carbon_price_per_tco2)
    if section.carbon_price_column is not None:
        carbon = horizon.by_period(column_of(known, section.carbon_price_column, horizon))
    due = section.avoided_tco2_per_mwh * carbon[regions["period"].to_numpy(dtype=int)]
    yield "initial price", _column(regions, "initial_price_per_mwh"), due


def _factors(known: GridEvidence, regions: pd.DataFrame) -> Pairs:
    """e0, the factor of what comes in as its supplier has told it."""
    told = known.tables["heads"].set_index("period")["factor_told_tco2_per_mwh"].sort_index()
    due = told.loc[regions["period"]].to_numpy(dtype=float)
    yield "initial factor", _column(regions, "initial_tco2_per_mwh"), due


def _potentials(known: GridEvidence, regions: pd.DataFrame) -> Pairs:
    """e = e0 (1 - Pgd / L), and the mean of the intensities of a region's buses, weighted by their loads."""
    load, green = _column(regions, "load_mw"), _column(regions, "green_discharge_mw")
    used = np.divide(green, load, out=np.zeros_like(load), where=load > 0.0)
    due = _column(regions, "initial_tco2_per_mwh") * (1.0 - used)
    yield "potential", _column(regions, "potential_tco2_per_mwh"), due
    buses = known.tables["buses"]
    feeder, inside = known.grid.feeder, buses_of_regions(known)
    nominal = {str(label): mw for label, mw in zip(feeder.bus_labels, feeder.p_load_mw, strict=True)}
    for name, rows in regions.groupby("region"):
        there = {str(feeder.bus_labels[bus]) for bus in np.flatnonzero(inside[str(name)])}
        own = buses[buses["bus"].astype(str).isin(there)]
        weight = own["bus"].astype(str).map(nominal).to_numpy(dtype=float)
        own = own[weight > 0.0].assign(weight=weight[weight > 0.0])
        carried = own.assign(carried=own["weight"] * own["carbon_intensity_tco2_per_mwh"])
        by_bus = carried.pivot(index="period", columns="bus", values=["carried", "weight"]).loc[
            rows["period"]
        ]
        sums = {what: by_bus[what].to_numpy(dtype=float).sum(axis=1) for what in ("carried", "weight")}
        mean = sums["carried"] / sums["weight"]
        yield f"traced in {name}", _column(rows, "traced_tco2_per_mwh"), mean
        yield f"buses of {name}", _column(rows, "buses"), np.full(len(rows), float(len(there)))
