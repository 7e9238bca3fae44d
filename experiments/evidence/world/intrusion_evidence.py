"""What intruders on links came to: their metrics, and the certificate of secured links."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.environment.world import World
from gridarium.experiments.evidence.grid_evidence import Tables
from gridarium.experiments.results.records import Reading


def intrusion_metrics(tables: Tables) -> dict[str, float]:
    """How many intrusions acted, were refused, or carried honest messages late; none without intruders."""
    table = tables.get("intrusions")
    if table is None:
        return {}
    return {
        f"intrusions_{outcome}": float((table["outcome"] == outcome).sum())
        for outcome in ("acted", "refused", "carried")
    }


def forged_messages(world: World) -> Iterator[Reading]:
    """Whether a secured link has handed over anything that its sender had not sealed, or anything twice."""
    table = world.bus.intrusions()
    secured = table[table["is_secured"].astype(bool)]
    if len(secured):
        acted = float((secured["outcome"] == "acted").sum())
        yield Reading(
            "forged messages that acted", acted, 0.0, "", True,
            f"how many of {len(secured)} intrusions on secured links had their recipient act",
        )  # fmt: skip
