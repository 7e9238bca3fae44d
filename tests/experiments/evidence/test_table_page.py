"""Tables of small runs against `docs/tables.md`: who tells what, and in which columns."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from communities import write_under_a_system

from gridarium.experiments.evidence.grid_evidence import OF_WORLD
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario

PAGE = Path(__file__).parents[3] / "docs" / "tables.md"


class Table(NamedTuple):
    """What the page says of a table: its first columns, and the further ones."""

    first: list[str]
    further: list[str]


def _documented() -> dict[str, Table]:
    found = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name, text = section.split("\n", 1)
        (first,) = re.findall(r"First columns: (.*?)\.", text.replace("\n", " "))
        further = re.findall(r"^\| (\w+) \| .+ \|$", text, flags=re.M)
        found[name] = Table(first.split(", "), further[1:])
    return found


TABLES = _documented()
POOLED = ("tariff.kind=tou", "dso.storage=pooled", "storage_pool={owners_verify: true}")
HELD = "communication.attacks.held={link: [storage_7, dso], kind: delay, delay_s: 1}"
HEDGED = tuple(
    f"cases.tou-commanded.{setting}"
    for setting in (
        "dso.plan={attitude: expected, drawn: 4, scenarios: 3}",
        "consumers.residential.deviation_share=0.1",
    )
)
WITH_EDGE = (
    "edge={}",
    "network.voltage_min_pu=0.995",
    "storages.storage_14.s_max_mva=0.7",
    "storages.storage_14.pooling.response_s=0.3",
    "standby_storages={spare: {p_max_mw: 0.8, e_max_mwh: 1.6, covers: [storage_7]}}",
    "incidents={lull: {unit: wind, kind: output-drop, at_h: 19.2, lasts_h: 0.5, share: 1.0}, "
    "fault: {unit: storage_7, at_h: 15.3, lasts_h: 0.5}}",
)
PLANTS = {
    "profiles": "green-vpp",
    "horizon_h": 6,
    "network": {"source": "case33bw", "sites": {"cell": 30}},
    "prices": {"tou_column": "region_1_tou_price_per_mwh", "green_share_column": "green_share"},
    "price_regions": {
        "regions": {
            f"region_{number}": {
                "behind": branch,
                "load_column": f"region_{number}_load_mw",
                "price_column": f"region_{number}_tou_price_per_mwh",
            }
            for number, branch in ((1, None), (2, "line 5"))
        }
    },
    "distribution_operator": {},
    "storages": {"cell": {"p_max_mw": 0.25, "e_max_mwh": 0.5, "alone": {"regime": "idle"}}},
    "vpps": {"vpp": {"pool": {"score_min": 0.0}}},
}
KINDS = {
    "feeder": {"dso", "consumer", "storage", "renewable", "gas_turbine", "market", "head"},
    "system": {
        "operator",
        "thermal",
        "renewable",
        "load",
        "flexible_load",
        "storage_provider",
        "prosumer",
        "day_ahead_market",
    },
}


@pytest.fixture(scope="module")
def runs(from_eight: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    plants = tmp_path_factory.mktemp("plants") / "plants.json"
    plants.write_text(json.dumps(PLANTS), encoding="utf-8")
    # In the first hour of a day that begins at midnight nobody trades.
    short = [*from_eight, "horizon_h=1", "operator.benchmark_nodes=0"]
    return {
        "feeder": run(load_scenario("adcef-small"), cases=["adcef"]),
        "owners": run(load_scenario("adcef-small", ["tap_changer={}", HELD]), cases=["tou"]),
        "scenarios": run(load_scenario("adcef-small", HEDGED), cases=["tou-commanded"]),
        "edge": run(load_scenario("adcef-small", WITH_EDGE), cases=["tou-commanded"]),
        "pool": run(load_scenario("adcef-small", POOLED), cases=["tou"]),
        "system": run(load_scenario("net-zero", short), cases=["shared-storage"]),
        "declared": run(
            load_scenario("net-zero-bargaining", [*from_eight, "horizon_h=1"]), cases=["declared-nash-log"]
        ),
        "bulk": run(
            load_scenario("ries-strategic", ["horizon_h=4", "grids.bulk.ties.game_gaps=true"]),
            cases=["pooled"],
        ),
        "plants": run(load_scenario(plants)),
        "exchange": run(
            load_scenario("ries-admm", ["horizon_h=4", "grids.bulk.ties.central_bound=true"]),
            cases=["anderson"],
        ),
        "community": run(load_scenario(write_under_a_system(plants.parent, horizon_h=1))),
    }


@pytest.mark.parametrize(
    "name",
    [
        "feeder",
        "owners",
        "scenarios",
        "edge",
        "pool",
        "system",
        "declared",
        "bulk",
        "exchange",
        "plants",
        "community",
    ],
)
def test_every_column_that_is_told_is_on_the_page(runs: dict[str, Result], name: str) -> None:
    for table, rows in runs[name].tables.items():
        first, further = TABLES[table]
        assert list(rows.columns[: len(first)]) == first
        assert set(rows.columns[len(first) :]) <= set(further), table
        assert len(rows) > 0


def test_every_table_of_the_page_is_filled_by_somebody(runs: dict[str, Result]) -> None:
    filled = {table for result in runs.values() for table in result.tables}
    # The search of this benchmark is switched off, since it takes long.
    assert filled == set(TABLES) - {"benchmarks"}


@pytest.mark.parametrize("name", ["feeder", "system"])
def test_agents_are_told_apart_by_kind(runs: dict[str, Result], name: str) -> None:
    tables = {table: rows for table, rows in runs[name].tables.items() if "agent" in TABLES[table].first}
    found = {kind for rows in tables.values() for kind in rows["kind"]}
    assert KINDS[name] <= found <= {*KINDS[name], "head", "market", "counterparty", "carbon_market"}
    for rows in tables.values():
        assert set(rows["grid"]) == {""}


def test_a_table_whose_component_is_absent_does_not_exist(runs: dict[str, Result]) -> None:
    feeder, system = (set(runs[name].tables) for name in ("feeder", "system"))
    assert not {"quarters", "prosumers", "pool", "leases"} & feeder
    assert not {"rounds", "days", "branches"} & system
    assert feeder & system >= {
        "signals",
        "dispatch",
        "units",
        "loads",
        "storages",
        "trades",
        "heads",
        *(set(OF_WORLD) - {"intrusions", "records"}),
    }


def test_a_load_that_is_spread_stands_at_no_bus(runs: dict[str, Result]) -> None:
    dispatch = runs["feeder"].table("dispatch")
    spread = dispatch["kind"] == "consumer"
    assert set(dispatch.loc[spread, "bus"]) == {""}
    assert "" not in set(dispatch.loc[~spread, "bus"])
    assert (dispatch.loc[spread, "q_mvar"] < 0.0).all()


def test_what_everybody_does_adds_up_at_the_buses(runs: dict[str, Result]) -> None:
    result = runs["feeder"]
    buses, dispatch = result.table("buses"), result.table("dispatch")
    by_period = buses.groupby("period")[["p_source_mw", "p_load_mw", "p_charge_mw"]].sum()

    def of(column: str, *kinds: str) -> list[float]:
        rows = dispatch[dispatch["kind"].isin(kinds)]
        return rows.groupby("period")[column].sum().tolist()

    assert by_period["p_load_mw"].tolist() == pytest.approx(of("p_demand_mw", "consumer"), abs=1e-12)
    assert by_period["p_charge_mw"].tolist() == pytest.approx(of("p_demand_mw", "storage"), abs=1e-12)
    assert max(by_period["p_charge_mw"]) > 0.1
    sources = of("p_supply_mw", "storage", "renewable", "gas_turbine")
    assert by_period["p_source_mw"].tolist() == pytest.approx(sources, abs=1e-12)
