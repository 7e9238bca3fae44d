"""Loads as whoever plans with them takes them: what was told is looked at before it is believed."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError
from gridarium.environment.horizon import Horizon, HorizonError


def told_mw(horizon: Horizon, name: str, load_mw: object) -> Array:
    """What an agent has told of its load on a day, in one's own steps.

    Parameters
    ----------
    horizon : Horizon
        One's own.
    name : str
        Who has told it.
    load_mw : ndarray, shape (n,)
        In the steps of whoever told it, MW or Mvar.

    Raises
    ------
    MessageError
        If it is no series, holds a value that is no finite number, or does not fit the steps of a day.
    """
    if not isinstance(load_mw, np.ndarray) or load_mw.ndim != 1:
        raise MessageError(f"agent {name}: the load that it tells must be a series, got {load_mw!r:.60}")
    if not np.isfinite(load_mw).all():
        step = int(np.argmin(np.isfinite(load_mw)))
        raise MessageError(
            f"agent {name}, step {step} of a day: the load that it tells must be finite, got {load_mw[step]}"
        )
    try:
        return horizon.fit(load_mw)
    except HorizonError as error:
        shape = f"got {len(load_mw)} steps in place of {horizon.n_step}"
        raise MessageError(f"agent {name}: the load that it tells must cover its day, {shape}") from error
