from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.private_lines import Line, LineError, LineFlow, PrivateLines

TRIANGLE = {("p1", "p2"): 40.0, ("p1", "p3"): 60.0, ("p2", "p3"): 90.0}


def line(lines: PrivateLines, seller: str = "p1", buyer: str = "p2") -> Line:
    found = lines.between(seller, buyer)
    assert found is not None
    return found


def test_a_line_has_its_length_and_loss_in_both_directions() -> None:
    lines = PrivateLines(TRIANGLE, capacity_mw=6.0, loss_per_km=0.001)
    there, back = line(lines), line(lines, "p2", "p1")
    assert (there.distance_km, there.loss) == (back.distance_km, back.loss) == (40.0, 0.04)
    flow = there.deliver(0.05, 0.0, 60.0)
    assert flow == pytest.approx((0.05, 0.048, 1.0))
    assert line(lines) is there


def test_no_line_without_a_length_to_oneself_or_with_nothing_arriving() -> None:
    lines = PrivateLines({("p1", "p2"): 40.0}, loss_per_km=0.025)
    assert lines.between("p1", "p3") is None
    assert lines.between("p1", "p1") is None
    assert lines.between("p1", "p2") is None
    assert PrivateLines({("p1", "p2"): 39.0}, loss_per_km=0.025).between("p1", "p2") is not None


def test_more_than_the_capacity_is_refused() -> None:
    lines = PrivateLines(TRIANGLE, capacity_mw=6.0)
    assert line(lines).deliver(0.1, 0.0, 60.0).sent_mwh == 0.1
    with pytest.raises(LineError, match=r"p1 -> p2, second 0: energy sent must be in \[0, 0.1\] MWh"):
        line(lines).deliver(0.11, 0.0, 60.0)
    with pytest.raises(LineError, match=r"got -0\.1"):
        line(lines).deliver(-0.1, 0.0, 60.0)


def test_an_outage_in_the_middle_of_a_minute_takes_its_share() -> None:
    lines = PrivateLines(TRIANGLE, loss_per_km=0.001)
    there = line(lines)
    lines.add_outage("p2", "p1", 30.0, 75.0)
    lines.add_outage("p1", "p2", 60.0, 90.0)  # overlaps: 30 to 90 s altogether
    assert there.deliver(0.06, 0.0, 60.0) == pytest.approx((0.03, 0.03 * 0.96, 0.5))
    assert there.deliver(0.06, 60.0, 120.0) == pytest.approx((0.03, 0.03 * 0.96, 0.5))
    assert there.deliver(0.06, 120.0, 180.0).open_share == 1.0
    assert [there.is_open(t) for t in (29.0, 30.0, 89.9, 90.0)] == [True, False, False, True]
    assert line(lines, "p3", "p1").is_open(40.0)


def test_the_buyers_meter_reads_what_arrives() -> None:
    lines = PrivateLines(TRIANGLE, loss_per_km=0.001)
    read: list[tuple[str, LineFlow]] = []
    lines.connect("p2", lambda seller, flow: read.append((seller, flow)))
    flow = lines.carry(line(lines), 0.05, 0.0, 60.0)
    lines.carry(line(lines, "p1", "p3"), 0.05, 0.0, 60.0)
    assert read == [("p1", flow)]


def test_members_of_a_place_are_near_each_other_and_as_far_from_others_as_their_place() -> None:
    lines = PrivateLines({("a", "b"): 40.0}, loss_per_km=0.001, within_km=2.0)
    members = [f"a_{number}" for number in range(1, 5)]
    for name in members:
        lines.place(name, "a")
    lines.place("b", "b")
    assert lines.distance_km("a_1", "a_2") == 2.0
    assert lines.distance_km("a_3", "b") == lines.distance_km("b", "a_3") == 40.0
    assert line(lines, "a_1", "a_4").loss == pytest.approx(0.002)
    assert lines.between("a_1", "a_1") is None
    lines.add_outage("a_1", "a_2", 0.0, 60.0)
    assert not line(lines, "a_2", "a_1").is_open(30.0)
    assert line(lines, "a_1", "a_3").is_open(30.0)
    # Nobody is in everybody's neighbourhood only because of a name that comes first.
    near = lines.nearest(members, members, 2)
    assert near == [["a_2", "a_3"], ["a_3", "a_4"], ["a_4", "a_1"], ["a_1", "a_2"]]
    assert lines.nearest(["b"], ["b", *members], 3) == [["a_1", "a_2", "a_3"]]


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8))
def test_the_nearest_in_the_plane_are_those_a_search_finds(seed: int, count: int) -> None:
    places = np.random.default_rng(seed).uniform(0.0, 100.0, (12, 2))
    positions = {f"p{number}": (float(x), float(y)) for number, (x, y) in enumerate(places)}
    in_plane = PrivateLines(positions)
    names = list(positions)
    pairs = {(a, b): math.dist(positions[a], positions[b]) for a in names for b in names if a < b}
    by_pair = PrivateLines(pairs)
    assert in_plane.nearest(names, names[:6], count) == by_pair.nearest(names, names[:6], count)
    assert in_plane.nearest(names, [], count) == [[]] * 12


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: PrivateLines(TRIANGLE, capacity_mw=0.0), "capacity_mw"),
        (lambda: PrivateLines(TRIANGLE, loss_per_km=-0.1), "loss_per_km"),
        (lambda: PrivateLines({("p1", "p2"): -1.0}), "length must be in"),
        (lambda: PrivateLines(TRIANGLE, within_km=-1.0), "within_km"),
        (lambda: PrivateLines(TRIANGLE).add_outage("p1", "p2", 5.0, 5.0), "outage must end"),
    ],
)
def test_impossible_lines_are_refused(make: object, fault: str) -> None:
    assert callable(make)
    with pytest.raises(LineError, match=fault):
        make()
