"""Storages that get too hot: they isolate themselves, whatever the links, and come back when cool."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from gridarium.agents.devices.incidents import cools_less
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_mass import ThermalRatings
from gridarium.environment.world import World
from gridarium.market.messages.commands import StorageCommand
from small_cases import two_buses

HOUR_S = 3600.0
BATTERY = StorageRatings("pool", 0.5, 5.0, 0.1, 0.9, 0.5, 0.9, 0.9, 0.6)
# 0.4 MW charged lose 0.04 MW, which heat to 20 + 80 degrees in the end.
HOT = ThermalRatings(20.0, 2000.0, 0.5, 60.0, 40.0)


class Place:
    """A storage for some hours, commanded beforehand: no message gets through."""

    def __init__(self, charge: list[float], ratings: ThermalRatings = HOT) -> None:
        clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), HOUR_S)
        grid = Grid(two_buses(), np.full(len(charge), 0.6))
        self.world = World(grid, clock, len(charge), 0.0, settles_after_s=HOUR_S)
        self.owner = StorageOwner(Site(grid, 1), "pool", BATTERY, "dso")
        self.world.bus.connect("dso", lambda envelope: None)
        self.world.bus.add_outage("pool", 0.0, len(charge) * HOUR_S + 1.0)
        nothing = series(np.zeros(len(charge)))
        self.owner.storage.take_command(StorageCommand(1, 0, series(charge), nothing), "dso")
        self.owner.storage.fit(ratings)
        self.moved_s: list[float] = []
        self.owner.storage.breaker.watch(lambda: self.moved_s.append(clock.now_s))
        self.seen: list[tuple[float, float, float]] = []

    def look(self, every_s: float) -> None:
        """Read power and temperature at regular instants."""

        def story():
            while True:
                storage = self.owner.storage
                self.seen.append((self.world.clock.now_s, storage.power[0], storage.thermal.temperature_c))
                yield self.world.clock.timeout(every_s)

        self.world.clock.process(story())

    def run(self) -> None:
        while self.world.running:
            self.world.step()


def test_it_isolates_itself_and_comes_back_without_any_message() -> None:
    place = Place([0.4, 0.4, 0.0])
    place.run()
    heats_h, cools_h, again_h = 0.5 * np.log(80 / 40), 0.5 * np.log(40 / 20), 0.5 * np.log(60 / 40)
    turns_h = np.cumsum([heats_h, cools_h, again_h, cools_h, again_h, cools_h, again_h])
    turns_h = turns_h[turns_h < 2.0]
    assert np.array(place.moved_s[: len(turns_h)]) / HOUR_S == pytest.approx(turns_h, abs=1e-9)
    assert len(turns_h) == 7
    # On until it trips, off until it is cool: means of the hours by hand.
    on = [(0.0, turns_h[0]), *zip(turns_h[1::2], turns_h[2::2], strict=True)]
    means = [sum(max(0.0, min(b, t + 1) - max(a, t)) for a, b in on) for t in (0.0, 1.0)]
    assert place.owner.storage.charge_mw == pytest.approx([0.4 * means[0], 0.4 * means[1], 0.0], abs=1e-9)
    assert place.world.grid.states[0].charge_mw[1] == pytest.approx(0.4 * means[0])
    assert place.owner.storage.thermal.highest_c[:2] == pytest.approx([60.0, 60.0])
    storages = [rows for rows in place.owner.rows() if rows.table == "storages"]
    assert storages[0].values["temperature_max_c"].max() == pytest.approx(60.0)


def test_its_temperature_against_an_integration_of_what_it_loses() -> None:
    place = Place([0.4, 0.1, 0.45, 0.2])
    cools_less(place.world.clock, place.owner.storage.thermal, 4000.0, 5000.0, 3.0)
    place.look(5.0)
    place.run()
    times_s, power_mw, found = np.array(place.seen).T
    assert len(place.moved_s) >= 4

    def rise(t_s: float, c: np.ndarray) -> np.ndarray:
        loss = 0.1 * -power_mw[min(int(t_s // 5.0), len(power_mw) - 1)]
        factor = 3.0 if 4000.0 <= t_s < 9000.0 else 1.0
        return (2000.0 * factor * loss - (c - 20.0)) / (0.5 * HOUR_S)

    whole = solve_ivp(rise, (0.0, times_s[-1]), [20.0], t_eval=times_s, max_step=2.5)
    # The breaker moves somewhere within five seconds, worth half a degree of the steepest rise.
    assert np.abs(found - whole.y[0]).max() < 1.0
    assert found.max() > 55.0
    assert found[-1] == pytest.approx(place.owner.storage.thermal.last_c[-1], abs=1.0)


def test_one_that_stays_cool_changes_nothing() -> None:
    place = Place([0.15, 0.15, 0.0])
    place.run()
    assert place.moved_s == []
    assert place.owner.storage.charge_mw.tolist() == [0.15, 0.15, 0.0]
    rest = 20.0 + 30.0 * (1.0 - np.exp(-2.0))
    assert place.owner.storage.thermal.last_c[0] == pytest.approx(rest)
