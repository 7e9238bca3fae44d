"""Certificates of regional systems under a TIES: what each paid and answers for, how well it chose."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.clock import day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.region.region_regret import RegionCase
from gridarium.experiments.evidence.shares import LEAST_MW, LEAST_TCO2, share_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY, CarbonPolicy
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import PERSONAL_CARBON, RETAIL

_ROUNDING = 1e-6
_LEAST_BILL_MONEY = 100.0
"""Bill below which what solvers leave of a day's cost is no share of it: a region may draw nothing."""


def bills(known: GridEvidence) -> Iterator[Reading]:
    """Energy and personal ladders of each period by hand, against the ledger."""
    regions = known.of(Region)
    if not regions:
        return
    energy, carbon = (
        float(np.max([_bill_errors(known, region, item) for region in regions]))
        for item in (RETAIL, PERSONAL_CARBON)
    )
    yield Reading(
        "retail bills", energy, _ROUNDING, "", True,
        "what a regional system paid in a period against its meter times the price posted, relative to its "
        "largest payment",
    )  # fmt: skip
    yield Reading(
        "personal ladders", carbon, _ROUNDING, "", True,
        "what a regional system paid for carbon in a period against steps on its meter times the factor "
        "told, relative to its largest payment (D25)",
    )  # fmt: skip


def _bill_errors(known: GridEvidence, region: Region, item: str) -> float:
    name, n = known.grid.local(region.name), known.world.periods_done
    ledger, hours = known.tables["ledger"], known.world.period_h
    own = ledger[(ledger["account"] == name) & (ledger["purpose"] == item)]
    drawn = _of(known, "loads", name)["p_metered_mw"].to_numpy()
    if item == RETAIL:
        signals = rows_of(known.tables, "signals", "ties")
        owed = hours * signals["price_per_mwh"].to_numpy() * drawn
    else:
        owed = hours * _ladder_per_h(
            CARBON_POLICY.of(known.scenario), _of(known, "personal_carbon", name), drawn
        )
    error = np.abs(owed + by_period(own, "amount_money", n)).max()
    return float(error) / max(float(np.abs(owed).max()), 1.0)


def _of(known: GridEvidence, table: str, name: str) -> pd.DataFrame:
    rows = known.tables[table]
    return rows[rows["agent"] == name]


def _ladder_per_h(policy: CarbonPolicy, told: pd.DataFrame, drawn_mw: Array) -> Array:
    """sum_k lam_k X_k of each period, rewards below the quota at the first price; money/h."""
    if policy.scheme == "none":
        return np.zeros_like(drawn_mw)
    factor, first = told["factor_tco2_per_mwh"].to_numpy(), told["first_price_per_tco2"].to_numpy()
    is_taxed, base = policy.scheme == "pigouvian", told["p_base_mw"].to_numpy()
    base = np.maximum(base, 0.0)
    quota = 0.0 * base if is_taxed else policy.quota_tco2_per_mwh * base
    steps = 1 if is_taxed or policy.scheme == "fixed" else policy.steps
    per_day = np.arange(len(base)) // _periods_of_day(told)
    mean = pd.Series(base).groupby(per_day).transform("mean").to_numpy()
    length = policy.interval_share * np.maximum(mean, LEAST_MW) * max(policy.quota_tco2_per_mwh, 1e-3)
    above, cost = factor * drawn_mw - quota, np.zeros_like(base)
    for number in range(steps):
        low = -np.inf if number == 0 else 0.0
        high = np.inf if number == steps - 1 else length
        cost += first * (1.0 + policy.growth * number) * np.clip(above - number * length, low, high)
    return np.where(factor > 1e-9, cost, 0.0)


def _periods_of_day(rows: pd.DataFrame) -> int:
    times = rows["time"]
    n = len(rows)
    return n if n < 2 else day_length(n, (times.iloc[1] - times.iloc[0]).total_seconds())


def personal_carbon(known: GridEvidence) -> Iterator[Reading]:
    """Carbon that followers are told to answer for, together, against the carbon factor of the plan."""
    section, policy = TIES.of(known.scenario), CARBON_POLICY.of(known.scenario)
    told = known.tables.get("personal_carbon")
    if section is None or told is None or policy.scheme == "pigouvian":
        return
    n = known.world.periods_done
    told = told.assign(carbon=told["factor_tco2_per_mwh"] * told["p_plan_mw"])
    factor = rows_of(known.tables, "signals", "ties")["factor_tco2_per_mwh"].to_numpy()
    in_plan = factor * by_period(told, "p_plan_mw", n)
    gap = np.abs(by_period(told, "carbon", n) - in_plan)[_before_renewals(known, section.trigger_mw)]
    # Factors told last are as near to those of the plan as rounds are to rest.
    tolerance = max(1e-3, 5.0 * section.rounds.tolerance)
    # Where periods are shorter than steps, units and storages of nearly the same cost may take turns in them.
    plans_in_periods = known.of(Ties)[0].horizon.step_h == known.world.period_h
    yield Reading(
        "personal carbon", float(gap.max(initial=0.0)) / max(float(in_plan.max()), 1e-9), tolerance, "",
        plays_exactly(known) and plans_in_periods,
        "personal factors times loads summed over followers, against the factor of the plan times the load, "
        "in periods that no later plan of the day is about, relative to the largest (D26, D27)",
        f"{len(gap)} of {n} periods",
    )  # fmt: skip


