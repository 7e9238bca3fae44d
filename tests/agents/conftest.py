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
from gridarium.environment.network import Feeder
from gridarium.environment.world import World


def two_buses(r_pu: float = 0.01, x_pu: float = 0.01) -> Feeder:
    """A substation and one load bus, on a base of 1 MVA."""
    one, nothing = np.ones(1), np.zeros(2)
    return Feeder(
        name="two buses",
        base_mva=1.0,
        bus_labels=(1, 2),
        base_kv=np.full(2, 10.0),
        parent=np.zeros(1, dtype=np.int64),
        branch_labels=("line",),
        r_pu=r_pu * one,
        x_pu=x_pu * one,
        ratio=one.copy(),
        shift_degree=np.zeros(1),
        g_bus_pu=nothing,
        b_bus_pu=nothing.copy(),
        i_max_pu=np.full(1, np.inf),
        p_load_mw=np.array([0.0, 1.0]),
        q_load_mvar=np.zeros(2),
        slack_vm_pu=1.0,
        x=np.arange(2.0),
        y=np.zeros(2),
    )


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
