"""Multipliers under which a plan is stationary: a linear programme that finds the least miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError


@dataclass
class Multipliers:
    """Multipliers of a given plan, and what they must fulfil; all in shares of some scale.

    - `free`, `of_limit`: multipliers of equations and of limits
    - `vanishes`: a line of the gradient of the Lagrangian
    - `least_miss`: the least r for which there are multipliers that miss no line, nor any product of
      multiplier and slack, by more than r
    """

    _sizes: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _lines: list[tuple[Array, Mapping[str, Array]]] = field(default_factory=list)
    _slacks: list[tuple[str, Array]] = field(default_factory=list)

    def free(self, name: str, size: int) -> None:
        """Multipliers of equations, of either sign."""
        self._sizes[name] = size, False

    def of_limit(self, name: str, slack: Array, sign: float = 1.0) -> dict[str, Array]:
        """Multipliers of limits, at least 0; returns how they enter a line of the same length.

        Parameters
        ----------
        name : str
        slack : ndarray, shape (n,)
            How far the plan is from each limit, relative to the scale of the limit; below 0 counts as 0.
        sign : float
            1 for an upper limit, -1 for a lower one.
        """
        self._sizes[name] = len(slack), True
        self._slacks.append((name, np.maximum(slack, 0.0)))
        return {name: sign * np.eye(len(slack))}

    def vanishes(self, gradient: Array, terms: Mapping[str, Array]) -> None:
        """gradient + sum of terms times their multipliers = 0; shapes (n,) and (n, size)."""
        self._lines.append((gradient, terms))

    def least_miss(self) -> float:
        """The least miss of all conditions.

        Raises
        ------
        SolveError
            If the linear programme has no optimum.
        """
        lines, values = [], []
        for gradient, terms in self._lines:
            for sign in (1.0, -1.0):
                lines.append(self._row(len(gradient), {name: sign * one for name, one in terms.items()}))
                values.append(-sign * gradient)
        for name, slack in self._slacks:
            lines.append(self._row(len(slack), {name: np.diag(slack)}))
            values.append(np.zeros(len(slack)))
        n_column = sum(size for size, _ in self._sizes.values())
        bounds = [(0.0 if least else None, None) for size, least in self._sizes.values() for _ in range(size)]
        found = linprog(
            np.append(np.zeros(n_column), 1.0),
            A_ub=vstack(lines, format="csr"),
            b_ub=np.concatenate(values),
            bounds=[*bounds, (0.0, None)],
            method="highs",
        )
        if found.status != 0:
            raise SolveError(f"multipliers of a plan: {found.message}")
        return float(found.x[-1])

    def _row(self, n: int, terms: Mapping[str, Array]) -> csr_array:
        """Terms beside each other in the order of their multipliers, less r."""
        blocks = [
            csr_array(terms[name]) if name in terms else csr_array((n, size))
            for name, (size, _) in self._sizes.items()
        ]
        return hstack([*blocks, csr_array(-np.ones((n, 1)))], format="csr")
