#!/usr/bin/env python3
"""Golden results: what every shipped scenario found when it was last looked at, and what it finds now.

    python tests/golden/golden.py compare [NAME...]     run and compare with what is stored here
    python tests/golden/golden.py renew [NAME...]       run and store, on purpose
    python tests/golden/golden.py files OLD NEW         compare two stored files, or folders of them

Metrics that differ by more than a billionth of their size and certificates with another verdict fail the
comparison; columns of tables with another content are only reported, and what does not depend on order or
on the last digit of a solver may change there. `renamed.json` maps old names to new ones, with `*` for a
part that stays, so that a rename still compares the values.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.experiments.results.folder import machine_facts
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario, shipped_scenarios

FOLDER = Path(__file__).parent
RENAMED = FOLDER / "renamed.json"
TOLERANCE = 1e-9
LEAST_SCALE = 1e-6
SHORT: Mapping[str, tuple[str, Sequence[str]]] = {
    "net-zero-short": ("net-zero", ("horizon_h=8", "operator.benchmark_nodes=0")),
}
"""Shortened scenarios for the test suite: name, which scenario, and the settings laid over it."""

NOT_STORED = frozenset(
    {
        "adcef-attacked",
        "adcef-bilevel",
        "green-vpp",
        "green-vpp-planners",
        "green-vpp-rules",
        "green-vpp-small",
        "net-zero-attacked",
        "one-world",
        "one-world-small",
        "ries-carbon",
        "ries-learning",
        "ries-parameters",
        "ries-strategic",
        "shared-storage",
        "shared-storage-intensity",
        "shared-storage-penalty",
        "shared-storage-ties",
        "ties-feeders",
    }
)
"""Scenarios that take many minutes: in searches whose last digits hang on every tie of a solver, or with a
smaller one like them that is stored; learners, who turn elsewhere where rewards differ in a digit; attacks on
scenarios that are stored, of which tests of their own say what comes."""

Golden = dict[str, Any]
"""scenario, settings, versions and for each case summary, certificates and tables."""


# What a run leaves, in short.


def measured(name: str) -> Golden:
    """Run a scenario, or one of `SHORT`, in all its cases."""
    scenario, settings = SHORT.get(name, (name, ()))
    return golden_of(scenario, settings, run(load_scenario(scenario, settings)))


def golden_of(scenario: str, settings: Sequence[str], result: Result) -> Golden:
    """Metrics and verdicts of a run as they are, its tables as hashes of their columns."""
    facts = machine_facts()
    return {
        "scenario": scenario,
        "settings": list(settings),
        "versions": {"python": facts["python"], **facts["dependencies"]},
        "cases": {
            case: {
                "summary": dict(summary),
                "certificates": {one.name: _verdict(one) for one in result.certificates if one.case == case},
                "tables": {
                    name: table_hashes(table[table["case"] == case]) for name, table in result.tables.items()
                },
            }
            for case, summary in result.summary.items()
        },
    }


def _verdict(certificate: Certificate) -> str:
    return f"{'hard' if certificate.hard else 'soft'}, {'passed' if certificate.passed else 'failed'}"


def table_hashes(table: pd.DataFrame) -> dict[str, Any]:
    """Rows, the hash of each column and one of all, whatever types and order the columns have."""
    columns = {str(name): column_hash(table[name]) for name in sorted(table.columns) if name != "case"}
    return {"rows": len(table), "hash": joint_hash(columns), "columns": columns}


def joint_hash(columns: Mapping[str, str]) -> str:
    return _digest(f"{name} {value}" for name, value in sorted(columns.items()))


def column_hash(column: pd.Series[Any]) -> str:
    return _digest(map(_canonical, column.tolist()))


def _canonical(value: object) -> str:
    """A value as text: whole numbers and flags as the float that they equal, nothing as nan."""
    if value is None or value is pd.NaT:
        return "nan"
    if isinstance(value, int | float):
        return repr(float(value) + 0.0)  # no negative zero
    return str(value)


def _digest(lines: Iterator[str]) -> str:
    text = "\n".join(lines)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# Two results.


@dataclass
class Comparison:
    """What differs between two golden results; `faults` fail, `remarks` do not."""

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    renamed: dict[tuple[str, str, str], None] = field(default_factory=dict)


def compared(
    old: Golden,
    new: Golden,
    renames: Mapping[str, Mapping[str, str]] | None = None,
    tolerance: float = TOLERANCE,
    least_scale: float = LEAST_SCALE,
) -> Comparison:
    """Compare two golden results.

    Parameters
    ----------
    renames : mapping
        For `cases`, `metrics`, `certificates`, `tables` and `columns` a mapping of old names to new ones;
        a column is named alone, or as `table.column` with the new name of its table.
    tolerance : float
        Of metrics, as a share of the greater of both values, or of `least_scale` where both are smaller.
    """
    found, renames = Comparison(), renames or {}
    for case, before, after in _pairs("case", "cases", old["cases"], new["cases"], renames, found):
        inside = [
            (f"{case}: {kind}", kinds, before[part], after[part])
            for kind, kinds, part in (
                ("metric", "metrics", "summary"),
                ("certificate", "certificates", "certificates"),
            )
        ]
        for place, kinds, theirs, ours in inside:
            for name, was, is_now in _pairs(place, kinds, theirs, ours, renames, found):
                if kinds == "metrics" and not _close(was, is_now, tolerance, least_scale):
                    found.faults.append(f"{place} {name}: {was!r} -> {is_now!r}{_share(was, is_now)}")
                if kinds == "certificates" and was != is_now:
                    found.faults.append(f"{place} {name}: {was} -> {is_now}")
        _compare_tables(case, before["tables"], after["tables"], renames, found)
    for library, version in old["versions"].items():
        if (now := new["versions"].get(library)) != version:
            found.remarks.append(f"version of {library}: {version} -> {now}")
    return found


def _compare_tables(
    case: str, old: Mapping[str, Any], new: Mapping[str, Any], renames: Any, found: Comparison
) -> None:
    """Report which columns of which tables have another content; nothing of it is a fault."""
    aside = Comparison(renamed=found.renamed)
    for table, was, is_now in _pairs(f"{case}: table", "tables", old, new, renames, aside):
        place = f"{case}: column {table}."
        if was["rows"] != is_now["rows"]:
            aside.remarks.append(f"{case}: table {table}: {was['rows']} -> {is_now['rows']} rows")
        columns = renames.get("columns", {})
        own = {
            key.removeprefix(f"{table}."): to for key, to in columns.items() if key.startswith(f"{table}.")
        }
        own |= {key: to for key, to in columns.items() if "." not in key}
        pairs = _pairs(place, "columns", was["columns"], is_now["columns"], {"columns": own}, aside)
        changed = [name for name, before, after in pairs if before != after]
        if changed:
            whole = "all" if len(changed) == len(was["columns"]) else ", ".join(changed)
            aside.remarks.append(f"{case}: table {table}: other content in {whole}")
    found.remarks += aside.faults + aside.remarks


def _pairs(
    place: str, kinds: str, old: Mapping[str, Any], new: Mapping[str, Any], renames: Any, found: Comparison
) -> Iterator[tuple[str, Any, Any]]:
    """What both have, by its new name; what one lacks is a fault."""
    names = {now_called(name, renames.get(kinds, {})): name for name in old}
    for name, before in names.items():
        if name != before:
            found.renamed[kinds, before, name] = None
        if name in new:
            yield name, old[before], new[name]
        else:
            found.faults.append(f"{place} {name}: is missing now")
    found.faults += [f"{place} {name}: is new" for name in new if name not in names]


def now_called(name: str, renames: Mapping[str, str]) -> str:
    """The name that a thing has today; `*` in both patterns stands for what stays."""
    for pattern, to in sorted(renames.items(), key=lambda item: "*" in item[0]):
        if match := re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)"), name):
            kept = iter(match.groups())
            return "".join(next(kept) if part == "*" else part for part in re.split(r"(\*)", to))
    return name


def _close(old: float, new: float, tolerance: float, least_scale: float) -> bool:
    if math.isnan(old) or math.isnan(new):
        return math.isnan(old) and math.isnan(new)
    return old == new or abs(old - new) <= tolerance * max(abs(old), abs(new), least_scale)


def _share(old: float, new: float) -> str:
    return f" ({new / old - 1.0:+.1e})" if old and math.isfinite(old) and math.isfinite(new) else ""


# Files and the command.


def read(path: Path) -> Golden:
    golden: Golden = json.loads(path.read_text(encoding="utf-8"))
    return golden


def read_renames(path: Path = RENAMED) -> dict[str, dict[str, str]]:
    renames: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return renames


def write(path: Path, golden: Golden) -> None:
    path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _options().parse_args(arguments)
    if options.do == "files":
        return _compare_files(options.old, options.new, read_renames(options.renamed))
    names = options.name or [*sorted(shipped_scenarios().keys() - NOT_STORED), *SHORT]
    options.folder.mkdir(parents=True, exist_ok=True)
    status = 0
    for name in names:
        path = options.folder / f"{name}.json"
        if options.do == "renew":
            write(path, measured(name))
            _say(f"{name}: stored")
        elif not path.exists():
            _say(f"{name}: nothing is stored")
            status = 1
        else:
            status |= _report(name, compared(read(path), measured(name), read_renames(options.renamed)))
    return status


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare with golden results, or renew them.")
    commands = parser.add_subparsers(dest="do", required=True)
    for command in ("compare", "renew"):
        sub = commands.add_parser(command)
        sub.add_argument("name", nargs="*", help="scenarios; all shipped ones if left out")
        sub.add_argument("--folder", type=Path, default=FOLDER, help="where the results are stored")
    files = commands.add_parser("files")
    for which in ("old", "new"):
        files.add_argument(which, type=Path, help="a stored file, or a folder of them")
    for sub in commands.choices.values():
        sub.add_argument("--renamed", type=Path, default=RENAMED, help="a file of renames, old to new")
    return parser


def _compare_files(old: Path, new: Path, renames: Mapping[str, Mapping[str, str]]) -> int:
    if not old.is_dir():
        return _report(old.stem, compared(read(old), read(new), renames))
    status = 0
    for path in sorted(old.glob("*.json")):
        if path.name == RENAMED.name:
            continue
        if (other := new / path.name).exists():
            status |= _report(path.stem, compared(read(path), read(other), renames))
        else:
            _say(f"{path.stem}: is missing in {new}")
            status = 1
    return status


def _report(name: str, found: Comparison) -> int:
    """Print a comparison; 1 if it failed."""
    _say(f"{name}: {len(found.faults)} differences, {len(found.remarks)} remarks")
    for kind, old, new in found.renamed:
        _say(f"  renamed {kind}: {old} -> {new}")
    for title, lines in (("DIFFERS", found.faults), ("remark", found.remarks)):
        for line in lines:
            _say(f"  {title} {line}")
    return 1 if found.faults else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
