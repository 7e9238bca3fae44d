"""Metrics of virtual power plants that are paid for cleanness: bills, indicators, green energy, actions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.experiments.evidence.grid_evidence import Tables
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.market.certificate_book import KIND
from gridarium.market.lcr import count_actions

Metric = tuple[str, float]

_NOISE_SHARE = 1e-6
"""Of the bill without storages: savings below it are a solver's noise."""


def bills(tables: Tables, period_h: float) -> Iterator[Metric]:
    """C_k and its parts (B5), what it is compared to, and the indicator LCR (B6), a mean over days."""
    done, days = tables.get("vpp_region_days"), tables.get("vpp_lcr")
    if done is None or days is None:
        return
    for part in ("purchase", "sales"):
        yield f"vpp_{part}_money", float(done[f"{part}_money"].sum())
    paid, green = float(done["environmental_money"].sum()), float(done["green_mwh"].sum())
    yield "environmental_money", paid
    for part in ("cost", "wear", "idle", "benchmark", "saving"):
        yield f"vpp_{part}_money", float(days[f"{part}_money"].sum(skipna=False))
    if green > 0.0:
        yield "green_payment_per_mwh", paid / green
    for name in ("lcr_vpp", "lcr_system", "lcr", "lcr_idle"):
        yield f"{name}_share", float(days[name].mean(skipna=False))
    plants = done.groupby("agent", sort=False)
    if plants.ngroups > 1:
        for plant, own in plants:
            for name in ("cost_money", "environmental_money"):
                yield f"plant_{plant}_{name}", float(own[name].sum())


def green_energy(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Green energy that was discharged, by region, and what that takes off the emission (B2)."""
    done, regions = tables.get("vpp_region_days"), tables.get("price_regions")
    if done is None or regions is None:
        return
    yield "green_discharged_mwh", float(done["green_mwh"].sum())
    for column, form in (("region", "green_discharged_{}_mwh"), ("agent", "plant_{}_green_discharged_mwh")):
        groups = done.groupby(column, sort=False)
        if groups.ngroups > 1:
            for name, own in groups:
                yield form.format(name), float(own["green_mwh"].sum())
    avoided = regions["initial_tco2_per_mwh"] * regions["green_discharge_mw"]
    yield "avoided_tco2", float(avoided.sum()) * period_h


def actions(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How often storages of regions charged and discharged: in how many periods, in how many runs of them."""
    told = tables.get("vpp_regions")
    if told is None:
        return
    for name in ("charge", "discharge"):
        by_region = told.pivot(index=["agent", "region"], columns="period", values=f"{name}_mw")
        power = by_region.to_numpy(dtype=float)
        yield f"{name}_actions", float(count_actions(power).sum())
        yield f"{name}_runs", float(count_actions(power, runs=True).sum())


def green_certificates(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Green energy of certificates that were issued, and cancelled as it was used."""
    if "vpp_regions" not in tables:
        return
    records = tables.get("records", pd.DataFrame({"what": [], "discharge_mwh": []}))
    what = records["what"].astype(str)
    for name, is_one in (
        ("certified_mwh", what == f"{KIND} issued"),
        ("cancelled_mwh", what.str.startswith(KIND) & what.str.endswith(" cancelled")),
    ):
        yield name, float(records.loc[is_one, "discharge_mwh"].sum())


def plan_gaps(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How far plans are proven to be from the best ones, and by what their first relaxation is too green."""
    days = tables.get("vpp_days")
    if days is None:
        return
    gap, overstated = gap_money(days), days["overstated_money"]
    if gap.notna().all():
        yield "plan_gap_money", float(gap.sum())
        yield "plan_gap_share", float((gap / days["idle_money"].abs().clip(lower=LEAST_MONEY)).max())
    if overstated.notna().all():
        yield "label_overstated_mwh", float((days["relaxed_green_mwh"] - days["replayed_green_mwh"]).sum())
        yield "label_overstated_money", float(overstated.sum())
        if (share := overstated_of_saving(days)) is not None:
            yield "label_overstated_of_saving_share", share


def gap_money(days: pd.DataFrame) -> pd.Series[float]:
    """What the plan of each row of `vpp_days` costs above its bound; nan where nothing was proven.

    What a pull counts of a plan is in both.
    """
    counted = days["cost_money"] + days.get("pulled_money", 0.0)
    return counted.where(np.isfinite(days["bound_money"])) - days["bound_money"]


def overstated_of_saving(days: pd.DataFrame) -> float | None:
    """What relaxed optima overstate, as a share of what plans save; None where that is a solver's noise."""
    saving = float((days["benchmark_money"] - days["cost_money"]).sum())
    if saving <= _NOISE_SHARE * float(days["idle_money"].abs().sum()):
        return None
    return float(days["overstated_money"].sum()) / saving
