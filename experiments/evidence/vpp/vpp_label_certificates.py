"""Certificates of green labels: what storages hold and give, and how far plans are from the best ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.label_reference import Metered, green_out_mwh
from gridarium.experiments.evidence.vpp.vpp_fleets import fleet_days
from gridarium.experiments.evidence.vpp.vpp_meters import green_supply_share, has_plants, plant_of_owner
from gridarium.experiments.evidence.vpp.vpp_metrics import gap_money, overstated_of_saving
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.vpp_section import plants_of
from gridarium.experiments.results.records import Reading

_ROUNDING = 1e-6
_GAP_SHARE = 5e-4
"""Of the bill without storages: how far a plan may be from its bound."""
_BENCHMARK_SHARE = 5e-5
"""Of the same: what searches for whole numbers may be off."""
_GAP_OF_SAVING = {"uniform": 0.01, "nodal": 0.02}
_SAVING_SHARE = 0.005
"""Of the bill: savings below it are too small to be divided by."""


class _Labelled(NamedTuple):
    """A storage with its ratings and its rows of `storages`, by period."""

    ratings: StorageRatings
    rule: str
    initial_share: float
    rows: pd.DataFrame

    def values(self, name: str) -> Array:
        """A column, shape (n_period,)."""
        return np.asarray(self.rows[name].to_numpy(dtype=float))


def labels(known: GridEvidence) -> Iterator[Reading]:
    """Green energy of each storage: its balance, its share, and what its rule lets leave."""
    if not has_plants(known):
        return
    supply, units = green_supply_share(known), list(_labelled(known))
    yield Reading(
        "green balance", max(map(_imbalance_mwh, units)), _ROUNDING, "MWh", True,
        "largest difference, in a storage, of green energy that came in and that left, losses taken off, and "
        "the change of what is inside (B11)",
    )  # fmt: skip
    yield Reading(
        "green share inside", max(map(_beyond_content_mwh, units)), _ROUNDING, "MWh", True,
        "how far green energy inside a storage is below zero or above all energy inside",
    )  # fmt: skip
    hours = known.world.period_h
    came = max(
        float(np.abs(one.values("green_in_mwh") - hours * supply * one.values("p_charge_mw")).max())
        for one in units
    )
    told = known.tables["vpp_regions"]
    due = supply[told["period"].to_numpy(dtype=int)] * told["charge_mw"].to_numpy(dtype=float)
    came = max(came, hours * float(np.abs(told["green_charge_mw"].to_numpy(dtype=float) - due).max()))
    yield Reading(
        "green energy charged", came, _ROUNDING, "MWh", True,
        "largest difference of green energy that a storage, or those of a region, took in a period and the "
        "charge times the green share of the grid's supply",
    )  # fmt: skip
    left = max(
        float(np.abs(one.values("green_out_mwh") - _expected_out_mwh(one, supply, hours)).max())
        for one in units
    )
    yield Reading(
        "green energy discharged", left, _ROUNDING, "MWh", True,
        "largest difference of green energy that left a storage in a period and what its rule lets leave, by "
        "sums and products over its meters (B11)",
        "rules: " + ", ".join(sorted({one.rule for one in units})),
    )  # fmt: skip


def _labelled(known: GridEvidence) -> Iterator[_Labelled]:
    plants, units, storages = plants_of(known.scenario), STORAGES.of(known.scenario), known.tables["storages"]
    for owner, plant in plant_of_owner(known).items():
        rows = storages[storages["agent"] == owner].sort_values("period", kind="stable")
        section = plants[plant]
        ratings = storage_ratings(owner, units[owner])
        yield _Labelled(ratings, section.label_rule, section.initial_green_share, rows)


def _imbalance_mwh(one: _Labelled) -> float:
    """|G_t - G_0 - sum_s (eta_c in_s - out_s / eta_d)|, the largest over time."""
    into, out = one.ratings.efficiencies
    moved = into * one.values("green_in_mwh") - one.values("green_out_mwh") / out
    first = one.initial_share * one.ratings.soc_initial * one.ratings.e_max_mwh
    return float(np.abs(one.values("green_mwh") - first - np.cumsum(moved)).max())


def _beyond_content_mwh(one: _Labelled) -> float:
    green = one.values("green_mwh")
    return max(0.0, float(np.maximum(-green, green - one.values("e_mwh")).max()))


def _expected_out_mwh(one: _Labelled, supply_share: Array, hours: float) -> Array:
    ratings = one.ratings
    metered = Metered(
        hours * one.values("p_charge_mw"),
        hours * one.values("p_discharge_mw"),
        supply_share,
        *ratings.efficiencies,
        ratings.soc_initial * ratings.e_max_mwh,
        one.initial_share,
    )
    return green_out_mwh(metered, one.rule)


def plans(known: GridEvidence) -> Iterator[Reading]:
    """How far plans are from what is proven, and by what their first relaxation was too green."""
    days, section = known.tables.get("vpp_days"), DISTRIBUTION_OPERATOR.of(known.scenario)
    if days is None or section is None:
        return
    gap, bill = gap_money(days), _scales_money(known, days)
    if gap.notna().any():
        yield Reading(
            "bound of plans", max(0.0, float((-gap / bill).max())), 1e-6, "", True,
            "most by which the bound of a region's plan lies above its cost, relative to the bill without "
            "storages; must not",
        )  # fmt: skip
        yield Reading(
            "gap of plans", float((gap / bill).max()), _GAP_SHARE, "", False,
            "most by which a region's plan may cost more than the best one, relative to the bill without "
            "storages",
            f"{float(gap.sum()):.3g} money of all regions and days",
        )  # fmt: skip
        counted = days["cost_money"] + days.get("pulled_money", 0.0)
        above = float(((days["relaxed_money"] - counted) / bill).max())
        yield Reading(
            "relaxed optimum", max(0.0, above), _GAP_SHARE, "", False,
            "most by which the first relaxed optimum of a region's plan lies above the cost of that plan, "
            "relative to the bill without storages; a relaxation is no dearer than what it relaxes",
        )  # fmt: skip
        yield from _gap_of_saving(days, gap, section.pricing)
    yield _benchmarks(known, days)
    overstated = days["overstated_money"]
    if overstated.notna().any():
        mwh = float((days["relaxed_green_mwh"] - days["replayed_green_mwh"]).sum())
        share = overstated_of_saving(days)
        part = "" if share is None else f", {100 * share:.3g} % of what is saved"
        yield Reading(
            "label overstated", float((overstated / bill).max()), _GAP_SHARE, "", False,
            "most by which a region's first relaxed optimum is cheaper than its own schedule with exact "
            "labels, relative to the bill without storages",
            f"{mwh:.3g} MWh and {float(overstated.sum()):.3g} money of all regions and days{part}",
        )  # fmt: skip


def _scales_money(known: GridEvidence, days: pd.DataFrame) -> pd.Series[float]:
    """What amounts of each row of `vpp_days` are relative to."""
    scales = {(one.plant, one.region, one.day): one.scale_money for one in fleet_days(known)}
    keys = zip(days["agent"], days["region"], days["day"], strict=True)
    return pd.Series([scales[key] for key in keys], days.index)


def _benchmarks(known: GridEvidence, days: pd.DataFrame) -> Reading:
    """What days cost without pay for cleanness as plants told it, against a programme of another kind."""
    keys = zip(days["agent"], days["region"], days["day"], strict=True)
    told = dict(zip(keys, days["benchmark_money"].to_numpy(dtype=float), strict=True))
    plants = plants_of(known.scenario)
    off = [
        abs(told[place] - fleet.benchmark_money) / fleet.scale_money
        for fleet in fleet_days(known)
        if plants[fleet.plant].look_ahead_days == 1
        and (place := (fleet.plant, fleet.region, fleet.day)) in told
    ]
    return Reading(
        "benchmark of plans", max(off, default=0.0), _BENCHMARK_SHARE, "", True,
        "largest difference of what a region costs without pay for cleanness as its plant told it, and by a "
        "linear programme (of whole numbers, where prices are negative), relative to the bill without "
        "storages; of plants that plan a day at a time",
    )  # fmt: skip


def _gap_of_saving(days: pd.DataFrame, gap: pd.Series[float], pricing: str) -> Iterator[Reading]:
    saving = days["benchmark_money"] - days["cost_money"]
    large = saving >= _SAVING_SHARE * days["idle_money"].abs()
    if pricing in _GAP_OF_SAVING and large.any():
        yield Reading(
            "gap of savings", float((gap / saving)[large].max()), _GAP_OF_SAVING[pricing], "", False,
            "most by which a region's plan may cost more than the best one, relative to what it saves "
            "against the plan without pay for cleanness, where that is 0.5 % of the bill or more",
            f"{int(large.sum())} of {len(days)} regions and days",
        )  # fmt: skip
