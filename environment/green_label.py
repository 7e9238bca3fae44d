"""What a schedule does to the green label of stored energy, by any rule of a tank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import CHOSEN, AttributeTank, Rule
from gridarium.environment.errors import StorageError
from gridarium.environment.storage import StorageRatings, StorageUnit, within


class LabelledSchedule(NamedTuple):
    """What storages charge and discharge, and how green the supply is; the last axis is that of periods.

    Parameters
    ----------
    p_charge_mw, p_discharge_mw : ndarray
        At the grid terminals, MW; one direction at a time.
    green_share : ndarray
        Share of the supply that is green, in [0, 1].
    period_h : float
    green_out_mwh : ndarray, optional
        Green energy that shall be discharged, at the grid terminals, MWh: under rules that let the caller
        choose, and only there.
    """

    p_charge_mw: Array
    p_discharge_mw: Array
    green_share: Array
    period_h: float
    green_out_mwh: Array | None = None

    def of(self, row: int) -> LabelledSchedule:
        """The schedule of one storage out of many."""
        return LabelledSchedule(
            self.p_charge_mw[row],
            self.p_discharge_mw[row],
            self.green_share if self.green_share.ndim == 1 else self.green_share[row],
            self.period_h,
            None if self.green_out_mwh is None else self.green_out_mwh[row],
        )


class GreenLabels(NamedTuple):
    """Green energy of one storage or many; the last axis is that of periods.

    Parameters
    ----------
    in_mwh, out_mwh : ndarray
        Green energy that is charged and discharged, at the grid terminals, MWh.
    stored_mwh, e_mwh : ndarray
        Green and all energy inside at the end of each period, MWh.
    """

    in_mwh: Array
    out_mwh: Array
    stored_mwh: Array
    e_mwh: Array

    @property
    def share(self) -> Array:
        """Green share of what is inside; nan where nothing is."""
        empty = np.full_like(self.e_mwh, np.nan)
        return np.divide(self.stored_mwh, self.e_mwh, out=empty, where=self.e_mwh > 0.0)


def replay_label(
    storage: StorageRatings,
    schedule: LabelledSchedule,
    green_initial_mwh: float,
    rule: Rule = "proportional",
) -> GreenLabels:
    """Follow the green label of a storage through a schedule, exactly.

    Parameters
    ----------
    storage : StorageRatings
        Its initial state of charge is that before the first period.
    schedule : LabelledSchedule
        Arrays of shape (n_period,).
    green_initial_mwh : float
        Green energy inside before the first period, MWh.
    rule : {"proportional", "fifo", "managed", "load-generator"}
        As in `AttributeTank`.

    Returns
    -------
    GreenLabels
        Arrays of shape (n_period,).

    Raises
    ------
    StorageError
        If shapes do not fit, the storage is driven outside its limits, a share is none, or a choice cannot be
        met; the error names storage and period.

    Notes
    -----
    Equation B11 [1]_, ``G_t = G_{t-1} + eta_c rho_t P_ch dt - P_gd dt / eta_d``; under proportional mixing
    ``P_gd = P_dis G_{t-1} / E_{t-1}``.

    References
    ----------
    .. [1] Journal of Modern Power Systems and Clean Energy 2024, 12(2), doi:10.35833/MPCE.2023.000762
    """
    _check(storage.name, schedule, rule)
    eta_c, eta_d = storage.efficiencies
    unit = StorageUnit(storage)
    tank = AttributeTank(
        f"{storage.name} label", unit.e_mwh, green_initial_mwh, rule, unit="MWh green", intensity_max=1.0
    )
    charge, discharge, shares = (array.tolist() for array in schedule[:3])
    wanted = [None] * len(charge) if schedule.green_out_mwh is None else schedule.green_out_mwh.tolist()
    rows = []
    for period, wish in enumerate(wanted):
        place = f"storage {storage.name}, period {period}"
        share = within(place, "green_share", shares[period], 0.0, 1.0, "MWh/MWh")
        flow = unit.step(charge[period], discharge[period], schedule.period_h, period)
        into = share * flow.e_in_mwh
        out = tank.step(
            flow.e_in_mwh, flow.e_out_mwh, into, None if wish is None else wish / eta_d, period=period
        )
        rows.append((into / eta_c, out * eta_d, tank.attribute, tank.energy_mwh))
    return GreenLabels(*np.array(rows, dtype=np.float64).reshape(-1, 4).T)


def replay_labels(
    storages: Sequence[StorageRatings],
    schedule: LabelledSchedule,
    green_initial_mwh: Array,
    rule: Rule = "proportional",
) -> GreenLabels:
    """Follow the green labels of many storages, as `replay_label` does for one.

    Parameters
    ----------
    storages : sequence of StorageRatings
    schedule : LabelledSchedule
        Arrays of shape (n_storage, n_period); the green share may be one for all, of shape (n_period,).
    green_initial_mwh : ndarray, shape (n_storage,)
    rule : {"proportional", "fifo", "managed", "load-generator"}

    Returns
    -------
    GreenLabels
        Arrays of shape (n_storage, n_period).

    Raises
    ------
    StorageError
        As `replay_label`, and where the numbers of storages differ.
    """
    rows = {
        "p_charge_mw": len(schedule.p_charge_mw),
        "p_discharge_mw": len(schedule.p_discharge_mw),
        "green_initial_mwh": len(green_initial_mwh),
    }
    for name, n_row in rows.items():
        if n_row != len(storages):
            raise StorageError(f"green labels: {name} must have {len(storages)} rows, got {n_row}")
    labels = [
        replay_label(storage, schedule.of(row), float(green_initial_mwh[row]), rule)
        for row, storage in enumerate(storages)
    ]
    return GreenLabels(*(np.stack(arrays) for arrays in zip(*labels, strict=True)))


def label_imbalance_mwh(
    storages: Sequence[StorageRatings], labels: GreenLabels, green_initial_mwh: Array
) -> Array:
    """Green energy that has come from nowhere, MWh, shape (n_storage,); 0 if labels are kept well.

    Notes
    -----
    ``sum(out) / eta_d + G_T - eta_c sum(in) - G_0``, by any rule.
    """
    eta_c, eta_d = np.array([storage.efficiencies for storage in storages]).T
    given = labels.out_mwh.sum(axis=1) / eta_d + labels.stored_mwh[:, -1]
    imbalance: Array = given - eta_c * labels.in_mwh.sum(axis=1) - green_initial_mwh
    return imbalance


def _check(name: str, schedule: LabelledSchedule, rule: Rule) -> None:
    n_period = schedule.p_charge_mw.shape
    for field in ("p_discharge_mw", "green_share", "green_out_mwh"):
        array = getattr(schedule, field)
        if array is not None and array.shape != n_period:
            place = f"green label of storage {name}"
            raise StorageError(f"{place}: {field} must have shape {n_period}, got {array.shape}")
    if (schedule.green_out_mwh is not None) != (rule in CHOSEN):
        needed = "is needed" if rule in CHOSEN else "must be left out"
        raise StorageError(f"green label of storage {name}: green_out_mwh {needed} under the rule {rule!r}")
