"""What virtual power plants did in each region on each day, and how the indicator LCR judges it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.vpp_fleets import benchmarks_money, fleet_days
from gridarium.experiments.evidence.vpp.vpp_meters import has_plants, paid_share, periods_of_day
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.market.lcr import LcrTerms, count_actions, idle_lcr, lcr

_MONEY = ("purchase_money", "sales_money", "environmental_money")
_WHOSE = ["grid", "agent", "kind"]


def vpp_region_days_table(known: GridEvidence) -> pd.DataFrame:
    """A row for each plant, day and region: the paper's tables II to VI, by region; none without plants."""
    told = known.tables.get("vpp_regions")
    if told is None:
        return pd.DataFrame()
    hours, per_day = known.world.period_h, periods_of_day(known)
    paid = told["environmental_money"] * paid_share(known)
    days = told.assign(day=told["period"] // per_day, environmental_money=paid)
    days = days.sort_values("period", kind="stable")
    rows: list[dict[str, object]] = []
    for (grid, agent, kind, day, region), own in days.groupby([*_WHOSE, "day", "region"], sort=False):
        money = {name: float(own[name].sum()) for name in _MONEY}
        cost = money["purchase_money"] - money["sales_money"] - money["environmental_money"]
        rows.append(
            {
                **{"grid": grid, "agent": agent, "kind": kind, "day": day, "region": region},
                "load_mwh": hours * float(own["load_mw"].sum()),
                "charged_mwh": hours * float(own["charge_mw"].sum()),
                "discharged_mwh": hours * float(own["discharge_mw"].sum()),
                "green_mwh": hours * float(own["green_mw"].sum()),
                **_actions(own),
                **money,
                "cost_money": cost,
            }
        )
    return pd.DataFrame(rows)


def _actions(own: pd.DataFrame) -> dict[str, int]:
    """How often storages of a region charged and discharged: in how many periods, and runs of periods."""
    return {
        f"{name}_{what}": int(count_actions(_values(own, f"{name}_mw"), runs=what == "runs"))
        for name in ("charge", "discharge")
        for what in ("actions", "runs")
    }


def vpp_lcr_table(known: GridEvidence) -> pd.DataFrame:
    """A row for each day of an operator: what all its plants cost and save, and the indicator of it (B5, B6).

    What storages wear is counted as cost where it has a price, and so it is in the benchmark: the least cost
    of the same days without pay for cleanness, by a programme of its own.
    """
    section = DISTRIBUTION_OPERATOR.of(known.scenario)
    if section is None or not has_plants(known):
        return pd.DataFrame()
    terms = LcrTerms(section.expected_budget_money, section.vpp_weight, section.system_weight)
    idle, fleets = idle_lcr(terms), list(fleet_days(known))
    benchmarks = benchmarks_money(known, fleets)
    rows: list[dict[str, object]] = []
    for day, own in vpp_region_days_table(known).groupby("day", sort=True):
        of_day = [fleet for fleet in fleets if fleet.day == day]
        wear = sum(one.wear_money for one in of_day)
        benchmark = sum(money for one, money in zip(fleets, benchmarks, strict=True) if one.day == day)
        cost = float(own["cost_money"].sum())
        shares = lcr(benchmark, cost + wear, terms) if benchmark > 0.0 else (np.nan, np.nan, np.nan)
        rows.append(
            {
                **{"grid": known.grid.name, "agent": "operator", "kind": "distribution_operator", "day": day},
                "idle_money": sum(one.idle_money for one in of_day),
                "benchmark_money": benchmark,
                "cost_money": cost,
                "wear_money": wear,
                "saving_money": benchmark - cost - wear,
                "environmental_money": float(own["environmental_money"].sum()),
                **dict(zip(("lcr_vpp", "lcr_system", "lcr"), shares, strict=True)),
                "lcr_idle": idle.total,
            }
        )
    return pd.DataFrame(rows)


def _values(rows: pd.DataFrame, name: str) -> Array:
    return np.asarray(rows[name].to_numpy(dtype=float))
