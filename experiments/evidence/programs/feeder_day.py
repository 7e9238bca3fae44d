"""A day of a radial feeder as data, and what it costs at least."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class FeederDay:
    """What a day of a feeder brings, in its steps.

    Parameters
    ----------
    load_p_mw, load_q_mvar : ndarray, shape (n_bus, n_step)
        With what storages draw that are not commanded.
    buy_per_mwh, sell_per_mwh : ndarray, shape (n_step,)
        With carbon, the first step of a ladder among it.
    ladder_start_mw, ladder_rise_per_mwh : ndarray, shape (n_block - 1, n_step)
        From where on what is bought is dearer, and by how much; no rows without a ladder.
    ladder_reward_per_h : ndarray, shape (n_step,)
        What a ladder gives for carbon that is free of it.
    carbon_per_tco2 : ndarray, shape (n_step,)
        For what turbines emit.
    available_mw : ndarray, shape (n_renewable, n_step)
    initial_mwh : ndarray, shape (n_storage,)
    on : ndarray, shape (n_turbine, n_step)
    may_buy, may_sell : ndarray, shape (n_step,)
    head_squared : ndarray, shape (2, n_step)
        Least and most squared voltage of the substation, p.u.; the same where a position is held.
    """

    load_p_mw: Array
    load_q_mvar: Array
    buy_per_mwh: Array
    sell_per_mwh: Array
    ladder_start_mw: Array
    ladder_rise_per_mwh: Array
    ladder_reward_per_h: Array
    carbon_per_tco2: Array
    available_mw: Array
    initial_mwh: Array
    on: Array
    may_buy: Array
    may_sell: Array
    head_squared: Array


@dataclass(frozen=True)
class LeastCost:
    """What a day costs at least.

    Parameters
    ----------
    money : float
    discharge_mwh : ndarray, shape (n_storage,)
        What storages give over the day.
    burnt_pu : float
        Largest squared current above what the powers of its branch carry, p.u. on a base of 1 MVA: next to 0
        where the power flow is one.
    """

    money: float
    discharge_mwh: Array
    burnt_pu: float
