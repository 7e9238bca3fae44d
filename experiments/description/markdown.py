"""The few forms of Markdown that a description is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"{'#' * level} {text}\n"


def items(lines: Iterable[str]) -> str:
    """Return a list, nothing for none."""
    shown = "\n".join(f"- {line}" for line in lines)
    return f"{shown}\n" if shown else ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a bar in a cell does not end it.

    >>> print(table(("name", "value"), [("a", 1), ("b|c", 2)]))
    | name | value |
    | --- | --- |
    | a | 1 |
    | b\\|c | 2 |
    <BLANKLINE>
    """
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines
    )


def code(text: object) -> str:
    """Return a name as it stands in a file."""
    return f"`{text}`"


def codes(names: Iterable[object], most: int = 12) -> str:
    """Return names one after the other; of more than `most` the first, the last and how many there are.

    >>> codes(["a", "b"]), codes("abcde", most=3)
    ('`a`, `b`', '`a`, `b` … `e` (5)')
    """
    found = list(names)
    if len(found) <= most:
        return ", ".join(map(code, found))
    return f"{', '.join(map(code, found[: most - 1]))} … {code(found[-1])} ({len(found)})"
