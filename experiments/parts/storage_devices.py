"""Storages of a grid that were made before, whoever owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridarium.agents.devices.storage import StorageDevice
    from gridarium.environment.grids import Grid


def storage_devices(grid: Grid) -> dict[str, StorageDevice]:
    """Devices of owners and of those that stand by, by the names of their agents in the world."""
    from gridarium.agents.storage.storage_agent import StorageAgent

    found = (agent for agent in grid.world.agents if isinstance(agent, StorageAgent))
    return {agent.name: agent.storage for agent in found if agent.grid is grid}
