"""report.html: one self-contained page of a run, written from its folder alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from gridarium.experiments.formatting import label, metric_names, number
from gridarium.experiments.plain_yaml import dump_yaml
from gridarium.experiments.records import Certificate, Claim
from gridarium.experiments.results import Result, RunWriteError, mark_finished, read_run, replace_file

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #666; --line: #d9d9d9; --page: #fff;
        --band: #f5f5f5; --good: #00684c; --bad: #b03a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --soft: #a0a0a0; --line: #444; --page: #1b1b1b; --band: #262626;
          --good: #4fc3a1; --bad: #ff9b66; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
       max-width: 62rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: .3rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .7rem .28rem 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--ink); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: normal; white-space: nowrap; }
.wide { min-width: 15rem; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; overflow-wrap: break-word; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .warn { color: var(--bad); }
figure { margin: 1.4rem 0 2rem; break-inside: avoid; }
figure svg { width: 100%; height: auto; background: #fff; border-radius: 4px; padding: 8px;
             box-sizing: border-box; }
figcaption { font-size: .86rem; color: var(--soft); margin-top: .4rem; }
pre { font-size: .8rem; background: var(--band); padding: .8rem; overflow-x: auto; border-radius: 4px; }
@media print {
  :root { --ink: #000; --soft: #444; --line: #bbb; --page: #fff; --good: #000; --bad: #000; }
  body { font-size: 10pt; margin: 0; max-width: none; } table { font-size: 8pt; }
  .scroll { overflow: visible; } thead { display: table-header-group; } tr { break-inside: avoid; } }
"""

_SVG_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')


def build_report(path: str | Path) -> Path:
    """Draw the figures of a run and write its report; what was there of both is replaced.

    Parameters
    ----------
    path : str or Path
        A run folder.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunFolderError
        If the folder holds no run.
    RunWriteError
        If the disk refuses.
    """
    from gridarium.experiments.figure_style import svg_bytes
    from gridarium.experiments.report_figures import drawings

    folder = Path(path)
    result = read_run(folder)
    try:
        (folder / "figures").mkdir(exist_ok=True)
        stale = {file.name for file in (folder / "figures").glob("*.svg")}
        figures = []
        for drawing in drawings(result):
            content = svg_bytes(drawing.figure)
            replace_file(folder / "figures" / f"{drawing.name}.svg", content)
            stale.discard(f"{drawing.name}.svg")
            figures.append((drawing.name, drawing.caption, content.decode()))
        for name in stale:
            (folder / "figures" / name).unlink()
        page = folder / "report.html"
        replace_file(page, render(result, figures).encode())
        mark_finished(folder)
    except OSError as error:
        raise RunWriteError(f"report of {folder}: cannot be written ({error.strerror or error})") from error
    return page


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
        _section("Summary", _summary(result.summary)),
        _section("Figures", _figures(figures)),
        _section("Certificates", _certificates(result.certificates)),
        _section("Claims", _claims(result.claims)),
        _section("Manifest", _manifest(result.manifest)),
        _section("Scenario", f"<pre>{escape(dump_yaml(result.scenario))}</pre>"),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, sections))
        + "\n</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>" if body else ""


def _heading(title: str, result: Result) -> str:
    failed = [each for each in result.certificates if not each.passed]
    hard = sum(each.hard for each in failed)
    total = len(result.certificates)
    state = f'<span class="good">{total} of {total} certificates passed</span>'
    if failed:
        kind = "bad" if hard else "warn"
        state = (
            f'<span class="{kind}">{total - len(failed)} of {total} certificates passed, '
            f"{hard} hard and {len(failed) - hard} soft failed</span>"
        )
    count = len(result.summary)
    facts = ["1 case" if count == 1 else f"{count} cases", f"seed {result.manifest.get('seed', '-')}"]
    facts.append(str(result.manifest.get("started", ""))[:19].replace("T", " "))
    description = escape(str(result.scenario.get("description", "")))
    return (
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{description}</p>\n"
        f'<p class="soft">{escape(" · ".join(filter(None, facts)))}<br>{state}</p>\n</header>'
    )


