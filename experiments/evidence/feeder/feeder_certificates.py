"""Certificates of a feeder: the budget of its DSO, its network against the plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.feeder.bus_loads import bus_loads
from gridarium.agents.feeder.demand_corners import feed_in
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.feeder.outage_certificates import undisturbed
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.parts.consumers import CONSUMERS, EXACT_AGENTS
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.parts.supply import REAL_TIME as MARKET
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import REAL_TIME, TRUE_UP

_PLAN_KEPT_MW = 1e-6
_ROUNDING = 1e-9
_LEAST_LOADING = 0.1
COMMITMENT_LOSS = 0.01
"""Share of the cost that a commitment may lose by being held through a negotiation; as a leader's regret."""


def budget(known: GridEvidence) -> Iterator[Reading]:
    """What a DSO that must balance its budget gives to consumers."""
    for dso in known.of(Dso):
        if dso.tariff.budget_balanced:
            ledger = known.tables["ledger"]
            own = (ledger["purpose"] == TRUE_UP) & (ledger["account"] == known.grid.local(dso.name))
            excess = float(known.tables["days"]["budget_excess_money"].clip(lower=0.0).sum())
            left = excess - float(ledger.loc[own, "amount_money"].sum())
            yield Reading(
                "budget balance", max(0.0, left), 1e-6, "money", True,
                "discounts to consumers beyond the carbon revenue, after the true-up (C8)", is_invariant=True,
            )  # fmt: skip


def served_sales(known: GridEvidence) -> Iterator[Reading]:
    """What prosumers have paid a DSO for what they lacked, against the energy that their meters show."""
    for dso in known.of(Dso):
        if not dso.contract.served:
            continue
        ledger, trades = known.tables["ledger"], known.tables["trades"]
        own = (ledger["purpose"] == REAL_TIME) & (ledger["account"] == known.grid.local(dso.name))
        sold, drawn = trades[trades["product"] == "real-time"], rows_of(known.tables, "dispatch", "prosumer")
        price = MARKET.of(known.scenario).price_per_mwh
        owed = float(drawn["p_demand_mw"].sum()) * known.world.period_h * price
        told = float((sold["volume_mwh"] * sold["price_per_mwh"]).sum())
        paid = float(ledger.loc[own, "amount_money"].sum())
        yield Reading(
            "service of prosumers", max(abs(paid - owed), abs(paid - told)) / max(owed, 1.0), _ROUNDING, "",
            True,
            "what prosumers have paid the operator against what they drew, and what it has sold them, at the "
            "upper end of their price band, relative to it",
        )  # fmt: skip


def commitment(known: GridEvidence) -> Iterator[Reading]:
    """The commitment that was held against the best one for the loads that came of it, on the worst day."""
    if not known.of(Dso):
        return
    days = known.tables["days"].dropna(subset=["commitment_best_money"])
    if days.empty:
        return
    held, best, bound = (
        days[f"commitment_{name}_money"].to_numpy(dtype=float) for name in ("cost", "best", "bound")
    )
    scale = np.maximum(np.abs(best), 1.0)
    lost, proven = (held - best) / scale, (held - bound) / scale
    revisions = int(days["revisions"].sum())
    yield Reading(
        "commitment", float(lost.max()), COMMITMENT_LOSS, "", False,
        "cost with the units that ran less the cost with those that a fresh search picks at the final loads, "
        "relative to the cost",
        f"revised {revisions} times; proven to be within {proven.max():.1e} of any choice",
    )  # fmt: skip


