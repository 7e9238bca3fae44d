"""Runs of several grids: feeders below a feeder and below a system, in several currencies, side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.grids import Grid
from gridarium.experiments.checking.grid_tree import StackedScenario
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.grid_evidence import OF_WORLD
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.names.formatting import is_money
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import read_run
from gridarium.experiments.running.runner import run
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import Study, load_scenario
from gridarium.market.accounts import PURCHASE, REPLICAS

AgentT = TypeVar("AgentT", bound=GridAgent)
Write = Callable[..., Path]
SPRING = {"start": "2026-04-15T00:00:00+08:00"}


@dataclass
class Played:
    """A finished world, and what is read off it."""

    case: StackedScenario
    built: Built

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        return self.tables_now()

    def tables_now(self) -> Mapping[str, pd.DataFrame]:
        return collect("base", self.built.world, self.built.sections)

    def certificates(self, tables: Mapping[str, pd.DataFrame] | None = None) -> dict[str, Certificate]:
        built = self.built
        found = certify("base", built.world, built.sections, tables or self.tables, self.case.currency_code)
        assert len({item.name for item in found}) == len(found)
        return {item.name: item for item in found}

    def grid(self, name: str) -> Grid:
        return next(grid for grid in self.built.world.grids if grid.name == name)

    def at(self, grid: str, kind: type[AgentT]) -> list[AgentT]:
        return [agent for agent in self.built.of(kind) if agent.grid.name == grid]

    @cached_property
    def summary(self) -> dict[str, float]:
        world = self.built.world
        return summarise(self.tables, [grid.name for grid in world.grids], world.period_h)


@pytest.fixture(scope="module")
def prepare(tmp_path_factory: pytest.TempPathFactory, write_in: Any) -> Callable[..., Played]:
    """Return a function that builds the world of a tree."""

    def prepared(tree: Tree, *settings: str) -> Played:
        path = write_in(tmp_path_factory.mktemp("stacked"), tree)
        (case,) = load_scenario(path, settings).cases.values()
        assert isinstance(case, StackedScenario)
        return Played(case, build(case))

    return prepared


@pytest.fixture(scope="module")
def play(prepare: Callable[..., Played]) -> Callable[..., Played]:
    """Return a function that runs a tree to its end."""

    def played(tree: Tree, *settings: str) -> Played:
        made = prepare(tree, *settings)
        made.built.world.bus.record = True
        while made.built.world.running:
            made.built.world.step()
        return made

    return played


@pytest.fixture(scope="module")
def towns(play: Callable[..., Played], trees: Any) -> Played:
    """A town and three equal villages at its bus 3."""
    return play(trees.two_feeders())


@pytest.fixture(scope="module")
def system(play: Callable[..., Played], trees: Any) -> Played:
    """A system in dollars, with ten equal villages whose sections are in yuan."""
    below = trees.village(under="bulk", replicas=10, step_h=1.0, currency="cny")
    tree = trees.system(r1=below) | SPRING | {"currency": "usd", "exchange_rates": {"cny": 0.125}}
    tree["horizon_h"] = 8
    return play(tree, "grids.bulk.operator.benchmark_nodes=0")


def test_every_hard_certificate_of_every_grid_and_seam_passes(towns: Played, system: Played) -> None:
    for played, names in ((towns, ("town", "village")), (system, ("bulk", "r1"))):
        found = played.certificates()
        assert [item for item in found.values() if item.hard and not item.passed] == []
        below = names[1]
        assert {f"{name}: head paid once" for name in names} <= found.keys()
        assert {"carbon of the tree", f"{below}: seam energy", f"{below}: seam carbon"} <= found.keys()
        for name in names:
            assert {f"{name}: energy balance", f"{name}: money balance"} <= found.keys()


def test_what_passes_a_head_stands_above_times_replicas(towns: Played) -> None:
    town, village = (towns.grid(name) for name in ("town", "village"))
    bus = town.feeder.index(3)
    below = np.array([state.below_mw for state in town.states])
    assert village.exchange_mw.max() > 0.1
    np.testing.assert_allclose(below[:, bus], 3.0 * village.exchange_mw, atol=1e-12)
    assert not np.delete(below, bus, axis=1).any()


def test_a_village_pays_the_town_what_the_town_has_told(towns: Played) -> None:
    ledger, heads = towns.tables["ledger"], towns.tables["heads"]
    head = heads[heads["grid"] == "village"]
    owed = float((head["price_per_mwh"] * head["p_metered_mw"]).sum())
    paid = ledger[(ledger["account"] == "town/dso") & (ledger["purpose"] == PURCHASE)]
    by_payer = paid.groupby("counterparty")["amount_money"].sum()
    assert by_payer["village/dso"] == pytest.approx(owed)
    assert by_payer[f"village/{REPLICAS}"] == pytest.approx(2.0 * owed)
    assert set(ledger["account"]) & {"dso", "industrial"} == set()


def test_a_system_commits_for_the_feeders_below_and_sells_at_its_marginal_price(system: Played) -> None:
    (operator,) = system.at("bulk", SystemOperator)
    heads = system.tables["heads"].set_index(["grid", "period"])
    told = heads.loc["r1", "price_per_mwh"].to_numpy()
    (signal,) = operator.told.values()
    np.testing.assert_array_equal(told, signal.price_per_mwh)
    # The load that is served in each quarter is the own and that of the ten feeders.
    dispatch = system.tables["dispatch"]
    served = dispatch[(dispatch["grid"] == "bulk") & (dispatch["kind"] == "grid_below")]
    np.testing.assert_allclose(served["p_demand_mw"], 10.0 * system.grid("r1").exchange_mw, atol=1e-6)
    assert served["p_demand_mw"].max() > 1.0
    # Whoever is commanded is named by its own grid in the tables, and by the world on the bus.
    assert "unit_1" in set(dispatch["agent"])
    assert "bulk/unit_1" in set(system.tables["messages"]["recipient"])


def test_tables_name_the_grid_of_each_row(towns: Played, system: Played) -> None:
    for played in (towns, system):
        for name, table in played.tables.items():
            assert table.columns[0] == "case"
            if name not in OF_WORLD:
                assert table.columns[1] == "grid"
                assert set(table["grid"]) <= set(played.built.sections)


def test_agents_of_one_name_in_two_grids_are_two(towns: Played) -> None:
    loads = towns.tables["loads"]
    drawn = loads.groupby(["grid", "agent"])["p_metered_mw"].sum()
    assert drawn["town", "industrial"] == pytest.approx(10.0 * drawn["village", "industrial"], rel=1e-3)
    names = [agent.name for agent in towns.built.world.agents]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("town/", "village/")) for name in names)


def test_metrics_carry_the_name_of_their_grid(towns: Played, system: Played) -> None:
    for played in (towns, system):
        assert {name.partition(".")[0] for name in played.summary if "." in name} == set(
            played.built.sections
        )
    heads = towns.tables["heads"]
    taken = heads[heads["grid"] == "village"]["p_metered_mw"].sum()
    assert towns.summary["village.head_import_mwh"] == pytest.approx(taken)


# Currencies.


def test_another_currency_changes_the_money_and_nothing_else(
    play: Callable[..., Played], towns: Played, trees: Any
) -> None:
    tree = trees.two_feeders(currency="usd", exchange_rates={"cny": 0.125})
    for own in tree["grids"].values():
        own["currency"] = "cny"
    other = play(tree)
    for name, value in towns.summary.items():
        rate = 0.125 if is_money(name.rpartition(".")[2]) else 1.0
        assert other.summary[name] == pytest.approx(rate * value, rel=1e-4, abs=1e-4), name
    amounts = [played.tables["ledger"]["amount_money"].to_numpy() for played in (towns, other)]
    np.testing.assert_allclose(amounts[1], 0.125 * amounts[0], rtol=1e-4, atol=1e-4)


def test_each_section_has_its_own_currency(prepare: Callable[..., Played], trees: Any) -> None:
    tree = trees.two_feeders(exchange_rates={"usd": 8.0})
    tree["grids"]["village"]["currency"] = "usd"
    played = prepare(tree)
    town, village = (played.built.sections[name] for name in ("town", "village"))
    assert village.prices.carbon_price_per_tco2 == 8.0 * town.prices.carbon_price_per_tco2
    own, others = (played.at(name, Consumer)[0] for name in ("village", "town"))
    assert own.name == "village/industrial"
    assert others.name == "town/industrial"


# Side by side.


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a JSON text, in their order."""
    return [float(number) for number in re.findall(r"(?<=[:\[,])-?\d[\d.e+-]*", text)]


