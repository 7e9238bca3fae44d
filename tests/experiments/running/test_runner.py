"""Whole runs: certificates, folders, the same bytes again, bad links, gates, failures that name causes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.environment.errors import MessageError, ScenarioError
from gridarium.experiments import cli
from gridarium.experiments.commands.console import messages, output
from gridarium.experiments.results.result import Result, read_run
from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from small_cases import FREE_TO_RUN

TABLES = {
    "signals", "rounds", "days", "dispatch", "loads", "storages", "units", "carbon", "credits", "trades",
    "buses", "branches", "heads", "payoffs", "messages", "traffic", "ledger", "storage_schedules",
}  # fmt: skip
LOSSY = ("communication.latency_s=0.2", "communication.loss=0.2")


def run_one(*settings: str, case: str = "adcef", out: Path | None = None) -> Result:
    return run(load_scenario("adcef", [*FREE_TO_RUN, *settings]), cases=[case], out=out)


def certificates(result: Result) -> dict[str, Any]:
    return {certificate.name: certificate for certificate in result.certificates}


def digests(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    return {name: hashlib.sha256(parquet_bytes(table)).hexdigest() for name, table in tables.items()}


@pytest.fixture(scope="module")
def result() -> Result:
    return run_one()


@pytest.fixture(scope="module")
def study() -> Result:
    return run(load_scenario("adcef", FREE_TO_RUN))


def test_hard_certificates_pass_in_every_case(study: Result) -> None:
    failed = [
        (each.case, each.name, each.value) for each in study.certificates if each.hard and not each.passed
    ]
    assert failed == []
    assert study.passed
    names = {(each.case, each.name) for each in study.certificates}
    for case in study.summary:
        for name in ("energy balance", "carbon balance", "money balance", "cone gap", "follower regret"):
            assert (case, name) in names
    adcef = {name for case, name in names if case == "adcef"}
    assert {"pool neutrality", "budget balance", "convergence", "AC voltage error"} <= adcef


def test_claims_that_recompute_the_paper_are_exact_and_say_so(study: Result) -> None:
    recomputed = [claim for claim in study.claims if claim.rests_on.startswith("the paper's own numbers")]
    assert [claim.id for claim in recomputed] == ["C-noon-factor", "C-noon-responsibility"]
    assert {claim.verdict for claim in recomputed} == {"number reproduced"}
    assert [claim.measured for claim in recomputed] == [-0.30, -0.60]


def test_a_direction_is_not_read_as_a_number(study: Result) -> None:
    claims = {claim.id: claim for claim in study.claims}
    change = {
        name: 100 * (study.summary["adcef"][name] / study.summary["tou"][name] - 1)
        for name in ("emission_tco2", "user_cost_money")
    }
    for id_, name, figure in (
        ("C-emission", "emission_tco2", -27.9),
        ("C-user-cost", "user_cost_money", -2.5),
    ):
        near = abs(change[name] - figure) <= 0.1 * abs(figure)
        assert (claims[id_].verdict == "number reproduced") == near
        assert (claims[id_].verdict == "not reproduced") == (change[name] > -1e-4)
        assert claims[id_].reason.startswith("within 10% of" if near else "not within 10% of")
        assert "assumed" in claims[id_].rests_on


def test_claims_without_their_cases_are_not_comparable(result: Result) -> None:
    claims = {claim.id: claim for claim in result.claims}
    assert claims["C-emission"].verdict == "not comparable"
    assert "tou" in claims["C-emission"].reason
    assert claims["C-noon-factor"].verdict == "number reproduced"


def test_tables_add_up_to_the_summary(study: Result) -> None:
    for case, summary in study.summary.items():
        ledger, dispatch, branches, loads = (
            study.table(name)[study.table(name)["case"] == case]
            for name in ("ledger", "dispatch", "branches", "loads")
        )
        mine = ledger[ledger["account"] == "dso"]["amount_money"].sum()
        assert mine == pytest.approx(summary["dso_net_revenue_money"], abs=1e-6)
        assert ledger["amount_money"].sum() == pytest.approx(0.0, abs=1e-6)
        bills = ledger[ledger["account"].isin(["industrial", "commercial", "residential"])]
        assert -bills["amount_money"].sum() == pytest.approx(summary["user_cost_money"], abs=1e-6)
        lost = (branches["p_from_mw"] - branches["p_to_mw"]).sum()
        assert lost == pytest.approx(summary["loss_mwh"])
        assert dispatch["p_supply_mw"].sum() == pytest.approx(dispatch["p_demand_mw"].sum() + lost, abs=1e-4)
        assert loads["p_metered_mw"].sum() == pytest.approx(loads["p_base_mw"].sum(), abs=1e-4)


def test_retail_energy_is_paid_at_the_posted_price(result: Result) -> None:
    signals = result.table("signals").query("kind == 'dso'")
    loads = result.table("loads").merge(signals, on="period", suffixes=("", "_of_dso"))
    due = (loads["p_metered_mw"] * loads["price_per_mwh"]).groupby(loads["agent"]).sum()
    ledger = result.table("ledger").query("purpose == 'retail'")
    paid = -ledger[ledger["account"] != "dso"].groupby("account")["amount_money"].sum()
    for name in due.index:
        assert paid[name] == pytest.approx(due[name])


def test_run_folder(result: Result, tmp_path: Path) -> None:
    out = tmp_path / "run"
    written = run_one(out=out)
    assert {path.name for path in out.iterdir()} == {
        "scenario.yaml", "manifest.json", "summary.json", "certificates.json", "claims.json",
        "tables", "figures", "report.html", "checksums.json", "row_checksums.parquet", "manifest.sha256",
    }  # fmt: skip
    assert {path.stem for path in (out / "tables").iterdir()} == set(result.tables) == TABLES
    assert {path.suffix for path in (out / "figures").iterdir()} == {".svg"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    for key in ("seed", "started", "ended", "wall_s", "solver_s", "solves", "messages", "python", "platform"):
        assert key in manifest
    assert list(out.parent.iterdir()) == [out]
    assert digests(read_run(out).tables) == digests(written.tables)
    assert written.summary == result.summary
    # What was run can be loaded and run again.
    again = load_scenario(out / "scenario.yaml")
    assert again.cases["adcef"] == load_scenario("adcef", FREE_TO_RUN).cases["adcef"]


def test_same_seed_same_bytes(result: Result) -> None:
    assert digests(run_one().tables) == digests(result.tables)


def test_same_seed_same_bytes_in_another_process() -> None:
    here = digests(run_one(*LOSSY, "seed=7").tables)
    code = (
        "import hashlib, json\n"
        "from gridarium.experiments.running.runner import run\n"
        "from gridarium.experiments.scenario import load_scenario\n"
        "from gridarium.experiments.results.table_files import parquet_bytes\n"
        f"made = run(load_scenario('adcef', {[*FREE_TO_RUN, *LOSSY, 'seed=7']!r}), cases=['adcef'])\n"
        "print(json.dumps({name: hashlib.sha256(parquet_bytes(table)).hexdigest()"
        " for name, table in made.tables.items()}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == here


def test_the_order_of_cases_run_before_does_not_matter(study: Result, result: Result) -> None:
    for name, table in result.tables.items():
        rows = study.table(name)
        rows = rows[rows["case"] == "adcef"].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, table, check_exact=True, check_dtype=False)


def test_bad_links_delay_the_outcome_and_do_not_change_it(result: Result) -> None:
    lossy = run_one(*LOSSY)
    rounds = lossy.table("rounds")
    assert rounds["ended"].tolist() == [""] * (len(rounds) - 1) + ["converged"]
    assert lossy.passed
    assert set(lossy.table("messages")["outcome"]) == {"delivered", "lost"}
    loss = (lossy.table("messages")["outcome"] == "lost").mean()
    assert loss == pytest.approx(0.2, abs=0.05)
    # Each round takes at least there and back.
    assert np.all(np.diff(rounds["time_s"]) >= 0.4 - 1e-9)
    assert lossy.summary["adcef"]["emission_tco2"] == pytest.approx(
        result.summary["adcef"]["emission_tco2"], rel=1e-4
    )


@pytest.mark.parametrize(
    ("limit", "opens_h", "ending"), [(1, 4.0, "round limit"), (60, 1.0003, "gate closed")]
)
def test_how_the_negotiation_ended(limit: int, opens_h: float, ending: str) -> None:
    late = (f"negotiation.opens_h_before={opens_h}", f"negotiation.round_limit={limit}")
    cut_short = run_one("communication.latency_s=0.2", *late)
    rounds = cut_short.table("rounds")
    assert rounds["ended"].iloc[-1] == ending
    convergence = certificates(cut_short)["convergence"]
    assert not convergence.passed
    assert convergence.hard
    assert convergence.value == rounds["price_change_per_mwh"].iloc[-1] > 0.01
    # Every other certificate holds: a gate that closes early costs the equilibrium, not physics or money.
    assert [one.name for one in cut_short.certificates if not one.passed] == ["convergence"]


def test_a_gate_that_leaves_no_time_before_delivery_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"closes_h_before: got 0(\.0)?; must be at least 0\.005556 h"):
        load_scenario("adcef", ["negotiation.closes_h_before=0"])
    least = 4 * 5 / 3600
    load_scenario("adcef", [f"negotiation.closes_h_before={least + 1e-9}"])


def test_an_outage_over_the_whole_negotiation_is_told() -> None:
    outage = "communication.outages=[{agent: residential, start_s: 0, end_s: 14400}]"
    with pytest.raises(MessageError, match="agent dso: no forecast from residential before the gate closed"):
        run_one(outage)


def test_an_outage_of_nobody_is_refused() -> None:
    outage = "communication.outages=[{agent: nobody, start_s: 0, end_s: 1}]"
    with pytest.raises(
        ScenarioError, match=r"outages\.0\.agent: got 'nobody'; must be one of carbon-market, commercial"
    ):
        run_one(outage)


def test_a_follower_lost_on_the_way_keeps_its_last_plan() -> None:
    outage = "communication.outages=[{agent: residential, start_s: 1.0, end_s: 10900}]"
    stuck = run_one("communication.latency_s=0.2", "negotiation.round_limit=12", outage)
    rounds = stuck.table("rounds")
    assert rounds["ended"].iloc[-1] == "round limit"
    assert rounds["missing"].tolist()[-5:] == [1] * 5
    found = certificates(stuck)
    assert found["AC voltage error"].passed
    assert found["plan kept"].passed


class Stubborn(Behaviour):
    """Keeps a share of the base load it has heard nothing against."""

    def __init__(self, share: float) -> None:
        self.share = share

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return planned + self.share * (agent.loads_mw["base"][period] - planned)  # type: ignore[attr-defined]


def test_a_behaviour_of_ones_own_acts_and_softens_the_follower_certificates() -> None:
    behaviour = f"consumers.residential.behaviour=[{{'{__name__}:Stubborn': {{share: 0.5}}}}]"
    bounded = run_one(behaviour)
    loads = bounded.table("loads").query("agent == 'residential'")
    halfway = 0.5 * (loads["p_base_mw"] + loads["p_plan_mw"])
    assert loads["p_metered_mw"].to_numpy() == pytest.approx(halfway.to_numpy(), abs=1e-12)
    found = certificates(bounded)
    assert not found["plan kept"].hard
    assert found["plan kept"].value == pytest.approx(
        np.abs(loads["p_metered_mw"] - loads["p_plan_mw"]).max(), abs=1e-9
    )
    # Money and carbon balance whatever the behaviour.
    assert found["money balance"].passed
    assert found["carbon balance"].passed
    assert found["budget balance"].passed


def test_no_units_at_all() -> None:
    bare = run_one(
        "gas_turbines={}", "storages={}", "renewables={}", "network.sites={}", "network.impedance_factor=0.5"
    )
    assert bare.passed
    assert bare.summary["adcef"]["import_mwh"] == pytest.approx(
        bare.summary["adcef"]["load_mwh"] + bare.summary["adcef"]["loss_mwh"], rel=1e-6
    )
    # All that is emitted upstream arrives at the loads, by the grid's factor of each hour.
    buses = bare.table("buses")
    carried = (buses["p_load_mw"] * buses["carbon_intensity_tco2_per_mwh"].fillna(0.0)).sum()
    imported = bare.table("dispatch").query("kind == 'head'")["p_supply_mw"].to_numpy()
    factor = bare.table("signals").query("kind == 'dso'")["grid_factor_tco2_per_mwh"].to_numpy()
    assert carried == pytest.approx(float(imported @ factor))
    assert carried == pytest.approx(bare.summary["adcef"]["emission_tco2"])


def test_a_class_divided_into_agents_changes_no_total(result: Result) -> None:
    divided = run_one("consumers.residential.count=5")
    assert divided.passed
    assert len(set(divided.table("loads")["agent"])) == 7
    one = result.table("loads").groupby("period")["p_metered_mw"].sum()
    many = divided.table("loads").groupby("period")["p_metered_mw"].sum()
    assert many.to_numpy() == pytest.approx(one.to_numpy(), abs=1e-4)


def test_infeasible_dispatch_names_agent_period_and_family(tmp_path: Path) -> None:
    output.cache_clear()
    messages.cache_clear()
    out = tmp_path / "run"
    arguments = ["run", "adcef", "--case", "adcef", "--set", "network.impedance_factor=6", "--out", str(out)]
    called = CliRunner().invoke(cli.app, arguments)
    assert called.exit_code == cli.FAILED
    said = " ".join(called.stderr.split())
    assert "agent dso" in said
    assert "infeasible: period 19, bus 33" in said
    assert "constraint family voltage band" in said
    assert list(tmp_path.iterdir()) == []


def test_a_later_case_that_fails_leaves_the_finished_ones_marked(tmp_path: Path) -> None:
    out = tmp_path / "run"
    outage = "cases.adcef.communication.outages=[{agent: pv, start_s: 0, end_s: 14400}]"
    with pytest.raises(MessageError, match="no forecast from pv"):
        run(load_scenario("adcef", [outage]), cases=["tou", "adcef"], out=out)
    left = read_run(out)
    assert list(left.summary) == ["tou"]
    assert left.failed["adcef"].startswith("agent dso: no forecast from pv")
