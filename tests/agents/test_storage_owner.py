"""Storage owners: the schedule they follow, the carbon inside, by hand and over a whole day."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import series
from gridarium.environment.grids import Site
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.commands import PoolSchedule, Receipt, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest, StorageOffer
from gridarium.market.messages.status import StorageStatus
from small_cases import FREE_TO_RUN

MakeWorld = Callable[..., World]
RATINGS = StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)


class Load(GridAgent):
    """Draws 1 MW at the far bus."""

    def operate(self, period: int) -> None:
        self.world.grid.injections.draw(self.name, np.array([0.0, 1.0]), np.zeros(2))


def schedule(
    charge: list[float], discharge: list[float], first: float = 0.3, issue: int = 1, period: int = 0
) -> StorageCommand:
    into, out = 0.5 * np.array(charge), 0.4 * np.array(discharge)
    pool = PoolSchedule(series(into), series(out), first)
    nothing = series(np.zeros(len(charge)))
    return StorageCommand(issue, period, series(charge), series(discharge), nothing, pool)


@pytest.mark.parametrize("period_h", [1.0, 0.5])
def test_carbon_of_three_periods_by_hand(make_world: MakeWorld, period_h: float) -> None:
    world = make_world(period_s=3600.0 * period_h)
    Load(world.grid.head, "load")
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    heard: list[object] = []
    dso = world.bus.connect("dso", lambda envelope: heard.append(envelope.payload))
    dso.send("pool", ForecastRequest(0))
    dso.send("pool", schedule([0.4, 0.0, 0.0], [0.0, 0.2, 0.0]))
    for _ in range(3):
        world.step()
    # What arrives at the far bus carries the carbon of the losses on its way.
    flow = world.grid.states[0].flow
    intensity = 0.6 * flow.p_from_mw[0, 0] / flow.p_to_mw[0, 0]
    assert flow.p_to_mw[0, 0] == pytest.approx(1.4)
    stored = intensity * 0.4 * period_h
    inside = 0.5 + 0.92 * 0.4 * period_h
    drawn = 0.2 * period_h / 0.95
    released = stored * drawn / inside
    assert owner.carbon.stored_tco2 == pytest.approx([stored, stored - released, stored - released], rel=1e-9)
    assert owner.storage.e_mwh == pytest.approx([inside, inside - drawn, inside - drawn])
    # The discharge is a source with the tank's carbon, at the bus of the storage.
    assert world.grid.states[1].source_t_per_h[1] * period_h == pytest.approx(released, rel=1e-9)
    # The virtual pool follows the schedule, whatever the physics.
    pool = [0.3 + 0.2 * period_h, 0.3 + 0.12 * period_h, 0.3 + 0.12 * period_h]
    assert owner.carbon.pool_tco2 == pytest.approx(pool)
    offer = heard[0]
    assert isinstance(offer, StorageOffer)
    assert offer.e_mwh == 0.5
    states = [payload for payload in heard if isinstance(payload, StorageStatus)]
    assert [state.period for state in states] == [1, 2, 3]
    assert [(state.charge_mw, state.discharge_mw) for state in states] == [(0.4, 0.0), (0.0, 0.2), (0.0, 0.0)]
    assert [state.e_mwh for state in states] == owner.storage.e_mwh.tolist()
    assert [state.pool_tco2 for state in states] == owner.carbon.pool_tco2.tolist()


def test_without_a_schedule_it_is_idle(make_world: MakeWorld) -> None:
    world = make_world()
    Load(world.grid.head, "load")
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    world.bus.connect("dso", lambda envelope: None)
    world.step()
    assert (owner.storage.e_mwh[0], owner.carbon.stored_tco2[0], owner.carbon.pool_tco2[0]) == (0.5, 0.0, 0.0)
    assert world.meters["pool"][0] == 0.0


def test_the_newest_schedule_counts_and_a_late_copy_of_it_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    receipts: list[object] = []
    dso = world.bus.connect("dso", lambda envelope: receipts.append(envelope.payload))
    newest = schedule([0.3, 0.0], [0.0, 0.2], issue=7, period=1)
    dso.send("pool", newest)
    dso.send("pool", schedule([0.4, 0.4, 0.4], [0.0, 0.0, 0.0], issue=6))
    world.step()
    world.step()
    dso.send("pool", newest)
    world.step()
    # Idle before the first period that it is about; the pool is not filled anew by a copy.
    assert world.meters["pool"].tolist() == [0.0, 0.3, 0.0]
    assert owner.carbon.pool_tco2 == pytest.approx([0.3, 0.3 + 0.15, 0.3 + 0.15 - 0.08])
    assert receipts.count(Receipt()) == 3


def test_a_schedule_without_reactive_power_and_virtual_carbon(make_world: MakeWorld) -> None:
    world = make_world()
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    told: list[object] = []
    dso = world.bus.connect("dso", lambda envelope: told.append(envelope.payload))
    dso.send("pool", StorageCommand(1, 0, series([0.4] * 3), series([0.0] * 3)))
    world.step()
    assert told[-1] == StorageStatus(1, 0.4, 0.0, owner.storage.e_mwh[0])


@pytest.mark.parametrize("asked_at", [0, 7, 20, 24])
def test_the_content_told_for_the_next_day_counts_with_the_rest_of_this_one(
    make_world: MakeWorld, asked_at: int
) -> None:
    world = make_world(48)
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    heard: list[object] = []
    dso = world.bus.connect("dso", lambda envelope: heard.append(envelope.payload))
    charge, discharge = np.zeros((2, 24))
    charge[[3, 22]], discharge[[10, 20]] = (0.3, 0.2), (0.25, 0.1)
    dso.send("pool", StorageCommand(1, 0, series(charge), series(discharge)))
    for period in range(25):
        if period == asked_at:
            world.clock.run_until(world.clock.now_s + 1.0 if period == 0 else world.clock.now_s)
            dso.send("pool", ForecastRequest(1))
        world.step()
    by_hand = 0.5 + 0.92 * 0.5 - 0.35 / 0.95
    offers = [payload for payload in heard if isinstance(payload, StorageOffer)]
    assert [(offer.day, offer.e_mwh) for offer in offers] == [(1, pytest.approx(by_hand, abs=1e-12))]
    # Without a schedule of its own the second day is idle.
    assert owner.storage.e_mwh[23:25] == pytest.approx([by_hand] * 2, abs=1e-12)


def test_each_day_has_a_schedule_of_its_own(make_world: MakeWorld) -> None:
    world = make_world(48)
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    dso = world.bus.connect("dso", lambda envelope: None)
    first, second = np.zeros((2, 24))
    first[2], second[5] = 0.3, 0.1
    nothing = [0.0] * 24
    # The order of arrival does not matter.
    dso.send("pool", schedule(second.tolist(), nothing, first=0.4, period=24))
    dso.send("pool", schedule(first.tolist(), nothing, first=0.3))
    for _ in range(48):
        world.step()
    assert world.meters["pool"].tolist() == [*first, *second]
    # The virtual pool starts anew with what the schedule of the day says.
    assert owner.carbon.pool_tco2[[0, 23]] == pytest.approx([0.3, 0.3 + 0.15])
    assert owner.carbon.pool_tco2[[24, 47]] == pytest.approx([0.4, 0.4 + 0.05])


def test_an_impossible_schedule_is_followed_as_far_as_it_goes_and_the_rest_is_told(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    owner = StorageOwner(Site(world.grid, 1), "pool", RATINGS, "dso")
    told: list[object] = []
    dso = world.bus.connect("dso", lambda envelope: told.append(envelope.payload))
    dso.send("pool", schedule([0.4, 0.4, 0.0], [0.0, 0.0, 0.0]))
    for _ in range(3):
        world.step()
    full = (0.9 - 0.5 - 0.92 * 0.4) / 0.92
    assert owner.storage.charge_mw.tolist() == pytest.approx([0.4, full, 0.0], abs=1e-12)
    states = [payload for payload in told if isinstance(payload, StorageStatus)]
    assert states[1].charge_mw == owner.storage.charge_mw[1]
    assert states[1].e_mwh == pytest.approx(0.9)


@pytest.fixture(scope="module", params=["managed", "strict"])
def day(request: pytest.FixtureRequest) -> Built:
    built = build(load_scenario("adcef", [f"tariff.pool={request.param}", *FREE_TO_RUN]).cases["adcef"])
    while built.world.running:
        built.world.step()
    return built


def intensities(built: Built) -> np.ndarray:
    """Nodal intensities, tCO2/MWh, shape (n_period, n_bus); 0 where no power arrives."""
    return np.nan_to_num(np.array([state.intensity_tco2_per_mwh for state in built.world.grid.states]))


def test_tank_conserves_carbon_against_nodal_intensities(day: Built) -> None:
    dispatch, nodal = day.one(Dso).today.plan.dispatch, intensities(day)
    moved = 0.0
    for row, owner in enumerate(day.of(StorageOwner)):
        released = np.array([state.source_t_per_h[owner.storage.site.bus] for state in day.world.grid.states])
        change = np.diff(owner.carbon.stored_tco2, prepend=0.0)
        taken = nodal[:, owner.storage.site.bus] * dispatch.charge_mw[row]
        assert change == pytest.approx(taken - released, abs=1e-12)
        assert owner.carbon.stored_tco2.min() >= 0.0
        moved += float(released.sum())
    assert moved > 0.1


def test_carbon_of_the_whole_feeder_is_conserved(day: Built) -> None:
    nodal, charge = intensities(day), np.zeros((24, day.world.grid.feeder.n_bus))
    for row, owner in enumerate(day.of(StorageOwner)):
        charge[:, owner.storage.site.bus] += day.one(Dso).today.plan.dispatch.charge_mw[row]
    drawn = np.array([state.drawn_mw for state in day.world.grid.states])
    metered = np.sum([day.world.meters[consumer.name] for consumer in day.of(Consumer)], axis=0)
    assert drawn.sum(axis=1) == pytest.approx(charge.sum(axis=1) + metered)
    # Loads carry what was emitted, less what is still in the tanks; losses are in their intensities.
    held = sum(owner.carbon.stored_tco2[-1] for owner in day.of(StorageOwner))
    used = float(np.sum(nodal * (drawn - charge)))
    assert used == pytest.approx(day.one(Dso).today.accounts.emission_tco2().sum() - held, rel=1e-5)


def test_pool_follows_the_schedule_and_returns(day: Built) -> None:
    plan = day.one(Dso).today.plan.pool
    for row, owner in enumerate(day.of(StorageOwner)):
        content = plan.first_tco2[row] + np.cumsum(plan.inflow_t_per_h[row] - plan.outflow_t_per_h[row])
        assert owner.carbon.pool_tco2 == pytest.approx(content, abs=1e-9)
        assert owner.carbon.pool_tco2[-1] == pytest.approx(plan.first_tco2[row], abs=1e-5)
    reported = set(day.one(Dso).storage_status)
    assert reported == {(owner.name, period) for owner in day.of(StorageOwner) for period in range(1, 25)}