def _before_renewals(known: GridEvidence, trigger_mw: float) -> Flags:
    """Which periods come before anything on their day had moved so far that it was planned anew."""
    moved = rows_of(known.tables, "bulk_plans", "ties")["moved_mw"].fillna(0.0)
    day = np.arange(len(moved)) // day_length(known.world.n_period, known.world.clock.period_s)
    has_moved = (moved > trigger_mw).groupby(day).cummax().to_numpy(dtype=bool)
    return ~has_moved


def responsibilities(known: GridEvidence) -> Iterator[Reading]:
    """The matrix of carbon flow: its sums over who answers, and over sources along the flows."""
    matrix = known.tables.get("responsibilities")
    if matrix is None:
        return
    for way, meaning in (
        ("proportion", "by shares of the load (D26)"),
        ("path", "along the flows, with storages, exports and the network among them"),
    ):
        yield Reading(
            f"responsibilities by {way}", _unanswered(known, matrix, f"{way}_tco2"), _ROUNDING, "", True,
            "carbon of a unit on a day, summed over who answers for it, against its gross power times its "
            f"factor less what was captured, relative to all emission of the day: {meaning}",
        )  # fmt: skip
    regions = known.of(Region)
    path = matrix[matrix["kind"] == "region"].groupby("agent")["path_tco2"].sum()
    drawn = {known.grid.local(region.name): _arrived_tco2(known, region) for region in regions}
    gap = max((abs(float(path[name]) - tonnes) for name, tonnes in drawn.items()), default=0.0)
    yield Reading(
        "carbon of regions", gap / max(sum(drawn.values()), 1e-9), _ROUNDING, "", True,
        "carbon of all sources that a regional system answers for along the flows, against nodal intensity "
        "times what it drew at each bus, relative",
    )  # fmt: skip


def _unanswered(known: GridEvidence, matrix: pd.DataFrame, column: str) -> float:
    units, hours = THERMAL_UNITS.of(known.scenario), known.world.period_h
    rows = rows_of(known.tables, "units", "thermal")
    factor = rows["agent"].map({name: unit.emission_tco2_per_mwh for name, unit in units.items()})
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    day = rows["period"] // per_day
    net = hours * factor * rows["gross_mw"] - hours * rows["absorbed_tco2_per_h"]
    emitted = net.groupby([rows["agent"], day]).sum()
    own = matrix[matrix["source_kind"] == "thermal"]
    answered = own.groupby(["source", "day"])[column].sum().reindex(emitted.index, fill_value=0.0)
    of_day = emitted.groupby(level=1).sum().max()
    return float(share_of((answered - emitted).abs().max(), of_day, LEAST_TCO2))


def _arrived_tco2(known: GridEvidence, region: Region) -> float:
    """Nodal intensity times what a region drew at each bus."""
    intensity = np.array([np.nan_to_num(state.intensity_tco2_per_mwh) for state in known.grid.states])
    drawn = known.world.meters[region.name]
    return float((intensity @ region.site.p_share) @ drawn) * known.world.period_h


def choices(known: GridEvidence) -> Iterator[Reading]:
    """Whether regional systems have done what is best for them, and what they said."""
    regions, exact = known.of(Region), plays_exactly(known)
    if not regions:
        return
    cases = [case for region in regions for case in _cases(region)]
    regrets = [case.regret() for case in cases]
    shares = (share_of(one.gap_money, one.bill_money, _LEAST_BILL_MONEY) for one in regrets)
    yield Reading(
        "regret of regions", float(np.max([0.0, *shares])), 1e-6, "", exact,
        "most that a regional system could save by another plan under the signal that it answered last, by a "
        "linear programme that bounds it, relative to its bill",
    )  # fmt: skip
    astray = max((case.astray_mw() / case.peak_mw for case in cases), default=0.0)
    yield Reading(
        "moves of users", max(0.0, astray), 1e-5, "", True,
        "least sum by which what leaves and arrives on a day is none of the moves between hours that windows "
        "of the scenario allow, relative to the peak (D15)",
    )  # fmt: skip
    loads = rows_of(known.tables, "loads", "region")
    yield Reading(
        "plans of regions kept", float((loads["p_metered_mw"] - loads["p_plan_mw"]).abs().max()), 1e-6, "MW",
        exact, "largest difference of metered and planned load",
    )  # fmt: skip


def _cases(region: Region) -> Iterator[RegionCase]:
    horizon = region.horizon
    days = [region.day(number) for number in range(horizon.n_day)]
    base = np.concatenate([day.demand.base_mw for day in days])
    daily_mwh = float(base.sum()) * horizon.step_h / horizon.n_day
    for day in days:
        weight = day.demand.flexibility.dissatisfaction_weight
        stake = weight / (1.0 - weight) * day.demand.reference_price_per_mwh * daily_mwh
        if day.signal is not None:
            yield RegionCase(
                day.demand, float(base.max()) or 1.0, stake, horizon.step_h, day.signal, day.plan
            )
