"""Checksums of a folder: of each file, of each column and of each row of its tables."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gridarium.environment.errors import Fault, InputError
from gridarium.experiments.results.manifest import (
    DIGEST,
    MANIFEST,
    json_bytes,
    put_digest,
    replace_file,
    told_digest,
    update_manifest,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LISTING = "checksums.json"
ROWS = "row_checksums.parquet"
LOCK = ".lock"
"""Of a sweep that runs: it says nothing."""
_BESIDE = frozenset({MANIFEST, DIGEST, LISTING, LOCK})
_FACT = "checksums_sha256"


class AlteredFolderError(InputError):
    """A folder that was altered after it was written, so that nothing more is said for it."""


@dataclass(frozen=True)
class Listing:
    """What checksums.json tells.

    Parameters
    ----------
    files : mapping of str to str
        SHA-256 of each file but the manifest, its digest and this one, by its path in the folder.
    columns : mapping of str to mapping
        CRC-32 of each column of each table, by path and name.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def seal(folder: Path) -> None:
    """Write checksums of all that a folder holds, and the digest of its manifest.

    Parameters
    ----------
    folder : Path
        With a manifest.
    """
    tables = sorted(path for path in files_of(folder) if path.endswith(".parquet") and path != ROWS)
    columns: dict[str, Mapping[str, str]] = {}
    rows: dict[str, NDArray[np.uint16]] = {}
    for path in tables:
        columns[path], rows[path] = table_checksums(read_table(folder / path))
    replace_file(folder / ROWS, _rows_bytes(rows))
    _put(folder, Listing({path: file_checksum(folder / path) for path in files_of(folder)}, columns))
    put_digest(folder)


def renew(folder: Path, names: Iterable[str]) -> None:
    """Renew the checksums of some files, of all others none; of a folder without checksums nothing.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Paths in it of files that are no tables; of those that are not there any more the checksums go away.
    """
    if not is_sealed(folder):
        return
    told = read_listing(folder)
    files = dict(told.files)
    for name in names:
        if (folder / name).is_file():
            files[name] = file_checksum(folder / name)
        else:
            files.pop(name, None)
    _put(folder, Listing(dict(sorted(files.items())), told.columns))


def is_sealed(folder: Path) -> bool:
    """Whether a folder has checksums."""
    return (folder / DIGEST).is_file() and (folder / LISTING).is_file()


def check_untouched(folder: Path) -> None:
    """Make sure that what a folder says of itself is as it was written, before anything is added to it.

    Raises
    ------
    AlteredFolderError
        If the manifest is not that of the digest beside it, or the checksums not those of the manifest.
    """
    if not is_sealed(folder):
        return
    try:
        told = told_digest(folder)
    except ValueError:
        told = ""
    allowed = "must be as it was written; gridarium verify says more"
    if file_checksum(folder / MANIFEST) != told:
        fault = Fault(MANIFEST, f"another one than {DIGEST} says", allowed)
        raise AlteredFolderError(str(folder), [fault])
    if file_checksum(folder / LISTING) != told_listing(json.loads((folder / MANIFEST).read_bytes())):
        fault = Fault(LISTING, f"another one than {MANIFEST} says", allowed)
        raise AlteredFolderError(str(folder), [fault])


def told_listing(manifest: Mapping[str, object]) -> str:
    """Return the checksum of the checksums that a manifest tells."""
    return str(manifest.get(_FACT, ""))


def _put(folder: Path, listing: Listing) -> None:
    replace_file(folder / LISTING, json_bytes(asdict(listing)))
    update_manifest(folder, **{_FACT: file_checksum(folder / LISTING)})


def read_listing(folder: Path) -> Listing:
    """Return what checksums.json tells.

    Raises
    ------
    OSError, ValueError, TypeError
        If there is none, or it cannot be read.
    """
    return Listing(**json.loads((folder / LISTING).read_bytes()))


def files_of(folder: Path) -> list[str]:
    """Return the path of every file of a folder that has a checksum, or should have one."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(set(found) - _BESIDE)


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_table(path: Path) -> pd.DataFrame:
    """Return a table, each column as it is in the file."""
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(path, use_threads=False).to_pandas()
    return table


def read_rows(folder: Path) -> dict[str, NDArray[np.uint16]]:
    """Return the checksum of each row of each table, by the path of the table."""
    table = read_table(folder / ROWS)
    names = table["table"].to_numpy(dtype=object)
    checksums = table["checksum"].to_numpy(dtype="uint16")
    return {str(name): checksums[names == name] for name in dict.fromkeys(names)}


def table_checksums(table: pd.DataFrame) -> tuple[dict[str, str], NDArray[np.uint16]]:
    """Return a checksum of each column, and one of each row.

    They say where a file differs that is known to: 16 bits a row miss one row in 65,536.
    """
    import numpy as np
    import pandas as pd

    columns: dict[str, str] = {}
    mixed: NDArray[np.uint64] = np.zeros(len(table), dtype=np.uint64)
    for name, column in table.items():
        hashed: NDArray[np.uint64] = np.asarray(
            pd.util.hash_pandas_object(column, index=False), dtype=np.uint64
        )
        columns[str(name)] = f"{zlib.crc32(hashed.tobytes()):08x}"
        # Odd, so that no bit of a column is lost, and that two columns may not change places.
        mixed = np.multiply(mixed + hashed, np.uint64(0x9E3779B97F4A7C15), dtype=np.uint64)
    return columns, (mixed >> np.uint64(48)).astype(np.uint16)


def _rows_bytes(rows: Mapping[str, NDArray[np.uint16]]) -> bytes:
    import io

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(list(rows), pa.string())
    counts = [len(checksums) for checksums in rows.values()]
    where = pa.array(np.repeat(np.arange(len(rows), dtype=np.int32), counts))
    checksums = np.concatenate([np.zeros(0, dtype=np.uint16), *rows.values()])
    table = pa.table({"table": pa.DictionaryArray.from_arrays(where, names), "checksum": pa.array(checksums)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=["table"])
    return sink.getvalue()
