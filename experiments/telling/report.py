"""report.html: one self-contained page of a run, written from its folder alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

from gridarium.experiments.names.formatting import label, metric_names, number, side_by_side
from gridarium.experiments.processes.crew import Crew
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.results.checksums import check_untouched, renew
from gridarium.experiments.results.folder import RunWriteError
from gridarium.experiments.results.manifest import mark_finished, replace_file, update_manifest
from gridarium.experiments.results.records import Certificate, Claim, Verdict, passed_of
from gridarium.experiments.results.result import Result, read_run
from gridarium.experiments.telling.findings import findings, has_negotiations
from gridarium.experiments.telling.html_page import cell, explained, facts, noted, page, section, table
from gridarium.experiments.telling.html_page import figures as drawn_figures
from gridarium.experiments.telling.narrative import GAIN, comparison_rows, narrative

_FIGURES, _PAGE = "figures", "report.html"


def build_report(path: str | Path, crew: Crew | None = None) -> Path:
    """Draw the figures of a run and write its report; what was there of both is replaced.

    Parameters
    ----------
    path : str or Path
        A run folder.
    crew : Crew, optional
        Processes that draw the figures side by side; the same bytes come of it.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunFolderError
        If the folder holds no run.
    AlteredFolderError
        If its manifest or its checksums were altered: they are not renewed then.
    RunWriteError
        If the disk refuses.
    """
    folder = Path(path)
    result = read_run(folder)
    check_untouched(folder)
    try:
        with _checksums_renewed(folder):
            _draw(folder, result, crew)
    except OSError as error:
        raise RunWriteError(f"report of {folder}: cannot be written ({error.strerror or error})") from error
    return folder / _PAGE


@contextmanager
def _checksums_renewed(folder: Path) -> Iterator[None]:
    """Renew the checksums of figures and report afterwards, of no other file."""
    before = _drawn_files(folder)
    try:
        yield
    finally:
        renew(folder, before | _drawn_files(folder))


def _drawn_files(folder: Path) -> set[str]:
    return {_PAGE, *(f"{_FIGURES}/{file.name}" for file in (folder / _FIGURES).glob("*.svg"))}


def _draw(folder: Path, result: Result, crew: Crew | None) -> None:
    """Draw the figures and write the page."""
    from gridarium.experiments.figures.figure_files import NotDrawn, figure_files

    (folder / _FIGURES).mkdir(exist_ok=True)
    stale = {file.name for file in (folder / _FIGURES).glob("*.svg")}
    figures = []
    not_drawn: dict[str, str] = {}
    for one in figure_files(result, crew):
        if isinstance(one, NotDrawn):
            not_drawn[one.name] = one.reason
            continue
        name, caption, content = one
        replace_file(folder / _FIGURES / f"{name}.svg", content)
        stale.discard(f"{name}.svg")
        figures.append((name, caption, content.decode()))
    for name in stale:
        (folder / _FIGURES / name).unlink()
    update_manifest(folder, not_drawn=not_drawn or None)
    result.manifest.pop("not_drawn", None)
    result.manifest.update({"not_drawn": not_drawn} if not_drawn else {})
    replace_file(folder / _PAGE, render(result, figures).encode())
    mark_finished(folder)


def render(result: Result, figures: Sequence[tuple[str, str, str]]) -> str:
    """Return the page.

    Parameters
    ----------
    result : Result
        The run.
    figures : sequence of (name, caption, svg)
        Its figures.
    """
    title = str(result.scenario.get("title") or result.manifest.get("scenario") or "Run")
    sections = (
        _heading(title, result),
        section("Findings", _findings(result)),
        section("What happened", _narrative(result)),
        section("Figures", drawn_figures(figures)),
        section("Summary", _summary(result.summary, result.currency_code)),
        section("Certificates", _certificates(result.certificates)),
        section("Claims", _claims(result.claims)),
        section("Manifest", facts(result.manifest)),
        section("Scenario", f"<pre>{escape(dump_yaml(result.scenario))}</pre>"),
    )
    return page(title, sections)


def _heading(title: str, result: Result) -> str:
    failed = [each for each in result.certificates if not each.passed]
    hard = sum(each.hard for each in failed)
    passed = f"{passed_of(result.certificates)} certificates passed"
    if any(each.is_invariant for each in result.certificates):
        passed += f", {passed_of(result.certificates, True)} invariants"
    state = f'<span class="good">{passed}</span>'
    if failed:
        kind = "bad" if hard else "warn"
        state = f'<span class="{kind}">{passed}, {hard} hard and {len(failed) - hard} soft failed</span>'
    if result.failed:
        ended = f"FAILED: {', '.join(result.failed)}: see the findings"
        state = f'<span class="bad">{escape(ended)}</span><br>{state}'
    count = len(result.summary)
    facts = ["1 case" if count == 1 else f"{count} cases", f"seed {result.manifest.get('seed', '-')}"]
    facts.append(str(result.manifest.get("started", ""))[:19].replace("T", " "))
    description = escape(str(result.scenario.get("description", "")))
    return (
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{description}</p>\n"
        f'<p class="soft">{escape(" · ".join(filter(None, facts)))}<br>{state}</p>\n</header>'
    )


def _findings(result: Result) -> str:
    """Return what is to be known first, or that all came to rest where somebody has negotiated."""
    found = findings(result)
    if not found:
        return "<p>All negotiations came to rest.</p>" if has_negotiations(result) else ""
    looks = {"failed": "bad", "warning": "warn", "note": "note"}
    lines = (f'<li class="{looks[one.grade]}">{one.grade}: {escape(one.text)}</li>' for one in found)
    return "<ul>\n" + "\n".join(lines) + "\n</ul>"


def _narrative(result: Result) -> str:
    """Return what happened in sentences, and every case against the first."""
    told = "\n".join(f"<li><b>{escape(one.about)}.</b> {escape(one.text)}</li>" for one in narrative(result))
    rows = comparison_rows(result)
    if not rows:
        return f"<ul>\n{told}\n</ul>" if told else ""
    first, currency = next(iter(result.summary)), result.currency_code
    titles = ("differs in", "carbon (tCO2)", "change", f"all together ({currency})")
    head = [cell(f"case, against {first}", tag="th"), cell(titles[0], tag="th")]
    head += [cell(title, "number", "th") for title in titles[1:]]
    head += [cell(title, tag="th") for title in ("gains most", "loses most")]
    body = (
        [cell(name, tag="th"), cell(found), *(cell(one, "number") for one in numbers), *map(cell, extremes)]
        for name, found, *numbers, gains, loses in rows
        for extremes in [(gains, loses)]
    )
    return f'<ul>\n{told}\n</ul>\n{table(head, body)}\n<p class="soft"><small>{escape(GAIN)}</small></p>'


def _summary(summary: Mapping[str, Mapping[str, float]], currency: str) -> str:
    return "\n".join(_summary_table(shown, currency) for shown in side_by_side(summary))


def _summary_table(summary: Mapping[str, Mapping[str, float]], currency: str) -> str:
    head = [cell("", tag="th"), *(cell(name, "number", "th") for name in summary)]
    rows = (
        [
            cell(label(name, currency), tag="th"),
            *(cell(number(metrics.get(name)), "number") for metrics in summary.values()),
        ]
        for name in metric_names(summary)
    )
    return table(head, rows)


def _certificates(certificates: Sequence[Certificate]) -> str:
    """Return one row per certificate and one column per case."""
    cases = list(dict.fromkeys(each.case for each in certificates))
    by_name: dict[str, dict[str, Certificate]] = {}
    for each in certificates:
        by_name.setdefault(each.name, {})[each.case] = each

    def row(name: str, found: Mapping[str, Certificate]) -> Iterator[str]:
        first = next(iter(found.values()))
        tolerances = dict.fromkeys(number(each.tolerance) for each in found.values())
        kind = " (invariant)" if first.is_invariant else "" if first.hard else " (soft)"
        yield explained(f"{name}{kind}", first.meaning)
        yield cell(f"{' / '.join(tolerances)} {first.unit}".strip(), "number")
        for case in cases:
            yield _certificate_cell(found.get(case))

    head = [cell("certificate", tag="th"), cell("tolerance", "number", "th")]
    head += [cell(case, "number", "th") for case in cases]
    return table(head, (row(name, found) for name, found in by_name.items())) if certificates else ""


def _certificate_cell(certificate: Certificate | None) -> str:
    if certificate is None:
        return cell("")
    if certificate.passed:
        verdict, kind = "✓", "number good"
    else:
        verdict, kind = "✗", "number bad" if certificate.hard else "number warn"
    return noted(f"{number(certificate.value)} {verdict}", certificate.detail, kind)


def _claims(claims: Sequence[Claim]) -> str:
    names = ("claim", "expected", "measured", "verdict")
    kinds: dict[Verdict, str] = {
        "number reproduced": "good",
        "direction reproduced": "warn",
        "not reproduced": "bad",
        "not comparable": "soft",
    }
    rows = (
        [
            explained(claim.statement, f"{claim.id}, {claim.kind}; {claim.source}"),
            cell(number(claim.expected)),
            cell(number(claim.measured)),
            explained(claim.verdict, _why(claim), kinds[claim.verdict]),
        ]
        for claim in claims
    )
    return table((cell(name, tag="th") for name in names), rows) if claims else ""


def _why(claim: Claim) -> str:
    """Reason of a verdict, and what it rests on."""
    return f"{claim.reason}; rests on {claim.rests_on}" if claim.rests_on else claim.reason
