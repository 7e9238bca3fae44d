"""Small scenarios of several grids: feeders of five buses, in hours, and pools without a system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridarium.experiments.checking.grid_tree import COMMON
from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import load_scenario

Write = Callable[..., Path]
FIVE_BUS = str(profile_path("adcef-ordinary").parent / "five-bus.json")
VILLAGE = "village.csv"


class Trees:
    """Trees of scenarios, and sections of grids."""

    @staticmethod
    def section(scenario: str, case: str) -> Tree:
        """What a shipped case says beyond what all grids share, as the section of a grid."""
        tree: Tree = load_scenario(scenario).cases[case].model_dump(mode="json", exclude=set(COMMON))
        tree.pop("horizon_h", None)
        return tree

    @staticmethod
    def feeder(**place: Any) -> Tree:
        """A feeder of five buses under the time-of-use tariff."""
        own = Trees.section("adcef-small", "tou")
        if "under" in place:
            own["prices"] = {"import_limit_mw": 10.0}
        return place | own

    @staticmethod
    def village(**place: Any) -> Tree:
        """A feeder of a tenth of the load, that hangs on another grid."""
        own = Trees.feeder(under="town") | place
        own["profiles"] = VILLAGE
        own["network"] = {"source": FIVE_BUS, "peak_load_mw": 0.3715, "loads": "profile"}
        own |= {"gas_turbines": {}, "storages": {}}
        return own

    @staticmethod
    def pool(**place: Any) -> Tree:
        """Prosumers without a system; the periods of its scenario are quarters."""
        return place | Trees.section("net-zero-bargaining", "posted")

    @staticmethod
    def system(**more: Any) -> Tree:
        """A system without storage and trade, whose periods are quarters, and further grids."""
        bulk = Trees.section("net-zero", "capture")
        return {"period_h": 0.25, "grids": {"bulk": bulk, **more}}

    @staticmethod
    def two_feeders(**more: Any) -> Tree:
        """A town, and three equal villages at one of its buses."""
        return {
            "title": "Villages behind a town",
            "horizon_h": 8,
            "grids": {"town": Trees.feeder(), "village": Trees.village(at=3, replicas=3)},
        } | more


def write_profiles(folder: Path, start: str | None = None) -> None:
    """Write the profiles of a village: powers a tenth of the ordinary ones, except for the sun.

    Its day is that of the scenario's start, if there is one.
    """
    lines = profile_path("adcef-ordinary").read_text(encoding="utf-8").splitlines()
    names, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    small = {names.index(name) for name in ("load_mw", "wind_mw")}
    cells = [
        [str(0.1 * float(cell)) if place in small else cell for place, cell in enumerate(row)] for row in rows
    ]
    text = "\n".join(",".join(row) for row in [names, *cells])
    if start is not None:
        text = text.replace("2026-01-15", start[:10])
    (folder / VILLAGE).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def trees() -> Trees:
    """Return the maker of trees."""
    return Trees()


@pytest.fixture(scope="session")
def write_in() -> Write:
    """Return a function that writes a scenario file, and the profiles of a village beside it."""

    def written(folder: Path, tree: Tree) -> Path:
        write_profiles(folder, tree.get("start"))
        path = folder / "scenario.yaml"
        path.write_text(dump_yaml(tree), encoding="utf-8")
        return path

    return written


@pytest.fixture
def write(tmp_path: Path, write_in: Write) -> Write:
    """Return a function that writes a scenario file into the folder of the test."""
    return lambda tree: write_in(tmp_path, tree)
