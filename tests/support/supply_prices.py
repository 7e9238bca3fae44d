"""Whether a price told for a day supports its dispatch: probed by costs of another solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from bulk_references import BulkCase, reference_cost

from gridarium.environment.arrays import Array


class Probe(NamedTuple):
    """How much less a load of another size costs than a price says; relative to what that says.

    Parameters
    ----------
    step : int
        In which load was moved; -1 for all at once.
    moved_mw : float
    shortfall : float
        ``(C(L) + y d - C(L + d)) / |y d|``, at most 0 for a subgradient.
    """

    step: int
    moved_mw: float
    shortfall: float


def probes(
    case: BulkCase,
    load_mw: Array,
    price_per_mwh: Array,
    shares: Sequence[float] = (0.03,),
    steps: Sequence[int] | None = None,
) -> Iterator[Probe]:
    """Move the load of each step, and of all, up and down by shares of its mean; or of some steps alone.

    Where a load of another size cannot be supplied its cost is infinite, and no price is too high or low.

    Raises
    ------
    AssertionError
        If the load itself cannot be supplied.
    """
    here = reference_cost(case, case.on, case.state, load_mw)
    assert here is not None
    n = len(load_mw)
    moves = [*enumerate(np.eye(n)), (-1, np.ones(n))]
    moves = moves if steps is None else [moves[step] for step in steps]
    for share in shares:
        for step, move in moves:
            for moved_mw in (share * float(load_mw.mean()), -share * float(load_mw.mean())):
                there = reference_cost(case, case.on, case.state, load_mw + moved_mw * move)
                if there is None:
                    continue
                told = case.period_h * moved_mw * float(price_per_mwh @ move)
                yield Probe(step, moved_mw, (here + told - there) / abs(told))
