"""Tables of a run as Parquet files: the same bytes for the same content."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return every table of a folder, in the order of their names."""
    import pyarrow.parquet as pq

    paths = sorted(folder.glob("*.parquet"))
    return {path.stem: pq.read_table(path, use_threads=False).to_pandas() for path in paths}


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet: no index, no metadata of pandas, the same bytes for the same content."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {str(name): _array(column) for name, column in table.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink, compression="zstd", row_group_size=2**20)
    return sink.getvalue()


def _array(column: pd.Series[Any]) -> pa.Array:
    """Return a column as whole numbers, numbers, flags, times or text, whatever width it came with."""
    import pyarrow as pa

    column = column.infer_objects()
    match column.dtype.kind:
        case "i" | "u":
            return pa.array(column, pa.int64())
        case "f":
            # nan stays nan: it means "nothing to measure", not "unknown".
            return pa.array(column.to_numpy(), pa.float64(), from_pandas=False)
        case "b" | "M":
            return pa.array(column)
        case _:
            texts = [None if value is None or value != value else str(value) for value in column]
            return pa.array(texts, pa.string())
