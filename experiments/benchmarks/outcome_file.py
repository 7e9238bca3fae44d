"""Outcomes of random instances in a file, so that a run which was broken off goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from gridarium.environment.errors import Fault, InputError
from gridarium.experiments.reading.plain_yaml import Tree

Outcome = TypeVar("Outcome")


class OutcomeFile:
    """A file with an outcome on each line, as JSON: its group, its seed, and the print of what was played.

    What was played from another tree than a seed's is played again; that the code has changed is not seen.

    Parameters
    ----------
    path : Path
        Begun where there is none; a last line that was not written to its end is dropped.

    Raises
    ------
    InputError
        If a line is none of an outcome.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[tuple[str, int, str], Mapping[str, Any]] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole, end, rest = text.rpartition("\n")
        if rest:
            path.write_text(whole + end, encoding="utf-8")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                told = json.loads(line)
                self._lines[told["group"], told["seed"], told["print"]] = told["outcome"]
            except (ValueError, KeyError, TypeError) as error:
                fault = Fault(f"line {number}", line[:60], "must be an outcome as JSON")
                raise InputError(str(path), [fault]) from error

    def line(self, group: str, seed: int, tree: Tree) -> Mapping[str, Any] | None:
        """The outcome of a seed that was played from a tree."""
        return self._lines.get((group, seed, print_of(tree)))

    def add(self, group: str, seed: int, tree: Tree, outcome: Mapping[str, Any]) -> None:
        """Write an outcome at the end."""
        told = {"group": group, "seed": seed, "print": print_of(tree), "outcome": outcome}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        self._lines[group, seed, print_of(tree)] = outcome


def print_of(tree: Tree) -> str:
    """A hash of a scenario's tree, hexadecimal."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:16]


class KeptGroup(Generic[Outcome]):
    """The outcomes of one group in a file.

    Parameters
    ----------
    file : OutcomeFile
    group : str
    tree_of : callable
        What is played for a seed.
    told, heard : callable
        An outcome as plain data, and back, with its seed.
    """

    def __init__(
        self,
        file: OutcomeFile,
        group: str,
        tree_of: Callable[[int], Tree],
        told: Callable[[Outcome], Mapping[str, Any]],
        heard: Callable[[int, Mapping[str, Any]], Outcome],
    ) -> None:
        self._file, self._group, self._tree_of = file, group, tree_of
        self._told, self._heard = told, heard

    def known(self, seed: int) -> Outcome | None:
        """The outcome of a seed that was played already."""
        line = self._file.line(self._group, seed, self._tree_of(seed))
        return None if line is None else self._heard(seed, line)

    def keep(self, seed: int, outcome: Outcome) -> None:
        """Leave an outcome for later runs."""
        self._file.add(self._group, seed, self._tree_of(seed), self._told(outcome))
