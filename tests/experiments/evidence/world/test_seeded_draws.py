"""Streams of random numbers worked out again by seed and name."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.evidence.seeded_draws import own_stream, streams_by_name


class _World:
    def __init__(self, seed: int) -> None:
        self.streams = RandomStreams(seed)


def test_a_stream_begins_where_seed_and_name_put_it() -> None:
    told = RandomStreams(7).stream("unit/noise").standard_normal(5)
    assert np.array_equal(own_stream(7, "unit/noise").standard_normal(5), told)
    assert not np.array_equal(own_stream(8, "unit/noise").standard_normal(5), told)
    assert not np.array_equal(own_stream(7, "unit/noises").standard_normal(5), told)


def test_streams_of_other_names_are_counted() -> None:
    world: Any = _World(3)
    assert not list(streams_by_name(world))
    for name in ("a", "b"):
        world.streams.stream(name).standard_normal()
    (reading,) = streams_by_name(world)
    assert reading.value == 0.0
    world.streams._streams["b"] = own_stream(3, "c")
    (reading,) = streams_by_name(world)
    assert reading.value == 1.0
