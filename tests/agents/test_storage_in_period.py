"""Storages and plants that change their power in the middle of a period: by hand, and second by second."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.breaker import Breaker
from gridarium.agents.devices.incidents import drops, fails, fails_at_random
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.errors import StorageError
from gridarium.environment.grids import Grid, Site
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.commands import RenewableSetpoint, StorageCommand
from gridarium.market.messages.edge import Correction
from small_cases import two_buses

HOUR_S = 3600.0
RATINGS = StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.6)


class Load(GridAgent):
    """Draws 1 MW at the far bus."""

    def operate(self, period: int) -> None:
        self.grid.injections.draw(self.name, np.array([0.0, 1.0]), np.zeros(2))


class Meter(GridAgent):
    """Reads what a storage does each second, and the voltages at some instants."""

    def __init__(self, owner: StorageOwner, read_at_s: tuple[float, ...] = ()) -> None:
        super().__init__(owner.grid.head, "meter")
        self.owner, self.read_at_s = owner, read_at_s
        self.p_mw: list[float] = []
        self.e_mwh: list[float] = []
        self.vm_pu: list[np.ndarray] = []

    def process(self):
        for second in range(int(self.world.n_period * HOUR_S)):
            yield self.world.clock.wait_until(second + 0.5)
            self.p_mw.append(self.owner.storage.power[0])
            self.e_mwh.append(self.owner.storage.content_mwh)
            if second in self.read_at_s:
                self.vm_pu.append(self.grid.snapshot().vm_pu[0])


def owner_of(world: World, *commands: StorageCommand) -> StorageOwner:
    Load(world.grid.head, "load")
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    world.bus.connect("dso", lambda envelope: None)
    for command in commands:
        owner.storage.take_command(command, "dso")
    return owner


def command(charge: list[float], discharge: list[float], q: list[float] | None = None) -> StorageCommand:
    return StorageCommand(1, 0, series(charge), series(discharge), None if q is None else series(q))


def hours(n_period: int = 3, settles_after_s: float = HOUR_S) -> World:
    """Hours that begin at second 0; meters are read as each one ends."""
    clock, grid = (
        Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), HOUR_S),
        Grid(two_buses(), np.full(n_period, 0.6)),
    )
    return World(grid, clock, n_period, 0.0, settles_after_s=settles_after_s)


@pytest.fixture
def world() -> World:
    return hours()


def run(world: World) -> None:
    while world.running:
        world.step()


def test_a_failure_within_a_period_by_hand(world: World) -> None:
    # Charged for half an hour of the first hour; the second hour gives it back for a quarter of an hour.
    owner = owner_of(world, command([0.4, 0.0, 0.0], [0.0, 0.2, 0.0], [0.1, 0.0, 0.0]))
    fails(world.clock, owner.storage.breaker, 900.0, 1800.0)
    fails(world.clock, owner.storage.breaker, HOUR_S + 900.0, 2700.0)
    run(world)
    inside = 0.5 + 0.92 * 0.4 * 0.5
    left = inside - 0.2 * 0.25 / 0.95
    assert owner.storage.e_mwh == pytest.approx([inside, left, left], abs=1e-12)
    assert owner.storage.charge_mw == pytest.approx([0.2, 0.0, 0.0], abs=1e-12)
    assert owner.storage.discharge_mw == pytest.approx([0.0, 0.05, 0.0], abs=1e-12)
    # Meters, the bus and the reactive power know the means of the period, and carbon goes by the energy.
    assert world.meters["pool"] == pytest.approx([0.2, 0.0, 0.0], abs=1e-12)
    assert world.feed_in_meters["pool"] == pytest.approx([0.0, 0.05, 0.0], abs=1e-12)
    states = world.grid.states
    assert states[0].drawn_mw[1] == pytest.approx(1.2)
    assert states[0].charge_mw[1] == pytest.approx(0.2)
    assert world.grid.states[0].flow.q_to_mvar[0, 0] == pytest.approx(-0.05)
    stored = states[0].intensity_tco2_per_mwh[1] * 0.2
    released = stored * (0.2 * 0.25 / 0.95) / inside
    assert owner.carbon.stored_tco2 == pytest.approx([stored, stored - released, stored - released], rel=1e-9)
    assert states[1].source_t_per_h[1] == pytest.approx(released, rel=1e-9)
    assert all(abs(state.residual_t_per_h) < 1e-12 for state in states)


def test_any_changes_against_each_second(world: World) -> None:
    owner, random = owner_of(world, command([0.3, 0.0, 0.1], [0.0, 0.3, 0.0])), np.random.default_rng(3)
    meter = Meter(owner)
    for at_s in np.sort(random.integers(1, 3 * 3600, 40)):
        p_mw, q_mvar = random.uniform(-0.9, 0.9, 2)
        told = Correction(at_s, float(p_mw), float(q_mvar), float(at_s + random.integers(1, 1500)))
        world.clock.env.timeout(float(at_s)).callbacks.append(
            lambda _, told=told: owner.storage.correct(told)
        )
    fails(world.clock, owner.storage.breaker, 5000.0, 600.0)
    run(world)
    p_mw = np.array(meter.p_mw).reshape(3, 3600)
    assert np.maximum(p_mw, 0.0).mean(axis=1) == pytest.approx(owner.storage.discharge_mw, abs=1e-12)
    assert np.maximum(-p_mw, 0.0).mean(axis=1) == pytest.approx(owner.storage.charge_mw, abs=1e-12)
    assert len(np.unique(p_mw)) > 20
    assert np.abs(p_mw).max() <= RATINGS.p_max_mw
    assert np.all(p_mw.ravel()[5000:5600] == 0.0)
    # The content follows second by second, within its band, and nothing is lost.
    gained = np.where(p_mw < 0.0, -0.92 * p_mw, -p_mw / 0.95).ravel() / HOUR_S
    inside = 0.5 + np.cumsum(gained) - gained / 2.0
    assert np.array(meter.e_mwh) == pytest.approx(inside, abs=1e-9)
    assert owner.storage.e_mwh == pytest.approx(0.5 + np.cumsum(gained)[3599::3600], abs=1e-9)
    low, high = RATINGS.band_mwh
    assert low - 1e-9 <= inside.min() <= inside.max() <= high + 1e-9


def test_a_correction_is_a_change_of_the_set_point_that_ends(world: World) -> None:
    owner = owner_of(world, command([0.1, 0.1, 0.1], [0.0] * 3, [0.2] * 3))
    seen, more = list[tuple[float, float]](), list[tuple[float, float]]()

    def story():
        yield world.clock.wait_until(100.0)
        owner.storage.correct(Correction(0.0, 0.3, 0.1, 400.0))
        for at_s in (100.0, 399.0, 401.0, 500.0):
            yield world.clock.wait_until(max(world.clock.now_s, at_s))
            seen.append(owner.storage.power)
            more.append(owner.storage.corrected)
        # More than the inverter carries: active power goes before.
        owner.storage.correct(Correction(0.0, 0.7, 5.0, 600.0))
        seen.append(owner.storage.power)
        owner.storage.correct(Correction(0.0, 0.0, 0.0, 600.0))
        seen.append(owner.storage.power)

    world.clock.process(story())
    run(world)
    assert seen[0] == seen[1] == pytest.approx((0.2, 0.3))
    assert seen[2] == seen[3] == (-0.1, 0.2)
    assert more[0] == more[1] == pytest.approx((0.3, 0.1))
    assert more[2] == more[3] == (0.0, 0.0)
    assert seen[4] == pytest.approx((0.5, np.sqrt(0.6**2 - 0.5**2)))
    assert seen[5] == (-0.1, 0.2)


def test_a_snapshot_is_the_power_flow_of_the_instant(world: World) -> None:
    owner = owner_of(world, command([0.4, 0.4, 0.0], [0.0] * 3, [0.2, 0.2, 0.0]))
    fails(world.clock, owner.storage.breaker, 1000.0, 500.0)
    meter = Meter(owner, (999, 1000, 1499, 1500))
    run(world)
    flow, head = AcPowerFlow(two_buses()), np.array([world.grid.head_vm_pu])
    on, off = (
        flow.solve(np.array([[0.0, -1.0 - p_mw]]), np.array([[0.0, q_mvar]]), head)
        for p_mw, q_mvar in ((0.4, 0.2), (0.0, 0.0))
    )
    assert np.abs(on.vm_pu - off.vm_pu).max() > 1e-4
    for seen, wanted in zip(meter.vm_pu, (on, off, off, on), strict=True):
        assert seen == pytest.approx(wanted.vm_pu[0], abs=1e-9)
    extra = np.array([0.0, 0.4])
    world.grid.injections.set_apart("pool", 1, 0.0, 0.0)
    plain = world.grid.snapshot().p_slack_mw[0]
    assert world.grid.snapshot(extra, np.zeros(2)).p_slack_mw[0] < plain - 0.39


def test_energy_that_passes_through_within_a_period_leaves_its_carbon(world: World) -> None:
    # Empty at first, filled for half an hour and emptied again: more is given than was there before.
    empty = StorageRatings("pool", 0.5, 1.0, 0.0, 1.0, 0.01, 0.92, 0.95, 0.6)
    Load(world.grid.head, "load")
    owner = StorageOwner(Site(world.grid, 1), "pool", empty, "dso")
    world.bus.connect("dso", lambda envelope: None)
    owner.storage.take_command(command([0.4, 0.0, 0.0], [0.0, 0.0, 0.0]), "dso")
    turn = Correction(0.0, 0.7, 0.0, HOUR_S)
    world.clock.env.timeout(1800.0).callbacks.append(lambda _: owner.storage.correct(turn))
    run(world)
    given = 0.3 * 0.5 / 0.95
    assert owner.storage.e_mwh[0] == pytest.approx(0.01 + 0.92 * 0.2 - given)
    taken = world.grid.states[0].intensity_tco2_per_mwh[1] * 0.2
    assert owner.carbon.stored_tco2[0] == pytest.approx(taken, rel=1e-12)
    assert all(abs(state.residual_t_per_h) < 1e-12 for state in world.grid.states)


def test_nothing_changes_once_the_meters_are_read() -> None:
    world = hours(settles_after_s=0.0)
    owner = owner_of(world, command([0.4, 0.0, 0.0], [0.0] * 3))
    fails(world.clock, owner.storage.breaker, 900.0, 60.0)
    with pytest.raises(StorageError, match="storage pool, period 0: its power must not change once"):
        run(world)


def test_a_plant_has_less_for_a_while(world: World) -> None:
    plant = RenewablePlant(Site(world.grid, 1), "sun", np.array([0.8, 0.8, 0.8]))
    plant.take_setpoint(RenewableSetpoint(1, 0, series([1.0, 0.5, 1.0]), series([0.1, 0.1, 0.1])), "dso")
    drops(plant, 1800.0, HOUR_S, 0.5)
    drops(plant, 1800.0, 900.0, 0.5)
    seen: list[float] = []
    for at_s in (1799.0, 1801.0, 3000.0):
        world.clock.env.timeout(at_s).callbacks.append(
            lambda _: seen.append(world.grid.injections.instant_net_mw[1])
        )
    run(world)
    assert seen == pytest.approx([0.8, 0.2, 0.4])
    assert plant.delivered_mw == pytest.approx([0.4 + 0.05 + 0.1, 0.2 + 0.25, 0.8])
    assert world.feed_in_meters["sun"] == pytest.approx(plant.delivered_mw)
    (rows,) = plant.rows()
    assert rows.values["p_available_mw"] == pytest.approx([0.55, 0.6, 0.8])


def test_random_failures_come_at_their_rate(world: World) -> None:
    breaker, opened, closed = Breaker(), list[float](), list[float]()
    breaker.watch(lambda: (closed if breaker.is_closed else opened).append(world.clock.now_s))
    fails_at_random(world.clock, breaker, 100.0, 2.0, 60.0, np.random.default_rng(5))
    world.clock.run_until(2000.0 * HOUR_S)
    begun = np.array([100.0, *closed])[: len(opened)]
    waits_h = (np.array(opened) - begun) / HOUR_S
    assert np.array(closed) - np.array(opened)[: len(closed)] == pytest.approx(60.0)
    # Exponential with a mean of half an hour: 4 standard errors of mean and of spread.
    assert waits_h.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(waits_h)))
    assert waits_h.std() == pytest.approx(0.5, abs=8 * 0.5 / np.sqrt(len(waits_h)))


def test_a_breaker_closes_with_the_last_cause() -> None:
    breaker, told = Breaker(), list[bool]()
    breaker.watch(lambda: told.append(breaker.is_closed))
    for cause in ("failure", "overheating", "failure"):
        breaker.open(cause)
    for cause in ("failure", "overheating", "failure"):
        assert not breaker.is_closed
        breaker.release(cause)
    assert told == [False, True]


def test_grids_below_take_what_they_take_now() -> None:
    top = Grid(two_buses(), np.full(1, 0.5), name="top")
    low = Grid(two_buses(), name="low", above=Site(top, 1), replicas=3)
    clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), HOUR_S)
    world = World([top, low], clock, 1, 0.0, settles_after_s=HOUR_S)
    owner = StorageOwner(Site(low, 1), "pool", RATINGS, "dso")
    world.bus.connect("dso", lambda envelope: None)
    owner.storage.take_command(command([0.4], [0.0]), "dso")
    fails(clock, owner.storage.breaker, 1000.0, 5000.0)
    seen: list[float] = []
    for at_s in (500.0, 1500.0):
        clock.env.timeout(at_s).callbacks.append(lambda _: seen.append(top.snapshot().p_to_mw[0, 0]))
    world.step()
    head_mw = AcPowerFlow(two_buses()).solve(np.array([[0.0, -0.4]]), np.zeros((1, 2))).p_slack_mw[0]
    assert seen == pytest.approx([3.0 * head_mw, 0.0], abs=1e-9)
