"""Whose calendar counts, and horizons other than 24 hours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import load_scenario, run
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.reading.scenario_files import profile_path
from small_cases import FREE_TO_RUN


@pytest.mark.parametrize(("rows", "period_h"), [(48, 1.0), (96, 0.25)])
def test_profiles_of_two_days_and_of_quarter_hours(tmp_path: Path, rows: int, period_h: float) -> None:
    columns = "time,load_mw,pv_mw,wind_mw,tou_price_per_mwh,grid_tco2_per_mwh"
    lines = [columns]
    for row in range(rows):
        hour = row * period_h
        minute = f"{int(hour % 24):02d}:{int(hour % 1 * 60):02d}"
        sun = max(0.0, np.sin((hour % 24 - 6) * np.pi / 12))
        price = 900 if 17 <= hour % 24 < 22 else 500
        day = 1 + int(hour // 24)
        lines.append(
            f"2030-06-{day:02d}T{minute}:00+02:00,{2 + sun},{1.5 * sun},0.5,{price},{0.7 - 0.2 * sun}"
        )
    (tmp_path / "own.csv").write_text("\n".join(lines))
    settings = [f"profiles={tmp_path / 'own.csv'}", f"period_h={period_h}"]
    result = run(load_scenario("adcef", [*settings, *FREE_TO_RUN]), cases=["adcef"])
    assert [each.name for each in result.certificates if not each.passed] == []
    days = rows * period_h / 24
    signals, ledger = result.table("signals").query("kind == 'dso'"), result.table("ledger")
    assert len(signals) == rows
    assert signals["time"].iloc[0].isoformat() == "2030-06-01T00:00:00+02:00"
    assert signals["time"].max() < signals["time"].iloc[0] + np.timedelta64(int(24 * days), "h")
    assert ledger["time"].min() >= signals["time"].iloc[0]
    energy = result.summary["adcef"]["load_mwh"]
    assert energy == pytest.approx(days * (48 + 24 / np.pi), rel=2e-3)


def days(folder: Path, first: str, n_row: int, name: str = "own.csv") -> Path:
    """Write rows of the shipped day that go on by the clock of Berlin."""
    header, *rows = [
        line
        for line in profile_path("adcef-ordinary").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    times = pd.date_range(first, periods=n_row, freq="h", tz="Europe/Berlin")
    cells = [row.partition(",")[2] for row in rows]
    lines = [f"{time.isoformat()},{cells[row % 24]}" for row, time in enumerate(times)]
    (folder / name).write_text("\n".join([header, *lines]), encoding="utf-8")
    return folder / name


def faults_of(*settings: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("adcef-small", settings)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clock_changes_is_run_as_one_day(tmp_path: Path, date: str, hours: int) -> None:
    path = days(tmp_path, date, hours)
    result = run(load_scenario("adcef-small", [f"profiles={path}"]), cases=["adcef"])
    assert [each.name for each in result.certificates if not each.passed] == []
    signals = result.table("signals").query("kind == 'dso'")
    assert len(signals) == hours
    assert (signals["time"] == pd.date_range(date, periods=hours, freq="h", tz="Europe/Berlin")).all()
    base_mw = pd.read_csv(path)["load_mw"]
    loads = result.table("loads").groupby("period")[["p_base_mw", "p_metered_mw"]].sum()
    np.testing.assert_allclose(loads["p_base_mw"], base_mw)
    # What is shifted is shifted within the day, all of its hours.
    assert loads["p_metered_mw"].sum() == pytest.approx(base_mw.sum(), rel=1e-6)
    assert np.abs(loads["p_metered_mw"] - base_mw).max() > 0.01


def test_days_before_and_after_a_change_of_the_clock(tmp_path: Path) -> None:
    week = f"profiles={days(tmp_path, '2026-03-27', 167)}"
    told = "the clock changes at 2026-03-29T03:00:00+02:00, so that the day has 23 h; run it alone (start: "
    told += "2026-03-29T00:00:00+01:00, horizon_h: 23), the days before it (horizon_h: 48), those after it "
    told += "(start: 2026-03-30T00:00:00+02:00), or make the rows whole days of 24 h in one UTC offset"
    (found,) = faults_of(week)
    assert found == f"profiles: got '167 rows'; must not run over 2026-03-29 with other days: {told}"
    for settings in (
        ["horizon_h=48"],
        ["horizon_h=5"],
        ["start=2026-03-29T00:00:00+01:00", "horizon_h=23"],
        ["start=2026-03-30T00:00:00+02:00"],
        ["start=2026-03-30T00:00:00+02:00", "horizon_h=72"],
    ):
        case = load_scenario("adcef-small", [week, *settings]).cases["tou"]
        # Rows by the time that they are of.
        rows = pd.read_csv(tmp_path / "own.csv")
        first = rows["time"].tolist().index(case.begins.isoformat())
        taken = profiles_of(case)
        np.testing.assert_array_equal(taken.column("load_mw"), rows["load_mw"][first:])
        assert taken.index[0] == case.begins
    assert (
        "horizon_h: got 24; must not run"
        in faults_of(week, "start=2026-03-29T00:00:00+01:00", "horizon_h=24")[0]
    )
    assert "at most 96 h" in faults_of(week, "start=2026-03-30T00:00:00+02:00", "horizon_h=120")[0]
    # The same rows in one offset are days of 24 h, whatever the clock on the wall shows.
    whole = f"profiles={days(tmp_path, '2026-03-27', 168, 'whole.csv')}"
    assert profiles_of(load_scenario("adcef-small", [whole]).cases["tou"]).day_lengths == (24,) * 7


def test_dates_and_zone_of_profiles_are_their_own(tmp_path: Path) -> None:
    own = f"profiles={days(tmp_path, '2026-06-29', 24)}"
    assert load_scenario("adcef-small", [own]).cases["tou"].begins.isoformat() == "2026-06-29T00:00:00+02:00"
    must = "must be 2026-06-29T00:00:00+02:00, the first row of own.csv, or be left out"
    assert faults_of(own, "start=2026-01-15T00:00:00+08:00") == [
        f"start: got '2026-01-15T00:00:00+08:00'; {must}"
    ]
    assert faults_of(own, "start=2026-06-28T22:00:00+00:00")[0].endswith(
        "must be in the zone of own.csv, which begins at 2026-06-29T00:00:00+02:00, or be left out"
    )
    resolved = load_scenario("adcef-small", [own]).resolved()
    assert resolved["start"] is None


def test_rows_that_are_no_whole_days_say_what_is_missing(tmp_path: Path) -> None:
    (found,) = faults_of(f"profiles={days(tmp_path, '2026-06-22', 167)}")
    assert found == (
        "profiles: got '167 rows of 1 h'; own.csv must have rows that cover whole days; "
        "2026-06-28T23:00:00+02:00 is missing at the end"
    )
    path = days(tmp_path, "2026-06-22", 48)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:11], *lines[14:]]), encoding="utf-8")
    (found,) = faults_of(f"profiles={path}")
    assert found == (
        "profiles: got '2026-06-22T13:00:00+02:00'; own.csv: column time, row 11 must be 1 h after the row "
        "before; 2026-06-22T10:00:00+02:00 to 2026-06-22T12:00:00+02:00 are missing, 3 rows"
    )
    lines[20] = lines[20].replace("+02:00", "-05:00")
    path.write_text("\n".join(lines), encoding="utf-8")
    assert "row 20" in faults_of(f"profiles={path}")[0]


def test_a_typical_day_starts_at_the_hour_of_the_first_row() -> None:
    study = load_scenario("adcef", ["start=2027-07-01T00:00:00-05:00"])
    assert study.cases["tou"].start.isoformat() == "2027-07-01T00:00:00-05:00"
    with pytest.raises(ScenarioError, match=r"start: got .*; must be at 00:00 of a day"):
        load_scenario("adcef", ["start=2027-07-01T00:30:00-05:00"])