def dispatch_optimality(known: GridEvidence) -> Iterator[Reading]:
    """What the dispatch of the days costs against what any dispatch would cost at least."""
    if not known.of(Dso):
        return
    days, signals = known.tables["days"], rows_of(known.tables, "signals", "dso")
    gap = float((days["dispatch_cost_money"] - days["dispatch_bound_money"]).sum())
    sold = signals["price_per_mwh"].abs() * signals["p_load_plan_mw"]
    sales = float(sold.sum()) * known.world.period_h
    yield Reading(
        "dispatch optimality", share_of(max(0.0, gap), sales, LEAST_MONEY), 1e-2, "", False,
        "cost of the dispatch above the bound of its relaxed power flow, relative to gross sales: next to 0 "
        "where the relaxation is exact; at negative prices, where a relaxed plan burns energy in currents "
        "that no feeder carries, a limit and not an estimate of what a better plan could save",
    )  # fmt: skip
    above = float((days["dispatch_bound_money"] - days["dispatch_cost_money"]).max())
    whole = sales + float(days["dispatch_cost_money"].abs().sum())
    yield Reading(
        "bound of dispatch", share_of(max(0.0, above), whole, LEAST_MONEY), 1e-6, "", True,
        "most by which the bound of a day's relaxed power flow lies above the cost of its dispatch, relative "
        "to gross sales and costs of all days; must not",
    )  # fmt: skip


def network(known: GridEvidence) -> Iterator[Reading]:
    """The AC flow of a feeder against the plan of its DSO that is in force, where units follow it."""
    if not known.of(Dso):
        return
    told, planned = undisturbed(known), as_planned(known)
    if not told.any():
        return
    everywhere, _ = _network_tables(known, told)
    buses, branches = _network_tables(known, planned)
    hard = meets_its_plan(known)
    yield Reading(
        "cone gap", float(known.tables["days"]["cone_gap_pu"].max()), 1e-5, "p.u.", True,
        "largest |P^2 + Q^2 - l v| of a branch, on a base of 1 MVA (C10)",
    )  # fmt: skip
    if planned.any():
        yield Reading(
            "AC voltage error", float((buses["vm_pu"] - buses["vm_dispatch_pu"]).abs().max()), 1e-5, "p.u.",
            hard, "largest difference of dispatched and AC voltage",
        )  # fmt: skip
        yield Reading(
            "AC loading error",
            float((branches["i_pu"] - branches["i_dispatch_pu"]).abs().max())
            / max(float(branches["i_pu"].max()), _LEAST_LOADING * _rating_pu(known)),
            1e-3, "", hard,
            "largest difference of dispatched and AC current, relative to the largest current, or to a "
            "tenth of the largest rating where less than that flows",
        )  # fmt: skip
    yield from _plan_with_prosumers(known)
    (low, high), vm_pu = NETWORK.of(known.scenario).band_pu, everywhere["vm_pu"]
    outside = np.maximum(low - vm_pu, vm_pu - high)
    yield Reading(
        "voltage band", max(0.0, float(outside.max())), 1e-5, "p.u.", hard,
        "how far an AC voltage leaves the allowed band",
    )  # fmt: skip
    yield from _loading(known, told, hard)


def _loading(known: GridEvidence, periods: Flags, hard: bool) -> Iterator[Reading]:
    """The AC flow against the ratings of lines and transformers, which it knows nothing of."""
    most, (_, branches) = NETWORK.of(known.scenario).loading_max, _network_tables(known, periods)
    if most is None or branches["loading"].isna().all():
        return
    worst = branches.sort_values("loading").dropna(subset=["loading"]).to_dict("records")[-1]
    yield Reading(
        "branch loading", max(0.0, float(worst["loading"]) - most), 1e-4, "", hard,
        "by how much an AC current passes the share of a rating that may be used",
        f"{worst['branch']} in period {worst['period']}: {worst['loading']:.4g} of its rating",
    )  # fmt: skip


def _rating_pu(known: GridEvidence) -> float:
    """Largest rating of a branch, p.u.; without any, a current that carries the base of 1 MVA."""
    i_max_pu = known.grid.feeder.i_max_pu
    rated = i_max_pu[np.isfinite(i_max_pu)]
    return float(rated.max()) if len(rated) else 1.0


