"""Files of a run folder: every altered byte is named with its file, and a changed cell with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gridarium.experiments.results import checksums
from gridarium.experiments.results.checksums import AlteredFolderError, files_of
from gridarium.experiments.results.manifest import DIGEST, MANIFEST, told_digest
from gridarium.experiments.results.result import Result, read_run
from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.telling.report import build_report
from gridarium.experiments.verification.alterations import altered_bytes, is_named
from gridarium.experiments.verification.files import files


@pytest.fixture
def folder(tmp_path: Path, make: Callable[..., dict[str, object]], folder_of: Callable[..., Result]) -> Path:
    made = make(("tou",), 6, 3)
    return folder_of(Result(**made), tmp_path / "run").path or tmp_path


def found(folder: Path) -> dict[str, str]:
    return {one.subject: one.said for one in files(folder) if not one.passed}


def test_twenty_altered_bytes_are_named(folder: Path) -> None:
    assert found(folder) == {}
    for name, altered in altered_bytes(folder, 20, seed=1):
        with altered():
            assert is_named(folder, name)
    assert found(folder) == {}


def test_a_changed_cell_is_named_with_row_and_column(folder: Path) -> None:
    table = read_run(folder).table("buses").copy()
    table.loc[5, "vm_pu"] += 1e-12
    (folder / "tables" / "buses.parquet").write_bytes(parquet_bytes(table))
    (said,) = found(folder).values()
    assert "row 5 (" in said and said.endswith("of column vm_pu")
    (folder / "tables" / "buses.parquet").write_bytes(parquet_bytes(table.drop(index=3)))
    (said,) = found(folder).values()
    assert f"it has {len(table) - 1} rows, not {len(table)}; they differ from row 3 on" in said


def test_files_that_are_lost_or_unknown_are_named(folder: Path) -> None:
    (folder / "summary.json").unlink()
    (folder / "tables" / "extra.parquet").write_bytes(parquet_bytes(pd.DataFrame({"case": ["tou"]})))
    told = found(folder)
    assert set(told) == {"summary.json", "tables/extra.parquet"}
    assert told["summary.json"] == "is missing" and "unknown" in told["tables/extra.parquet"]
    (folder / DIGEST).unlink()
    assert found(folder)[DIGEST] == "is missing"


def test_a_report_renews_the_checksums_of_what_it_rebuilds_and_no_others(folder: Path) -> None:
    before, digest = checksums.read_listing(folder), told_digest(folder)
    (folder / "claims.json").write_bytes(b"[]\n")
    build_report(folder)
    assert set(found(folder)) == {"claims.json"}
    after = checksums.read_listing(folder)
    renewed = {path for path in files_of(folder) if after.files[path] != before.files.get(path)}
    assert renewed == {path for path in after.files if path.startswith("figures/")} | {"report.html"}
    assert told_digest(folder) != digest


@pytest.mark.parametrize("name", [MANIFEST, DIGEST, checksums.LISTING])
def test_a_report_does_not_cover_up_an_altered_manifest(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"a", b"b", 1))
    with pytest.raises(AlteredFolderError, match="must be as it was written"):
        build_report(folder)


def test_a_folder_without_checksums_gets_none(folder: Path) -> None:
    for name in (DIGEST, checksums.LISTING, checksums.ROWS):
        (folder / name).unlink()
    checksums.renew(folder, ["claims.json"])
    assert not (folder / DIGEST).exists() and set(found(folder)) == {DIGEST, checksums.LISTING}
