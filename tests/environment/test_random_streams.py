from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import ScenarioError
from gridarium.environment.random_streams import RandomStreams


@given(names=st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True), seed=st.integers(0, 2**70))
def test_a_stream_depends_on_seed_and_name_only(names: list[str], seed: int) -> None:
    forward, backward = RandomStreams(seed), RandomStreams(seed)
    first = {name: forward.stream(name).random(3).tolist() for name in names}
    second = {name: backward.stream(name).random(3).tolist() for name in reversed(names)}
    assert first == second
    assert len({tuple(draws) for draws in first.values()}) == len(names)


def test_same_name_continues_the_same_stream() -> None:
    streams = RandomStreams(3)
    assert streams.stream("dso") is streams.stream("dso")
    draws = [streams.stream("dso").random() for _ in range(4)]
    assert draws == RandomStreams(3).stream("dso").random(4).tolist()


def test_seeds_differ() -> None:
    assert RandomStreams(1).stream("dso").random() != RandomStreams(2).stream("dso").random()


def test_streams_are_the_same_in_another_process() -> None:
    code = (
        "from gridarium.environment.random_streams import RandomStreams;"
        "print(RandomStreams(7).stream('wind').integers(0, 2**62))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(answer.stdout) == RandomStreams(7).stream("wind").integers(0, 2**62)


def test_streams_of_similar_names_are_uncorrelated() -> None:
    streams = RandomStreams(0)
    draws = np.array([streams.stream(f"user_{i}").normal(size=2000) for i in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(2000)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(ScenarioError, match="seed: got -1"):
        RandomStreams(-1)