def test_grids_that_do_not_touch_run_as_if_they_were_alone(play: Callable[..., Played], trees: Any) -> None:
    links = {"communication": {"latency_s": 0.2, "loss": 0.1}}
    noisy = {"noise": {"price_scale_per_mwh": 5.0}}
    tree = trees.two_feeders(**links)
    for group in tree["grids"]["village"]["consumers"].values():
        group["behaviour"] = [noisy]
    alone = play(tree)
    # Feeders of one shape share a solver, whose last digits depend on who asked it before.
    other = trees.feeder()
    other["network"]["peak_load_mw"] = 4.0
    more = play({**tree, "grids": {"a": other, **tree["grids"], "z": other}})
    for name, table in alone.tables.items():
        if name in OF_WORLD:
            continue
        beside = more.tables[name]
        beside = beside[beside["grid"].isin(["town", "village"])].reset_index(drop=True)
        if name == "letters":
            # What was said is text, of which the last digits of numbers are part.
            for text, other_text in zip(beside.pop("content"), table["content"], strict=True):
                assert numbers_in(text) == pytest.approx(numbers_in(other_text), rel=1e-5, abs=1e-8)
            table = table.drop(columns="content")
        pd.testing.assert_frame_equal(beside, table)
    sent = [
        played.tables["messages"].query("sender.str.startswith('town/')")["delivered_s"].to_numpy()
        for played in (alone, more)
    ]
    assert np.isnan(sent[0]).any()
    np.testing.assert_array_equal(*sent)


