"""Bad input through the real command line: every fault at once, nothing left behind, no traceback."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandapower
import pandapower.networks
import pytest
from typer.testing import CliRunner

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import cli
from gridarium.experiments.commands.console import messages, output
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import load_scenario

Command = Callable[..., Any]

EVERYTHING_WRONG = """
extends: adcef
cases:
  no-such-bus:
    network: {sites: {pv: 99, storage_7: seven}}
  meshed:
    network: {source: meshed.json, sites: null}
  islanded:
    network: {source: islanded.json, sites: null}
  missing-field:
    gas_turbines: {spare: {p_max_mw: 1.0}}
  misspelt-field:
    tariff: {kid: adcef}
    negotation: {damping: 0.5}
  wrong-length:
    profiles: short.csv
  wrong-step:
    period_h: 0.5
  wrong-hour:
    start: 2026-01-15T06:00:00+08:00
  negative-capacity:
    storages: {storage_7: {e_max_mwh: -1.0}}
  impossible-band:
    network: {voltage_min_pu: 1.05, voltage_max_pu: 0.95}
  substation-outside-band:
    network: {source: high.json, sites: null}
  no-number:
    prices: {carbon_price_per_tco2: much}
  too-much-loss:
    communication: {loss: 1.0, outages: [{agent: dso, start_s: 10, end_s: 5}]}
"""

EVERY_FAULT = (
    "cases.no-such-bus.network.sites.pv: got 99; must be a bus of case33bw: 1, 2, 3, 4, 5, 6, 7, ..., 33",
    "cases.no-such-bus.network.sites.storage_7: got 'seven'; must be a bus of case33bw",
    "cases.meshed.network.source, loop: got [",
    "open one of their branches",
    "cases.islanded.network.source, bus: got [4, 5]; these buses (with loads) must be supplied",
    "cases.missing-field.gas_turbines.spare.s_max_mva: got nothing; must be given: Apparent power",
    "cases.missing-field.gas_turbines.spare.emission_tco2_per_mwh: got nothing; must be given",
    "cases.misspelt-field.tariff.kid: got 'adcef'; unknown field; did you mean kind?",
    "cases.misspelt-field.negotation: got {'damping': 0.5}; unknown field; did you mean negotiation?",
    "cases.wrong-length.profiles: got '23 rows of 1 h'; short.csv must have rows that cover whole days",
    "cases.wrong-step.period_h: got 0.5; must be the step of adcef-ordinary, 1 h",
    "cases.wrong-hour.start: got '2026-01-15T06:00:00+08:00'; must be at 00:00 of a day",
    "cases.negative-capacity.storages.storage_7.e_max_mwh: got -1.0; must be a number in (0, 1e+06]",
    "cases.impossible-band.network.voltage_min_pu: got 1.05; must be below voltage_max_pu = 0.95 p.u.",
    "cases.substation-outside-band.network.slack_voltage_pu: got None; must be given: the network's own 1.1",
    "cases.no-number.prices.carbon_price_per_tco2: got 'much'; must be a number in [0, 1000]",
    "cases.too-much-loss.communication.loss: got 1.0; must be a number in [0, 1)",
    "cases.too-much-loss.communication.outages.0.end_s: got 5.0; must be above start_s = 10 s",
)


@pytest.fixture
def gridarium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Return a function that runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Any:
        output.cache_clear()
        messages.cache_clear()
        return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)

    return call


@pytest.fixture
def everything_wrong(tmp_path: Path) -> str:
    """Write a scenario with a fault of every kind, and the files it names."""
    meshed = pandapower.networks.panda_four_load_branch()
    pandapower.create_line(meshed, 1, 5, length_km=0.1, std_type="NAYY 4x150 SE")
    islanded = pandapower.networks.panda_four_load_branch()
    islanded.line.loc[2, "in_service"] = False
    high = pandapower.networks.panda_four_load_branch()
    high.ext_grid["vm_pu"] = 1.1
    for name, net in {"meshed": meshed, "islanded": islanded, "high": high}.items():
        pandapower.to_json(net, str(tmp_path / f"{name}.json"))
    rows = profile_path("adcef-ordinary").read_text().splitlines(keepends=True)
    (tmp_path / "short.csv").write_text("".join(rows[:-1]))
    (tmp_path / "wrong.yaml").write_text(EVERYTHING_WRONG)
    return "wrong.yaml"


@pytest.mark.parametrize("command", [("validate",), ("run",), ("run", "--out", "here"), ("compare",)])
def test_every_fault_of_a_file_is_listed_at_once(
    gridarium: Command, everything_wrong: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = gridarium(command[0], everything_wrong, *command[1:])
    assert (result.exit_code, result.stdout) == (cli.BAD_INPUT, "")
    assert "Traceback" not in result.stderr
    missing = [fault for fault in EVERY_FAULT if fault not in result.stderr]
    assert not missing, result.stderr
    header, *faults = result.stderr.splitlines()
    assert header.startswith("gridarium: ")
    assert header.endswith(f"wrong.yaml: {len(faults)} faults")
    assert sorted(tmp_path.rglob("*")) == before


def test_faults_of_one_section_are_listed_together(gridarium: Command) -> None:
    settings = ["network.impedance_factor=-1", "network.loading_max=x", "network.nothing=1"]
    result = gridarium("validate", "adcef", *(part for each in settings for part in ("--set", each)))
    assert result.exit_code == cli.BAD_INPUT
    for field in ("impedance_factor: got -1", "loading_max: got 'x'", "nothing: got 1; unknown field"):
        assert f"network.{field}" in result.stderr


def _unwritable(folder: Path) -> Path:
    """Return a folder that cannot be made; the superuser may write anywhere but into the kernel's tree."""
    if os.geteuid() == 0:
        return Path("/proc/run")
    (folder / "locked").mkdir(mode=0o500)
    return folder / "locked" / "run"


