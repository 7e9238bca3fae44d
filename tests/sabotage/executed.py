"""Which lines short runs execute: found by a tracer once, and kept in a file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from coverage import Coverage

from sabotage.places import FLOORS, ROOT, Place, functions_of, print_of, untold_places_of
from sabotage.trial import lived
from sabotage.worlds import RUNS

STORED = Path(__file__).with_name("executed.json")


def trace(name: str) -> dict[str, Any]:
    """Lines of functions that a run executes from build to tables, by file and function.

    Lines count from the `def`; the name of a function carries a digest of its source.
    """
    tracer = Coverage(data_file=None, include=[str(ROOT / floor / "*") for floor in FLOORS])
    tracer.start()
    lived(RUNS[name].load())
    tracer.stop()
    data, found = tracer.get_data(), dict[str, dict[str, list[int]]]()
    for file in sorted(data.measured_files()):
        path = str(Path(file).resolve().relative_to(ROOT))
        if not path.startswith(FLOORS):
            continue
        executed = set(data.lines(file) or ())
        for function, node in functions_of(path).items():
            body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
            if lines := [line - node.lineno for line in body if line in executed]:
                found.setdefault(path, {})[f"{function} {print_of(node)}"] = lines
    return {"result": "done", "files": found}


def store(traced: dict[str, dict[str, dict[str, list[int]]]]) -> None:
    """Keep what runs execute, one line for each file."""
    files: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for run, paths in traced.items():
        for path, functions in paths.items():
            for function, lines in functions.items():
                files[path][function][run] = _ranges(lines)
    text = ",\n".join(
        f"{json.dumps(path)}: {json.dumps(files[path], sort_keys=True)}" for path in sorted(files)
    )
    STORED.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def _ranges(lines: list[int]) -> str:
    parts: list[list[int]] = []
    for line in sorted(lines):
        if parts and line == parts[-1][1] + 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return " ".join(f"{first}-{last}" for first, last in parts)


def _lines(text: str) -> frozenset[int]:
    ranges = (part.split("-") for part in text.split())
    return frozenset(line for first, last in ranges for line in range(int(first), int(last) + 1))


@cache
def places() -> tuple[tuple[Place, str], ...]:
    """Every place that some run executes, with the cheapest such run; without functions that have changed.

    Places are without their expressions; `told` says these.
    """
    return tuple(_places(json.loads(STORED.read_text(encoding="utf-8"))))


def _places(stored: dict[str, dict[str, dict[str, str]]]) -> Iterator[tuple[Place, str]]:
    for path, functions in stored.items():
        known = functions_of(path) if (ROOT / path).exists() else {}
        for named, runs in functions.items():
            name, digest = named.rsplit(" ", 1)
            node = known.get(name)
            if node is None or print_of(node) != digest:
                continue
            seen: set[tuple[int, str]] = set()
            for run in RUNS:
                if run not in runs:
                    continue
                for place in untold_places_of(path, name, node, _lines(runs[run])):
                    if (place.node, place.kind) not in seen:
                        seen.add((place.node, place.kind))
                        yield place, run


def changed() -> float:
    """Share of the stored functions whose source is another one now."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    known = {
        f"{path} {name} {print_of(node)}"
        for path in stored
        if (ROOT / path).exists()
        for name, node in functions_of(path).items()
    }
    names = [f"{path} {named}" for path, functions in stored.items() for named in functions]
    return sum(name not in known for name in names) / len(names)
