"""Five models on one clock: each grid alone on what was recorded at its seams does the same again."""

from pathlib import Path

import pytest

from gridarium.environment.errors import MessageError
from gridarium.experiments import load_scenario, run
from gridarium.experiments.evidence.world import central_bound
from gridarium.experiments.results.result import Result, RunFolderError, read_run
from gridarium.experiments.running.replay import SAME, replay

SETTINGS = (
    "horizon_h=4",
    "grids.bulk.ties.rounds.tolerance=0.02",
    "grids.c.trading={opens_h: 1, closes_h: 3}",
    "grids.c.prosumers.homes.count=2",
    "grids.c.prosumers.shops.count=2",
    "grids.c.prosumers.flats.count=1",
)


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Result:
    out: Path = tmp_path_factory.mktemp("replay") / "run"
    run(load_scenario("one-world-small", SETTINGS), cases=["all-on"], out=out)
    return read_run(out)


@pytest.mark.parametrize("grid", ["bulk", "a", "b", "c"])
def test_a_grid_alone_does_what_it_did_in_the_stack(
    stacked: Result, grid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> float:
        raise AssertionError("a grid alone has no central optimum")

    assert len(stacked.table("central_bounds")) == 1
    monkeypatch.setattr(central_bound, "least_cost_money", refuse)
    table = replay(stacked, grid)
    assert len(table) > 20
    assert table["stacked"].abs().gt(1.0).sum() > 10
    assert table[~(table["difference"] <= SAME)].empty


def test_a_grid_told_something_else_does_something_else(stacked: Result) -> None:
    letters = stacked.table("letters").copy()
    told = (letters["grid"] == "a") & (letters["topic"] == "TariffSignal")
    letters.loc[told, "content"] = letters.loc[told, "content"].str.replace(
        '"factor_tco2_per_mwh":[0.', '"factor_tco2_per_mwh":[1.', regex=False
    )
    assert (letters["content"] != stacked.table("letters")["content"]).any()
    moved = Result(
        stacked.summary,
        [],
        [],
        stacked.scenario,
        stacked.manifest,
        {**stacked.tables, "letters": letters},
    )
    assert (replay(moved, "a")["difference"] > SAME).any()


def test_what_was_not_asked_before_is_refused(stacked: Result) -> None:
    letters = stacked.table("letters")
    short = letters[~((letters["grid"] == "b") & (letters["topic"] == "StatusRequest"))]
    lost = Result(
        stacked.summary, [], [], stacked.scenario, stacked.manifest, {**stacked.tables, "letters": short}
    )
    with pytest.raises(MessageError, match="was not asked StatusRequest number 1"):
        replay(lost, "bulk")


@pytest.mark.parametrize(("grid", "case"), [("d", None), ("a", "all-off")])
def test_an_unknown_grid_or_case_is_refused(stacked: Result, grid: str, case: str | None) -> None:
    with pytest.raises(RunFolderError, match="must be one of"):
        replay(stacked, grid, case)
