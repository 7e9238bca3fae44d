"""Times that were recorded once, by the size of what was solved, and how they grow with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridarium.experiments.reading.scenario_files import measured_file


def growth_exponents(name: str, ways: Sequence[str]) -> tuple[pd.DataFrame, dict[str, float]]:
    """A record, and the slope of each way's times over the size on two logarithmic axes.

    Parameters
    ----------
    name : str
        Of a file of measured data with columns `size` and `WAY_cpu_ms`.
    ways : sequence of str
    """
    recorded = pd.read_csv(measured_file(name))
    size = np.log(recorded["size"])
    return recorded, {way: float(np.polyfit(size, np.log(recorded[f"{way}_cpu_ms"]), 1)[0]) for way in ways}


def told_of(recorded: pd.DataFrame) -> str:
    """What a claim says of such a record."""
    low, high = recorded["size"].min(), recorded["size"].max()
    return f"process CPU times recorded once for {low} to {high} regional systems, not of this run"
