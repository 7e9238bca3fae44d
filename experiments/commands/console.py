"""What the command line prints: tables that fit 80 columns, certificates, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from gridarium.experiments.names.formatting import MONEY, label, metric_names, number, side_by_side
from gridarium.experiments.results import records
from gridarium.experiments.results.result import Result
from gridarium.experiments.telling.findings import findings
from gridarium.experiments.telling.narrative import narrative

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.experiments.results.records import Certificate
    from gridarium.experiments.sweeps.sweeper import SweepResult
    from gridarium.experiments.verification.checks import Check

_WIDTH = 80
_NUMBER_WIDTH = 9
_SILENT_S = 1.0
_MOST_ROWS = 120
"""Rows of metrics beyond which those of single grids are left to the report."""
_MOST_SOFT = 3
"""Soft certificates that are told of a case that fails more of them."""


@cache
def output() -> Console:
    """Return the console of standard output."""
    return Console(width=_WIDTH, highlight=False, emoji=False, markup=False)


@cache
def messages() -> Console:
    """Return the console of standard error; lines of messages are not broken."""
    return Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(own_estimate: bool = False) -> Iterator[records.Progress]:
    """Yield a function that shows progress, once a second has gone by.

    The remaining time is shown, unless what is being done says it itself.
    """
    console = messages()
    # What several cases are doing takes several lines rather than the place of the bar.
    folded = None if own_estimate else Column(max_width=_WIDTH // 2)
    doing = TextColumn("{task.description}", table_column=folded)
    columns = [doing, BarColumn(20), TaskProgressColumn()]
    columns += [] if own_estimate else [TimeRemainingColumn()]
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("", total=1.0)
    begun = time.monotonic()

    def show(share: float, doing: str) -> None:
        bar.update(task, completed=share, description=doing)
        if time.monotonic() - begun > _SILENT_S:
            bar.start()

    try:
        yield show
    finally:
        bar.stop()


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> Table:
    """Return a table whose last `numbers` columns are set flush right."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for position, heading in enumerate(headings):
        right = position >= len(headings) - numbers
        table.add_column(Text(heading), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def summary_tables(summary: Mapping[str, Mapping[str, float]], currency: str = MONEY) -> Iterator[Table]:
    """Yield metrics as rows and columns side by side, in as many tables as 80 columns need."""
    for shown in side_by_side(summary):
        yield from _tables_of(shown, currency)


def _tables_of(summary: Mapping[str, Mapping[str, float]], currency: str) -> Iterator[Table]:
    labels = {name: label(name, currency) for name in metric_names(summary)}
    first = min(max(map(len, labels.values()), default=0), _WIDTH // 2)
    pieces = [piece for case in summary for piece in case.replace("_", "-").split("-")]
    column = max([_NUMBER_WIDTH, *(min(len(piece), 16) for piece in pieces)]) + 2
    at_once = max(1, (_WIDTH - first) // column)
    cases = list(summary)
    # Equal parts read better than a full table followed by a rest.
    tables = -(-len(cases) // at_once)
    at_once = -(-len(cases) // max(tables, 1))
    for start in range(0, len(cases), at_once or 1):
        shown = cases[start : start + at_once]
        headings = ["", *(_folded(case, column - 2) for case in shown)]
        rows = [
            [text, *(number(summary[case].get(name)) for case in shown)]
            for name, text in labels.items()
            if any(name in summary[case] for case in shown)
        ]
        yield plain_table(headings, rows, numbers=len(shown))


def _folded(name: str, width: int) -> str:
    """Break a name after its hyphens into lines of at most `width` characters where that is possible."""
    lines = [""]
    for piece in name.replace("-", "-\n").splitlines():
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def print_summary(result: Result) -> None:
    """Print metrics, cases side by side; where there are many, only those that are of no single grid."""
    summary, currency = result.summary, result.currency_code
    of_grids = [name for name in metric_names(summary) if "." in name]
    tables = list(summary_tables(summary, currency))
    is_cut = bool(of_grids) and sum(table.row_count for table in tables) > _MOST_ROWS
    if is_cut:
        of_world = {
            case: {name: value for name, value in metrics.items() if "." not in name}
            for case, metrics in summary.items()
        }
        tables = list(summary_tables(of_world, currency))
    for table in tables:
        output().print(table)
        output().print()
    if is_cut:
        output().print(f"{len(of_grids):,} metrics of single grids: see the report and summary.json")
        output().print()


def print_findings(result: Result) -> None:
    """Print what is to be known before any number."""
    found = findings(result)
    styles = {"failed": ("FAILED", "bold red"), "warning": ("warning", "yellow"), "note": ("note", "")}
    for finding in found:
        grade, style = styles[finding.grade]
        output().print(f"{grade}: {finding.text}", style=style)
    if found:
        output().print()


def print_narrative(result: Result) -> None:
    """Print what happened, in sentences."""
    told = narrative(result)
    for one in told:
        output().print(Text.assemble((f"{one.about}: ", "bold"), one.text))
    if told:
        output().print()


def print_certificates(result: Result) -> None:
    """Print how many certificates passed, every hard one that did not, and the worst of the soft ones."""
    failed = [one for one in result.certificates if not one.passed]
    hard = [one for one in failed if one.hard]
    measured = [one for one in result.certificates if not one.is_invariant]
    text = f"certificates: {records.passed_of(measured)} passed"
    output().print(f"{text}; of the hard ones {records.passed_of([one for one in measured if one.hard])}")
    if len(measured) < len(result.certificates):
        kept = records.passed_of(result.certificates, invariants=True)
        output().print(f"invariants, true by construction: {kept} passed")
    told: set[str] = set()
    for certificate in hard:
        _print_failed(certificate, "FAILED", "bold red", told)
    for case in result.summary:
        soft = [one for one in failed if one.case == case and not one.hard]
        soft.sort(key=_excess, reverse=True)
        for certificate in soft[:_MOST_SOFT]:
            _print_failed(certificate, "warning", "yellow", told)
        if len(soft) > _MOST_SOFT:
            output().print(
                f"  {case}: {len(soft) - _MOST_SOFT} more soft ones are in the report", style="yellow"
            )


def _excess(certificate: Certificate) -> float:
    """How many tolerances a value is; what could not be measured is the worst."""
    if math.isnan(certificate.value) or certificate.tolerance <= 0.0:
        return math.inf
    return certificate.value / certificate.tolerance


def _print_failed(certificate: Certificate, grade: str, style: str, told: set[str]) -> None:
    """Print by how much one has failed, and what it means unless that is in `told`; put it there."""
    unit = f" {certificate.unit}" if certificate.unit else ""
    text = f"{number(certificate.value)}{unit}, tolerance {number(certificate.tolerance)}{unit}"
    text += "" if certificate.meaning in told else f": {certificate.meaning}"
    text += f"; {certificate.detail}" if certificate.detail else ""
    told.add(certificate.meaning)
    output().print(f"  {grade}: {certificate.case}, {certificate.name}: {text}", style=style)


def print_markdown(text: str) -> None:
    """Print a text in Markdown as it is meant to look."""
    output().print(Markdown(text))


def print_checks(checks: Sequence[Check]) -> None:
    """Print what was checked of a run folder, and what was found."""
    table = plain_table(
        ("case", "subject", "", "found"),
        [(one.case, one.subject, "ok" if one.passed else "BROKEN", one.said) for one in checks],
    )
    for row, one in zip(table.rows, checks, strict=True):
        row.style = "none" if one.passed else "bold red"
    output().print(table)
    failed = sum(not one.passed for one in checks)
    output().print(
        f"checks: {len(checks) - failed} of {len(checks)} passed", style="bold red" if failed else "none"
    )


def print_replay(table: pd.DataFrame, same: float) -> None:
    """Print what a grid alone has in common with the stack, and what it has not."""
    apart = table[~(table["difference"] <= same)]
    shown = table if apart.empty else apart
    columns = ("stacked", "alone", "difference")
    rows = [
        (str(name), *(f"{value:.9g}" for value in values))
        for name, values in zip(shown["quantity"], shown[list(columns)].to_numpy(), strict=True)
    ]
    output().print(plain_table(("quantity", *columns), rows, numbers=3))
    most = float(table["difference"].max())
    output().print(
        f"replay: {len(table) - len(apart)} of {len(table)} quantities equal to {same:g}; "
        f"most apart {most:.2g}",
        style="none" if apart.empty else "bold red",
    )


def print_sweep(result: SweepResult) -> None:
    """Print what became of a sweep's runs."""
    early = ", ended by its stop rule" if result.stopped else ""
    output().print(f"{result.jobs:,} runs{early}; {result.failures:,} failures")
    if result.failures:
        output().print(f"  see {result.path / 'failures.parquet'}", soft_wrap=True, style="bold red")
    if result.uncertified:
        told = f"  FAILED: a hard certificate in {result.uncertified:,} rows of results.parquet"
        output().print(told, style="bold red")
    for effect in result.effects():
        if effect.get("expected"):
            output().print(_effect_line(effect), soft_wrap=True)


def _effect_line(effect: Mapping[str, Any]) -> str:
    """One effect against the sign that was expected of it."""
    moved = f"{effect['factor']} {number(effect['against'])} to {number(effect['value'])}"
    low, high = number(effect["low"]), number(effect["high"])
    seen = f"{effect['metric']} {number(effect['mean_difference'])} [{low}, {high}]"
    return f"{moved}: {seen}, {effect['expected']} expected, {effect['seen']} seen: {effect['verdict']}"


def print_claims(result: Result) -> None:
    """Print what the run says about the papers' statements."""
    if not result.claims:
        output().print("claims: none for this scenario")
        return
    rows = [
        (claim.statement, number(claim.expected), number(claim.measured), claim.verdict)
        for claim in result.claims
    ]
    output().print(plain_table(("claim", "expected", "measured", "verdict"), rows))
    output().print()
    for claim in result.claims:
        output().print(f"{claim.verdict}: {claim.statement}\n  {claim.reason}")
        if claim.rests_on:
            output().print(f"  rests on {claim.rests_on}")
