"""results.parquet and failures.parquet, streamed from the parts in job order: same parts, same bytes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gridarium.experiments.sweeps.folder import SweepFolder, settle
from gridarium.experiments.sweeps.jobs import JobResult

if TYPE_CHECKING:
    import pyarrow as pa

    from gridarium.experiments.sweeps.job import Job
    from gridarium.experiments.sweeps.study import SweepStudy

FIRST_COLUMNS = ("job", "point", "replication", "seed", "case")
"""First columns of both tables; the factors follow."""

LAST_COLUMN = "certificates_failed"
"""Last column of the results: how many hard certificates failed."""

_JOBS_PER_GROUP = 1000
Row = dict[str, Any]


class Counted(NamedTuple):
    """Rows of failures, those of them that are bad input, and rows with a failed hard certificate."""

    failures: int
    bad_input: int
    uncertified: int


def write_tables(folder: SweepFolder, study: SweepStudy, n_job: int) -> Counted:
    """Write both tables from the first jobs of a sweep.

    Parameters
    ----------
    folder : SweepFolder
        Holds the result of each of these jobs.
    study : SweepStudy
    n_job : int
        Number of jobs.

    Returns
    -------
    Counted

    Raises
    ------
    SweepWriteError
        If the disk refuses; older tables stay as they were.
    """
    import pyarrow as pa

    metrics = study.file.metrics or _metric_names(folder, n_job)
    head = [
        *((name, pa.string() if name == "case" else pa.int64()) for name in FIRST_COLUMNS),
        *((name, _type_of(values)) for name, values in study.columns.items()),
    ]
    results = pa.schema([*head, *((name, pa.float64()) for name in metrics), (LAST_COLUMN, pa.int64())])
    failures = pa.schema([*head, ("error", pa.string()), ("message", pa.string())])
    counted = {"failures": 0, "bad_input": 0, "uncertified": 0}

    def of_results(job: Job, result: JobResult) -> Iterator[Row]:
        for row in result.rows:
            counted["uncertified"] += row.certificates_failed > 0
            found = {name: row.metrics.get(name, float("nan")) for name in metrics}
            yield {**_key(job, row.case), **found, LAST_COLUMN: row.certificates_failed}

    def of_failures(job: Job, result: JobResult) -> Iterator[Row]:
        for row in result.failures:
            counted["failures"] += 1
            counted["bad_input"] += row.bad_input
            yield {**_key(job, row.case), "error": row.error, "message": row.message}

    with folder.writing():
        _stream(folder, study, n_job, "results.parquet", results, of_results)
        _stream(folder, study, n_job, "failures.parquet", failures, of_failures)
    return Counted(**counted)


def _metric_names(folder: SweepFolder, n_job: int) -> list[str]:
    """Return every metric of any job, in order of first appearance."""
    names: dict[str, None] = {}
    for number in range(n_job):
        for row in _result(folder, number).rows:
            names |= dict.fromkeys(row.metrics)
    return list(names)


def _type_of(values: Sequence[object]) -> pa.DataType:
    """Return the type of a factor's column: flags, numbers, or text for anything else."""
    import pyarrow as pa

    if all(isinstance(value, bool) for value in values):
        return pa.bool_()
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return pa.float64() if numbers else pa.string()


def _key(job: Job, case: str) -> Row:
    key = (job.number, job.point, job.replication, job.seed, case)
    return {**dict(zip(FIRST_COLUMNS, key, strict=True)), **job.values}


def _result(folder: SweepFolder, number: int) -> JobResult:
    result = folder.result(number)
    if result is None:
        raise OSError(f"what job {number} left cannot be read back; --resume runs it again")
    return result


def _stream(
    folder: SweepFolder,
    study: SweepStudy,
    n_job: int,
    name: str,
    schema: pa.Schema,
    rows_of: Callable[[Job, JobResult], Iterator[Row]],
) -> None:
    """Write one table group by group; it gets its name when it is whole and on the disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder.path / name
    partial = path.with_name(f".{name}.partial")
    try:
        with partial.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for first in range(0, n_job, _JOBS_PER_GROUP):
                    jobs = range(first, min(first + _JOBS_PER_GROUP, n_job))
                    rows = [row for job in jobs for row in rows_of(study.job(job), _result(folder, job))]
                    if rows:
                        writer.write_table(pa.table(_columns(rows, schema), schema), row_group_size=len(rows))
            file.flush()
            os.fsync(file.fileno())
        settle(partial, path)
    except OSError:
        _forget(partial)
        raise


def _columns(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> dict[str, pa.Array]:
    import pyarrow as pa

    def array(field: pa.Field) -> pa.Array:
        values = [row[field.name] for row in rows]
        if field.type == pa.string():
            values = [str(value) for value in values]
        # nan stays nan: it means "nothing to measure", not "unknown".
        return pa.array(values, field.type, from_pandas=False)

    return {field.name: array(field) for field in schema}


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