def _plan_with_prosumers(known: GridEvidence) -> Iterator[Reading]:
    """The AC flow of the plan itself, where prosumers who trade bring another load than was planned."""
    for dso in known.of(Dso):
        if dso.contract.served:
            apart = (np.abs(_planned_vm_pu(known, dso, day) - day.in_force.voltage_pu) for day in dso.days)
            yield Reading(
                "planned AC voltage error", max(float(one.max()) for one in apart), 1e-5, "p.u.", True,
                "largest difference of dispatched voltage and that of the AC flow at what was planned for "
                "all loads and units",
            )  # fmt: skip


def _planned_vm_pu(known: GridEvidence, dso: Dso, day: DsoDay) -> Array:
    """Voltages of the AC flow of a plan, p.u., shape (n_bus, n_step)."""
    shape, dispatch = dso.shape, day.in_force
    drawn_mw, drawn_mvar = bus_loads(day.loads_mw, day.loads_mvar, dso.contract.loads, shape)
    p_mw, q_mvar = -drawn_mw - day.drawn_by_own_mw(shape.feeder.n_bus), -drawn_mvar
    feed_in(shape, dispatch, p_mw, q_mvar)
    head = dispatch.voltage_pu[0] if shape.tap_changer else None
    return known.grid.power_flow.solve(p_mw.T, q_mvar.T, head).vm_pu.T


def as_planned(known: GridEvidence) -> Flags:
    """Periods in which all units follow the plan, and no storage provider moves what was called for."""
    provided = rows_of(known.tables, "storages", "storage_provider")
    if provided.empty:
        return undisturbed(known)
    moved = (by_period(provided, f"p_{way}_mw", known.world.n_period) for way in ("charge", "discharge"))
    return np.asarray(undisturbed(known) & (sum(moved) <= _PLAN_KEPT_MW))


def _network_tables(known: GridEvidence, periods: Flags) -> tuple[pd.DataFrame, ...]:
    """Rows of some periods."""
    told = np.flatnonzero(periods)
    return tuple(
        table[table["period"].isin(told)] for table in (known.tables["buses"], known.tables["branches"])
    )


def meets_its_plan(known: GridEvidence) -> bool:
    """Whether the load is the one that was counted on, as it must be where nobody is bounded.

    Where bounded agents, or prosumers who trade, bring another load, the grid shows it; no model is wrong.
    """
    section = DSO.of(known.scenario)
    exact = (
        has_rational_consumers(known) and foresee_exactly(known) and not PROSUMERS.is_given(known.scenario)
    )
    if exact and not (section and section.behaviour):
        return True
    counted = rows_of(known.tables, "signals", "dso")["p_load_plan_mw"].to_numpy(dtype=float)
    return bool(np.abs(served_mw(known) - counted).max() <= _PLAN_KEPT_MW)


def served_mw(known: GridEvidence) -> Array:
    """What consumers, prosumers and grids below have drawn, MW, shape (n_period,)."""
    n_period, below, prosumers = (
        known.world.n_period,
        *(rows_of(known.tables, "dispatch", kind) for kind in ("grid_below", "prosumer")),
    )
    served = by_period(known.tables["loads"], "p_metered_mw", n_period)
    served = served + by_period(prosumers, "p_demand_mw", n_period)
    return served + by_period(below, "p_demand_mw", n_period) - by_period(below, "p_supply_mw", n_period)


def foresee_exactly(known: GridEvidence) -> bool:
    """Whether base loads are what consumers have foreseen."""
    return all(group.forecast is None for group in CONSUMERS.of(known.scenario).values())


def has_rational_consumers(known: GridEvidence) -> bool:
    """Whether all consumers are the exact ones."""
    groups = CONSUMERS.of(known.scenario).values()
    return all(group.agent in EXACT_AGENTS and not group.behaviour and not group.mixture for group in groups)
