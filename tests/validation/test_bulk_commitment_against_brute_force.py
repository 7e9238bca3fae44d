"""The commitment of a bulk system against all on/off patterns, each dispatched from scratch by HiGHS."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from bulk_references import BulkCase, ReferenceDispatch

from gridarium.agents.transmission.bulk_commitment import (
    N_TANGENT,
    BulkCommitter,
    FoundCommitment,
    bulk_commitment_form,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.environment.arrays import Flags
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder

N_HOUR = 5
UNITS = (
    ThermalUnit("base", 30, 90, 0.05, 18, 150, 400, 45, 30, 3, 2, 0.9, True, 30),
    ThermalUnit("peak", 10, 50, 0.1, 28, 60, 150, 60, 60, 2, 2, 0.4, False, 0),
)
SYSTEM = BulkSystem(
    UNITS,
    (StorageRatings("pumped", 15, 30, 0.1, 0.9, 0.3, 0.9, 0.9, 15),),
    (2.0,),
    ("wind",),
    QuotaLadder(100.0, 20.0, 40.0, 0.5, 3, 1, 150.0),
    import_limit_mw=200.0,
)
COMMITTER = BulkCommitter(BulkShape(SYSTEM, N_HOUR, 1.0))
QUICK = BulkCommitter(BulkShape(SYSTEM, N_HOUR, 1.0), side_searches=False)


class PiecewiseDispatch(ReferenceDispatch):
    """The same day with tangents to each unit's fuel cost in place of squares, and steeper first hours.

    A start and a stop reach only what a quarter of an hour allows, so that real time can follow.
    """

    def least_cost(self) -> float | None:
        """Of a linear programme; None where nothing is feasible."""
        columns, total = self.columns, 0.0
        for i, unit in enumerate(self.case.system.units):
            a, b = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh
            for t in self.periods:
                place, on = columns.place[("p", i, t)], float(self.on[i, t])
                columns.cost[place] = columns.square[place] = 0.0
                columns.add("fuel", i, t, cost=1.0)
                for point in np.linspace(unit.p_min_mw, unit.p_max_mw, N_TANGENT):
                    slope = 2.0 * a * point + b
                    columns.row([(slope, ("p", i, t)), (-1.0, ("fuel", i, t))], on * a * point**2)
                total += unit.cost_fixed_per_h * on
                self._keep_to_a_quarter(i, t)
        found = columns.solve()
        return None if found is None else found + total

    def _keep_to_a_quarter(self, i: int, t: int) -> None:
        unit = self.case.system.units[i]
        was, before = self.was(i, t), 0.0 if t else float(self.state.power_mw[i])
        if self.on[i, t] and not was:
            self.columns.row([(1.0, ("p", i, t))], max(unit.p_min_mw, unit.ramp_mw_per_h / 4.0))
        if was and not self.on[i, t]:
            stop = max(unit.p_min_mw, unit.ramp_down_mw_per_h / 4.0)
            self.columns.row([(1.0, ("p", i, t - 1))] if t else [], stop - before)


def allowed(on: Flags, state: BulkState) -> bool:
    """Every run and every rest lasts its minimum, with the hours before the day, or to the day's end."""
    for i, unit in enumerate(UNITS):
        length = int(state.hours_in_state[i])
        was = bool(state.on[i])
        for runs in on[i].tolist():
            if runs != was and length < (unit.min_up_h if was else unit.min_down_h):
                return False
            length = length + 1 if runs == was else 1
            was = runs
    return True


def switching_money(on: Flags, state: BulkState) -> float:
    before = np.column_stack([state.on, on[:, :-1]])
    return float((on != before).sum(axis=1) @ [unit.start_stop_money for unit in UNITS])


def random_day(seed: int) -> tuple[BulkForecast, BulkState]:
    random = np.random.default_rng(seed)
    day = BulkForecast(
        load_mw=random.uniform(10.0, 140.0, N_HOUR),
        available_mw=random.uniform(0.0, 40.0, (1, N_HOUR)),
        import_price_per_mwh=random.choice([35.0, 80.0, 300.0]) * random.uniform(0.8, 1.2, N_HOUR),
        import_factor_tco2_per_mwh=np.zeros(N_HOUR),
        loss_mw=random.uniform(0.0, 3.0, N_HOUR),
    )
    ran = random.random(2) < 0.5
    power = np.where(ran, [random.uniform(30.0, 45.0), random.uniform(10.0, 20.0)], 0.0)
    hours = random.integers(1, 4, 2).astype(float)
    inside, emitted = random.uniform(3.0, 27.0, 1), random.uniform(0.0, 60.0)
    return day, BulkState(ran, power, hours, inside, np.zeros(2), emitted)


def money_of(on: Flags, day: BulkForecast, state: BulkState, system: BulkSystem = SYSTEM) -> float | None:
    """What a pattern costs; None where it cannot serve the day."""
    case = BulkCase(system, day, on, state, 1.0)
    cost = PiecewiseDispatch(case, on, state).least_cost()
    return None if cost is None else cost + switching_money(on, state)


def patterns() -> list[Flags]:
    flags = itertools.product([False, True], repeat=2 * N_HOUR)
    return [np.array(pattern).reshape(2, N_HOUR) for pattern in flags]


