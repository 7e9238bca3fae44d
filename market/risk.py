"""Attitudes to what is not known: what a plan is judged by, given its cost in each scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError

Kind = Literal["expected", "cvar", "min-max-regret"]


def tail_mean(cost_money: Array, weights: Array, tail_share: float) -> float:
    """Mean of the dearest scenarios that make up a share of all: the conditional value at risk.

    Parameters
    ----------
    cost_money, weights : ndarray, shape (n_scenario,)
    tail_share : float
        In (0, 1]; at 1 it is the mean of all.

    Notes
    -----
    ``min_eta eta + sum_s w_s (C_s - eta)^+ / tail_share`` [1]_, whose best eta is a quantile.

    References
    ----------
    .. [1] R. T. Rockafellar, S. Uryasev, 2000, doi:10.21314/JOR.2000.038
    """
    dearest = np.argsort(-cost_money, kind="stable")
    before = np.cumsum(weights[dearest]) - weights[dearest]
    part = np.clip(tail_share - before, 0.0, weights[dearest])
    return float(part @ cost_money[dearest]) / tail_share


@dataclass(frozen=True)
class Attitude:
    """What a plan under scenarios is to keep small.

    Parameters
    ----------
    kind : {"expected", "cvar", "min-max-regret"}
        The mean cost; the mean of its dearest tail; the most by which it exceeds what would have been best
        had the scenario been known.
    tail_share : float
        Of "cvar": probability of the tail, in (0, 1].

    Raises
    ------
    InputError
        If the tail is no such share.
    """

    kind: Kind
    tail_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.tail_share <= 1.0:
            raise InputError("attitude", [Fault("tail_share", self.tail_share, "must be in (0, 1]")])

    def value_money(self, cost_money: Array, weights: Array, best_money: Array) -> float:
        """What a plan is judged by.

        Parameters
        ----------
        cost_money, weights : ndarray, shape (n_scenario,)
        best_money : ndarray, shape (n_scenario,)
            Least cost of each scenario for who had known it; plays no part but in regret.
        """
        if self.kind == "expected":
            return float(weights @ cost_money)
        if self.kind == "cvar":
            return tail_mean(cost_money, weights, self.tail_share)
        return float((cost_money - best_money).max())
