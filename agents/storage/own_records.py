"""An owner's own entries in the records: what its meter writes of each period."""

from __future__ import annotations

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.storage import StorageDevice
from gridarium.environment.records import EXECUTED, TaskEnergies


def executed(storage: StorageDevice, period: int, period_h: float) -> TaskEnergies:
    """What a storage has taken from and given to the grid in a period that is over, as its meter reads it."""
    powers = (storage.charge_mw[period], storage.discharge_mw[period], storage.q_mvar[period])
    return TaskEnergies(*(float(power) * period_h for power in powers))


def record_executed(owner: GridAgent, storage: StorageDevice, period: int) -> None:
    """Let the meter of a storage write what was done in a period."""
    world = owner.world
    read = executed(storage, period, world.period_h)
    world.records.write(world.clock.now_s, owner.name, owner.name, EXECUTED, period, **read._asdict())
