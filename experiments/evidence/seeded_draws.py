"""Random numbers by seed and name, worked out again beside the streams of a world."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import numpy as np

from gridarium.environment.world import World
from gridarium.experiments.results.records import Reading


def own_stream(seed: int, name: str) -> np.random.Generator:
    """A generator at its begin: PCG64, spawned from the seed by the eight words of the name's SHA-256."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, name)))


def _sequence(seed: int, name: str) -> np.random.SeedSequence:
    return np.random.SeedSequence(
        seed, spawn_key=struct.unpack(">8I", hashlib.sha256(name.encode()).digest())
    )


def streams_by_name(world: World) -> Iterator[Reading]:
    """Whether everybody who draws has drawn from the stream of its name."""
    streams, astray = world.streams, 0
    for name in streams.names:
        told, own = streams.stream(name).bit_generator.seed_seq, _sequence(streams.seed, name)
        astray += told.generate_state(8).tolist() != own.generate_state(8).tolist()
    if streams.names:
        yield Reading(
            "streams by name", float(astray), 0.0, "", True,
            "streams of random numbers that do not begin where the seed of the run and the SHA-256 of their "
            "name put them",
        )  # fmt: skip
