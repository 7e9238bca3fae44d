from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.errors import ProfileError
from gridarium.environment.profiles import check_profiles, read_profiles

DATA = Path(__file__).parents[2] / "experiments" / "data"
HEADER = "time,load_mw,price_per_mwh"


def rows(n: int = 24, minutes: int = 60) -> list[str]:
    times = pd.date_range("2026-01-15", periods=n, freq=f"{minutes}min", tz="Asia/Shanghai")
    return [f"{time.isoformat()},{1 + i / 10},{-i}" for i, time in enumerate(times)]


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def places(path: Path, *required: str) -> list[str]:
    return [fault.place for fault in check_profiles(path, required)]


def test_reads_what_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, ["# a comment", "", HEADER, "# another", *rows(96, 15)])
    profiles = read_profiles(path, ["load_mw"])
    assert profiles.period_h == 0.25
    assert profiles.index[95] == pd.Timestamp("2026-01-15 23:45", tz="Asia/Shanghai")
    np.testing.assert_allclose(profiles.column("load_mw"), 1 + np.arange(96) / 10)
    np.testing.assert_array_equal(profiles.column("price_per_mwh"), -np.arange(96))
    assert check_profiles(path, ["load_mw"]) == []


def test_a_file_is_parsed_once_and_again_after_a_change(tmp_path: Path) -> None:
    path = write(tmp_path, [HEADER, *rows()])
    first = read_profiles(path)
    assert read_profiles(str(path)) is first
    write(tmp_path, [HEADER, *rows(48)])
    os.utime(path, ns=(1, 1))
    assert len(read_profiles(path).index) == 48


def test_series_cannot_be_changed_by_a_reader(tmp_path: Path) -> None:
    profiles = read_profiles(write(tmp_path, [HEADER, *rows()]))
    with pytest.raises(ValueError, match="read-only"):
        profiles.column("load_mw")[0] = 9.0


def test_changing_offsets_are_elapsed_time(tmp_path: Path) -> None:
    times = pd.date_range("2026-03-28", periods=48, freq="h", tz="Europe/Berlin")
    path = write(tmp_path, ["time,pv_mw", *(f"{time.isoformat()},0" for time in times)])
    assert (read_profiles(path).index == times).all()


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    lines = rows()
    lines[6] = lines[6].replace(",1.6,", ",-1.6,")
    lines[7] = lines[7].replace(",-7", ",nan")
    lines[8] = lines[8].replace(",1.8,", ",1;8,")
    lines[9] = lines[9].replace(",1.9,", ",,")
    lines[10] = lines[10].replace(",-10", ",inf")
    lines[20] = lines[19]
    lines.pop()
    path = write(tmp_path, ["# comment", HEADER, *lines])
    assert places(path, "load_mw", "pv_mw") == [
        "data.csv: column time, row 21",
        "data.csv: column time, row 22",
        "data.csv",
        "data.csv: column load_mw, row 7",
        "data.csv: column load_mw, row 9",
        "data.csv: column load_mw, row 10",
        "data.csv: column price_per_mwh, row 8",
        "data.csv: column price_per_mwh, row 11",
        "data.csv: column pv_mw",
    ]
    with pytest.raises(ProfileError) as caught:
        read_profiles(path, ["load_mw", "pv_mw"])
    assert len(caught.value.faults) == 9
    assert "got '-1.6'; must be a number in [0, inf) MW" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "allowed"),
    [
        ("a_mw", False),
        ("a_mwh", False),
        ("a_tco2_per_mwh", False),
        ("a_per_mwh", True),
        ("a_per_mw", True),
        ("a_mvar", True),
    ],
)
def test_negative_values_where_the_unit_allows_them(tmp_path: Path, column: str, allowed: bool) -> None:
    lines = [f"{line.split(',')[0]},-1" for line in rows()]
    assert (check_profiles(write(tmp_path, [f"time,{column}", *lines])) == []) is allowed


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([], "data.csv"),
        (["# only a comment"], "data.csv"),
        ([HEADER], "data.csv"),
        ([HEADER, *rows(1)], "data.csv"),
        ([HEADER, *rows(23)], "data.csv"),
        (["load_mw,pv_mw", "1,2"], "data.csv: column time"),
        (["time,load_mw,load_mw", *rows()], "data.csv: column load_mw"),
        (["time,load_mw,", *rows()], "data.csv: header, column 3"),
        ([HEADER, *rows()[:-1], rows()[-1] + ",5"], "data.csv: row 24"),
        ([HEADER, *rows()[:-1], "2026-01-15T23:00:00,1,1"], "data.csv: column time, row 24"),
        ([HEADER, *rows()[:-1], "yesterday,1,1"], "data.csv: column time, row 24"),
        ([HEADER, *rows()[:-1], "2026-01-15T23:30:00+08:00,1,1"], "data.csv: column time, row 24"),
    ],
)
def test_unusable_files(tmp_path: Path, lines: list[str], place: str) -> None:
    assert places(write(tmp_path, lines)) == [place]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00time")
    assert places(tmp_path / "missing.csv") == ["missing.csv"]
    assert places(binary) == ["binary.csv"]
    assert len(places(tmp_path)) == 1
    assert len(check_profiles("a\0b")) == 1


