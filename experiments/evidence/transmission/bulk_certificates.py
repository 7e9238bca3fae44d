"""Certificates of a bulk system under a TIES: commitment, reserve, storages, own carbon, its negotiations.

Each is reckoned from what the run has left and the numbers of the scenario, not by the code that planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Flags, Index
from gridarium.environment.clock import day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.plans.own_carbon import ladder_money
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.regions import REGIONS, all_exact
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS, ThermalUnit
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.parts.ties_section import Ties
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CARBON, CARBON_MARKET, FUEL_SUPPLIERS, START_STOP

MOST_ROUNDS, MOST_ROUNDS_CAUTIOUS = 20, 40
"""Rounds that a negotiation may take with its own damping, and where it had to take smaller steps."""
MOST_ROUNDS_EXCHANGE = 100
"""Rounds that exchange rounds may take (W.11)."""
CYCLE_SIZE = 0.05
"""Share of the largest signal of its kind below which a cycle is small."""
_ROUNDING = 1e-6


def _section(known: GridEvidence) -> Ties | None:
    """The section of the TIES; None where none has planned."""
    return TIES.of(known.scenario) if "bulk_plans" in known.tables else None


def plays_exactly(known: GridEvidence) -> bool:
    """Whether neither the TIES nor a regional system has a behaviour of bounded rationality or strategy."""
    section = TIES.of(known.scenario)
    leads = section is not None and bool(section.behaviour)
    return not leads and all_exact(REGIONS.of(known.scenario))


def _per_day(known: GridEvidence) -> int:
    return day_length(known.world.n_period, known.world.clock.period_s)


def _units(known: GridEvidence) -> Iterator[tuple[str, ThermalUnit, pd.DataFrame]]:
    sections = THERMAL_UNITS.of(known.scenario)
    for name, rows in rows_of(known.tables, "units", "thermal").groupby("agent", sort=False):
        yield str(name), sections[str(name)], rows


def commitment(known: GridEvidence) -> Iterator[Reading]:
    """Minimum times of units, what was paid for starts and stops, and reserve."""
    section = _section(known)
    if section is None:
        return
    hours = known.world.period_h
    missing = [_hours_missing(unit, rows["on"].to_numpy() > 0.5, hours) for _, unit, rows in _units(known)]
    yield Reading(
        "minimum times", float(np.max(missing)), 0.0, "h", True,
        "most hours by which a unit was on or off for less than its minimum time (D7)",
    )  # fmt: skip
    yield Reading(
        "starts and stops", float(np.max(list(_unpaid_switches(known)))), _ROUNDING, "money", True,
        "largest difference of what a unit paid for starts and stops and their number times its cost (D2)",
    )  # fmt: skip
    # Nothing is planned anew while load and renewable power are this near to the plan.
    unseen = section.trigger_mw * (section.reserve_load_share + section.reserve_renewable_share)
    yield Reading(
        "reserve", _reserve_missing_mw(known, section), unseen + 1e-3, "MW", False,
        "most spinning reserve that is missing: headroom of running units within their ramps against shares "
        "of load and of renewable power available; up to what departures ask for that trigger no new plan",
    )  # fmt: skip


def network(known: GridEvidence) -> Iterator[Reading]:
    """Voltages and loadings of the AC flow of what was carried out against their limits.

    Days are dispatched over the network; within them moved plans are made on one bus, so that limits which
    bind may be passed by a little. A copper plate has nothing to pass.
    """
    if _section(known) is None or NETWORK.of(known.scenario).is_copper_plate:
        return
    limits, buses, branches = NETWORK.of(known.scenario), known.tables["buses"], known.tables["branches"]
    low, high = limits.band_pu
    outside = np.maximum(low - buses["vm_pu"], buses["vm_pu"] - high)
    yield Reading(
        "voltage band", float(np.max([0.0, outside.max()])), 1e-3, "p.u.", False,
        "how far an AC voltage leaves the allowed band (D9)",
    )  # fmt: skip
    if limits.loading_max is not None and branches["loading"].notna().any():
        beyond = float((branches["loading"] - limits.loading_max).max())
        yield Reading(
            "branch loading", max(0.0, beyond), 1e-3, "", False,
            "by how much an AC current passes the share of a rating that may be used",
        )  # fmt: skip


def _hours_missing(unit: ThermalUnit, on: Flags, hours: float) -> float:
    """By how much the shortest run between two switches falls short; the first and the last are open."""
    switches = np.flatnonzero(np.diff(on.astype(int), prepend=int(unit.on_initially)))
    found = 0.0
    for begin, end in pairwise(switches.tolist()):
        least = unit.min_up_h if on[begin] else unit.min_down_h
        found = max(found, least - (end - begin) * hours)
    return float(found)


def _unpaid_switches(known: GridEvidence) -> Iterator[float]:
    ledger = known.tables["ledger"]
    paid = ledger[(ledger["account"] == FUEL_SUPPLIERS) & (ledger["purpose"] == START_STOP)]
    by_unit = paid.groupby("counterparty")["amount_money"].sum()
    for name, unit, rows in _units(known):
        switches = np.abs(np.diff(rows["on"].to_numpy() > 0.5, prepend=unit.on_initially)).sum()
        yield abs(float(by_unit.get(name, 0.0)) - float(switches) * unit.start_stop_money)


def _reserve_missing_mw(known: GridEvidence, section: Ties) -> float:
    n, hours = known.world.periods_done, known.world.period_h
    up, down = np.zeros(n), np.zeros(n)
    for _, unit, rows in _units(known):
        on, power = rows["on"].to_numpy() > 0.5, rows["gross_mw"].to_numpy()
        ramp = unit.ramp_mw_per_h * hours
        up += np.where(on, np.minimum(unit.p_max_mw - power, ramp), 0.0)
        down += np.where(on, np.minimum(power - unit.p_min_mw, ramp), 0.0)
    plants = rows_of(known.tables, "dispatch", "renewable")
    load = by_period(known.tables["personal_carbon"], "p_plan_mw", n)
    asked = section.reserve_load_share * load
    if len(plants):
        asked = asked + section.reserve_renewable_share * by_period(plants, "p_available_mw", n)
    return float((asked - np.minimum(up, down)).max().clip(min=0.0))


def storages(known: GridEvidence) -> Iterator[Reading]:
    """Energy of the storages by hand (D8)."""
    rows = rows_of(known.tables, "storages", "storage")
    if _section(known) is None or rows.empty:
        return
    errors = []
    for name, own in rows.groupby("agent", sort=False):
        unit = STORAGES.of(known.scenario)[str(name)]
        charge, discharge, energy = (
            own[column].to_numpy(dtype=float) for column in ("p_charge_mw", "p_discharge_mw", "e_mwh")
        )
        moved = unit.efficiency_charge * charge - discharge / unit.efficiency_discharge
        expected = unit.soc_initial * unit.e_max_mwh + np.cumsum(moved) * known.world.period_h
        low, high = unit.soc_min * unit.e_max_mwh, unit.soc_max * unit.e_max_mwh
        power = np.maximum(charge, discharge) - unit.p_max_mw
        each = (np.abs(energy - expected), low - energy, energy - high, power, np.minimum(charge, discharge))
        errors.append(float(np.max(each)))
    yield Reading(
        "storage energy", float(np.max([0.0, *errors])), 1e-5, "MWh", True,
        "largest error of a storage's energy, step outside its band or power, or charge while it discharges "
        "(D8)",
    )  # fmt: skip


def own_carbon(known: GridEvidence) -> Iterator[Reading]:
    """The TIES's ladder of each day against what it paid, and what it needed to buy (D4, D10)."""
    section = _section(known)
    if section is None:
        return
    ladder, emitted = section.own_carbon, _own_tco2_by_day(known)
    ledger, per_day = known.tables["ledger"], _per_day(known)
    own = ledger[(ledger["account"] == CARBON_MARKET) & (ledger["purpose"] == CARBON)]
    paid = own.groupby(own["period"] // per_day)["amount_money"].sum().reindex(range(len(emitted)))
    owed = np.array([ladder_money(ladder, tonnes) for tonnes in emitted])
    scale = max(float(np.abs(owed).max()), LEAST_MONEY)
    yield Reading(
        "own carbon", float(np.abs(paid.fillna(0.0).to_numpy() - owed).max()) / scale, _ROUNDING, "", True,
        "steps above and below the quota on what units emitted on a day, against what was paid for it, "
        "relative (D4)",
    )  # fmt: skip
    beyond = np.array(emitted) - ladder.quota_tco2 - ladder.purchase_limit_tco2
    yield Reading(
        "carbon quota", float(np.max([0.0, *beyond])), _ROUNDING, "tCO2", True,
        "emission of a day beyond its quota and all that can be bought (D10)",
    )  # fmt: skip


def _own_tco2_by_day(known: GridEvidence) -> list[float]:
    """Emission of the units by their gross power and carbon factors, less what was captured."""
    rate = np.zeros(known.world.periods_done)
    for _, unit, rows in _units(known):
        gross, absorbed = rows["gross_mw"].to_numpy(), rows["absorbed_tco2_per_h"].to_numpy()
        rate += unit.emission_tco2_per_mwh * gross - absorbed
    days = rate.reshape(-1, min(len(rate), _per_day(known))).sum(axis=1)
    return [float(day) * known.world.period_h for day in days]


def cap(known: GridEvidence) -> Iterator[Reading]:
    """A cap on the emission of a day's plan, which the level of carbon prices is to meet."""
    asked = CARBON_POLICY.of(known.scenario).emission_cap_tco2_per_day
    if _section(known) is None or asked is None:
        return
    planned = known.tables["days"]["emission_planned_tco2"]
    yield Reading(
        "emission cap", float((planned / asked - 1.0).abs().max()), 1e-4, "", False,
        "largest distance of the emission of a day's plan from the cap at which schemes are compared, "
        "relative",
    )  # fmt: skip


def negotiations(known: GridEvidence) -> Iterator[Reading]:
    """How near to rest the rounds of a TIES ended, how many they were, and what its commitment forgoes."""
    section = _section(known)
    if section is None:
        return
    days = rows_of(known.tables, "days", "ties")
    last, exact = _last_rounds(known), plays_exactly(known)
    distance = last[["load_change", "price_change"]].max(axis=1)
    goes_round = last["ended"] == "cycle"
    worst = int(distance.to_numpy().argmax())
    yield Reading(
        "convergence", float(distance.iloc[worst]), section.rounds.tolerance, "",
        exact and not bool(goes_round.iloc[worst]),
        "change of loads in the last round of a day, in exchange rounds their distance from the targets, and "
        "distance of the prices posted from those that the answers call for, each relative to the largest of "
        "its kind",
        f"day {worst}: {last['ended'].iloc[worst]}",
    )  # fmt: skip
    if goes_round.any():
        sizes = days["cycle_size"].to_numpy()[goes_round.to_numpy()]
        yield Reading(
            "cycle size", float(sizes.max()), CYCLE_SIZE, "", exact,
            "how far signals differ among which a negotiation went round, relative to the largest of their "
            "kind",
        )  # fmt: skip
    rounds, limit = max(_lengths(known, section), key=lambda length: length[0] - length[1])
    yield Reading(
        "rounds", float(rounds), float(limit), "", False,
        "rounds of the longest negotiation; more are allowed where a lack of progress made steps smaller",
    )  # fmt: skip
    best = days["commitment_best_money"].to_numpy(dtype=float)
    forgone = (days["commitment_cost_money"].to_numpy() - best) / np.maximum(np.abs(best), LEAST_MONEY)
    yield Reading(
        "commitment", float(np.max([0.0, *forgone])), 1e-3, "", False,
        "cost of the day with the units that were held on beyond the best found for the same loads, relative",
    )  # fmt: skip


def _last_rounds(known: GridEvidence) -> pd.DataFrame:
    rounds = rows_of(known.tables, "rounds", "ties")
    return rounds.groupby("day", sort=True).tail(1)


def _lengths(known: GridEvidence, section: Ties) -> Iterator[tuple[int, int]]:
    """Rounds of each negotiation, and how many it may take."""
    rounds = rows_of(known.tables, "rounds", "ties")
    ends = (rounds["ended"] != "").to_numpy()
    number: Index = np.cumsum(ends) - ends
    for _, own in rounds.groupby(number, sort=True):
        is_cautious = bool((own["damping"] < section.rounds.damping - 1e-9).any())
        most = MOST_ROUNDS_CAUTIOUS if is_cautious else MOST_ROUNDS
        yield len(own), MOST_ROUNDS_EXCHANGE if section.rounds.kind == "exchange" else most
