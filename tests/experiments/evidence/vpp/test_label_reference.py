"""Green energy that leaves storages, by sums and products, against a tank that is filled and emptied."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.attribute_tank import AttributeTank, Rule
from gridarium.experiments.evidence.vpp.label_reference import Metered, green_out_mwh

RULES: tuple[Rule, ...] = ("proportional", "fifo", "load-generator")


def example(charge: list[float], discharge: list[float], share: list[float], initial: float) -> Metered:
    """A storage without losses, 0.2 MWh inside at first."""
    return Metered(*(np.array(values) for values in (charge, discharge, share)), 1.0, 1.0, 0.2, initial)


@pytest.mark.parametrize(
    ("rule", "out"),
    [("proportional", [0.0, 0.15]), ("fifo", [0.0, 0.09]), ("load-generator", [0.0, 0.3])],
)
def test_a_brown_storage_that_takes_greener_energy(rule: str, out: list[float]) -> None:
    # 0.2 MWh brown, then 0.5 MWh with 0.3 green; 0.35 leave: a share of 3/7, or 0.15 of the newer, or all.
    found = green_out_mwh(example([0.5, 0.0], [0.0, 0.35], [0.6, 0.0], 0.0), rule)
    assert found == pytest.approx(out)


@pytest.mark.parametrize("rule", RULES)
def test_what_passes_through_within_a_period_is_as_green_as_it_came(rule: str) -> None:
    found = green_out_mwh(example([0.5], [0.6], [0.4], 1.0), rule)
    assert found == pytest.approx([0.2 + 0.4 * 0.4])


@pytest.mark.parametrize("rule", RULES)
def test_any_schedule_gives_what_a_tank_gives(rule: Rule) -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        n = int(rng.integers(1, 250))
        charge, discharge, share = np.zeros(n), np.zeros(n), rng.uniform(size=n)
        (into, out), energy, initial = rng.uniform(0.8, 1.0, 2), rng.uniform(), rng.uniform()
        tank = AttributeTank("any", energy, initial * energy, rule, intensity_max=1.0)
        expected = np.zeros(n)
        for t, what in enumerate(rng.integers(0, 8, n)):
            charge[t] = rng.uniform(0.0, 0.5) if what < 3 else 0.0
            # Some of them empty it.
            discharge[t] = out * tank.energy_mwh * (rng.uniform() if what < 6 else 1.0) if what > 3 else 0.0
            left = min(discharge[t] / out, tank.energy_mwh)
            chosen = tank.attribute_out_range(left)[1] if rule == "load-generator" else None
            expected[t] = out * tank.step(into * charge[t], left, into * charge[t] * share[t], chosen)
        metered = Metered(charge, discharge, share, into, out, energy, initial)
        assert green_out_mwh(metered, rule) == pytest.approx(expected, abs=1e-12)
