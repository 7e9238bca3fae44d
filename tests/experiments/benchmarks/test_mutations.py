"""Mutations of valid values: what is drawn from the schema, and how runs are judged."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_runs import ToyDraw, ToyOutcome, toy_run

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.environment.errors import Fault, InfeasibleError, ScenarioError, UnheardError
from gridarium.environment.parameters import OneOf, YesOrNo
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.benchmarks import limited_runs, mutation_draws, mutations, silence
from gridarium.experiments.benchmarks.catalogue import run_benchmark
from gridarium.experiments.benchmarks.limited_runs import play_limited
from gridarium.experiments.benchmarks.mutation_draws import (
    BASES,
    Base,
    MutationDraw,
    base_trees,
    bases_print,
    draw_mutations,
)
from gridarium.experiments.benchmarks.mutation_fields import Null, Number, mutable_fields
from gridarium.experiments.benchmarks.mutations import FINE, MutationOutcome, ended, judged, play, summarise
from gridarium.experiments.checking.grid_tree import entries_of
from gridarium.experiments.processes.workers import Worker, heard
from gridarium.experiments.reading.field_paths import replaced
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import measure_case
from gridarium.experiments.scenario import check_case, load_scenario

COUNT = int(os.environ.get("GRIDARIUM_MUTATED_RUNS", "200"))
FINE_SHARE = 0.9
SHORT = BASES[:2]
"""The two that take least time, as the command runs them."""


def test_mutated_scenarios_end_without_a_traceback_and_mostly_well() -> None:
    outcomes = [play(seed, SHORT) for seed in range(1, COUNT + 1)]
    bad = [one for one in outcomes if one.ending not in FINE]
    told = "\n".join(f"{one.ending}: {one.detail}: {one.drawn.told()}" for one in bad)
    assert not {one.ending for one in bad} & {"traceback", "slow", "died"}, told
    found = summarise(outcomes)
    assert found["cycle_share"] <= 0.03, told
    assert found["infeasible_share"] <= 0.05, told
    assert sum(found[f"{ending}_share"] for ending in FINE) >= FINE_SHARE, told


def in_rows(tree: Tree, folder: Path, hour: int, column: str, factor: float) -> Tree:
    """A case of one grid, bulk where there are several, run from an hour on with a column times a factor."""
    case = check_case(tree)[0]
    assert case is not None
    grids = entries_of(case)
    for name, entry in grids.items():
        shipped = read_profiles(profile_path(entry.scenario.profiles))
        values = {key: np.roll(one, -hour) for key, one in shipped.columns.items()}
        if name in ("", "bulk"):
            values[column] = factor * values[column]
        path = folder / f"rows-{name}.csv"
        begins, step = case.start or shipped.times[0], timedelta(hours=shipped.period_h)
        times = [(begins + row * step).isoformat() for row in range(len(shipped.times))]
        pd.DataFrame({"time": times, **values}).to_csv(path, index=False)
        tree = replaced(tree, ("grids", name, "profiles") if name else ("profiles",), str(path))
    return tree


@pytest.mark.parametrize(
    ("scenario", "case", "horizon_h", "hour", "column", "factor"),
    [
        ("adcef-small", "tou-commanded", 1, 0, "load_mw", 0.0),
        ("ries-small", "full", 6, 0, "residential_mw", 0.0),
        ("ries-small", "ladder-equal", 3, 0, "industrial_mw", 0.0),
        ("ties-feeders-small", "ladder", 3, 9, "wind_mw", 1.0),
        ("green-vpp-small", "scenario-2", 1, 0, "region_1_load_mw", 0.0),
        ("green-vpp-small", "scenario-3", 2, 0, "region_2_tou_price_per_mwh", -0.2),
    ],
)
def test_who_draws_nothing_and_whom_nothing_moves_are_run(
    tmp_path: Path, scenario: str, case: str, horizon_h: int, hour: int, column: str, factor: float
) -> None:
    """A feeder without load, whose storages are left 1e-17 MW; a system without; feeders without any at noon,
    of no flexibility; a region without any, or with a negative price."""
    tree = base_trees((Base(scenario, horizon_h, 1.0),))[scenario][case]
    assert ended(in_rows(tree, tmp_path, hour, column, factor)) == ("passed", "")


def test_a_plant_that_has_other_power_than_foreseen_departs_from_the_plan_and_fails_no_model() -> None:
    tree = base_trees((Base("adcef-small", 2, 1.0),))["adcef-small"]["tou-commanded"]
    assert ended(replaced(tree, ("renewables", "wind", "error_bound"), 0.22)) == ("passed", "")


@pytest.mark.parametrize(
    ("scenario", "case", "settings"),
    [
        ("ries-small", "full-equal", {"regions.commercial.scale": 0.99}),
        ("ries-small", "full", {"ties.rounds.damping": 0.4}),
        ("ries-small", "once", {"regions.residential.scale": 3.2}),
        ("adcef-small", "adcef", {"leader.kind": "full-information"}),
        ("adcef-small", "tou", {"dso.behaviour": [{"noise": {"load_bias_share": -1.0}}]}),
        ("green-vpp-small", "two-vpps", {"communication.loss": 0.52}),
        (
            "ries-small",
            "none",
            {"ties.central_bound": True, "ties.reserve_load_share": 0.9, "regions.residential.scale": 2.4},
        ),
    ],
)
def test_values_that_once_failed_are_run(scenario: str, case: str, settings: dict[str, object]) -> None:
    """An hour in which nobody can abate anything; a load that empties storages; a leader that searches; one
    that hears half; a plant whose owners nobody could ask; imports beyond their limit in real time."""
    tree = base_trees((Base(scenario, 1, 1.0),))[scenario][case]
    for path, value in settings.items():
        keys = tuple(path.split("."))
        at = keys if keys[0] in tree else ("grids", "bulk", *keys)
        tree = replaced(tree, at, value)
    assert ended(tree) == ("passed", "")


def test_a_ledger_without_an_entry_is_judged_as_any_other() -> None:
    tree = base_trees((Base("adcef-small", 1, 1.0),))["adcef-small"]["tou"]
    free = replaced(tree, ("prices", "wholesale_share_of_tou"), 0.0)
    assert ended(free)[0] != "traceback"


def test_what_is_paid_once_is_paid_once_though_messages_come_twice() -> None:
    case = load_scenario("green-vpp-small", ["communication.duplication=0.5"]).cases["scenario-3"]
    assert [one.name for one in measure_case("twice", case)[1] if one.hard and not one.passed] == []


def test_a_plant_whose_pool_has_played_no_game_is_judged() -> None:
    """Latency is so long that nobody joins before the day."""
    overrides = ["communication.latency_s=72", "horizon_h=2"]
    case = load_scenario("green-vpp-small", overrides).cases["scenario-1"]
    assert measure_case("late", case)[1]


@pytest.mark.parametrize("setting", ["storages.storage_2b.soc_max=1.0", "storages.storage_2a.p_max_mw=0.5"])
def test_storages_that_cannot_be_planned_as_one_are_faults_before_a_run(setting: str) -> None:
    with pytest.raises(ScenarioError, match="storages of one plant in one region are planned as one"):
        load_scenario("green-vpp-small", [setting])
    load_scenario(
        "green-vpp-small", [setting.replace("storage_2b", "storage_1").replace("storage_2a", "storage_1")]
    )


def test_fields_and_their_ranges_come_from_the_schema() -> None:
    tree = base_trees(SHORT)["adcef-small"]["adcef"]
    case = check_case(tree)[0]
    assert case is not None
    found = {".".join(one.keys): one for one in mutable_fields(case, tree)}
    assert [str(one.range) for one in found["consumers.industrial.flexible_share"].allowed] == ["[0, 1]"]
    assert Null() in found["consumers.industrial.shiftable_mwh"].allowed or (
        found["consumers.industrial.shiftable_mwh"].value is None
    )
    assert YesOrNo() in found["tariff.balance_budget"].allowed
    (kinds,) = found["tariff.kind"].allowed
    assert isinstance(kinds, OneOf) and {"adcef", "tou"} <= set(kinds.words)
    # Every number that is found may be what it is, and what has no effect in the case is not there.
    for one in found.values():
        ranges = [each.range for each in one.allowed if isinstance(each, Number)]
        assert one.value is None or not ranges or any(one.value in each for each in ranges), one
    assert not {"title", "start", "horizon_h", "network.source"} & set(found)
    assert not any(name.startswith("operator.") for name in found)


def test_grids_of_a_stack_are_all_mutated() -> None:
    tree = base_trees((Base("ties-feeders-small", 2, 1.0),))["ties-feeders-small"]["ladder"]
    case = check_case(tree)[0]
    assert case is not None
    names = {one.keys[:2] for one in mutable_fields(case, tree)}
    assert {("grids", "bulk"), ("grids", "r1"), ("grids", "r2")} < names
    assert any(key[0] == "communication" for key in names)


def test_a_draw_is_valid_and_the_same_again(tmp_path: Path) -> None:
    counts: Counter[int] = Counter()
    for seed in range(1, 13):
        drawn, tree = draw_mutations(seed, tmp_path, SHORT)
        assert (drawn, tree) == draw_mutations(seed, tmp_path, SHORT)
        assert tree != base_trees(SHORT)[drawn.scenario][drawn.case]
        assert check_case(tree)[1] == []
        counts[len(drawn.mutations)] += 1
    assert set(counts) == {1, 2, 3, 4}


def test_rows_of_profiles_are_mutated(tmp_path: Path) -> None:
    drawn = (draw_mutations(seed, tmp_path, (Base("adcef-small", 24, 1.0),)) for seed in range(1, 60))
    (one, tree) = next(each for each in drawn if any("rows" in told for told in each[0].mutations))
    shipped = read_profiles(load_scenario(one.scenario).cases[one.case].files[0])
    mutated = read_profiles(tree["profiles"])
    changed = [name for name in shipped.columns if np.any(shipped.column(name) != mutated.column(name))]
    assert changed and all(any(name in told for told in one.mutations) for name in changed)


@pytest.mark.parametrize(
    ("failed", "ending"),
    [
        ((), "passed"),
        ((("r1: convergence", False), ("r1: cycle size", None)), "cycle"),
        ((("convergence", True),), "open"),
        ((("convergence", False), ("cycle size", True)), "open"),
        ((("energy balance", True),), "uncertified"),
        ((("core violation", False),), "passed"),
    ],
)
def test_certificates_are_judged(failed: tuple[tuple[str, bool | None], ...], ending: str) -> None:
    """Hard or soft ones that fail; None is a hard one that passes."""
    certificates = [
        Certificate("c", name, 2.0, 1.0, "", hard is None, hard is not False, "") for name, hard in failed
    ]
    assert judged(certificates)[0] == ending


def test_what_is_infeasible_is_confirmed_by_another_solver(tmp_path: Path) -> None:
    tree = base_trees(SHORT)["adcef-small"]["tou-commanded"]
    cut_off = replaced(replaced(tree, ("prices", "import_limit_mw"), 0.0), ("power_scale",), 20.0)
    ending, detail = ended(cut_off)
    assert ending == "infeasible", detail
    assert "PrimalInfeasible" in detail


@pytest.mark.parametrize("scenario", ["adcef-small", "ries-small", "ties-feeders-small", "one-world-small"])
def test_a_latency_by_which_nobody_answers_is_a_fault_before_a_run(scenario: str) -> None:
    with pytest.raises(ScenarioError, match=r"communication.latency_s: got 86400.0; must be below \d+ s"):
        load_scenario(scenario, ["communication.latency_s=86400"])
    load_scenario(scenario, ["communication.latency_s=80"])


def test_silence_that_links_have_caused_is_confirmed_without_them() -> None:
    tree = base_trees(SHORT)["green-vpp-small"]["scenario-2"]
    lossy = replaced(
        replaced(tree, ("communication", "loss"), 0.99), ("negotiation", "resend_after_s"), 600.0
    )
    ending, detail = ended(lossy)
    assert ending == "unheard", detail
    error = UnheardError("operator", "nothing told of day 0 by", ["carbon-market", "region_1"])
    assert silence.unheard(lossy, error, lambda other: False)[1].startswith("on perfect links it does not")
    assert silence.unheard(lossy, error, lambda other: True)[1].startswith(
        "when run again it ended otherwise"
    )
    assert silence.unheard(tree, error, lambda other: True) == (False, "all links are perfect")


def test_silence_that_no_link_explains_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages between others are lost, and the one who waits hears all that is sent to it."""
    tree = base_trees(SHORT)["green-vpp-small"]["scenario-2"]
    elsewhere = [{"between": ["region_1", "region_2"], "loss": 0.9}]
    error = UnheardError("operator", "nothing told of day 0 by", ["region_1"])
    monkeypatch.setattr(DistributionOperator, "_gather", lambda *_: raising(error))
    other = replaced(tree, ("communication", "links"), elsewhere)
    assert silence.unheard(other, error, lambda other: True) == (
        False,
        "nothing between operator and region_1 was lost or late",
    )


