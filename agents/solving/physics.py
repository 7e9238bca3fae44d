"""What a relaxation leaves out of a problem with cones: who knows it tells it here."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.solving.standard_form import Multipliers, Numbers
from gridarium.environment.arrays import Array


class Physics(Protocol):
    """Knows which points of a form are physical ones, though its constraints only say it with cones."""

    def tightened(self, numbers: Numbers, signals: Array) -> Numbers:
        """The same problem with bounds that every physical point keeps, so that a relaxation stays finite."""

    def completed(self, x: Array, signals: Array) -> Array:
        """The physical point with the same decisions; its rotated cones hold with equality.

        Parameters
        ----------
        x : ndarray, shape (n_decision,)
        signals : ndarray, shape (n_signal,)

        Raises
        ------
        PowerFlowError
            If there is none.
        """

    def better_switches(
        self, x: Array, signals: Array, numbers: Numbers, multipliers: Multipliers
    ) -> NDArray[np.int8]:
        """Binaries that would be best if marginal values stayed as at x; -1 where either would do."""

    def starts(self, still: Array, numbers: Numbers) -> tuple[Array, ...]:
        """First points beside the one without flow, for problems that only losses make feasible."""

    def tilts(self, numbers: Numbers) -> tuple[Array, ...]:
        """Changes of the cost that lead to different ends, shape (n_decision,) each.

        Where more of the squares pays, an end depends on where it was come from.
        """

    def blended(self, points: tuple[Array, ...], numbers: Numbers) -> Array:
        """A start made of the better parts of several points."""
