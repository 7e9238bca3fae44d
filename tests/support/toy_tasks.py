"""Tasks for crews of processes, which must find them by name: quick, failing, deadly."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from dataclasses import dataclass

from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.processes.workers import Tell


class HomelessError(Exception):
    """An error that cannot be put together again in another process."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


@dataclass(frozen=True)
class ToyTask:
    """Doubles a number, or ends in a way that its kind says."""

    number: int
    kind: str = "well"

    def do(self, tell: Tell) -> int:
        """Do it."""
        tell(self.number)
        if self.kind == "noisy":
            warnings.warn("all processes say so", UserWarning, stacklevel=1)
            logging.getLogger("toy").warning("task %d", self.number)
        if self.kind == "infeasible":
            raise InfeasibleError(f"task {self.number}: no way")
        if self.kind == "homeless":
            raise HomelessError("no", "home")
        if self.kind == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * self.number
