"""What a further MW of charge or discharge does to the reward of green energy, and to the label left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay, GreenPlan
from gridarium.environment.arrays import Array


class GreenSlopes(NamedTuple):
    """Derivatives of a day's sum by charge and discharge of each period, shape (n_period,)."""

    charge: Array
    discharge: Array


def reward_slopes(day: GreenDay, plan: GreenPlan) -> GreenSlopes:
    """Of what green discharge is paid, money per MW; 0 where nothing is paid.

    Notes
    -----
    B2, B3: ``c0' (z - z^2 / L')`` where the price is nodal, ``c0 z`` where it is uniform.
    """
    region, green = day.region, plan.green_discharge_mw
    first, room = region.first_green_price_per_mwh(day.pricing), region.green_room_mw
    paid = first.copy()
    if day.pricing == "nodal":
        paid = first * (1.0 - 2.0 * np.divide(green, room, out=np.ones_like(green), where=room > 0.0))
    return _slopes(day, plan, region.period_h * np.where(green <= room, paid, 0.0), 0.0)


def label_slopes(day: GreenDay, plan: GreenPlan) -> GreenSlopes:
    """Of the green energy inside at the end, MWh per MW."""
    return _slopes(day, plan, np.zeros(day.n_period), 1.0)


def _slopes(day: GreenDay, plan: GreenPlan, per_green_mw: Array, per_green_mwh_at_end: float) -> GreenSlopes:
    """Adjoint of B10 and B11: of ``sum_t r_t(z_t) + m G_T`` with ``z_t = Pdis_t G_{t-1} / E_{t-1}``.

    ``G_t = G_{t-1} + eta_c rho_t Pch dt - z_t dt / eta_d``; E_T is given, so that it has no value.
    """
    hours, (into, out) = day.region.period_h, day.ratings.efficiencies
    energy = np.concatenate([[day.initial_mwh], plan.energy_mwh[:-1]])
    green = np.concatenate([[day.initial_green_mwh], plan.green_mwh[:-1]])
    share = np.divide(green, energy, out=np.zeros_like(energy), where=energy > 0.0)
    rate = np.divide(plan.discharge_mw, energy, out=np.zeros_like(energy), where=energy > 0.0)
    of_charge, of_discharge = np.zeros((2, day.n_period))
    of_green, of_energy = per_green_mwh_at_end, 0.0
    for t in reversed(range(day.n_period)):
        # What a MW of green discharge is worth, less what it takes from the label.
        worth = per_green_mw[t] - of_green * hours / out
        of_charge[t] = into * hours * (of_green * day.green_share[t] + of_energy)
        of_discharge[t] = worth * share[t] - of_energy * hours / out
        of_green, of_energy = of_green + worth * rate[t], of_energy - worth * rate[t] * share[t]
    return GreenSlopes(of_charge, of_discharge)
