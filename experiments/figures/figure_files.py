"""The figures of a run as SVG, drawn here or by the crew of the run, in the same bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from gridarium.experiments.claims.verdicts import papers
from gridarium.experiments.crew import Crew
from gridarium.experiments.figures.drawings import Sketch, sketches
from gridarium.experiments.figures.style import svg_bytes
from gridarium.experiments.results import Result, read_run
from gridarium.experiments.worker_processes import Done, Ended, ExecutorError, Failed, Tell


class FigureFile(NamedTuple):
    """A figure as it is written.

    Parameters
    ----------
    name, caption : str
    content : bytes
        SVG.
    """

    name: str
    caption: str
    content: bytes


def figure_files(result: Result, crew: Crew | None = None) -> Iterator[FigureFile]:
    """Draw the figures of a run: by component, then those of the papers that the cases name.

    Parameters
    ----------
    result : Result
        Read from its folder.
    crew : Crew, optional
        Who draws them side by side; without one they are drawn in this process.

    Raises
    ------
    ExecutorError
        If a process of the crew ends over its work.
    """
    if not crew or result.path is None:
        for sketch in _sketches(result):
            yield from _drawn(sketch)
        return
    tasks = [FigureTask(str(result.path), number) for number in range(len(_sketches(result)))]
    files: dict[int, list[FigureFile]] = {}
    for task, answer in crew.answers(deque(tasks)):
        match answer:
            case Done(drawn):
                files[task.number] = drawn
            case Failed(error):
                raise error
            case Ended(how):
                raise ExecutorError(f"a process that drew figures died, {how}")
    for number in sorted(files):
        yield from files[number]


class FigureTask(NamedTuple):
    """Some figures to draw of the run in a folder."""

    folder: str
    number: int

    def do(self, tell: Tell) -> list[FigureFile]:
        """Draw them."""
        return list(_drawn(_sketches_of(self.folder)[self.number]))


@lru_cache(maxsize=1)
def _sketches_of(folder: str) -> list[Sketch]:
    return _sketches(read_run(Path(folder)))


def _sketches(result: Result) -> list[Sketch]:
    trees = (result.scenario, *result.scenario.get("cases", {}).values())
    named = dict.fromkeys(name for tree in trees for name in tree.get("papers", ()))
    return [*sketches(result), *(lambda paper=paper: paper.drawings(result) for paper in papers(named))]


def _drawn(sketch: Sketch) -> Iterator[FigureFile]:
    for drawing in sketch():
        yield FigureFile(drawing.name, drawing.caption, svg_bytes(drawing.figure))