def _cell(content: object, kind: str = "", tag: str = "td") -> str:
    css = f' class="{kind}"' if kind else ""
    return f"<{tag}{css}>{escape(str(content))}</{tag}>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{"".join(head)}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _summary(summary: Mapping[str, Mapping[str, float]]) -> str:
    head = [_cell("", tag="th"), *(_cell(case, "number", "th") for case in summary)]
    rows = (
        [
            _cell(label(name), tag="th"),
            *(_cell(number(metrics.get(name)), "number") for metrics in summary.values()),
        ]
        for name in metric_names(summary)
    )
    return _table(head, rows) if summary else ""


def _certificates(certificates: Sequence[Certificate]) -> str:
    """Return one row per certificate and one column per case."""
    cases = list(dict.fromkeys(each.case for each in certificates))
    by_name: dict[str, dict[str, Certificate]] = {}
    for each in certificates:
        by_name.setdefault(each.name, {})[each.case] = each

    def row(name: str, found: Mapping[str, Certificate]) -> Iterator[str]:
        first = next(iter(found.values()))
        tolerances = dict.fromkeys(number(each.tolerance) for each in found.values())
        yield _explained(name if first.hard else f"{name} (soft)", first.meaning)
        yield _cell(f"{' / '.join(tolerances)} {first.unit}".strip(), "number")
        for case in cases:
            yield _certificate_cell(found.get(case))

    head = [_cell("certificate", tag="th"), _cell("tolerance", "number", "th")]
    head += [_cell(case, "number", "th") for case in cases]
    return _table(head, (row(name, found) for name, found in by_name.items())) if certificates else ""


def _certificate_cell(certificate: Certificate | None) -> str:
    if certificate is None:
        return _cell("")
    if certificate.passed:
        return _cell(f"{number(certificate.value)} ✓", "number good")
    return _cell(f"{number(certificate.value)} ✗", "number bad" if certificate.hard else "number warn")


def _claims(claims: Sequence[Claim]) -> str:
    names = ("claim", "expected", "measured", "verdict")
    kinds = {"reproduced": "good", "not reproduced": "bad", "not comparable": "soft"}
    rows = (
        [
            _explained(claim.statement, f"{claim.id}, {claim.kind}; {claim.source}"),
            _cell(number(claim.expected)),
            _cell(number(claim.measured)),
            _explained(claim.verdict, claim.reason, kinds.get(claim.verdict, "")),
        ]
        for claim in claims
    )
    return _table((_cell(name, tag="th") for name in names), rows) if claims else ""


def _explained(content: str, explanation: str, kind: str = "") -> str:
    """Return a cell with small print below its content."""
    small = f'<br><small class="soft">{escape(explanation)}</small>' if explanation else ""
    return f'<td class="wide"><span class="{kind}">{escape(content)}</span>{small}</td>'


def _figures(figures: Sequence[tuple[str, str, str]]) -> str:
    return "\n".join(
        f'<figure id="figure-{escape(name)}">\n{_inline(name, svg)}\n'
        f"<figcaption>Figure {count}. {escape(caption)}</figcaption>\n</figure>"
        for count, (name, caption, svg) in enumerate(figures, start=1)
    )


def _inline(name: str, svg: str) -> str:
    """Return the drawing without its XML head, its names made unique on the page."""
    body = svg[svg.index("<svg") :].rstrip()
    return _SVG_REFERENCE.sub(rf"\g<1>{escape(name)}-", body)


def _manifest(manifest: Mapping[str, Any]) -> str:
    rows = []
    for key, value in manifest.items():
        # A page that can be read is finished; the file says so once the page is in its place.
        if key == "status":
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{name} {inner}" for name, inner in value.items())
        rows.append([_cell(label(key), tag="th"), _cell(number(value))])
    return _table([], rows)
