"""The temperature of a unit: against an integration of its equation, and when it crosses a limit."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gridarium.environment.errors import InputError
from gridarium.environment.thermal_mass import ThermalMass, ThermalRatings

RATINGS = ThermalRatings(20.0, 2000.0, 0.5, 60.0, 40.0)


def test_losses_that_change_against_an_integration() -> None:
    random, mass = np.random.default_rng(2), ThermalMass(RATINGS)
    hours, losses, factors = (
        random.uniform(0.01, 0.6, 30),
        random.uniform(0, 0.05, 30),
        random.choice([1.0, 3.0], 30),
    )
    ends = np.cumsum(hours)
    found = []
    for lasts_h, loss_mw, factor in zip(hours, losses, factors, strict=True):
        mass.loss_mw, mass.resistance_factor = float(loss_mw), float(factor)
        mass.advance(float(lasts_h))
        found.append(mass.temperature_c)
    wanted, at = [], 20.0
    for lasts_h, loss_mw, factor in zip(hours, losses, factors, strict=True):
        rise = solve_ivp(
            lambda t, c, heat=2000.0 * factor * loss_mw: (heat - (c - 20.0)) / 0.5,
            (0.0, lasts_h),
            [at],
            rtol=1e-11,
        )
        at = float(rise.y[0, -1])
        wanted.append(at)
    assert len(ends) == len(found)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert max(found) > 60.0 > min(found)


def test_it_is_at_a_temperature_when_it_says() -> None:
    for first, loss_mw, wanted in ((20.0, 0.03, 60.0), (90.0, 0.0, 40.0), (50.0, 0.001, 49.0)):
        mass = ThermalMass(RATINGS)
        mass.temperature_c, mass.loss_mw = first, loss_mw
        mass.advance(mass.reaches_h(wanted))
        assert mass.temperature_c == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize(
    ("first", "loss_mw", "wanted"), [(20.0, 0.02, 60.0), (20.0, 0.0, 19.0), (50.0, 0.0, 51.0)]
)
def test_what_it_will_never_be(first: float, loss_mw: float, wanted: float) -> None:
    mass = ThermalMass(RATINGS)
    mass.temperature_c, mass.loss_mw = first, loss_mw
    assert math.isinf(mass.reaches_h(wanted))


def test_bad_ratings_are_named() -> None:
    with pytest.raises(InputError, match=r"time_constant_h: got 0\.0; must be in \(0, inf\)"):
        ThermalRatings(20.0, 100.0, 0.0, 60.0, 40.0)
    with pytest.raises(
        InputError, match=r"reset_c: got 70\.0; must be between ambient_c = 20 and trip_c = 60"
    ):
        ThermalRatings(20.0, 100.0, 1.0, 60.0, 70.0)
