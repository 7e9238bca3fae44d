"""Negotiations that do not come to rest: what the command line, the certificates and the report say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gridarium.experiments import cli
from gridarium.experiments.commands.console import messages, output
from gridarium.experiments.results.folder import write_run
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import Result, read_run
from gridarium.experiments.telling.findings import Finding, findings
from gridarium.experiments.telling.report import build_report
from gridarium.market.adcef import AdcefTariff
from gridarium.market.supply import Situation
from gridarium.market.tariffs import TariffOffer

Make = Callable[..., dict[str, Any]]

SMALL = ("run", "adcef-small", "--case", "adcef")
LATE = ("negotiation.opens_h_before=1.0003", "communication.latency_s=0.2")


def called(folder: Path, *settings: str) -> tuple[int, str, Result]:
    """Exit status of a run, what it printed in one line, and its results."""
    output.cache_clear()
    messages.cache_clear()
    overrides = [part for setting in settings for part in ("--set", setting)]
    done = CliRunner().invoke(cli.app, [*SMALL, *overrides, "--out", str(folder)])
    return done.exit_code, " ".join(done.stdout.split()), read_run(folder)


def first_section(folder: Path) -> str:
    page = (folder / "report.html").read_text(encoding="utf-8")
    return page[page.index("<section>") : page.index("</section>")]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("negotiation.round_limit=2",), "its limit of rounds was reached"),
        (LATE, "its gate closed"),
    ],
    ids=["round limit", "gate closed"],
)
def test_a_negotiation_that_is_cut_short_fails_the_run(
    tmp_path: Path, settings: tuple[str, ...], why: str
) -> None:
    status, printed, result = called(tmp_path / "run", *settings)
    assert status == cli.FAILED
    days = result.table("days")
    left = days["price_distance_per_mwh"].iloc[0]
    told = (
        f"adcef: the negotiation of day 1 did not come to rest: after {days['rounds'].iloc[0]} rounds {why}, "
        f"with a price {left:.4f} CNY/MWh from the one that its answers call for"
    )
    assert printed.startswith(f"FAILED: {told}")
    assert f"FAILED: adcef, convergence: {left:.4f} CNY/MWh" in printed
    assert f"failed: {told}" in first_section(tmp_path / "run")
    assert [one.name for one in result.certificates if not one.passed] == ["convergence"]


def test_a_negotiation_that_came_to_rest_is_said_in_one_line_of_the_report(tmp_path: Path) -> None:
    status, printed, result = called(tmp_path / "run")
    assert status == cli.DONE
    assert "come to rest" not in printed
    assert findings(result) == []
    assert "All negotiations came to rest." in first_section(tmp_path / "run")


def test_bounded_agents_that_never_rest_are_a_warning(tmp_path: Path) -> None:
    restless = "consumers.residential.behaviour=[{quantal: {temperature_share: 0.01, redraw: true}}]"
    status, printed, result = called(tmp_path / "run", restless, "negotiation.round_limit=6")
    assert status == cli.DONE
    assert printed.startswith("warning: adcef: the negotiation of day 1 did not come to rest: after ")
    assert [one.failed for one in findings(result)] == [False]


def jump(monkeypatch: pytest.MonkeyPatch, by_per_mwh: float) -> None:
    """Have the tariff of each period depend on whether its load is above or below the usual one."""
    offer = AdcefTariff.offer

    def jumping(tariff: AdcefTariff, situation: Situation) -> TariffOffer:
        offered = offer(tariff, situation)
        side = np.where(situation.load_mw > situation.base_mw, 1.0, -1.0)
        return replace(offered, price_per_mwh=offered.price_per_mwh + side * by_per_mwh)

    monkeypatch.setattr(AdcefTariff, "offer", jumping)


@pytest.mark.parametrize(
    ("by_per_mwh", "grade"),
    [(5.0, "warning"), (60.0, "FAILED")],
)
def test_a_tariff_that_jumps_ends_in_a_cycle_of_the_size_of_its_jump(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_per_mwh: float, grade: str
) -> None:
    jump(monkeypatch, by_per_mwh)
    # A tariff that is not that of the formula fails the run, whatever becomes of its rounds.
    found, printed, result = called(tmp_path / "run")
    assert (found, result.table("rounds")["ended"].iloc[-1]) == (cli.FAILED, "cycle")
    assert printed.startswith(f"{grade}: adcef: the negotiation of day 1 did not come to rest: after")
    day = result.table("days").iloc[0]
    assert 2.0 * by_per_mwh <= day["cycle_size_per_mwh"] <= 4.0 * by_per_mwh
    certificates = {one.name: one for one in result.certificates}
    # Prices are 320 to 980 money/MWh: the share is that of a period.
    size = certificates["cycle size"]
    assert day["cycle_size_per_mwh"] / 980.0 <= size.value <= day["cycle_size_per_mwh"] / 320.0
    assert (size.passed, certificates["convergence"].hard) == (grade == "warning", grade == "FAILED")
    # The plan belongs to the price that is announced, and consumers have answered that price.
    assert certificates["follower regret"].passed
    assert certificates["plan kept"].passed
    assert day["price_distance_per_mwh"] == result.table("rounds")["price_change_per_mwh"].iloc[-1]
    assert day["price_distance_per_mwh"] == pytest.approx(
        result.table("rounds")["price_change_per_mwh"].min(), rel=1e-6
    )


def made_up(make: Make, size_share: float, regret: float, hard: bool) -> dict[str, Any]:
    made = make(("adcef",))
    made["certificates"] += [
        Certificate("adcef", "convergence", 12.5, 0.01, "CNY/MWh", False, hard, "How far.", "ended"),
        Certificate("adcef", "cycle size", size_share, 0.05, "", size_share <= 0.05, True, "How large."),
        Certificate("adcef", "cycle regret", regret, 0.01, "", regret <= 0.01, True, "How dear."),
    ]
    made["tables"]["days"] = pd.DataFrame(
        [
            {
                "case": "adcef",
                "grid": "",
                "day": day,
                "rounds": 41,
                "ended": ended,
                "price_distance_per_mwh": 12.5,
                "cycle_size_per_mwh": 24.0,
            }
            for day, ended in enumerate(("converged", "cycle"))
        ]
    )
    return made


@pytest.mark.parametrize(
    ("size_share", "regret", "failed"),
    [(0.04, 0.009, False), (0.06, 0.009, True), (0.04, 0.02, True)],
)
def test_a_cycle_fails_a_run_only_beyond_its_bars(
    tmp_path: Path, make: Make, size_share: float, regret: float, failed: bool
) -> None:
    result = write_run(tmp_path / "run", **made_up(make, size_share, regret, failed), finish=build_report)
    assert result.passed is not failed
    told = (
        "adcef: the negotiation of day 2 did not come to rest: after 41 rounds it went round among prices up "
        "to 24 CNY/MWh apart; the best is announced, 12.500 CNY/MWh from the one that its answers call for"
    )
    assert findings(result) == [Finding(told, failed)]
    kind, grade = ("bad", "failed") if failed else ("warn", "warning")
    assert f'<li class="{kind}">{grade}: {told}</li>' in first_section(tmp_path / "run")


def test_a_finding_is_judged_by_the_certificates_of_its_own_grid(tmp_path: Path, make: Make) -> None:
    made = made_up(make, 0.04, 0.02, True)
    days = made["tables"]["days"].assign(ended="cycle", grid=["r1", "r2"])
    made["tables"]["days"] = days
    made["certificates"] = [replace(one, name=f"r2: {one.name}") for one in made["certificates"]]
    found = findings(write_run(tmp_path / "run", **made))
    assert [one.failed for one in found] == [False, True]
    assert found[1].text.startswith("adcef: r2: the negotiation of day 2")


def test_forged_messages_that_acted_and_units_that_failed_are_told_first(make: Make, tmp_path: Path) -> None:
    made = make(("plain", "attacked", "failing"))
    made["summary"]["attacked"]["intrusions_acted"] = 131.0
    made["tables"]["failovers"] = pd.DataFrame(
        {"case": "failing", "failover_s": [0.33, np.nan], "polled_s": [30.2, np.nan]}
    )
    found = [one for one in findings(write_run(tmp_path / "run", **made)) if "rest" not in one.text]
    assert [one.grade for one in found] == ["warning", "note"]
    assert "attacked: 131 forged messages acted" in found[0].text
    assert "2 outages of units; in 1 a standby delivered within 0.33 s" in found[1].text
    assert "up to 30.2 s" in found[1].text
