"""What became of a run: results of cases that finished, what ended the others, what went wrong after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.errors import GridariumError, InputError
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.results.result import Result


class RunInterrupted(GridariumError):  # noqa: N818 - not an error of anything, but it ends the run
    """A run that its user has stopped; the cases that had finished are kept."""


@dataclass(frozen=True)
class Played:
    """What became of a run: what it found, and what went wrong on the way.

    Parameters
    ----------
    result : Result or None
        Of the cases that have finished; None if none has.
    failures : mapping of str to Exception
        What ended the other cases, in the order of the study.
    interrupted : tuple of str
        Cases that ctrl-C has cut short or kept from beginning.
    trouble : GridariumError or None
        What went wrong after the last case: nothing that was computed is lost by it.
    printed : str
        What the code of cases has printed, if there is no folder that keeps it.
    """

    result: Result | None
    failures: Mapping[str, Exception]
    interrupted: tuple[str, ...]
    trouble: GridariumError | None = None
    printed: str = ""

    def errors(self) -> list[Exception]:
        """Return all that went wrong but ctrl-C, in the order in which it did."""
        return [*self.failures.values(), *([self.trouble] if self.trouble else [])]

    @property
    def is_bad_input(self) -> bool:
        """Whether all that went wrong is input that cannot be used."""
        found = self.errors()
        return bool(found) and not self.interrupted and all(isinstance(one, InputError) for one in found)

    def told(self) -> list[str]:
        """Return what went wrong, line by line: each case and what ended it, and where the others are."""
        alike: dict[str, list[str]] = {}
        for name, error in self.failures.items():
            alike.setdefault(in_one_line(error), []).append(name)
        lines = [f"case {', '.join(names)}: {text}" for text, names in alike.items()]
        if self.interrupted:
            lines.append(f"interrupted before the end of {', '.join(self.interrupted)}")
        if self.trouble:
            lines.append(in_one_line(self.trouble))
        path = None if self.result is None else self.result.path
        if lines and path is not None and not self.trouble:
            lines.append(f"what had finished is in {path}")
        elif lines and self.result is None and (self.interrupted or len(self.failures) > 1):
            lines.append("nothing had finished")
        return lines

    def checked(self) -> Result:
        """Return the result.

        Raises
        ------
        Exception
            What ended the first case that failed, or what went wrong afterwards.
        RunInterrupted
            If ctrl-C was pressed.
        """
        if self.interrupted:
            raise RunInterrupted("; ".join(self.told()))
        for error in self.errors():
            error.add_note("\n".join(self.told()))
            raise error
        assert self.result is not None
        return self.result
