"""What `gridarium list` shows: everything that scenarios and studies can name, and how."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import get_args

from gridarium.environment.parameters import allowed_values
from gridarium.experiments.benchmarks.catalogue import BENCHMARKS
from gridarium.experiments.commands.options import Kind
from gridarium.experiments.names.registry import MECHANISMS, entries, field_of, load
from gridarium.experiments.parts.house import all_parts
from gridarium.experiments.scenario import shipped_scenarios
from gridarium.experiments.sweeps.study import shipped_studies

LISTED: tuple[Kind, ...] = get_args(Kind)
"""What can be listed, in this order."""

Rows = list[tuple[str, ...]]


def listed(kind: Kind) -> Iterator[tuple[Sequence[str], Rows]]:
    """Tables of one of `LISTED`, each with its headings."""
    if kind == "scenarios":
        yield (kind, ""), [(name, title) for name, (title, _) in shipped_scenarios().items()]
    elif kind == "studies":
        yield (kind, ""), list(shipped_studies().items())
    elif kind == "parts":
        yield (
            ("parts: fields of a grid", "needs", ""),
            [(part.field, " or ".join(part.under), part.meaning) for part in all_parts()],
        )
    elif kind == "benchmarks":
        yield (
            (kind, "", "settings (--set)"),
            [
                (name, one.description, ", ".join(one.settings) + ("; --resume" if one.resumes else ""))
                for name, one in BENCHMARKS.items()
            ],
        )
    elif kind == "mechanisms":
        for inner in MECHANISMS:
            yield _named(inner)
    else:
        yield _named(kind)


def _named(kind: str) -> tuple[Sequence[str], Rows]:
    """Names of a kind, with the parameters of those whose modules are light."""
    with_parameters = kind in (*MECHANISMS, "behaviours")
    rows = [
        (entry.name, entry.description, _parameters(kind, entry.name) if with_parameters else "")
        for entry in entries(kind).values()
    ]
    return (f"{kind}: {field_of(kind)}", "", "parameters" if with_parameters else ""), [*rows]


def _parameters(kind: str, name: str) -> str:
    """Parameters with defaults, and ranges where they are declared."""
    target = load(kind, name)
    ranges = allowed_values(target) if isinstance(target, type) else {}
    if not callable(target):
        return ""
    shown = []
    for one in inspect.signature(target).parameters.values():
        default = "" if one.default is inspect.Parameter.empty else f"={one.default}"
        allowed = f" ({ranges[one.name]})" if one.name in ranges else ""
        shown.append(f"{one.name}{default}{allowed}")
    return ", ".join(shown)
