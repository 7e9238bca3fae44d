"""The green label that owners keep: against its replay on the schedule alone, by each rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from gridarium.agents.devices.storage_label import LabelRule, LabelTerms, StorageLabel
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import series
from gridarium.environment.attribute_tank import AttributeTank
from gridarium.environment.green_label import LabelledSchedule, replay_label
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageFlow, StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.cleanness import GreenShares
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.status import StatusRequest, StorageStatus

MakeWorld = Callable[..., World]
RATINGS = StorageRatings("a", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)
CHARGE = np.array([0.4, 0.0, 0.0, 0.3, 0.0, 0.0])
DISCHARGE = np.array([0.0, 0.3, 0.2, 0.0, 0.35, 0.0])
SHARE = np.array([0.6, 0.5, 0.2, 0.9, 0.3, 0.3])
GREEN = ("green_mwh", "green_in_mwh", "green_out_mwh", "green_share")


def run(
    world: World, terms: LabelTerms | None, share: np.ndarray = SHARE
) -> tuple[StorageOwner, list[object]]:
    owner = StorageOwner(Site(world.grid, 1), "a", RATINGS, "vpp", label=terms)
    heard: list[object] = []
    vpp = world.bus.connect("vpp", lambda envelope: heard.append(envelope.payload))
    if terms is not None and share is not None:
        vpp.send("a", GreenShares(0, series(share)))
    vpp.send("a", StorageCommand(1, 0, series(CHARGE), series(DISCHARGE)))
    while world.running:
        world.step()
    return owner, heard


def told_rows(owner: StorageOwner) -> dict[str, np.ndarray]:
    (rows,) = (each for each in owner.rows() if each.table == "storages")
    return {name: np.asarray(values) for name, values in rows.values.items()}


def as_replayed(rule: LabelRule) -> list[np.ndarray]:
    """Inside, charged and discharged by `replay_label`; the choice of how much leaves is made in the test."""
    wanted = None
    if rule == "load-generator":
        tank = AttributeTank("by hand", 0.5, 0.1, rule, intensity_max=1.0)
        wanted = np.zeros(len(SHARE))
        for period, share in enumerate(SHARE):
            into, out = 0.92 * CHARGE[period], DISCHARGE[period] / 0.95
            # All that is inside, but no more than the energy that leaves.
            wanted[period] = 0.95 * min(tank.attribute, out)
            tank.step(into, out, share * into, wanted[period] / 0.95)
    labels = replay_label(RATINGS, LabelledSchedule(CHARGE, DISCHARGE, SHARE, 1.0, wanted), 0.1, rule)
    return [labels.stored_mwh, labels.in_mwh, labels.out_mwh, labels.share]


@pytest.mark.parametrize("rule", get_args(LabelRule))
def test_an_owner_labels_as_the_replay_of_its_schedule(make_world: MakeWorld, rule: LabelRule) -> None:
    owner, heard = run(make_world(6), LabelTerms(rule, 0.2))
    assert heard[:2] == [Receipt(), Receipt()]
    found, expected = told_rows(owner), as_replayed(rule)
    for name, values in zip(GREEN, expected, strict=True):
        assert found[name] == pytest.approx(values, abs=1e-12), name
    states = [payload for payload in heard if isinstance(payload, StorageStatus)]
    assert [state.green_mwh for state in states] == pytest.approx(expected[0])
    assert [state.green_discharge_mwh for state in states] == pytest.approx(expected[2])
    assert owner.storage.tell_status(StatusRequest(6), "vpp") == states[-1]


def test_rules_differ(make_world: MakeWorld) -> None:
    out = {rule: as_replayed(rule)[2].sum() for rule in get_args(LabelRule)}
    assert len({round(float(each), 6) for each in out.values()}) == 3
    assert out["load-generator"] == max(out.values())


def test_what_is_charged_before_shares_are_told_is_not_green(make_world: MakeWorld) -> None:
    owner, _ = run(make_world(6), LabelTerms("proportional", 0.2), None)
    told = told_rows(owner)
    assert told["green_in_mwh"].tolist() == [0.0] * 6
    assert told["green_mwh"][-1] + told["green_out_mwh"].sum() / 0.95 == pytest.approx(0.1)


def test_an_owner_without_a_label_tells_of_none(make_world: MakeWorld) -> None:
    owner, heard = run(make_world(6), None)
    assert not set(GREEN) & set(told_rows(owner))
    states = [payload for payload in heard if isinstance(payload, StorageStatus)]
    assert {(state.green_mwh, state.green_discharge_mwh) for state in states} == {(None, None)}


@pytest.mark.parametrize("rule", get_args(LabelRule))
def test_energy_that_passes_through_within_a_period_is_as_green_as_it_came(
    make_world: MakeWorld, rule: LabelRule
) -> None:
    label = StorageLabel(RATINGS, LabelTerms(rule, 0.2), Horizon.of(make_world()))
    label.hear_shares(GreenShares(0, series([0.8, 0.8, 0.8])), "vpp")
    # 0.5 MWh were inside, 0.7 MWh leave: 0.2 MWh of the 0.3 MWh that enter pass through.
    label.settle(0, StorageFlow(0.3, 0.7))
    told = {name: float(values[0]) for name, values in label.columns.items()}
    assert told["green_in_mwh"] == pytest.approx(0.8 * 0.3 / 0.92)
    assert told["green_mwh"] == pytest.approx(0.8 * 0.1)
    assert told["green_out_mwh"] == pytest.approx((0.1 + 0.8 * 0.2) * 0.95)
