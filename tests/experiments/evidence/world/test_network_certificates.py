"""Networks against the tables of their files: a line, a rating, a load or a scale that is another is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.ries_small import known_of_night

from gridarium.environment.network import Feeder
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.world.network_certificates import network_as_given


@pytest.fixture
def known() -> Iterator[GridEvidence]:
    found = known_of_night("full")
    feeder = found.grid.feeder
    yield found
    found.grid.feeder = feeder


def apart(known: GridEvidence) -> float:
    (one,) = network_as_given(known)
    assert one.hard and one.tolerance == 1e-9
    return one.value


def test_an_honest_network_is_that_of_its_file(known: GridEvidence) -> None:
    assert apart(known) < 1e-12


@pytest.mark.parametrize("series", ["r_pu", "x_pu", "i_max_pu", "p_load_mw", "q_load_mvar"])
def test_another_number_of_a_line_or_a_load_is_seen(known: GridEvidence, series: str) -> None:
    feeder: Any = known.grid.feeder
    wrong = np.array(vars(feeder)[series])
    wrong[-1] *= 1.001
    known.grid.feeder = replace(feeder, **{series: wrong})
    assert apart(known) > 1e-5


def test_lines_that_meet_elsewhere_are_seen(known: GridEvidence) -> None:
    feeder: Feeder = known.grid.feeder
    parent = np.array(feeder.parent)
    parent[-1] = 0
    known.grid.feeder = replace(feeder, parent=parent)
    assert apart(known) == float("inf")


def test_a_network_that_is_scaled_to_another_peak_is_seen(known: GridEvidence) -> None:
    known.grid.feeder = known.grid.feeder.scaled_to(1.01 * float(known.grid.feeder.p_load_mw.sum()))
    assert apart(known) == pytest.approx(0.01, rel=0.05)
