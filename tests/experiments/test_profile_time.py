"""Whose calendar counts, and horizons other than 24 hours."""

from pathlib import Path

import numpy as np
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import load_scenario, run
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
    settings = [f"profiles={tmp_path / 'own.csv'}", f"period_h={period_h}", "start=2031-03-01T00:00:00+01:00"]
    result = run(load_scenario("adcef", [*settings, *FREE_TO_RUN]), cases=["adcef"])
    assert [each.name for each in result.certificates if not each.passed] == []
    days = rows * period_h / 24
    signals, ledger = result.table("signals").query("kind == 'dso'"), result.table("ledger")
    assert len(signals) == rows
    # The rows are a shape; the scenario says which days they are of.
    assert signals["time"].iloc[0].isoformat() == "2031-03-01T00:00:00+01:00"
    assert signals["time"].max() < signals["time"].iloc[0] + np.timedelta64(int(24 * days), "h")
    assert ledger["time"].min() >= signals["time"].iloc[0]
    energy = result.summary["adcef"]["load_mwh"]
    assert energy == pytest.approx(days * (48 + 24 / np.pi), rel=2e-3)


def test_a_day_starts_at_the_hour_of_the_first_row() -> None:
    study = load_scenario("adcef", ["start=2027-07-01T00:00:00-05:00"])
    assert study.cases["tou"].start.isoformat() == "2027-07-01T00:00:00-05:00"
    with pytest.raises(ScenarioError, match=r"start: got .*; must be at 00:00 of a day"):
        load_scenario("adcef", ["start=2027-07-01T00:30:00-05:00"])
