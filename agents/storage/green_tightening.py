"""Bounds of the green share inside a storage, from linear problems that no better plan can leave."""

from __future__ import annotations

import numpy as np

from gridarium.agents.solving.highs_solver import highs_model, run_highs
from gridarium.agents.solving.standard_form import StandardForm
from gridarium.agents.storage.green_day import GreenDay
from gridarium.agents.storage.green_dispatch_problem import green_signals
from gridarium.environment.arrays import Array

_SLACK = 1e-7
"""What is added to a bound against the solver's tolerance."""


def tightened_shares(form: StandardForm, day: GreenDay, cost_money: float) -> tuple[tuple[float, float], ...]:
    """Least and most share at each moment among relaxed plans that cost no more than a known one.

    Parameters
    ----------
    form : StandardForm
        Of the share form.
    day : GreenDay
    cost_money : float
        Of a plan that keeps all limits.

    Returns
    -------
    tuple of tuples of float
        For each moment. Binaries count as continuous here, so that nothing is cut off that a plan of lower
        cost needs.
    """
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
    block = form.decisions["share"]
    ends: Array = np.array([numbers.lower, numbers.upper])[:, block.start : block.stop]
    for k, column in enumerate(range(block.start, block.stop)):
        if ends[0, k] == ends[1, k]:
            continue
        for side, sign in enumerate((1.0, -1.0)):
            aim = np.zeros(len(columns))
            aim[column] = sign
            highs.changeColsCost(len(columns), columns, aim)
            found = run_highs(highs)[column] - sign * _SLACK
            ends[side, k] = np.clip(found, *ends[:, k])
    return tuple((float(low), float(high)) for low, high in ends.T)
