"""Profile files as spreadsheets of other countries write them, and what is no number."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.profiles import check_profiles, column_names, read_profiles

TIMES = [time.isoformat() for time in pd.date_range("2026-01-15", periods=24, freq="h", tz="Asia/Shanghai")]
LOAD = [f"{1.55 + hour / 10:.2f}" for hour in range(24)]
PRICE = [f"{-hour / 4:.2f}" for hour in range(24)]


def written(folder: Path, separator: str, decimal: str, load: list[str] = LOAD, first: str = "") -> Path:
    lines = [separator.join(("time", "load_mw", "price_per_mwh"))]
    for time, *numbers in zip(TIMES, load, PRICE, strict=True):
        lines.append(separator.join([time, *(number.replace(".", decimal) for number in numbers)]))
    path = folder / "data.csv"
    path.write_text(first + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def said(path: Path) -> list[str]:
    return [str(fault) for fault in check_profiles(path)]


@pytest.mark.parametrize(
    ("separator", "decimal", "first"),
    [
        (",", ".", ""),
        (",", ".", "\ufeff"),
        (";", ",", ""),
        (";", ".", ""),
        ("\t", ".", ""),
        ("\t", ",", "\ufeff"),
        (";", ",", "sep=;\n"),
        (";", ",", "\ufeff# from a spreadsheet\n"),
    ],
)
def test_files_of_other_countries_are_read(tmp_path: Path, separator: str, decimal: str, first: str) -> None:
    profiles = read_profiles(written(tmp_path, separator, decimal, first=first))
    np.testing.assert_allclose(profiles.column("load_mw"), 1.55 + np.arange(24) / 10)
    np.testing.assert_allclose(profiles.column("price_per_mwh"), -np.arange(24) / 4)


def test_one_cause_has_one_fault(tmp_path: Path) -> None:
    (found,) = said(written(tmp_path, ",", ","))
    assert found == (
        "data.csv: all rows: got '5 cells in row 1'; must have 3 cells, one for each column, separated by "
        "commas like the header; numbers with decimal commas need semicolons or tabs between the cells"
    )
    path = written(tmp_path, "|", ".")
    assert said(path)[0].endswith("must be names separated by commas, semicolons or tabs, time among them")
    assert (len(said(path)), column_names(path)) == (1, ())
    path = tmp_path / "dates.csv"
    path.write_text(
        "\n".join(["time,load_mw", *(f"15.01.2026 {hour}:00,1" for hour in range(24))]), encoding="utf-8"
    )
    assert [fault.place for fault in check_profiles(path)] == [
        "dates.csv: column time, row 1 and 23 more of 24"
    ]


@pytest.mark.parametrize(
    ("separator", "decimal", "row", "text"),
    [
        (",", ".", 6, "1_5"),
        (",", ".", 6, "\uff11.\uff15"),
        (",", ".", 6, "\u0661"),
        (",", ".", 6, "infinity"),
        (",", ".", 6, "0x1"),
        (",", ".", 6, "1e999"),
        (";", ",", 6, "1.234,5"),
        (";", ",", 6, "1.5"),
        (";", ",", 6, "1,234,567"),
    ],
)
def test_what_is_no_number_is_named_by_row_and_column(
    tmp_path: Path, separator: str, decimal: str, row: int, text: str
) -> None:
    path = written(tmp_path, separator, decimal)
    cells = path.read_text(encoding="utf-8").splitlines()
    time, _, price = cells[row].split(separator)
    cells[row] = separator.join((time, text, price))
    path.write_text("\n".join(cells), encoding="utf-8")
    (fault,) = check_profiles(path)
    assert (fault.place, fault.value) == (f"data.csv: column load_mw, row {row}", text)


def test_commas_that_may_separate_thousands_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["time\tload_mw", *(f"{time}\t1,500" for time in TIMES)]), encoding="utf-8")
    (found,) = said(path)
    assert "row 1: got '1,500'; must be a number without a comma" in found


def test_files_that_cannot_be_read_say_so_in_plain_words(tmp_path: Path) -> None:
    assert said(tmp_path / "no.csv") == [
        "no.csv: got 'no such file'; must be a readable UTF-8 CSV file with a header"
    ]
    assert said(tmp_path)[0].partition("; ")[0].endswith("got 'a folder'")
    (tmp_path / "latin.csv").write_bytes("time,last_gebäude_mw".encode("latin-1"))
    assert said(tmp_path / "latin.csv") == ["latin.csv: got 'byte 13'; must be UTF-8 text"]