def raising(error: Exception) -> Iterator[None]:
    raise error
    yield


def test_who_was_not_heard_crosses_a_process() -> None:
    error = UnheardError("dso", "no forecast from", ["wind", "pv"])
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "agent dso: no forecast from pv, wind before the gate closed"
    assert (again.waits, again.silent) == ("dso", ("pv", "wind"))


def test_other_ends_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = base_trees(SHORT)["adcef-small"]["tou"]

    def end(error: Exception) -> None:
        def measure(name: str, case: object) -> None:
            raise error

        monkeypatch.setattr(mutations, "measure_case", measure)

    end(InfeasibleError("agent dso: nobody was asked"))
    assert ended(tree)[0] == "unconfirmed"
    end(ScenarioError("vpps", [Fault("p", 1, "must be 2")]))
    assert ended(tree)[0] == "refused"
    end(KeyError("x"))
    assert ended(tree)[0] == "traceback"


def test_one_that_is_too_slow_or_dies_ends_no_other() -> None:
    def lost(seed: int, how: str) -> ToyOutcome:
        return ToyOutcome(ToyDraw(seed), "lost", how)

    outcomes = play_limited(toy_run, lost, [1, 2, 3], 1, 1)
    assert [one.ending for one in outcomes] == ["passed", "lost", "lost"]
    assert [one.detail for one in outcomes[1:]] == ["by SIGXCPU", "with exit status 7"]


