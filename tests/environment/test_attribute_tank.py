from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gridarium.environment.attribute_tank import AttributeTank, Rule
from gridarium.environment.errors import StorageError

GREEN = {"unit": "MWh green", "intensity_max": 1.0}


def test_proportional_tank_gives_away_its_intensity_from_before_the_step() -> None:
    tank = AttributeTank("pool", 2.0, 1.0, "proportional")
    assert tank.step(1.0, 0.5, 0.9) == pytest.approx(0.25)
    assert (tank.energy_mwh, tank.attribute) == (2.5, pytest.approx(1.65))
    assert tank.intensity == pytest.approx(0.66)


def test_emptied_tank_keeps_nothing() -> None:
    tank = AttributeTank("pool", 0.3, 0.1, "proportional")
    assert tank.step(0.0, 0.3, 0.0) == 0.1
    assert (tank.energy_mwh, tank.attribute) == (0.0, 0.0)
    assert math.isnan(tank.intensity)
    assert tank.step(1.0, 0.0, 0.4) == 0.0
    assert tank.intensity == 0.4


def test_emptied_layers_keep_nothing() -> None:
    tank = AttributeTank("label", 1.0, 0.1, "fifo", **GREEN)
    tank.step(1.0, 0.0, 0.2)
    tank.step(1.0, 0.5, 0.4)
    inside = tank.attribute
    assert tank.step(0.0, 2.5, 0.0) == inside
    assert (tank.energy_mwh, tank.attribute) == (0.0, 0.0)
    assert tank.step(0.7, 0.0, 0.7) == 0.0
    assert tank.step(0.0, 0.7, 0.0) == 0.7


flows = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1), st.floats(0, 3)), max_size=30)


@given(flows)
def test_proportional_tank_conserves_and_mixes_within_what_came_in(
    steps: list[tuple[float, float, float]],
) -> None:
    tank = AttributeTank("pool", 1.0, 0.5, "proportional")
    came, left = 0.5, 0.0
    highest = 0.5
    for e_in_mwh, share, intensity in steps:
        left += tank.step(e_in_mwh, share * tank.energy_mwh, intensity * e_in_mwh)
        came += intensity * e_in_mwh
        highest = max(highest, intensity)
        assert -1e-9 <= tank.attribute <= highest * tank.energy_mwh + 1e-9
    assert came - left == pytest.approx(tank.attribute, abs=1e-9)


@given(flows)
def test_managed_tank_conserves(steps: list[tuple[float, float, float]]) -> None:
    tank = AttributeTank("pool", 100.0, 5.0, "managed", may_be_negative=True)
    change = 0.0
    for e_in_mwh, attribute_in, attribute_out in steps:
        change += attribute_in - tank.step(e_in_mwh, 0.0, attribute_in, attribute_out)
    assert tank.attribute == pytest.approx(5.0 + change, abs=1e-9)


def test_managed_tank_goes_negative_only_if_allowed() -> None:
    strict = AttributeTank("pool", 1.0, 0.2, "managed")
    with pytest.raises(StorageError, match=r"tank pool, period 3: attribute must be in \[0.0, inf\) tCO2"):
        strict.step(0.0, 0.5, 0.0, 0.4, period=3)
    assert (strict.energy_mwh, strict.attribute) == (1.0, 0.2)
    lenient = AttributeTank("pool", 1.0, 0.2, "managed", may_be_negative=True)
    lenient.step(0.0, 0.5, 0.0, 0.4)
    assert lenient.attribute == pytest.approx(-0.2)


def test_managed_flows_keep_their_bounds() -> None:
    tank = AttributeTank("label", 1.0, 0.5, "managed", unit="MWh green")
    with pytest.raises(StorageError, match=r"attribute_in must be in \[0, 0.3\] MWh green, got 0.4"):
        tank.step(0.5, 0.0, 0.4, 0.0, attribute_in_max=0.3)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0, 0.1\] MWh green, got 0.2"):
        tank.step(0.0, 0.5, 0.0, 0.2, attribute_out_max=0.1)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0, 0.2\] MWh green, got 0.3"):
        AttributeTank("label", 1.0, 0.5, "managed", **GREEN).step(0.0, 0.2, 0.0, 0.3)


def test_each_rule_asks_for_its_own_arguments() -> None:
    with pytest.raises(StorageError, match="must be left out"):
        AttributeTank("pool", 1.0, 0.5, "proportional").step(0.0, 0.1, 0.0, 0.1)
    with pytest.raises(StorageError, match="is needed"):
        AttributeTank("pool", 1.0, 0.5, "managed").step(0.0, 0.1, 0.0)


@given(st.floats(0, 1), st.floats(0, 2))
def test_no_more_energy_leaves_than_was_there(energy_mwh: float, e_out_mwh: float) -> None:
    assume(e_out_mwh > energy_mwh + 1e-5)
    with pytest.raises(StorageError, match="e_out_mwh"):
        AttributeTank("pool", energy_mwh, 0.0, "proportional").step(5.0, e_out_mwh, 0.0)


def test_green_label_by_hand() -> None:
    """The two steps of B11: 0.2 MWh brown, 0.5 charged of which 0.6 are green, 0.35 discharged."""
    for rule, green_out, share in (("proportional", 0.15, 0.3 / 0.7), ("fifo", 0.09, 0.6)):
        tank = AttributeTank("label", 0.2, 0.0, rule, **GREEN)
        assert tank.step(0.5, 0.0, 0.3) == 0.0
        assert tank.intensity == pytest.approx(0.3 / 0.7)
        assert tank.step(0.0, 0.35, 0.0) == pytest.approx(green_out)
        # First in, first out gives the 0.2 brown ones first, then 0.15 of those with 0.6 green.
        assert tank.intensity == pytest.approx(share)