def brute(
    day: BulkForecast, state: BulkState, available: Flags | None = None, system: BulkSystem = SYSTEM
) -> FoundCommitment:
    best: FoundCommitment | None = None
    for on in patterns():
        if not allowed(on, state) or (available is not None and (on & ~available).any()):
            continue
        cost = money_of(on, day, state, system)
        if cost is not None and (best is None or cost < best.cost_money):
            best = FoundCommitment(on, cost)
    assert best is not None
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_pattern_is_cheaper_and_its_own_costs_what_it_says(seed: int) -> None:
    day, state = random_day(seed)
    found, best = COMMITTER.best("ties", day, state), brute(day, state)
    assert allowed(found.on, state)
    assert found.cost_money == pytest.approx(best.cost_money, rel=1e-6)
    assert money_of(found.on, day, state) == pytest.approx(found.cost_money, rel=1e-6)
    assert QUICK.best("ties", day, state).cost_money == pytest.approx(best.cost_money, rel=1e-6)
    # Any other allowed pattern costs by `cost_of` what it does here, or fails in both.
    random = np.random.default_rng(seed)
    others = [on for on in patterns() if allowed(on, state)]
    for on in random.permutation(np.array(others))[:6]:
        told, expected = COMMITTER.cost_of("ties", on, day, state), money_of(on, day, state)
        assert told == (None if expected is None else pytest.approx(expected, rel=1e-6))


def test_capture_counts_in_the_choice_and_nothing_that_captures_is_cheaper() -> None:
    plant = CapturePlant(0.8, 0.2, 2.0, 40.0, 10.0)
    carbon = QuotaLadder(10.0, 45.0, 40.0, 0.5, 3, 1, 150.0)
    system = replace(SYSTEM, units=(replace(UNITS[0], capture=plant), UNITS[1]), carbon=carbon)
    day, state = random_day(0)
    state = replace(state, tank_tco2=np.array([15.0, 0.0]), emitted_tco2=0.0)
    found = BulkCommitter(BulkShape(system, N_HOUR, 1.0)).best("ties", day, state)
    best = brute(day, state, system=system)
    assert found.cost_money == pytest.approx(best.cost_money, rel=1e-6)
    assert money_of(found.on, day, state, system) == pytest.approx(found.cost_money, rel=1e-6)
    without = BulkCommitter(BulkShape(replace(system, units=UNITS), N_HOUR, 1.0)).best("ties", day, state)
    assert found.cost_money < without.cost_money - 1.0
    assert not np.array_equal(found.on, without.on)


def test_a_unit_that_is_dearer_than_all_else_hides_nothing() -> None:
    """At 7.1 million a MWh rows of money would hold to no tolerance of power."""
    dear = replace(SYSTEM, units=(UNITS[0], replace(UNITS[1], cost_linear_per_mwh=7.1e6)))
    day, state = random_day(1)
    ran = replace(
        state, on=np.array([True, True]), power_mw=np.array([35.0, 15.0]), hours_in_state=np.ones(2)
    )
    found = BulkCommitter(BulkShape(dear, N_HOUR, 1.0)).best("ties", day, ran)
    assert found.on[1].tolist() == [True, *(N_HOUR - 1) * [False]]
    assert abs(bulk_commitment_form(BulkShape(dear, N_HOUR, 1.0)).rows).max() <= 1e4
    assert found.cost_money == pytest.approx(money_of(found.on, day, ran, dear), rel=1e-9)


def test_the_days_above_ask_for_different_commitments() -> None:
    found = {tuple(COMMITTER.best("ties", *random_day(seed)).on.ravel().tolist()) for seed in range(6)}
    assert len(found) >= 4


def test_an_outage_is_kept_and_nothing_that_keeps_it_is_cheaper() -> None:
    day, state = random_day(1)
    day = replace(day, import_price_per_mwh=np.full(N_HOUR, 300.0), load_mw=np.full(N_HOUR, 100.0))
    available = np.ones((2, N_HOUR), dtype=bool)
    assert COMMITTER.best("ties", day, state).on[1, 2:4].all()
    available[1, 2:4] = False
    found, best = COMMITTER.best("ties", day, state, available), brute(day, state, available)
    assert not found.on[1, 2:4].any()
    assert found.cost_money == pytest.approx(best.cost_money, rel=1e-6)


def test_an_outage_ends_a_minimum_time_that_still_runs() -> None:
    day, _ = random_day(0)
    ran, power, hours = np.array([True, False]), np.array([30.0, 0.0]), np.array([1.0, 5.0])
    state = BulkState(ran, power, hours, np.array([9.0]), np.zeros(2))
    windy = replace(day, load_mw=np.full(N_HOUR, 5.0), available_mw=np.full((1, N_HOUR), 40.0))
    cheap = replace(SYSTEM, reserve_load_share=0.0, reserve_renewable_share=0.0)
    committer = BulkCommitter(BulkShape(cheap, N_HOUR, 1.0))
    # Nothing is needed, but it has run for one hour of three.
    assert committer.best("ties", windy, state).on[0].tolist() == [True, True, False, False, False]
    available = np.ones((2, N_HOUR), dtype=bool)
    available[0, 1] = False
    assert committer.best("ties", windy, state, available).on[0].tolist() == [True] + 4 * [False]


def test_a_load_beyond_all_supply_is_named() -> None:
    day, state = random_day(0)
    load = day.load_mw.copy()
    load[3] = 900.0
    with pytest.raises(InfeasibleError, match="agent ties: infeasible: period 3"):
        COMMITTER.best("ties", day.with_load(load), state)
    assert COMMITTER.cost_of("ties", np.ones((2, N_HOUR), dtype=bool), day.with_load(load), state) is None
