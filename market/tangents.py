"""Concave utilities seen from above: the lowest of their tangents, in pieces that an LP can use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.arrays import Array
from gridarium.market.utility import Utility

Index = NDArray[np.intp]
Straight = tuple[list[float], list[float]]
"""Slopes, money/MWh, and widths, MWh, of the pieces of one function, from left to right."""


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
    return joined([tangents(utility, volumes) for utility, volumes in zip(utilities, touched, strict=True)])


def tangents(utility: Utility, touched: Sequence[float]) -> Straight:
    """Slopes and widths of the lowest of the tangents on one utility; arguments as in `lower_envelope`."""
    end = max(touched)
    points: list[float] = []
    for volume in sorted(touched):
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
    return slope, [right - left for left, right in pairwise([0.0, *ends, end])]


def joined(envelopes: Iterable[Straight]) -> Pieces:
    """Pieces of several functions, each given as slopes and widths."""
    owner: list[int] = []
    slopes: list[float] = []
    widths: list[float] = []
    for buyer, (slope, width) in enumerate(envelopes):
        owner += [buyer] * len(slope)
        slopes += slope
        widths += width
    return Pieces(np.array(owner, dtype=np.intp), np.array(slopes), np.array(widths))
