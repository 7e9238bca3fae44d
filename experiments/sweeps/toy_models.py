"""Plain functions that a study can run instead of a scenario: quick, with results known in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


def ishigami(parameters: Mapping[str, float], seed: int) -> dict[str, dict[str, float]]:
    """Return the Ishigami function of x1, x2 and x3, each uniform in [-pi, pi].

    Parameters
    ----------
    parameters : mapping
        x1, x2, x3; a and b, by default 7 and 0.1; noise, the standard deviation of what is added, 0.
    seed : int
        Of the noise.

    Notes
    -----
    ``y = sin x1 + a sin(x2)**2 + b x3**4 sin x1`` [1]_. With the defaults the first-order indices are
    0.3139, 0.4424 and 0, the total ones 0.5576, 0.4424 and 0.2437.

    References
    ----------
    .. [1] T. Ishigami, T. Homma, 1990, doi:10.1109/ISUMA.1990.151285
    """
    x1, x2, x3 = (float(parameters[name]) for name in ("x1", "x2", "x3"))
    a, b = parameters.get("a", 7.0), parameters.get("b", 0.1)
    y = math.sin(x1) + a * math.sin(x2) ** 2 + b * x3**4 * math.sin(x1)
    noise = parameters.get("noise", 0.0)
    if noise:
        y += noise * float(np.random.default_rng(seed).standard_normal())
    return {"base": {"y": y}}
