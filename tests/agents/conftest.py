"""A world on two buses, for agents that are tested one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.world import World
from small_cases import two_buses


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Return a function that makes a world; delivery starts an hour after second 0."""

    def made(
        n_period: int = 3, *, period_s: float = 3600.0, seed: int = 1, quality: LinkQuality | None = None
    ) -> World:
        clock = Clock(pd.Timestamp("2026-01-14T23:00:00+08:00"), period_s)
        factor: Any = np.full(n_period, 0.6)
        return World(Grid(two_buses(), factor), clock, n_period, 3600.0, seed, quality)

    return made