def test_out_folders_that_cannot_take_a_run(gridarium: Command, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old").write_text("kept")
    out_folders = {
        "full": "must be a new or an empty folder",
        "full/old": "must be a folder, this is a file",
        "full/old/run": "must be a folder that can be created and written",
        str(_unwritable(tmp_path)): "must be a folder that can be created and written",
    }
    before = sorted(tmp_path.rglob("*"))
    for out, allowed in out_folders.items():
        result = gridarium("run", "adcef", "--case", "tou", "--out", out)
        assert (result.exit_code, result.stdout) == (cli.BAD_INPUT, ""), out
        assert f"--out: got '{out}'; {allowed}" in result.stderr
        assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "full" / "old").read_text() == "kept"


def test_unknown_cases_are_refused_before_anything_runs(gridarium: Command, tmp_path: Path) -> None:
    result = gridarium("run", "adcef", "--case", "adcef", "--case", "s4", "--out", "here")
    assert (result.exit_code, result.stdout) == (cli.BAD_INPUT, "")
    assert "--case: got 's4'; must be one of tou, static-carbon, adcef" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_is_to_fail_must_exist(gridarium: Command, tmp_path: Path) -> None:
    outage = "communication.outages=[{agent: nobody, start_s: 0, end_s: 1}]"
    result = gridarium("run", "adcef", "--case", "tou", "--set", outage, "--out", "here")
    assert (result.exit_code, result.stdout) == (cli.BAD_INPUT, "")
    assert (
        "communication.outages.0.agent: got 'nobody'; must be one of carbon-market, commercial, dso"
        in result.stderr
    )
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (
            ["leader=full-information", "consumers.residential.battery={p_max_mw: 1, e_max_mwh: 2}"],
            "leader.kind",
        ),
        (["leader.certify=true", "consumers.residential.shiftable_mwh=1"], "leader.certify"),
        (["leader=anticipating", "dso.carbon_in_cost=false"], "dso.carbon_in_cost"),
        (["leader=telepathic"], "leader.kind"),
        (["tariff.limits.low_share=1.5"], "tariff.limits.low_share"),
    ],
)
def test_faults_of_a_leader_name_their_place(settings: list[str], place: str) -> None:
    with pytest.raises(ScenarioError, match=place.replace(".", r"\.")):
        load_scenario("adcef-small", settings)
