"""The figures of a run as SVG, drawn here or by the crew of the run, in the same bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.claims.verdicts import papers
from gridarium.experiments.figures.drawings import Sketch, sketches
from gridarium.experiments.figures.style import svg_bytes
from gridarium.experiments.processes.crew import Crew
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.processes.workers import Done, Ended, Failed, Tell
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result, read_run


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


class NotDrawn(NamedTuple):
    """Figures that could not be drawn: what draws them, and why."""

    name: str
    reason: str


def figure_files(result: Result, crew: Crew | None = None) -> Iterator[FigureFile | NotDrawn]:
    """Draw the figures of a run: by component, then those of the papers that the cases name.

    What cannot be drawn is told in its place, and costs no other figure.

    Parameters
    ----------
    result : Result
        Read from its folder.
    crew : Crew, optional
        Who draws them side by side; without one they are drawn in this process.
    """
    if not crew or result.path is None:
        for sketch in _sketches(result):
            yield from _drawn(sketch)
        return
    tasks = [FigureTask(str(result.path), number) for number in range(len(_sketches(result)))]
    files: dict[int, list[FigureFile | NotDrawn]] = {}
    for task, answer in crew.answers(deque(tasks)):
        match answer:
            case Done(drawn):
                files[task.number] = drawn
            case Failed(error):
                files[task.number] = [NotDrawn(f"figure {task.number}", in_one_line(error))]
            case Ended(how):
                files[task.number] = [NotDrawn(f"figure {task.number}", f"its process died, {how}")]
    for number in sorted(files):
        yield from files[number]


class FigureTask(NamedTuple):
    """Some figures to draw of the run in a folder."""

    folder: str
    number: int

    def do(self, tell: Tell) -> list[FigureFile | NotDrawn]:
        """Draw them."""
        return list(_drawn(_sketches_of(self.folder)[self.number]))


@lru_cache(maxsize=1)
def _sketches_of(folder: str) -> list[Sketch]:
    return _sketches(read_run(Path(folder)))


def _sketches(result: Result) -> list[Sketch]:
    trees = (result.scenario, *result.scenario.get("cases", {}).values())
    named = dict.fromkeys(name for tree in trees for name in tree.get("papers", ()))
    return [*sketches(result), *(partial(_of_paper, paper, result) for paper in papers(named))]


def _of_paper(paper: Paper, result: Result) -> Iterator[Drawing]:
    return paper.drawings(result)


def _drawn(sketch: Sketch) -> Iterator[FigureFile | NotDrawn]:
    try:
        for drawing in sketch():
            yield FigureFile(drawing.name, drawing.caption, svg_bytes(drawing.figure))
    # A figure may be anybody's code, or meet names and numbers that nobody thought of: it costs no other.
    except Exception as error:  # noqa: BLE001
        yield NotDrawn(_name_of(sketch), in_one_line(error))


def _name_of(sketch: Sketch) -> str:
    """The name of the function behind a sketch, without what all of them end in."""
    inner: object = sketch
    while isinstance(inner, partial):
        papers_of = (each for each in inner.args if isinstance(each, Paper))
        inner = next(papers_of, next((each for each in inner.args if callable(each)), inner.func))
    name = inner.title if isinstance(inner, Paper) else getattr(inner, "__name__", "figure")
    return str(name).removesuffix("_drawings")