def test_a_further_feeder_changes_nobody_elses_draws(
    prepare: Callable[..., Played], trees: Any, told: Callable[..., Any]
) -> None:
    few = prepare(trees.system(r1=trees.village(under="bulk", step_h=1.0)) | SPRING)
    further = {name: trees.village(under="bulk", step_h=1.0) for name in ("a", "r1", "z")}
    many = prepare(trees.system(**further) | SPRING)
    for farm, same in zip(few.at("bulk", RenewablePlant), many.at("bulk", RenewablePlant), strict=True):
        np.testing.assert_array_equal(*(told(each, "dispatch", "p_available_mw") for each in (farm, same)))
    loads = [played.at("bulk", SystemLoad)[0] for played in (few, many)]
    np.testing.assert_array_equal(*(told(each, "loads", "p_metered_mw") for each in loads))


def test_two_pools_share_a_world_but_no_lines_and_no_names(play: Callable[..., Played], trees: Any) -> None:
    common = {"period_h": 0.25, "horizon_h": 12, **SPRING}
    alone = play({**common, "grids": {"a": trees.pool()}})
    both = play({**common, "grids": {"a": trees.pool(), "b": trees.pool()}})
    assert [item for item in both.certificates().values() if item.hard and not item.passed] == []
    assert "heads" not in alone.tables
    for name, value in alone.summary.items():
        if name != "messages":
            assert both.summary[name] == value, name
    trades = both.tables["trades"].query("product == 'p2p'")
    assert trades.groupby("grid")["delivered_mwh"].sum().min() > 1.0
    assert set(trades["seller"]) <= {"prosumer_1", "prosumer_2", "prosumer_3"}


# What a run leaves.


def test_a_run_leaves_a_folder_with_figures_of_the_seams(write: Write, tmp_path: Path, trees: Any) -> None:
    tree = trees.two_feeders(cases={"one": {"grids": {"village": {"replicas": 1}}}, "three": {}})
    result = run(load_scenario(write(tree)), out=tmp_path / "run")
    assert result.passed
    again = read_run(tmp_path / "run")
    assert set(again.summary) == {"one", "three"}
    figures = {path.stem for path in (tmp_path / "run" / "figures").iterdir()}
    assert {"heads-one", "heads-three"} <= figures
    of_feeder = {"prices", "load", "dispatch", "storage", "residuals", "feeder-one", "feeder-three"}
    assert {f"town-{name}" for name in of_feeder} <= figures
    # A village has no storage, and all that a feeder alone has of the rest.
    assert {f"village-{name}" for name in of_feeder - {"storage"}} <= figures
    assert "village-storage" not in figures
    assert "Villages behind a town" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    taken = [again.summary[case]["village.head_import_mwh"] for case in ("one", "three")]
    assert taken[0] == pytest.approx(taken[1], rel=0.05)
    scenario = tmp_path / "run" / "scenario.yaml"
    # The file of a village is kept beside it, and where units stand is told; all else is as it was given.
    text = scenario.read_text(encoding="utf-8")
    assert "profiles: inputs/village.csv" in text and "sites: {}" not in text
    assert anywhere(load_scenario(scenario)) == anywhere(load_scenario(write(tree)))


