"""Members of a class that is divided into several agents: their names and their sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.random_streams import RandomStreams


def member_names(kind: str, count: int) -> list[str]:
    """Names of the agents of a class: its own for one that is alone, else CLASS_1, CLASS_2, ..."""
    return [kind] if count == 1 else [f"{kind}_{number + 1}" for number in range(count)]


def member_sizes(names: Sequence[str], diversity: float, streams: RandomStreams) -> Array:
    """Parts of a class's panels and of its load that its members have, shape (n_member, 2); each sums to 1.

    Parameters
    ----------
    names : sequence of str
        Of the members, in the world.
    diversity : float
        Standard deviation of their sizes, share of the mean.
    streams : RandomStreams

    Notes
    -----
    Before they are made to sum to 1, sizes are lognormal with a mean of 1: none is negative. Each member
    draws for itself, so that further ones change the others' sizes by a common factor only.
    """
    spread = math.sqrt(math.log1p(diversity**2))
    drawn = np.array([streams.stream(f"{name}/size").standard_normal(2) for name in names])
    sizes = np.exp(spread * drawn)
    return np.asarray(sizes / sizes.sum(axis=0))
