"""Cells of profile files: which separator and which decimal mark they have, and what is a number."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.errors import Fault

TIME_COLUMN = "time"
_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_NON_NEGATIVE = {"_tco2_per_mwh": "tCO2/MWh", "_mwh": "MWh", "_mw": "MW"}
_LISTED = 10
"""Rows of a column that are listed one by one; more of them have one cause, and one fault."""


class Cells(NamedTuple):
    """What stands in a file, or its faults.

    Parameters
    ----------
    names : tuple of str
        The header; empty if there is no usable one.
    columns : dict of str to tuple of str
        Cells by column, each of one length; empty if there are faults.
    decimal_comma : bool
        Whether the numbers have a decimal comma.
    faults : tuple of Fault
    """

    names: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    decimal_comma: bool
    faults: tuple[Fault, ...]


def read_cells(path: Path) -> Cells:
    """Read a file whose cells are separated by commas, semicolons or tabs, whichever its header has.

    Numbers may have a decimal comma where commas do not separate. Never raises.
    """
    file = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _no_cells(Fault(file, f"byte {error.start}", "must be UTF-8 text"))
    except (OSError, ValueError) as error:
        return _no_cells(unreadable(file, error))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    said = _SEPARATOR_LINE.fullmatch(lines[0].strip('"')) if lines else None
    lines = lines[1:] if said else lines
    if not lines:
        return _no_cells(Fault(file, "no lines", "must have a header and rows"))
    separator = said[1] if said else next((mark for mark in _SEPARATORS if mark in lines[0]), None)
    if separator not in _SEPARATORS:
        allowed = "must be names separated by commas, semicolons or tabs, time among them"
        return _no_cells(Fault(f"{file}: header", lines[0], allowed))
    try:
        header, *rows = csv.reader(lines, delimiter=separator)
    except csv.Error as error:
        return _no_cells(Fault(file, str(error), f"must be cells separated by {_SEPARATORS[separator]}"))
    names = tuple(name.strip() for name in header)
    faults = [*_header_faults(file, names), *_shape_faults(file, len(names), rows, separator)]
    if faults:
        return Cells(names, {}, False, tuple(faults))
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    decimal_comma, faults = False, []
    if separator != ",":
        decimal_comma, faults = _decimal_mark(file, columns, separator)
    return Cells(names, {} if faults else columns, decimal_comma, tuple(faults))


def unreadable(file: str, error: Exception) -> Fault:
    """Return the fault of a file that cannot be read, without the words of the operating system's codes."""
    if isinstance(error, FileNotFoundError):
        found = "no such file"
    elif isinstance(error, IsADirectoryError):
        found = "a folder"
    else:
        found = str(getattr(error, "strerror", None) or error).lower()
    return Fault(file, found, "must be a readable UTF-8 CSV file with a header")


def numbers(
    file: str, name: str, texts: Sequence[str], decimal_comma: bool = False
) -> tuple[NDArray[np.float64], list[Fault]]:
    """Read a column of numbers, read-only, and return the faults of its rows.

    A number has digits 0 to 9, one decimal mark and an exponent at most; a column of powers, energies or
    carbon factors none below 0.
    """
    values = np.array([_number(text, decimal_comma) for text in texts])
    unit = _non_negative_unit(name)
    wrong = ~np.isfinite(values) if unit is None else ~(np.isfinite(values) & (values >= 0.0))
    allowed = "must be a finite number" if unit is None else f"must be a number in [0, inf) {unit}"
    values.flags.writeable = False
    return values, faults_of_rows(file, name, texts, np.flatnonzero(wrong).tolist(), allowed)


def faults_of_rows(
    file: str, name: str, texts: Sequence[str], wrong: Sequence[int], allowed: str
) -> list[Fault]:
    """Return a fault for each wrong row of a column, or one for all where they are many."""
    if len(wrong) > min(_LISTED, len(texts) - 1) and len(wrong) > 1:
        more = f"row {wrong[0] + 1} and {len(wrong) - 1} more of {len(texts)}"
        return [Fault(f"{file}: column {name}, {more}", texts[wrong[0]], allowed)]
    return [Fault(place(file, name, row + 1), texts[row], allowed) for row in wrong]


def place(file: str, column: str, row: int) -> str:
    """Return where a cell stands; rows of numbers count from 1, without header and comments."""
    return f"{file}: column {column}, row {row}"


def _no_cells(fault: Fault) -> Cells:
    return Cells((), {}, False, (fault,))


def _header_faults(file: str, names: Sequence[str]) -> list[Fault]:
    faults = []
    if TIME_COLUMN not in names:
        faults.append(Fault(f"{file}: column {TIME_COLUMN}", None, "must be there"))
    for position, name in enumerate(names):
        if not name:
            faults.append(Fault(f"{file}: header, column {position + 1}", name, "must have a name"))
        elif name in names[:position]:
            faults.append(Fault(f"{file}: column {name}", name, "must be there only once"))
    return faults


def _shape_faults(file: str, n_column: int, rows: Sequence[Sequence[str]], separator: str) -> list[Fault]:
    """Return a fault for each row of another length than the header, or one if they all are."""
    if not rows:
        return [Fault(file, "no rows", "must have rows that cover whole days")]
    allowed = f"must have {n_column} cells, one for each column"
    lengths = [len(row) for row in rows]
    if len(rows) > 1 and n_column not in lengths:
        said = f"{allowed}, separated by {_SEPARATORS[separator]} like the header"
        if separator == "," and min(lengths) > n_column:
            said += "; numbers with decimal commas need semicolons or tabs between the cells"
        return [Fault(f"{file}: all rows", f"{lengths[0]} cells in row 1", said)]
    return [
        Fault(f"{file}: row {number}", f"{length} cells", allowed)
        for number, length in enumerate(lengths, start=1)
        if length != n_column
    ]


def _decimal_mark(file: str, columns: dict[str, tuple[str, ...]], separator: str) -> tuple[bool, list[Fault]]:
    """Return whether numbers have a decimal comma, and a fault if that cannot be told."""
    cells = [
        (name, row, text.strip())
        for name, texts in columns.items()
        if name != TIME_COLUMN
        for row, text in enumerate(texts, start=1)
    ]
    with_comma = [cell for cell in cells if "," in cell[2]]
    if not with_comma:
        return False, []
    name, row, text = with_comma[0]
    with_point = next((cell for cell in cells if "." in cell[2]), None)
    if with_point is not None:
        allowed = f"must have the decimal mark of '{text}' in column {name}, row {row}: a file has one"
        return True, [Fault(place(file, *with_point[:2]), with_point[2], allowed)]
    if separator == "\t" and all(_THOUSANDS.fullmatch(cell[2]) for cell in with_comma):
        allowed = "must be a number without a comma: this one may separate thousands or decimals"
        return True, [Fault(place(file, name, row), text, allowed)]
    return True, []


def _number(text: str, decimal_comma: bool) -> float:
    stripped = text.strip()
    if decimal_comma and stripped.count(",") == 1:
        stripped = stripped.replace(",", ".")
    return float(stripped) if _NUMBER.fullmatch(stripped) else math.nan


def _non_negative_unit(name: str) -> str | None:
    for suffix, unit in _NON_NEGATIVE.items():
        # A price in _per_mwh ends like an energy, yet may be negative.
        if name.endswith(suffix) and not name.removesuffix(suffix).endswith("_per"):
            return unit
    return None