def anywhere(study: Study) -> Tree:
    """The cases of a study without where its files lie and its units stand."""
    cases: Tree = {name: case.model_dump(mode="json") for name, case in study.cases.items()}
    for case in cases.values():
        for grid in case["grids"].values():
            del grid["network"]["sites"]
            grid["profiles"] = Path(grid["profiles"]).name
    return cases


# A certificate that cannot fail is none.


def failed(played: Played, tables: Mapping[str, pd.DataFrame] | None = None) -> set[str]:
    found = played.certificates(tables or played.tables_now())
    return {name for name, item in found.items() if item.hard and not item.passed}


@pytest.mark.parametrize(("grid", "payer"), [("town", "town/dso"), ("village", "village/dso")])
def test_a_payment_booked_twice_is_found(towns: Played, grid: str, payer: str) -> None:
    tables = dict(towns.tables)
    ledger = tables["ledger"]
    supplier = towns.at(grid, Dso)[0].supplier
    sides = ((payer, supplier), (supplier, payer))
    again = pd.concat(
        ledger[
            (ledger["account"] == one) & (ledger["counterparty"] == other) & (ledger["purpose"] == PURCHASE)
        ].head(1)
        for one, other in sides
    )
    assert len(again) == 2
    tables["ledger"] = pd.concat([ledger, again], ignore_index=True)
    # Both sides are booked, so that the sum is zero as ever; but price times meter tells, and the chain.
    assert failed(towns, tables) == {f"{grid}: head paid once", "ledger chain"}


def test_a_payment_left_out_or_made_to_somebody_else_is_found(towns: Played) -> None:
    tables = dict(towns.tables)
    ledger = tables["ledger"]
    of_replicas = ledger["account"].eq(f"village/{REPLICAS}") | ledger["counterparty"].eq(
        f"village/{REPLICAS}"
    )
    tables["ledger"] = ledger[~of_replicas]
    assert failed(towns, tables) == {"village: head paid once", "ledger chain"}
    tables["ledger"] = ledger.replace({"account": {"town/upstream-market": "town/dso"}})
    assert "town: head paid once" in failed(towns, tables)
    sides = ["account", "counterparty"]
    tables["ledger"] = ledger.replace({side: {"village/dso": "village/stranger"} for side in sides})
    assert "payments between levels" in failed(towns, tables)


def test_a_price_that_was_not_told_is_found(towns: Played) -> None:
    tables = dict(towns.tables)
    signals = tables["signals"].copy()
    signals.loc[(signals["grid"] == "town") & (signals["kind"] == "dso"), "price_below_per_mwh"] *= 1.01
    tables["signals"] = signals
    assert failed(towns, tables) == {"village: head paid once", "village: numbers told twice"}


@pytest.mark.parametrize(
    ("fixture", "above", "below"), [("towns", "town", "village"), ("system", "bulk", "r1")]
)
def test_power_that_does_not_stand_above_is_found(
    request: pytest.FixtureRequest, fixture: str, above: str, below: str
) -> None:
    played: Played = request.getfixturevalue(fixture)
    tables = played.tables
    states, bus = played.grid(above).states, played.grid(below).above.bus
    states[7].below_mw[bus] += 0.001
    try:
        assert f"{below}: seam energy" in failed(played, tables)
    finally:
        states[7].below_mw[bus] -= 0.001
    assert failed(played) == set()


@pytest.mark.parametrize(("fixture", "below"), [("towns", "village"), ("system", "r1")])
def test_carbon_that_is_lost_at_a_head_is_found(
    request: pytest.FixtureRequest, fixture: str, below: str
) -> None:
    played: Played = request.getfixturevalue(fixture)
    states = played.grid(below).states
    largest = int(np.argmax([abs(state.head_t_per_h) for state in states]))
    kept = states[largest]
    states[largest] = replace(kept, head_t_per_h=1.001 * kept.head_t_per_h)
    try:
        assert failed(played) == {f"{below}: seam carbon", f"{below}: carbon balance"}
    finally:
        states[largest] = kept


def test_carbon_that_is_lost_on_the_way_is_found(towns: Played) -> None:
    states = towns.grid("village").states
    dirtiest = int(np.argmax([np.nansum(state.intensity_tco2_per_mwh) for state in states]))
    kept = states[dirtiest]
    states[dirtiest] = replace(kept, intensity_tco2_per_mwh=1.01 * kept.intensity_tco2_per_mwh)
    try:
        assert "carbon of the tree" in failed(towns)
    finally:
        states[dirtiest] = kept
    assert failed(towns) == set()
