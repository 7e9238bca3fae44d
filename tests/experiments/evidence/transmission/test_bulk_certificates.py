"""Certificates of a TIES and its regional systems: they hold, and each sees what it is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.region import region_certificates
from gridarium.experiments.evidence.transmission import bulk_certificates
from gridarium.experiments.results.records import Reading
from tests.support.ries_small import known_of_night

OF_BULK: tuple[Callable[[GridEvidence], Iterable[Reading]], ...] = (
    bulk_certificates.commitment,
    bulk_certificates.network,
    bulk_certificates.storages,
    bulk_certificates.own_carbon,
    bulk_certificates.cap,
    bulk_certificates.negotiations,
    region_certificates.bills,
    region_certificates.personal_carbon,
    region_certificates.responsibilities,
    region_certificates.choices,
)
ALWAYS = {
    "minimum times",
    "starts and stops",
    "reserve",
    "voltage band",
    "branch loading",
    "storage energy",
    "own carbon",
    "carbon quota",
    "convergence",
    "rounds",
    "commitment",
    "retail bills",
    "personal ladders",
    "responsibilities by proportion",
    "responsibilities by path",
    "carbon of regions",
    "regret of regions",
    "plans of regions kept",
    "moves of users",
}
Change = Callable[[pd.DataFrame], None]


def readings(known: GridEvidence) -> dict[str, Reading]:
    return {reading.name: reading for of_grid in OF_BULK for reading in of_grid(known)}


def failed(known: GridEvidence) -> set[str]:
    # What is no number has not passed.
    return {name for name, one in readings(known).items() if not one.value <= one.tolerance}


def told(table: str, change: Change, case: str = "full", *settings: str) -> GridEvidence:
    """What would be known if a table had been another."""
    known = known_of_night(case, *settings)
    changed = known.tables[table].copy()
    change(changed)
    return replace(known, tables={**known.tables, table: changed})


@pytest.mark.parametrize("case", ["full", "fixed", "pigouvian"])
def test_they_hold_in_every_scheme(case: str) -> None:
    found = readings(known_of_night(case))
    assert set(found) - {"personal carbon"} == ALWAYS
    assert ("personal carbon" in found) == (case != "pigouvian")
    assert failed(known_of_night(case)) == set()


def test_a_unit_that_stops_too_early_and_pays_nothing_for_it_is_seen() -> None:
    def stop(units: pd.DataFrame) -> None:
        own = units.index[units["agent"] == "combined"]
        units.loc[own[[4, 7]], "on"] = 0.0

    found = failed(told("units", stop))
    assert {"minimum times", "starts and stops"} <= found


def test_headroom_that_is_missing_is_seen() -> None:
    def full_load(units: pd.DataFrame) -> None:
        units.loc[units["agent"] == "combined", "gross_mw"] = 120.0
        units.loc[units["agent"] == "gas", "gross_mw"] = 100.0

    assert "reserve" in failed(told("units", full_load))


def test_a_voltage_and_a_current_beyond_their_limits_are_seen() -> None:
    def lifted(rows: pd.DataFrame) -> None:
        rows.loc[rows.index[-1], "vm_pu"] = 1.08

    def loaded(rows: pd.DataFrame) -> None:
        rows.loc[rows.index[0], "loading"] = 1.2

    assert failed(told("buses", lifted)) == {"voltage band"}
    assert failed(told("branches", loaded)) == {"branch loading"}


def test_energy_that_appears_in_a_storage_is_seen() -> None:
    def more(storages: pd.DataFrame) -> None:
        storages.loc[storages.index[5], "e_mwh"] += 0.01

    assert failed(told("storages", more)) == {"storage energy"}


def test_emission_that_nobody_pays_for_is_seen() -> None:
    def more(units: pd.DataFrame) -> None:
        units.loc[units.index[units["agent"] == "gas"][3], "gross_mw"] += 1.0

    found = failed(told("units", more))
    assert {"own carbon", "responsibilities by proportion", "responsibilities by path"} <= found


@pytest.mark.parametrize(
    ("purpose", "name"),
    [("carbon", "own carbon"), ("retail", "retail bills"), ("personal carbon ladder", "personal ladders")],
)
def test_a_payment_that_is_off_is_seen(purpose: str, name: str) -> None:
    def off(ledger: pd.DataFrame) -> None:
        mine = ledger["purpose"] == purpose
        ledger.loc[mine, "amount_money"] *= 1.0 + 1e-4

    assert failed(told("ledger", off)) == {name}


def test_emission_beyond_all_that_can_be_bought_is_seen() -> None:
    known = known_of_night("full")
    ties = known.scenario.ties.model_copy(
        update={"own_carbon": known.scenario.ties.own_carbon.model_copy(update={"purchase_limit_tco2": 25.0})}
    )
    assert failed(replace(known, scenario=known.scenario.model_copy(update={"ties": ties}))) == {
        "carbon quota"
    }


def test_a_cap_that_is_met_and_one_that_is_not() -> None:
    cap = "cases.fixed.grids.bulk.carbon_policy.emission_cap_tco2_per_day=350"
    known = known_of_night("fixed", cap)
    assert readings(known)["emission cap"].value <= 1e-4

    def more(days: pd.DataFrame) -> None:
        days["emission_planned_tco2"] *= 1.001

    assert "emission cap" in failed(told("days", more, "fixed", cap))


def test_rounds_that_do_not_come_to_rest_are_seen() -> None:
    def moving(rounds: pd.DataFrame) -> None:
        rounds.loc[rounds.index[-1], "price_change"] = 2e-4

    assert failed(told("rounds", moving)) == {"convergence"}

    def cycling(rounds: pd.DataFrame) -> None:
        moving(rounds)
        rounds.loc[rounds.index[-1], "ended"] = "cycle"

    found = readings(told("rounds", cycling))
    assert not found["convergence"].hard
    # The table of days names no cycle, so its size is no number.
    assert np.isnan(found["cycle size"].value)


def test_too_many_rounds_are_seen_and_more_are_allowed_where_steps_were_cut() -> None:
    def endless(rounds: pd.DataFrame) -> None:
        rounds["ended"] = ""
        rounds.loc[rounds.index[-1], "ended"] = "converged"

    assert "rounds" in failed(told("rounds", endless))

    def cautious(rounds: pd.DataFrame) -> None:
        endless(rounds)
        rounds.loc[rounds.index[-5:], "damping"] = 0.2

    assert readings(told("rounds", cautious))["rounds"].tolerance == 40.0


def test_a_commitment_that_costs_too_much_is_seen() -> None:
    def dear(days: pd.DataFrame) -> None:
        days["commitment_cost_money"] *= 1.01

    assert failed(told("days", dear)) == {"commitment"}

    def unknown(days: pd.DataFrame) -> None:
        days["commitment_cost_money"] = np.nan

    assert failed(told("days", unknown)) == {"commitment"}


def test_a_factor_that_is_off_is_seen_in_the_sum_and_in_the_bill() -> None:
    def dirtier(carbon: pd.DataFrame) -> None:
        carbon.loc[carbon["agent"] == "industrial", "factor_tco2_per_mwh"] *= 1.01

    assert failed(told("personal_carbon", dirtier)) == {"personal carbon", "personal ladders"}


@pytest.mark.parametrize("way", ["proportion", "path"])
def test_carbon_that_nobody_answers_for_is_seen(way: str) -> None:
    def less(matrix: pd.DataFrame) -> None:
        own = (matrix["agent"] == "industrial") & (matrix["source"] == "combined")
        matrix.loc[own, f"{way}_tco2"] *= 0.999

    also = {"carbon of regions"} if way == "path" else set()
    assert failed(told("responsibilities", less)) == {f"responsibilities by {way}"} | also


def test_load_that_departs_from_the_plan_is_seen() -> None:
    def more(loads: pd.DataFrame) -> None:
        loads.loc[loads.index[0], "p_metered_mw"] += 0.01

    assert "plans of regions kept" in failed(told("loads", more))


def test_nothing_is_read_where_there_is_no_ties() -> None:
    known = known_of_night("full")
    other = replace(known, tables={"ledger": known.tables["ledger"]}, agents=())
    assert readings(other) == {}


def test_what_strategic_followers_leave_open_is_no_fault_of_the_run() -> None:
    known = known_of_night("full")
    regions = {
        name: region.model_copy(update={"behaviour": ["any"]})
        for name, region in known.scenario.regions.items()
    }
    other = replace(known, scenario=known.scenario.model_copy(update={"regions": regions}))
    soft = {"convergence", "personal carbon", "regret of regions", "plans of regions kept"}
    exact, bounded = readings(known), readings(other)
    assert all(exact[name].hard and not bounded[name].hard for name in soft)
    assert all(exact[name].hard == bounded[name].hard for name in set(exact) - soft)