def test_missing_column_is_named_with_what_is_there(tmp_path: Path) -> None:
    profiles = read_profiles(write(tmp_path, [HEADER, *rows()]))
    with pytest.raises(ProfileError, match=r"column pv_mw: .*the file has load_mw, price_per_mwh"):
        profiles.column("pv_mw")


SHIPPED = ["load_mw", "pv_mw", "wind_mw", "tou_price_per_mwh", "grid_tco2_per_mwh"]


def test_shipped_days_keep_the_stated_numbers() -> None:
    ordinary = read_profiles(DATA / "adcef-ordinary.csv", SHIPPED)
    high = read_profiles(DATA / "adcef-high-res.csv", SHIPPED)
    for day in (ordinary, high):
        assert (len(day.index), day.period_h) == (24, 1.0)
        assert day.index[0] == pd.Timestamp("2026-01-15", tz="Asia/Shanghai")
        assert day.column("load_mw").max() == day.column("load_mw")[19] == 3.715
        assert day.column("load_mw")[12] == 2.0
        assert day.column("load_mw") @ day.column("tou_price_per_mwh") == pytest.approx(39731.3)
        assert day.column("grid_tco2_per_mwh")[12] == 0.60
    assert (ordinary.column("pv_mw") + ordinary.column("wind_mw"))[12] == pytest.approx(1.8)
    assert (high.column("pv_mw") + high.column("wind_mw"))[12] == pytest.approx(3.5)
    surplus_mw = high.column("pv_mw") + high.column("wind_mw") - high.column("load_mw")
    assert np.flatnonzero(surplus_mw > 0).tolist() == list(range(9, 16))
    assert surplus_mw.max() == pytest.approx(1.5)
    assert (ordinary.column("pv_mw") + ordinary.column("wind_mw") < ordinary.column("load_mw")).all()


def test_the_shipped_days_of_five_regions_keep_the_stated_numbers() -> None:
    days = read_profiles(DATA / "green-vpp.csv")
    assert (len(days.index), days.period_h) == (48, 1.0)
    load_mw, price = (
        np.array([days.column(f"region_{i}_{series}") for i in range(1, 6)])
        for series in ("load_mw", "tou_price_per_mwh")
    )
    assert (load_mw * price).sum() / 2 == pytest.approx(14_720, abs=5)
    assert load_mw.sum(axis=1) / load_mw.sum() == pytest.approx([0.22, 0.15, 0.25, 0.16, 0.22], abs=1e-5)
    assert set(np.argsort(price.mean(axis=1))[-2:]) == set(np.argsort(np.ptp(price, axis=1))[-2:]) == {1, 3}
    green, carbon_price = days.column("green_share"), days.column("carbon_price_per_tco2")
    assert days.column("grid_tco2_per_mwh") == pytest.approx(0.892 * (1.0 - green), abs=1e-4)
    assert (carbon_price.min(), carbon_price.max()) == (40.0, 60.0)
    # A straight line that falls from the least green hour to the greenest.
    assert carbon_price == pytest.approx(np.interp(green, [green.min(), green.max()], [60.0, 40.0]), abs=0.01)
