"""Certificates of a feeder with a tap changer or compensators: positions, moves, gap, AC cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.feeder_certificates import as_planned, meets_its_plan
from gridarium.experiments.evidence.feeder.outage_certificates import may_depart
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.compensators import COMPENSATORS
from gridarium.experiments.parts.tap_changer import TAP_CHANGER
from gridarium.experiments.results.records import Reading

TAP_GAP = 2e-4
"""Most that positions may cost above the proven bound, relative."""
AC_ERROR = 1e-4
"""Most by which a plan's cost may miss that of its AC flow, relative."""
_SOLVER_MVAR = 1e-4
_SOLVER_MW = 1e-6


def tap_changer(known: GridEvidence) -> Iterator[Reading]:
    """Positions of the tap changer, its moves by day, and the bound of what positions can save (A18)."""
    section, dsos = TAP_CHANGER.of(known.scenario), known.of(Dso)
    if section is None or not dsos:
        return
    rows = rows_of(known.tables, "taps", "tap_changer")
    position = rows["position"].to_numpy(dtype=float)
    outside = np.maximum(section.first - position, position - section.last)
    broken = np.abs(position - np.round(position))
    untold = np.abs(position - rows["position_told"].to_numpy(dtype=float))
    yield Reading(
        "tap positions", float(np.max([np.maximum(outside, 0.0), broken, untold])), 0.0, "", True,
        "largest distance of a position from the range, from a whole number, or from what was ordered",
    )  # fmt: skip
    steps = np.abs(np.diff(position, prepend=section.initial))
    by_day = steps.reshape(-1, dsos[0].horizon.day_length).sum(axis=1)
    yield Reading(
        "tap moves", float(by_day.max()), float(section.moves_per_day), "", True,
        "steps of the tap changer on its busiest day; the tolerance is the limit",
    )  # fmt: skip
    head = known.tables["buses"].groupby("period")["vm_pu"].first().to_numpy(dtype=float)
    meant = known.grid.feeder.slack_vm_pu * (1.0 + section.step_pu * position)
    yield Reading(
        "tap voltage", float(np.abs(head - meant).max()), 1e-6, "p.u.", True,
        "largest difference of the substation's AC voltage and that of its position",
    )  # fmt: skip
    yield _tap_gap(known)


def _tap_gap(known: GridEvidence) -> Reading:
    days = known.tables["days"]
    cost, bound = (days[f"tap_{name}_money"].to_numpy(dtype=float) for name in ("cost", "bound"))
    gap = (cost - bound) / np.maximum(np.abs(cost), 1.0)
    return Reading(
        "tap gap", float(gap.max()), TAP_GAP, "", False,
        "cost of a day at the positions held above what it costs with any ratios that change no more in all, "
        "relative to the cost, on the worst day",
        f"{int(days['tap_looks'].sum())} relaxed dispatches at the last look at each day",
    )  # fmt: skip


def active_network(known: GridEvidence) -> Iterator[Reading]:
    """What an active feeder's plan leaves: its cost against the AC flow, storages, compensators."""
    units = COMPENSATORS.of(known.scenario)
    if not known.of(Dso) or not (units or TAP_CHANGER.of(known.scenario)):
        return
    yield _ac_cost_error(known)
    storages = rows_of(known.tables, "storages", "storage")
    if len(storages):
        both = np.minimum(storages["p_charge_mw"], storages["p_discharge_mw"])
        yield Reading(
            "storage exclusivity", float(both.max()), _SOLVER_MW, "MW", True,
            "most that a storage charges and discharges at once (A20)",
        )  # fmt: skip
    given = rows_of(known.tables, "dispatch", "compensator")
    if len(given):
        q_mvar = given["q_mvar"].to_numpy(dtype=float)
        low, high = (
            given["agent"].map({name: getattr(unit, field) for name, unit in units.items()}).to_numpy()
            for field in ("q_min_mvar", "q_max_mvar")
        )
        yield Reading(
            "compensator limits", max(0.0, float(np.maximum(low - q_mvar, q_mvar - high).max())),
            _SOLVER_MVAR, "Mvar", True,
            "how far the reactive power of a compensator leaves its range (A19)",
        )  # fmt: skip


def _ac_cost_error(known: GridEvidence) -> Reading:
    heads = rows_of(known.tables, "heads", "dso")
    metered, planned = heads["p_metered_mw"].to_numpy(dtype=float), heads["p_plan_mw"].to_numpy(dtype=float)
    if may_depart(known):
        planned = _in_force_mw(known)
    carbon = np.concatenate(
        [
            day.horizon.by_period(
                day.conditions.carbon_price_per_tco2 * day.conditions.grid_factor_tco2_per_mwh
            )
            for dso in known.of(Dso)
            for day in dso.days
        ]
    )
    price = heads["price_per_mwh"].to_numpy(dtype=float) + carbon
    export = heads["export_price_per_mwh"].to_numpy(dtype=float)

    def cost_per_h(net_mw: Array) -> Array:
        return np.asarray(price * np.maximum(net_mw, 0.0) - export * np.maximum(-net_mw, 0.0))

    apart = np.abs(cost_per_h(metered) - cost_per_h(planned))[as_planned(known)]
    missed = float(apart.sum()) * known.world.period_h
    whole = abs(float(known.tables["days"]["dispatch_cost_money"].sum()))
    return Reading(
        "AC cost error", missed / max(whole, 1.0), AC_ERROR, "", meets_its_plan(known),
        "cost of what passes the head, carbon included, by AC flow against the plan, relative to the plan's "
        "cost; differences of periods add up",
    )  # fmt: skip


def _in_force_mw(known: GridEvidence) -> Array:
    """What is to pass the head by the plan in force, MW, shape (n_period,)."""
    (dso,) = known.of(Dso)
    nets = [day.in_force.buy_mw - day.in_force.sell_mw for day in dso.days]
    return known.grid.replicas * dso.horizon.by_period(np.concatenate(nets))
