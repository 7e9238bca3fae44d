"""Instances for `play_limited`, whose processes must find them by name: quick, too slow, deadly."""

from __future__ import annotations

import os
from typing import NamedTuple


class ToyDraw(NamedTuple):
    """Nothing but a seed."""

    seed: int

    def told(self) -> str:
        """The seed."""
        return str(self.seed)


class ToyOutcome(NamedTuple):
    """How a toy run ended."""

    drawn: ToyDraw
    ending: str
    detail: str


def toy_run(seed: int) -> ToyOutcome:
    """Seed 2 never ends, seed 3 ends its process."""
    while seed == 2:
        pass
    if seed == 3:
        os._exit(7)
    return ToyOutcome(ToyDraw(seed), "passed", "")
