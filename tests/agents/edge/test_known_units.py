"""What an edge controller knows of what a unit was told, and when."""

from __future__ import annotations

import numpy as np

from gridarium.agents.edge.known_units import KnownUnit
from gridarium.environment.arrays import series
from gridarium.market.messages.commands import StorageCommand
from gridarium.market.messages.edge import EdgeEnrolment


def told(issue: int, period: int, *discharge_mw: float, q_mvar: float | None = None) -> StorageCommand:
    given = series(discharge_mw)
    q = None if q_mvar is None else series(np.full(len(given), q_mvar))
    return StorageCommand(issue, period, series(np.zeros(len(given))), given, q)


def unit(*commands: StorageCommand) -> KnownUnit:
    known = KnownUnit(EdgeEnrolment(0.4, 0.5, 0.05, 0.55, 0.9, 0.9, 0.2))
    for command in commands:
        known.tell(0, command)
    return known


def test_what_was_told_before_holds_until_a_later_command_begins() -> None:
    known = unit(told(1, 24, 0.1, 0.2, 0.3, 0.4), told(2, 26, 0.0, 0.5, q_mvar=0.1))
    now, later = known.rest_from(25), known.rest_from(26)
    assert now is not None
    assert later is not None
    np.testing.assert_array_equal(now.discharge_mw, [0.2, 0.0, 0.5])
    np.testing.assert_array_equal(now.q_mvar, [0.0, 0.1, 0.1])
    np.testing.assert_array_equal(later.discharge_mw, [0.0, 0.5])
    assert (now.issue, now.period) == (2, 25)
    assert known.rest_from(28) is None


def test_a_command_that_was_overtaken_counts_no_more() -> None:
    known = unit(told(2, 0, 0.2, 0.2), told(1, 0, 0.1, 0.1), told(2, 0, 0.3, 0.3))
    rest = known.rest_from(0)
    assert rest is not None
    np.testing.assert_array_equal(rest.discharge_mw, [0.2, 0.2])


def test_a_command_for_the_whole_day_replaces_the_one_before() -> None:
    rest = unit(told(1, 0, 0.1, 0.1), told(2, 0, 0.4, 0.5)).rest_from(1)
    assert rest is not None
    np.testing.assert_array_equal(rest.discharge_mw, [0.5])
