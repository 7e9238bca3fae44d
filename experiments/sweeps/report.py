"""statistics.json, figures and report.html of a sweep, made from its tables alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.names.formatting import MONEY, label, number
from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.reading.scenario_files import read_mapping
from gridarium.experiments.results.checksums import check_untouched, renew
from gridarium.experiments.results.result import other_format
from gridarium.experiments.sweeps.bounded_price import with_efficiency_loss
from gridarium.experiments.sweeps.folder import SweepFolderError, SweepWriteError, put_file
from gridarium.experiments.sweeps.narrative import study_narrative
from gridarium.experiments.sweeps.study_schema import StudyFile
from gridarium.experiments.sweeps.tables import FIRST_COLUMNS, LAST_COLUMN
from gridarium.experiments.telling.html_page import cell, facts, page, section, table
from gridarium.experiments.telling.html_page import figures as drawn_figures

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.experiments.sweeps.design import Design

_MOST_ROWS = 60
Record = dict[str, Any]


def build_sweep_report(path: str | Path) -> Path:
    """Write statistics, figures and report of a sweep; what was there of them is replaced.

    Parameters
    ----------
    path : str or Path
        The folder of a sweep with its tables.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    SweepFolderError
        If the folder lacks the tables of a sweep, or has another version's names.
    AlteredFolderError
        If its manifest or its checksums were altered: they are not renewed then.
    SweepWriteError
        If the disk refuses.
    """
    import pandas as pd

    from gridarium.experiments.sweeps.changes import changes
    from gridarium.experiments.sweeps.design import sample
    from gridarium.experiments.sweeps.effects import ExpectedSign, effects
    from gridarium.experiments.sweeps.factorial import factorial_effects, is_two_level
    from gridarium.experiments.sweeps.statistics import summarise_sweep

    folder = Path(path)
    try:
        if other := other_format(json.loads((folder / "manifest.json").read_bytes())):
            raise SweepFolderError(str(folder), [Fault("folder", str(folder), other)])
        tree = read_mapping(folder / "study.yaml")
        file = StudyFile.model_validate(tree)
        results = pd.read_parquet(folder / "results.parquet")
        failures = pd.read_parquet(folder / "failures.parquet")
    except (OSError, ValueError, ValidationError, ScenarioError) as error:
        fault = Fault("folder", str(folder), f"must be the folder of a sweep with its tables ({error})")
        raise SweepFolderError(str(folder), [fault]) from error
    design = sample(file.sources(), file.design.spec())
    results = with_efficiency_loss(results, design.names)
    metrics = [name for name in results.columns if name not in {*FIRST_COLUMNS, *design.names, LAST_COLUMN}]
    cases = list(dict.fromkeys([*(file.cases or ()), *results["case"]]))
    statistics = summarise_sweep(results, design.names, cases, metrics, design)
    if design.spec.kind == "one-at-a-time":
        expected = [ExpectedSign(one.factor, one.metric, one.sign, one.reason) for one in file.expected]
        statistics["effects"] = effects(results, design, cases, metrics, expected)
    if is_two_level(design):
        statistics["factorial"] = factorial_effects(results, design, cases, metrics)
    elif design.spec.kind == "full-factorial" and len(design.names) > 1:
        statistics["changes"] = changes(results, design, cases, metrics)
    check_untouched(folder)
    before = _drawn_files(folder)
    try:
        put_file(folder / "statistics.json", _json_bytes(statistics))
        figures = list(
            _written_figures(folder / "figures", results, metrics, design, statistics, file.currency_code)
        )
        content = render(tree, statistics, results, failures, figures, file.currency_code)
        put_file(folder / "report.html", content.encode())
        renew(folder, before | _drawn_files(folder))
    except OSError as error:
        raise SweepWriteError(f"report of {folder}: cannot be written ({error.strerror or error})") from error
    return folder / "report.html"


def _drawn_files(folder: Path) -> set[str]:
    drawn = (f"figures/{file.name}" for file in (folder / "figures").glob("*.svg"))
    return {"statistics.json", "report.html", *drawn}


def _json_bytes(statistics: Record) -> bytes:
    return (json.dumps(statistics, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _written_figures(
    folder: Path,
    results: pd.DataFrame,
    metrics: Sequence[str],
    design: Design,
    statistics: Record,
    currency: str,
) -> Iterator[tuple[str, str, str]]:
    """Draw and write every figure; yield name, caption and SVG. Figures of an earlier report go away."""
    from gridarium.experiments.figures.style import svg_bytes
    from gridarium.experiments.sweeps.drawings import (
        change_drawings,
        distribution_drawings,
        drawings,
        factorial_drawings,
    )

    folder.mkdir(exist_ok=True)
    stale = {file.name for file in folder.glob("*.svg")}
    drawn = itertools.chain(
        factorial_drawings(statistics.get("factorial", []), design.names, currency),
        change_drawings(statistics, metrics, design, currency),
        distribution_drawings(results, metrics, design, currency),
        drawings(results, metrics, design, statistics["sensitivity"], currency),
    )
    for drawing in drawn:
        content = svg_bytes(drawing.figure)
        put_file(folder / f"{drawing.name}.svg", content)
        stale.discard(f"{drawing.name}.svg")
        yield drawing.name, drawing.caption, content.decode()
    for name in stale:
        (folder / name).unlink()


def render(
    study: Tree,
    statistics: Record,
    results: pd.DataFrame,
    failures: pd.DataFrame,
    figures: Sequence[tuple[str, str, str]],
    currency: str = MONEY,
) -> str:
    """Return the page.

    Parameters
    ----------
    study : dict
        The resolved study.
    statistics : dict
        Content of statistics.json.
    results, failures : DataFrame
        The sweep's tables.
    figures : sequence of (name, caption, svg)
        Its figures.
    currency : str
        Code of the currency.
    """
    title = str(study["study"])
    sections = (
        _heading(title, study, statistics, results, failures),
        section("What it says", _narrative(statistics, study, currency)),
        section("Effects of one factor at a time", _records(statistics.get("effects", []), currency)),
        section("Main effects and interactions", _records(statistics.get("factorial", []), currency)),
        section("Changes against the first point", _records(statistics.get("changes", []), currency)),
        section("Means", _records(statistics["means"], currency)),
        section("Comparisons on common random numbers", _records(statistics["comparisons"], currency)),
        section("Sensitivity", _records(statistics["sensitivity"], currency)),
        section("Figures", drawn_figures(figures)),
        section("Failures", _records(_failed(failures), currency)),
        section("About", facts(statistics["about"])),
        section("Study", f"<pre>{escape(dump_yaml(study))}</pre>"),
    )
    return page(title, sections)


def _heading(
    title: str, study: Tree, statistics: Record, results: pd.DataFrame, failures: pd.DataFrame
) -> str:
    about = statistics["about"]
    uncertified = int((results[LAST_COLUMN] > 0).sum())
    said = [f"{about['runs']:,} runs", f"{about['points']:,} points, {about['design']}"]
    state = '<span class="good">no run failed</span>'
    if len(failures) or uncertified:
        state = (
            f'<span class="bad">{len(failures):,} failures, '
            f"{uncertified:,} results with a failed hard certificate</span>"
        )
    return (
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(str(study['description']))}</p>\n"
        f'<p class="soft">{escape(" · ".join(said))}<br>{state}</p>\n</header>'
    )


def _narrative(statistics: Record, study: Tree, currency: str) -> str:
    """Return what the statistics say of the metrics that the study names first, or measures first."""
    metrics = study.get("metrics") or list(dict.fromkeys(row["metric"] for row in statistics["means"]))
    told = study_narrative(statistics, metrics, currency)
    lines = "\n".join(f"<li><b>{escape(one.about)}.</b> {escape(one.text)}</li>" for one in told)
    return f"<ul>\n{lines}\n</ul>" if told else ""


def _failed(failures: pd.DataFrame) -> list[Record]:
    """Return how often each error occurred, and where first."""
    if failures.empty:
        return []
    grouped = failures.groupby(["error", "message"], sort=False).agg(
        rows=("job", "size"), first_job=("job", "min")
    )
    return [
        {"error": error, "message": message, "rows": int(rows), "first job": int(job)}
        for (error, message), rows, job in grouped.itertuples()
    ]


def _records(records: Iterable[Mapping[str, Any]], currency: str) -> str:
    """Return a table of records; columns without anything are left out, and so are rows beyond a page."""
    rows = [dict(record) for record in records]
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if _says(rows, name)]
    texts = {name for name in names if any(isinstance(row.get(name), str) for row in rows)}

    def shown(row: Record, name: str) -> str:
        if name in texts:
            value = row.get(name) or ""
            return cell(label(str(value), currency) if name == "metric" else value)
        return cell(number(row.get(name)), "number")

    head = [cell(label(name, currency), "" if name in texts else "number", "th") for name in names]
    body = table(head, [[shown(row, name) for name in names] for row in rows[:_MOST_ROWS]]) if rows else ""
    left = len(rows) - _MOST_ROWS
    return body + (f'<p class="soft">{left:,} more rows are in the files.</p>' if left > 0 else "")


def _says(rows: Sequence[Record], name: str) -> bool:
    return any(row.get(name) not in (None, "") for row in rows)
