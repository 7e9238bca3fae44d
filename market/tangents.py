"""Concave utilities seen from above: the lowest of their tangents, in pieces that an LP can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.arrays import Array
from gridarium.market.utility import Utility

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Straight pieces of several functions, each function's from left to right.

    Parameters
    ----------
    buyer : ndarray of int, shape (n_piece,)
        Whose utility a piece is above.
    slope : ndarray, shape (n_piece,)
        money/MWh, falling along each function.
    width : ndarray, shape (n_piece,)
        MWh.
    """

    buyer: Index
    slope: Array
    width: Array


def lower_envelope(utilities: Sequence[Utility], touched: Sequence[Sequence[float]]) -> Pieces:
    """Lowest of the tangents on each utility, from 0 to the largest of the volumes they touch at.

    Parameters
    ----------
    utilities : sequence of Utility
    touched : sequence of sequences of float
        Volumes, MWh, for each utility, 0 among them; the order is free.
    """
    owner: list[int] = []
    slopes: list[float] = []
    widths: list[float] = []
    for buyer, (utility, volumes) in enumerate(zip(utilities, touched, strict=True)):
        end = max(volumes)
        points: list[float] = []
        for volume in sorted(volumes):
            # Tangents that almost coincide cross at a point that is all rounding.
            if not points or volume - points[-1] > 1e-7 * end:
                points.append(volume)
        slope = [utility.marginal(point) for point in points]
        rise = [utility.value(point) - point * s for point, s in zip(points, slope, strict=True)]
        ends = [
            min(max((rise[k + 1] - rise[k]) / (slope[k] - slope[k + 1]), points[k]), points[k + 1])
            if slope[k] > slope[k + 1]
            else points[k + 1]
            for k in range(len(points) - 1)
        ]
        owner += [buyer] * len(points)
        slopes += slope
        widths += np.diff([0.0, *ends, end]).tolist()
    return Pieces(np.array(owner, dtype=np.intp), np.array(slopes), np.array(widths))
