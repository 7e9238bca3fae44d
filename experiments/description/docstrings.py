"""Docstrings taken apart: what something is, what it keeps, what it is made with, what its notes say."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_RULE = re.compile(r"^-{3,}$")
_MARKED = re.compile(r":(?:class|func|mod|meth):`~?([^`]+)`|``([^`]+)``")


class Doc(NamedTuple):
    """One docstring.

    Parameters
    ----------
    summary : str
        Its first paragraph, in one line.
    kept : tuple of str
        Items of the list that follows: what a class keeps, and offers.
    parameters : mapping of str to str
        What it is made with, as far as more than a type is said of it.
    notes : str
        Its notes, in one line.
    """

    summary: str
    kept: tuple[str, ...]
    parameters: dict[str, str]
    notes: str


def doc_of(thing: object) -> Doc:
    """Read the docstring of a class, a function or a module.

    >>> doc_of(Doc).summary, doc_of(Doc).parameters["notes"]
    ('One docstring.', 'Its notes, in one line.')
    """
    text = _MARKED.sub(lambda found: f"`{found[1] or found[2]}`", inspect.getdoc(thing) or "")
    sections = _sections(text.splitlines())
    paragraphs = "\n".join(sections[""]).split("\n\n")
    kept = next((part for part in paragraphs[1:] if part.lstrip().startswith("- ")), "")
    return Doc(
        _one_line(paragraphs[0]),
        tuple(_one_line(item) for item in re.split(r"^- ", kept, flags=re.MULTILINE)[1:]),
        _described(sections.get("Parameters", [])),
        _one_line("\n".join(sections.get("Notes", []))),
    )


def _sections(lines: list[str]) -> dict[str, list[str]]:
    """Lines under each underlined heading; those before the first under no name."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line, after in zip(lines, [*lines, ""][1:], strict=True):
        if _RULE.match(after.strip()) and line.strip():
            name = line.strip()
            found[name] = []
        elif not _RULE.match(line.strip()):
            found[name].append(line)
    return found


def _described(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if line and not line.startswith(" "):
            name = line.partition(" : ")[0]
            found[name] = []
        elif name:
            found[name].append(line)
    return {name: text for name, said in found.items() if (text := _one_line("\n".join(said)))}


def _one_line(text: str) -> str:
    return " ".join(text.split())
