"""Schedules that owners of storages make for themselves, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array

Ties = Literal["spread", "earliest", "latest"]
"""Which of several schedules of equal worth an owner takes: the one of least squares of power, that is evenly
spread over equal prices, or the one that moves its energy as early or as late as it can."""


@dataclass(frozen=True)
class ArbitragePlan:
    """A schedule and what it is worth at the tariff, less wear; powers in MW, shape (n_step,)."""

    charge_mw: Array
    discharge_mw: Array
    earnings_money: float

    @property
    def net_mw(self) -> Array:
        """What it draws, MW, shape (n_step,); negative where it feeds back."""
        return self.charge_mw - self.discharge_mw


def earned_money(net_mw: Array, price_per_mwh: Array, wear_cost_per_mwh: Array, step_h: float) -> Array:
    """What storages earn at a price at which they trade all energy, less wear, money; shape (...,).

    Parameters
    ----------
    net_mw : ndarray, shape (..., n_step)
        What they draw; negative where they feed back.
    price_per_mwh : ndarray, shape (n_step,)
    wear_cost_per_mwh : ndarray, shape (...,)
        Of each MWh that is discharged.
    step_h : float
    """
    worn = wear_cost_per_mwh * np.maximum(-net_mw, 0.0).sum(axis=-1)
    return np.asarray(-(net_mw @ price_per_mwh) - worn) * step_h
