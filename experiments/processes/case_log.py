"""What the code of cases prints: kept off the terminal, which shows other things, for a file of the run."""

from __future__ import annotations

import io
from collections.abc import Iterable

_LONGEST = 200_000
"""Characters that are kept of a case; of more the end is left out."""


class Printout(io.TextIOBase):
    """A text stream that keeps what is written to it, up to a length."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = _LONGEST

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Keep a text."""
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._parts.append(f"\n... more than {_LONGEST:,} characters; the rest is left out\n")
        return len(text)

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self._parts)


class CaseLog:
    """What cases have printed, and the tracebacks of those that ended by another error than the project's."""

    def __init__(self) -> None:
        self._printed: dict[str, Printout] = {}

    def of(self, case: str) -> Printout:
        """Return what takes the output of a case."""
        return self._printed.setdefault(case, Printout())

    def text(self, cases: Iterable[str]) -> str:
        """Return everything, case after case; nothing where nobody has written."""
        found = {case: self._printed[case].text for case in cases if case in self._printed}
        return "".join(f"case {case}:\n{text.rstrip()}\n\n" for case, text in found.items() if text.strip())
