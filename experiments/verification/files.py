"""Files of a folder against their checksums: each that was altered, added or lost, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gridarium.experiments.results.checksums import (
    LISTING,
    ROWS,
    Listing,
    file_checksum,
    files_of,
    read_listing,
    read_rows,
    read_table,
    table_checksums,
    told_listing,
)
from gridarium.experiments.results.manifest import DIGEST, MANIFEST, told_digest
from gridarium.experiments.verification.checks import Check

_ONE_BYTE = 2
"""Characters by which a written digest may differ from the right one if a byte of it was altered: any other
file has another digest in nearly all of its 64."""
_NAMED = ("case", "grid", "agent", "account", "bus", "branch", "period", "entry", "job", "metric")
"""Columns by whose values a row is told."""


def files(folder: Path) -> list[Check]:
    """All files against checksums.json, this against the manifest, and the manifest against its digest.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Check
        One for each file in which something was found, or one that says that nothing was.
    """
    found = [Check("", name, False, said) for name, said in _found(folder)]
    if found:
        return found
    count = len(files_of(folder)) + 3
    return [Check("", "files", True, f"{count:,} files, each as it was written")]


def _found(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and fault of each file that is not in order."""
    for name in (MANIFEST, DIGEST, LISTING):
        if not (folder / name).is_file():
            yield name, "is missing"
    yield from _manifest(folder)
    yield from _listing(folder)
    try:
        listing = read_listing(folder)
        told = {str(path): str(checksum) for path, checksum in listing.files.items()}
    except OSError:
        return
    except (ValueError, TypeError, AttributeError) as error:
        yield LISTING, f"was altered: it cannot be read any more ({_short(error)})"
        return
    there = files_of(folder)
    for path in sorted({*told, *there}):
        if path not in told:
            yield path, "is unknown: it was not there when the folder was written"
        elif path not in there:
            yield path, "is missing"
        else:
            right = file_checksum(folder / path)
            if right == told[path]:
                continue
            if _is_miswritten(told[path], right):
                yield LISTING, f"was altered: the checksum that it tells of {path}"
            else:
                yield path, f"was altered: {_where(folder, path, listing)}"


def _manifest(folder: Path) -> Iterator[tuple[str, str]]:
    """The manifest against the digest beside it."""
    if not ((folder / MANIFEST).is_file() and (folder / DIGEST).is_file()):
        return
    try:
        told = told_digest(folder)
    except ValueError as error:
        yield DIGEST, f"was altered: {error}"
        return
    right = file_checksum(folder / MANIFEST)
    if told != right:
        name = DIGEST if _is_miswritten(told, right) else MANIFEST
        yield name, f"was altered: {MANIFEST} has not the digest that {DIGEST} tells"


def _listing(folder: Path) -> Iterator[tuple[str, str]]:
    """The checksums against the manifest."""
    if not ((folder / MANIFEST).is_file() and (folder / LISTING).is_file()):
        return
    try:
        told = told_listing(json.loads((folder / MANIFEST).read_bytes()))
    except (ValueError, AttributeError):
        return
    right = file_checksum(folder / LISTING)
    if told != right and not _is_miswritten(told, right):
        yield LISTING, f"was altered: it has not the checksum that {MANIFEST} tells"


def _is_miswritten(told: str, right: str) -> bool:
    """Whether a digest is the right one but for a byte that was altered in writing."""
    return len(told) == len(right) and 0 < sum(a != b for a, b in zip(told, right, strict=True)) <= _ONE_BYTE


def _where(folder: Path, path: str, listing: Listing) -> str:
    """Say where a file differs from what it was, as far as it can be read."""
    try:
        if path == ROWS:
            read_rows(folder)
            return "its checksums of rows"
        if path.endswith(".parquet"):
            return _where_in_table(folder, path, listing)
        _READ.get(Path(path).suffix, _text)((folder / path).read_bytes())
    # A damaged file may end any reader in any way.
    except Exception as error:  # noqa: BLE001
        return f"it cannot be read any more ({_short(error)})"
    return "it can still be read"


def _text(content: bytes) -> object:
    return content.decode()


_READ: dict[str, Callable[[bytes], object]] = {".json": json.loads}


def _where_in_table(folder: Path, path: str, listing: Listing) -> str:
    """Say which rows and columns of a table differ."""
    table = read_table(folder / path)
    columns, rows = table_checksums(table)
    before = listing.columns[path]
    altered = [name for name in {**before, **columns} if before.get(name) != columns.get(name)]
    if not altered:
        return "its rows are as they were, what describes them is not"
    known = _known_rows(folder, path)
    if known is None:
        return f"column {', '.join(altered)}"
    of = f" of column {', '.join(altered)}"
    if len(known) != len(rows):
        first = int(np.argmin(np.append(known[: len(rows)] == rows[: len(known)], False)))
        return f"it has {len(rows):,} rows, not {len(known):,}; they differ from row {first} on"
    at = np.flatnonzero(known != rows)
    if len(at) == 0:
        return f"some row{of}"
    more = f" and {len(at) - 1:,} more" if len(at) > 1 else ""
    return f"row {at[0]}{_told_row(table, int(at[0]))}{more}{of}"


def _known_rows(folder: Path, path: str) -> np.ndarray[tuple[int], np.dtype[np.uint16]] | None:
    """Checksums of the rows of a table, if they can be read."""
    try:
        return read_rows(folder).get(path)
    except Exception:  # noqa: BLE001 - a damaged file, which is named by itself
        return None


def _told_row(table: pd.DataFrame, row: int) -> str:
    named = [f"{name} {table[name].iloc[row]}" for name in _NAMED if name in table]
    return f" ({', '.join(named)})" if named else ""


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
