"""What a feeder can do for the system above within a day: a storage provider, and prosumers who trade."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.market.messages.commands import Command


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What can the provider and the prosumers of a feeder do in a settlement period?"""

    period: int


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What they can do, those of all replicas of the feeder together.

    Parameters
    ----------
    period : int
    e_mwh : float
        In the storage as the period begins.
    charge_mw, discharge_mw : float
        Of the storage, right before the period.
    surplus_mw, deficit_mw, expected_mw : float
        What prosumers have, what they lack, and what they are likely to trade if called without limit, mean
        of the period.
    """

    period: int
    e_mwh: float
    charge_mw: float
    discharge_mw: float
    surplus_mw: float
    deficit_mw: float
    expected_mw: float


@dataclass(frozen=True, slots=True)
class ServiceCall(Command):
    """What they shall do, those of all replicas together; arrays of shape (n_left,).

    Parameters
    ----------
    charge_mw, discharge_mw : ndarray
        Of the storage.
    price_per_mwh : ndarray
        At which the storage trades what it charges and discharges.
    pool_change_mw : float
        Of the prosumers' net draw in the first period, from what was nominated; what they trade lowers it.
    pool_fee_per_mwh : float
        What is paid on each MWh that is traded for that.

    Notes
    -----
    E18, E26: an operator calls storage and pool for what re-dispatch leaves of a deviation, through the
    operator of the feeder on which they stand.
    """

    charge_mw: Array
    discharge_mw: Array
    price_per_mwh: Array
    pool_change_mw: float
    pool_fee_per_mwh: float