def test_layers_leave_in_the_order_in_which_they_came() -> None:
    tank = AttributeTank("label", 1.0, 1.0, "fifo", **GREEN)
    tank.step(1.0, 0.0, 0.0)
    assert tank.step(1.0, 0.5, 0.5) == 0.5
    assert tank.step(0.0, 1.0, 0.0) == 0.5
    assert tank.step(0.0, 0.5, 0.0) == 0.0
    assert tank.step(0.0, 0.5, 0.0) == 0.25
    assert tank.step(2.0, 0.5, 2.0) == 0.25
    assert (tank.energy_mwh, tank.attribute) == (2.0, 2.0)


def test_an_impossible_step_leaves_the_layers_as_they_were() -> None:
    tank = AttributeTank("label", 1.0, 1.0, "fifo", **GREEN)
    with pytest.raises(StorageError, match=r"attribute_in must be in \[0, 0.5\] MWh green, got 0.6"):
        tank.step(0.5, 0.5, 0.6)
    assert tank.step(0.0, 1.0, 0.0) == 1.0


def test_a_generator_issues_what_was_allocated_whatever_the_mix() -> None:
    tank = AttributeTank("label", 1.0, 0.4, "load-generator", **GREEN)
    assert tank.attribute_out_range(0.5) == (0.0, 0.4)
    assert tank.step(0.0, 0.5, 0.0, 0.4) == 0.4
    assert tank.step(0.5, 0.0, 0.5, 0.0) == 0.0
    # Of 1 MWh with 0.5 green no more than all can be green, and what stays cannot be more than green.
    assert tank.attribute_out_range(0.2) == (0.0, pytest.approx(0.2))
    assert tank.attribute_out_range(0.8) == (pytest.approx(0.3), 0.5)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0.3, 0.5\] MWh green, got 0.1"):
        tank.step(0.0, 0.8, 0.0, 0.1)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0, 0.2\] MWh green, got 0.25"):
        tank.step(0.0, 0.2, 0.0, 0.25)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0.3, 0.4\]"):
        tank.step(0.0, 0.8, 0.0, 0.45, attribute_out_max=0.4)
    assert (tank.energy_mwh, tank.attribute) == (1.0, 0.5)


@pytest.mark.parametrize("intensity_max", [0.0, -1.0, math.nan, math.inf])
def test_the_range_of_intensities_is_checked(intensity_max: float) -> None:
    with pytest.raises(StorageError, match=r"tank label: intensity_max must be in \(0, inf\) tCO2/MWh"):
        AttributeTank("label", 1.0, 0.0, "load-generator", intensity_max=intensity_max)
    with pytest.raises(StorageError, match=r"tank label: attribute must be in \[0.0, 1\] MWh green, got 1.1"):
        AttributeTank("label", 1.0, 1.1, "proportional", **GREEN)


shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
moves = st.lists(st.tuples(st.one_of(st.just(0.0), st.floats(0, 2)), shares, shares, shares), max_size=20)


@pytest.mark.parametrize("rule", ["proportional", "fifo", "managed", "load-generator"])
@given(start=st.tuples(st.floats(0, 1), shares), moves=moves)
def test_green_energy_is_conserved_and_never_more_than_energy(
    rule: Rule, start: tuple[float, float], moves: list[tuple[float, float, float, float]]
) -> None:
    """Empty tanks and full turn-over included."""
    green_first = start[0] * start[1]
    tank = AttributeTank("label", start[0], green_first, rule, **GREEN)
    came, left = green_first, 0.0
    for e_in, share_out, green_share, chosen in moves:
        e_out = share_out * tank.energy_mwh
        green_out = None
        if rule in ("managed", "load-generator"):
            # Any choice that leaves neither more green than energy nor less than none.
            least, most = max(0.0, tank.attribute - (tank.energy_mwh - e_out)), min(tank.attribute, e_out)
            green_out = max(0.0, least + chosen * (most - least))
        out = tank.step(e_in, e_out, green_share * e_in, green_out)
        assert -1e-9 <= out <= e_out + 1e-9
        came, left = came + green_share * e_in, left + out
        assert -1e-9 <= tank.attribute <= tank.energy_mwh + 1e-9
    assert came - left == pytest.approx(tank.attribute, abs=1e-9)


@given(moves=moves)
def test_what_is_full_of_one_intensity_gives_it_by_every_rule(
    moves: list[tuple[float, float, float, float]],
) -> None:
    tanks = [AttributeTank("label", 0.5, 0.3, rule, **GREEN) for rule in ("proportional", "fifo")]
    for e_in, share_out, _, _ in moves:
        for tank in tanks:
            e_out = share_out * tank.energy_mwh
            assert tank.step(e_in, e_out, 0.6 * e_in) == pytest.approx(0.6 * e_out, abs=1e-9)


@given(moves=moves)
def test_layers_hold_what_came_last(moves: list[tuple[float, float, float, float]]) -> None:
    """Read backwards, the energy inside is what came in last: cumulated intake less cumulated intake."""
    tank = AttributeTank("label", 1.0, 0.0, "fifo", **GREEN)
    came_mwh, came_green = [1.0], [0.0]
    for e_in, share_out, green_share, _ in moves:
        tank.step(e_in, share_out * tank.energy_mwh, green_share * e_in)
        came_mwh.append(e_in)
        came_green.append(green_share * e_in)
    need, green = tank.energy_mwh, 0.0
    for energy, part in zip(reversed(came_mwh), reversed(came_green), strict=True):
        taken = min(need, energy)
        green += part * (taken / energy) if energy > 0.0 else 0.0
        need -= taken
    assert tank.attribute == pytest.approx(green, abs=1e-9)