def test_one_that_died_before_anyone_looked_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has said that it is ready, has played and died: all that waits to be read."""

    def heard_late(workers: list[Worker]) -> list[Worker]:
        for worker in workers:
            worker.process.join(30.0)
        return heard(workers)

    monkeypatch.setattr(limited_runs, "heard", heard_late)
    (outcome,) = play_limited(toy_run, lambda seed, how: ToyOutcome(ToyDraw(seed), "lost", how), [3], 1, 9)
    assert (outcome.ending, outcome.detail) == ("lost", "with exit status 7")


def outcome(seed: int, ending: str) -> MutationOutcome:
    drawn = MutationDraw(seed, "adcef-small", "tou", ("power_scale=2.0",), ("x=1: x: got 1; must be 2",))
    return MutationOutcome(drawn, ending, "", 1.0)  # type: ignore[arg-type]


def test_a_print_is_the_same_wherever_the_package_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = bases_print(SHORT)
    here, tree = str(mutation_draws._EXPERIMENTS), base_trees(SHORT)
    assert here in str(tree)

    def moved(value: object) -> object:
        if isinstance(value, dict):
            return {key: moved(one) for key, one in value.items()}
        if isinstance(value, list):
            return [moved(one) for one in value]
        return value.replace(here, "/else") if isinstance(value, str) else value

    monkeypatch.setattr(mutation_draws, "base_trees", lambda bases: moved(tree))
    monkeypatch.setattr(mutation_draws, "_EXPERIMENTS", Path("/else"))
    assert bases_print(SHORT) == shipped
    monkeypatch.undo()
    longer = tuple(base._replace(horizon_h=3) for base in SHORT)
    assert bases_print(longer) != shipped


def test_a_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[int] = []

    def here(play_one: object, lost: object, seeds: range, *rest: object) -> list[MutationOutcome]:
        kept = rest[-1]
        found = []
        for seed in seeds:
            known = kept.known(seed)  # type: ignore[attr-defined]
            if known is None:
                played.append(seed)
                known = outcome(seed, "passed" if seed < 3 else "traceback")
                kept.keep(seed, known)  # type: ignore[attr-defined]
            found.append(known)
        return found

    monkeypatch.setattr(mutations, "play_limited", here)
    path = tmp_path / "outcomes.jsonl"
    first = run_benchmark("mutations", ["count=2"], path)
    again = run_benchmark("mutations", ["count=4"], path)
    assert played == [1, 2, 3, 4]
    assert (first["passed_share"], again["passed_share"], again["traceback_share"]) == (1.0, 0.5, 0.5)
    assert again["drawn_anew"] == 4.0
