"""What a paper is to gridarium: statements that a run judges, and figures that no component has by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.results.records import Claim, Drawing
from gridarium.experiments.results.result import Result


def _no_drawings(result: Result) -> Iterator[Drawing]:
    return iter(())


@dataclass(frozen=True)
class Paper:
    """A paper whose claims a scenario has judged by naming it under `papers`.

    Parameters
    ----------
    title : str
        The reference.
    claims : sequence of callable
        Each looks at the evidence of a run and returns a verdict.
    drawings : callable, optional
        Yields the figures of a run that only this paper has.
    """

    title: str
    claims: Sequence[Callable[[Evidence], Claim]]
    drawings: Callable[[Result], Iterator[Drawing]] = _no_drawings
