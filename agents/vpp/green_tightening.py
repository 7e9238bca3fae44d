"""Ends of green share and energy inside a storage, from linear problems that no better plan can leave."""

from __future__ import annotations

from dataclasses import replace

import highspy
import numpy as np

from gridarium.agents.solving.highs_solver import highs_model, run_highs
from gridarium.agents.vpp.green_day import GreenDay
from gridarium.agents.vpp.green_dispatch_problem import GreenShape, green_form, green_numbers, pairs
from gridarium.environment.arrays import Array

_SLACK = 1e-6
"""What is added to a bound against the solver's tolerance."""
_WORTH = 0.1
"""Part of a range that must be in question for its end to be sought."""
_PRIMAL_SIMPLEX = 4


def tightened(shape: GreenShape, day: GreenDay, most_money: float) -> GreenShape:
    """A shape with the shares and energies of relaxed plans that cost no more than a given amount.

    Parameters
    ----------
    shape : GreenShape
        Of the share form.
    day : GreenDay
    most_money : float
        What nobody wants to know of plans that cost more.

    Raises
    ------
    InfeasibleError
        If no plan costs so little.

    Notes
    -----
    Binaries count as continuous here, so that nothing is cut off that a plan of lower cost needs. Ends that
    another problem's solution has nearly reached already are left as they are.
    """
    form = green_form(shape)
    highs, cost, constant = _relaxed(shape, day)
    priced = np.flatnonzero(cost).astype(np.int32)
    most = most_money - constant + _SLACK * abs(most_money)
    highs.addRow(-np.inf, most, len(priced), priced, cost[priced])
    columns = np.arange(len(cost), dtype=np.int32)
    seen = np.tile(run_highs(highs), (2, 1))
    ends = {"share": np.array(shape.share_ends).T, "energy_mwh": np.array(shape.energy_ends).T}
    for k in range(day.n_period + 1):
        for name, known in ends.items():
            block = form.decisions[name]
            # The decision stands for the last moments.
            column = block.stop - known.shape[1] + k
            for side, sign in enumerate((1.0, -1.0)):
                within = _WORTH * (known[1, k] - known[0, k])
                if column < block.start or sign * (seen[side, column] - known[side, k]) <= within:
                    continue
                aim = np.zeros(len(columns))
                aim[column] = sign
                highs.changeColsCost(len(columns), columns, aim)
                point = run_highs(highs)
                seen = np.array([np.minimum(seen[0], point), np.maximum(seen[1], point)])
                known[side, k] = np.clip(point[column] - sign * _SLACK, *known[:, k])
    return replace(shape, share_ends=pairs(ends["share"]), energy_ends=pairs(ends["energy_mwh"]))


def _relaxed(shape: GreenShape, day: GreenDay) -> tuple[highspy.Highs, Array, float]:
    """The linear relaxation on a solver that goes from one optimum to the next, its cost, and a constant."""
    form = green_form(shape)
    numbers, constant = green_numbers(form, day)
    cost, row_lower, row_upper, lower, upper, _ = numbers
    highs = highs_model(
        replace(form, cost=cost, row_lower=row_lower, row_upper=row_upper, lower=lower, upper=upper)
    )
    run_highs(highs)
    highs.setOptionValue("simplex_strategy", _PRIMAL_SIMPLEX)
    return highs, cost, constant
