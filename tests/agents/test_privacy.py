"""Only what is on the bus leaves an agent: nobody reads another's private fields."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import pytest
from plant_worlds import plant_world

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import ConsumerDay
from gridarium.agents.feeder.elastic_consumer import ElasticDay
from gridarium.environment.connection import Connection
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

BATTERY = "consumers.residential.battery={p_max_mw: 0.1, e_max_mwh: 0.2}"
ACTIVE = ("tap_changer={}", "compensators={svc: {q_min_mvar: -0.2, q_max_mvar: 0.3}}")


def acting_agent(frame: FrameType | None) -> GridAgent | None:
    """The agent that runs: the nearest caller whose `self` is one."""
    while frame is not None:
        found = frame.f_locals.get("self")
        if isinstance(found, GridAgent):
            return found
        frame = frame.f_back
    return None


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], list[str]]]:
    """Note every private field that an agent reads or writes: its own, and those of others.

    Of a consumer's day everything is private, whatever its name. A storage belongs to its owner.
    """
    own, foreign = list[str](), list[str]()

    def note(thing: GridAgent | ConsumerDay | ElasticDay | StorageDevice, field: str) -> None:
        is_day = issubclass(type(thing), ConsumerDay | ElasticDay)
        if field.startswith("__") or not (is_day or field.startswith("_")):
            return
        reader = acting_agent(sys._getframe(2))
        if reader is None:
            return
        # A day or a storage that is being made has no owner yet.
        is_part = not isinstance(thing, GridAgent)
        if reader is thing or (is_part and vars(thing).get("_owner", reader.name) == reader.name):
            own.append(field)
        else:
            foreign.append(f"{type(reader).__name__} touches {type(thing).__name__}.{field}")

    def read(thing: GridAgent | ConsumerDay | ElasticDay | StorageDevice, field: str) -> Any:
        note(thing, field)
        return object.__getattribute__(thing, field)

    def write(thing: GridAgent | ConsumerDay | ElasticDay | StorageDevice, field: str, value: Any) -> None:
        note(thing, field)
        object.__setattr__(thing, field, value)

    with monkeypatch.context() as patch:
        for kind in (GridAgent, ConsumerDay, ElasticDay, StorageDevice):
            patch.setattr(kind, "__getattribute__", read, raising=False)
            patch.setattr(kind, "__setattr__", write, raising=False)
        yield own, foreign


def run_day(*settings: str) -> Built:
    built = build(load_scenario("adcef", [BATTERY, *settings]).cases["adcef-high-res"])
    while built.world.running:
        built.world.step()
    return built


@pytest.mark.parametrize("pool", ["managed", "strict"])
def test_no_agent_touches_anothers_private_fields(monkeypatch: pytest.MonkeyPatch, pool: str) -> None:
    with watched(monkeypatch) as (own, foreign):
        run_day(f"tariff.pool={pool}", *ACTIVE)
    assert foreign == []
    # The watch was on: every kind of agent has used fields of its own.
    assert {"demand", "_profile", "_terms", "_told_charge_mw", "_limit_mw", "_planner"} <= set(own)
    assert {"_told", "_moved", "_told_mvar"} <= set(own)


def test_elastic_consumers_tell_nothing_but_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    group = "{share: 1.0, elasticity: residential, placement: each-bus, forecast: as-yesterday}"
    elastic = [
        "consumers=null",
        f"consumers.homes={group}",
        "tariff.kind=nodal-carbon-surcharge",
    ]
    small = load_scenario("adcef-small", elastic)
    with watched(monkeypatch) as (own, foreign):
        built = build(small.cases["adcef"])
        while built.world.running:
            built.world.step()
    assert foreign == []
    assert {"demand", "_elasticities", "_demand", "turned_out_mw"} <= set(own)


def test_no_plant_touches_anothers_private_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(monkeypatch) as (own, foreign):
        plant_world(rounds=1).run()
    assert foreign == []
    assert {"_outlook", "_valuer", "_desk", "_books", "_membership", "_told_charge_mw"} <= set(own)


def test_no_owner_or_pool_touches_anothers_private_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = "storage_pool={groups_may_leave: true, revisions: together, owners_verify: true}"
    pooled = ["tariff.kind=tou", "dso.storage=pooled", groups, "horizon_h=96", "gas_turbines={}"]
    small = load_scenario("adcef-small", pooled)
    with watched(monkeypatch) as (own, foreign):
        built = build(small.cases["tou"])
        while built.world.running:
            built.world.step()
    assert foreign == []
    assert {"_books", "_enrolled", "_membership", "_regime", "_told_charge_mw"} <= set(own)


class Spy(Behaviour):
    """Looks at the neighbours' loads before it acts."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        neighbours = [other for other in agent.world.agents if isinstance(other, Consumer)]
        return planned + 0.0 * sum(other.day(0).plan_mw[period] for other in neighbours)


class Meddler(Behaviour):
    """Turns back a neighbour's calendar."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        for other in agent.world.agents:
            if isinstance(other, Consumer) and other is not agent:
                other._today = 0
        return planned


class Impostor(Behaviour):
    """Could speak in its neighbours' names, for which it needs their connections."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        neighbours = [other for other in agent.world.agents if isinstance(other, Consumer)]
        return planned + 0.0 * len([other._connection for other in neighbours])


@pytest.mark.parametrize(
    ("spy", "field"),
    [(Spy, "ConsumerDay.plan_mw"), (Meddler, "Consumer._today"), (Impostor, "Consumer._connection")],
    ids=["spy", "meddler", "impostor"],
)
def test_the_watch_catches_a_spy(monkeypatch: pytest.MonkeyPatch, spy: type, field: str) -> None:
    with watched(monkeypatch) as (_, foreign):
        run_day(f"consumers.commercial.behaviour=['{__name__}:{spy.__name__}']")
    assert set(foreign) == {f"Consumer touches {field}"}
    # Two neighbours, in each of 24 periods.
    assert len(foreign) == 48


def arrays_of(payload: Any) -> Iterator[np.ndarray]:
    if isinstance(payload, np.ndarray):
        yield payload
    elif dataclasses.is_dataclass(payload):
        for field in dataclasses.fields(payload):
            yield from arrays_of(getattr(payload, field.name))


def test_nothing_that_is_sent_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, loose, send = set[str](), list[str](), Connection.send

    def checked(connection: Connection, recipient: str, payload: Any, **more: Any) -> None:
        kinds.add(type(payload).__name__)
        for array in arrays_of(payload):
            if array.flags.writeable or (array.base is not None and array.base.flags.writeable):
                loose.append(f"{type(payload).__name__} from {connection.name}")
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", checked)
    run_day(*ACTIVE)
    assert loose == []
    assert {"TariffSignal", "LoadPlan", "StorageCommand", "CarbonTerms", "CarbonOffer"} <= kinds
    assert {"TapPosition", "TapCommand", "CompensatorSetpoint"} <= kinds
