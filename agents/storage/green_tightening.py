"""Bounds of green share and energy inside a storage, from linear problems that no better plan can leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridarium.agents.solving.highs_solver import highs_model, run_highs
from gridarium.agents.storage.green_day import GreenDay
from gridarium.agents.storage.green_dispatch_problem import Ends, GreenShape, green_form, green_signals, pairs
from gridarium.environment.arrays import Array

_SLACK = 1e-7
"""What is added to a bound against the solver's tolerance."""


def tightened(shape: GreenShape, day: GreenDay, cost_money: float) -> GreenShape:
    """A shape with the shares and energies of relaxed plans that cost no more than a known one.

    Parameters
    ----------
    shape : GreenShape
        Of the share form.
    day : GreenDay
    cost_money : float
        Of a plan that keeps all limits.

    Notes
    -----
    Binaries count as continuous here, so that nothing is cut off that a plan of lower cost needs.
    """
    form = green_form(shape)
    signals = np.concatenate([np.ravel(green_signals(day)[name]) for name in form.signals]).astype(float)
    numbers = form.at(signals)
    highs = highs_model(form)
    columns = np.arange(len(form.cost), dtype=np.int32)
    rows = np.arange(len(form.row_names), dtype=np.int32)
    highs.changeColsBounds(len(columns), columns, numbers.lower, numbers.upper)
    highs.changeRowsBounds(len(rows), rows, numbers.row_lower, numbers.row_upper)
    priced = np.flatnonzero(numbers.cost).astype(np.int32)
    most = cost_money - form.constant_at(signals) + _SLACK * abs(cost_money)
    highs.addRow(-np.inf, most, len(priced), priced, numbers.cost[priced])

    def narrowed(name: str, known: Ends) -> Ends:
        """Ends of a decision that stands for the last moments."""
        ends: Array = np.array(known).T
        block = form.decisions[name]
        first = ends.shape[1] - (block.stop - block.start)
        for k, column in enumerate(range(block.start, block.stop), first):
            for side, sign in enumerate((1.0, -1.0)):
                if ends[0, k] < ends[1, k]:
                    aim = np.zeros(len(columns))
                    aim[column] = sign
                    highs.changeColsCost(len(columns), columns, aim)
                    ends[side, k] = np.clip(run_highs(highs)[column] - sign * _SLACK, *ends[:, k])
        return pairs(ends)

    shares, energies = narrowed("share", shape.share_ends), narrowed("energy_mwh", shape.energy_ends)
    return replace(shape, share_ends=shares, energy_ends=energies)
