"""Bounds of the carbon factor of loads, within which it is continuous down to no load at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.supply import Situation

HIGHEST_SHARE = 2.0
"""Most that a MWh of load answers for, in MWh of the day's dirtiest source: itself and one that is stored."""
LEAST_LOAD = 1e-3
"""Least load, relative to the largest base load, over which a carbon factor is still a number to go by."""
_A_WATT_MW = 1e-6


@dataclass(frozen=True)
class FactorBounds:
    """Between what the carbon factor of a day's loads lies, and over what least load it is taken.

    Parameters
    ----------
    low_tco2_per_mwh, high_tco2_per_mwh : float
    least_load_mw : float
        A smaller load counts as this one.

    Notes
    -----
    The equations C3 and C4 divide by the load, and have no end where that is next to nothing. The bounds
    are our own. No MWh of load can avoid more than the dirtiest MWh of the day emits, so that a credit ends
    there. What storages take in an hour is on the load of that hour (C3) as far as the pool does not take it
    up: each MWh carries itself and at most as much again. What an hour cannot carry is carried by the other
    hours of the day, in equal parts per MWh; what the day cannot carry either stays with the operator.
    """

    low_tco2_per_mwh: float
    high_tco2_per_mwh: float
    least_load_mw: float

    @classmethod
    def of(cls, situation: Situation) -> FactorBounds:
        """Bounds of a day, from what supplies it and the load before any response."""
        return cls.over_load(situation.supply.dirtiest_tco2_per_mwh, situation.base_mw)

    @classmethod
    def over_load(cls, dirtiest_tco2_per_mwh: float, base_mw: Array) -> FactorBounds:
        """Bounds by the dirtiest source and a base load, shape (n_period,)."""
        largest = float(np.max(base_mw, initial=0.0))
        least = max(LEAST_LOAD * largest, _A_WATT_MW)
        return cls(-dirtiest_tco2_per_mwh, HIGHEST_SHARE * dirtiest_tco2_per_mwh, least)

    def keep(self, factor_tco2_per_mwh: Array) -> Array:
        """Factors within the bounds, the nearest ones."""
        return np.clip(factor_tco2_per_mwh, self.low_tco2_per_mwh, self.high_tco2_per_mwh)

    def per_mwh(self, carbon_t_per_h: Array, load_mw: Array) -> Array:
        """Carbon over the load, tCO2/MWh, shape (n_period,), not yet within the bounds."""
        return carbon_t_per_h / np.maximum(load_mw, self.least_load_mw)

    def carried(self, factor_tco2_per_mwh: Array, load_mw: Array, owed_t_per_h: float) -> Array:
        """Factors within the bounds under which a day's loads carry what is owed, as far as they can.

        Parameters
        ----------
        factor_tco2_per_mwh, load_mw : ndarray, shape (n_period,)
            What each period would carry by itself.
        owed_t_per_h : float
            Sum over all periods.

        Returns
        -------
        ndarray, shape (n_period,)
            The factors raised or lowered by one number, each kept within the bounds.
        """
        factor, weight = factor_tco2_per_mwh, np.maximum(load_mw, 0.0)
        kept = self.keep(factor)
        left = owed_t_per_h - float(kept @ load_mw)
        moves = np.unique(np.concatenate([self.low_tco2_per_mwh - factor, self.high_tco2_per_mwh - factor]))
        carried = np.array([float((self.keep(factor + move) - kept) @ weight) for move in moves])
        # Where there is next to no load all day, next to nothing that is left must not fill the bounds.
        most = abs(left) / self.least_load_mw
        return self.keep(factor + np.clip(np.interp(left, carried, moves), -most, most))

    def hold(self, factor_tco2_per_mwh: Array, load_mw: Array) -> bool:
        """Whether factors lie within the bounds, and no load is too small for one."""
        inside = self.keep(factor_tco2_per_mwh) == factor_tco2_per_mwh
        return bool(inside.all() and (load_mw >= self.least_load_mw).all())
