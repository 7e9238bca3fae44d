"""Random numbers for each agent and process, tied to its name and to one root seed."""

from __future__ import annotations

import hashlib

import numpy as np

from gridarium.environment.errors import Fault, ScenarioError


class RandomStreams:
    """Independent generators, one for each name.

    A stream depends on the root seed and on its own name only, never on when or whether other streams
    were asked for. Adding an agent therefore changes nobody else's draws, and the cases of a study that
    use the same names share their draws (common random numbers).

    Parameters
    ----------
    seed : int
        Root seed of the run, not negative.

    Raises
    ------
    ScenarioError
        If the seed is negative.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ScenarioError("random streams", [Fault("seed", seed, "must be an integer in [0, inf)")])
        self.seed = seed
        self._streams: dict[str, np.random.Generator] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all streams that were asked for, in that order."""
        return tuple(self._streams)

    def stream(self, name: str) -> np.random.Generator:
        """Return the generator of this name; the same object each time, so draws go on where they ended."""
        if name not in self._streams:
            # Python's own hash() of a string changes from process to process; SHA-256 does not.
            digest = hashlib.sha256(name.encode()).digest()
            words = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, len(digest), 4))
            sequence = np.random.SeedSequence(self.seed, spawn_key=words)
            self._streams[name] = np.random.Generator(np.random.PCG64(sequence))
        return self._streams[name]
