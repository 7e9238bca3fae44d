"""Arrays of numbers as all floors know them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


def series(values: Sequence[float] | Array) -> Array:
    """A read-only copy of a series, fit for a message."""
    copy = np.array(values, dtype=np.float64)
    copy.flags.writeable = False
    return copy
