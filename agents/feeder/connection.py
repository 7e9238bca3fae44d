"""Where a consumer's load meets the feeder."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class Connection:
    """Where a consumer's load meets the feeder; the operator knows this of its customers.

    Parameters
    ----------
    p_share : ndarray, shape (n_bus,)
        How the load spreads over the buses.
    q_per_p : ndarray, shape (n_bus,)
        Reactive per active power.
    """

    p_share: Array
    q_per_p: Array
