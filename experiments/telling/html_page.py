"""What the pages of runs and sweeps are made of: one self-contained HTML file that also prints well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from gridarium.experiments.names.formatting import label, number

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
.number small { white-space: normal; }
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


def page(title: str, sections: Iterable[str]) -> str:
    """Return a page; empty sections are left out."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, sections))
        + "\n</body>\n</html>\n"
    )


def section(title: str, body: str) -> str:
    """Return a section; nothing without a body."""
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>" if body else ""


def cell(content: object, kind: str = "", tag: str = "td") -> str:
    """Return a cell of a table; the kind is a class of the style."""
    css = f' class="{kind}"' if kind else ""
    return f"<{tag}{css}>{escape(str(content))}</{tag}>"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells."""
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{"".join(head)}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def explained(content: str, explanation: str, kind: str = "") -> str:
    """Return a cell with small print below its content."""
    small = f'<br><small class="soft">{escape(explanation)}</small>' if explanation else ""
    return f'<td class="wide"><span class="{kind}">{escape(content)}</span>{small}</td>'


def noted(content: str, note: str, kind: str = "") -> str:
    """Return a narrow cell with a note in small print below its content, if there is one."""
    small = f'<br><small class="soft">{escape(note)}</small>' if note else ""
    return f'<td class="{kind}">{escape(content)}{small}</td>'


def figures(drawn: Sequence[tuple[str, str, str]]) -> str:
    """Return figures, given as name, caption and SVG."""
    return "\n".join(
        f'<figure id="figure-{escape(name)}">\n{_inline(name, svg)}\n'
        f"<figcaption>Figure {count}. {escape(caption)}</figcaption>\n</figure>"
        for count, (name, caption, svg) in enumerate(drawn, start=1)
    )


def _inline(name: str, svg: str) -> str:
    """Return the drawing without its XML head, its names made unique on the page."""
    body = svg[svg.index("<svg") :].rstrip()
    return _SVG_REFERENCE.sub(rf"\g<1>{escape(name)}-", body)


def facts(manifest: Mapping[str, Any]) -> str:
    """Return the table of a manifest."""
    rows = []
    for key, value in manifest.items():
        # A page that can be read is finished; the file says so once the page is in its place, and has
        # the checksum of the page then.
        if key in ("status", "checksums_sha256"):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{name} {inner}" for name, inner in value.items())
        rows.append([cell(label(key), tag="th"), cell(number(value))])
    return table([], rows)
