"""Figures of an edge controller: limits, order, and no more rows than can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.figures.edge import MOST_ROWS, _worst, excursion_figure, failover_figure
from gridarium.experiments.figures.style import svg_bytes

pytestmark = pytest.mark.filterwarnings("error")


def excursions(count: int = 2) -> pd.DataFrame:
    high = np.arange(count) % 2 == 0
    return pd.DataFrame(
        {
            "case": "failing",
            "bus": [str(bus) for bus in range(count)],
            "from_s": 44640.0 + np.arange(count),
            "before_pu": np.where(high, 1.052, 0.948),
            "with_pu": np.where(high, 1.049, 0.951),
            "without_pu": np.where(high, 1.052, 0.948),
            "outside_s": np.where(high, 0.2, np.nan),
            "telemetry_s": 44670.0 + np.arange(count),
        }
    )


def test_voltages_are_drawn_against_the_limit_that_they_have_passed() -> None:
    figure = excursion_figure(excursions(), {"failing": (0.95, 1.05)})
    voltages, times = figure.axes
    without, corrected = (line.get_xdata() for line in voltages.lines[:2])
    np.testing.assert_allclose(without, [2.0, 2.0])
    np.testing.assert_allclose(corrected, [-1.0, -1.0])
    assert "p.u." in voltages.get_xlabel()
    assert "(s)" in times.get_xlabel()
    assert voltages.get_yticklabels()[0].get_text() == "failing, bus 0, 12:24"
    assert svg_bytes(figure).startswith(b"<?xml")


def test_takeovers_stand_beside_what_telemetry_alone_would_give() -> None:
    rows = pd.DataFrame({"case": ["a"], "unit": ["flywheel"], "failover_s": [0.3], "polled_s": [17.0]})
    (axes,) = failover_figure(rows).axes
    assert [float(line.get_xdata()[0]) for line in axes.lines] == [0.3, 17.0, 0.5]


def test_of_many_events_the_worst_are_drawn_in_their_order() -> None:
    many = excursions(3 * MOST_ROWS)
    drawn = _worst(many, "outside_s")
    assert len(drawn) == MOST_ROWS
    assert drawn["outside_s"].isna().all()
    assert drawn.index.is_monotonic_increasing
