"""What a DSO owes followers for drawing less than the base loads that they have told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.ledger import Ledger
from gridarium.market.settlement import settle_shift


@dataclass(frozen=True)
class CurtailmentDues:
    """Compensation on one day.

    Parameters
    ----------
    per_mwh : mapping of str to float
        By follower; nothing for others.
    base_mw : mapping of str to ndarray, shape (n_step,)
        As told.

    Notes
    -----
    The cost of curtailment beside A6, ``c_cut (P0 - P)^+``.
    """

    per_mwh: Mapping[str, float] = field(default_factory=dict)
    base_mw: Mapping[str, Array] = field(default_factory=dict)

    def planned_money(self, loads_mw: Mapping[str, Array], step_h: float) -> float:
        """For loads of shape (n_step,), money per day."""
        cut = (price * self._below(name, loads_mw[name]).sum() for name, price in self.per_mwh.items())
        return float(sum(cut)) * step_h

    def settle(
        self,
        ledger: Ledger,
        time_s: float,
        period: int,
        step: int,
        operator: str,
        drawn_mwh: Mapping[str, float],
        period_h: float,
    ) -> None:
        """Book what is due for a settlement period within a step of the day, by the meters."""
        for name, price in self.per_mwh.items():
            missing = max(0.0, float(self.base_mw[name][step]) * period_h - drawn_mwh[name])
            settle_shift(ledger, time_s, period, name, operator, missing, price)

    def _below(self, name: str, load_mw: Array) -> Array:
        return np.maximum(0.0, self.base_mw[name] - load_mw)
