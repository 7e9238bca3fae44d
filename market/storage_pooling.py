"""Rules of a pool of storages: who scores how much, belongs to which class, and serves which tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.storage_pools import Registration

StorageClass = Literal["fast-response", "energy-reserve", "none"]
ENERGY, VOLTAGE = "energy", "voltage"
TASKS = (ENERGY, VOLTAGE)
"""What an operator asks of members a day ahead: to move energy, and to give reactive power."""
OPERATOR = "operator"
"""Name of the operator where it is a player of the game beside the owners."""


@dataclass(frozen=True)
class ClassRules:
    """How storages are scored, classed and matched to tasks.

    Parameters
    ----------
    score_weights : tuple of float
        Of the distance from the limits of the state of charge, of health, and of speed; they sum to 1.
    response_reference_s : float
        Time to full power that scores nothing, s.
    score_min : float
        Least score of a member that gets tasks.
    fast_response_s : float
        Longest time to full power of the fast-response class, s.
    reserve_min_mwh : float
        Least capacity of the energy-reserve class, MWh.
    unclassed : {"none", "fast-response", "energy-reserve"}
        Where those go that fit no class; "none" gets no tasks.
    tasks : mapping of str to tuple of str
        Tasks of each class.
    """

    score_weights: tuple[float, float, float] = (0.4, 0.3, 0.3)
    response_reference_s: float = 1.0
    score_min: float = 0.3
    fast_response_s: float = 0.5
    reserve_min_mwh: float = 0.25
    unclassed: StorageClass = "none"
    tasks: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"fast-response": (ENERGY, VOLTAGE), "energy-reserve": (ENERGY,)}
    )

    def class_of(self, told: Registration) -> StorageClass:
        """Class of a storage; one that is fast and large counts as fast.

        Notes
        -----
        A9: response within 0.5 s, or a capacity from some size on.
        """
        if told.response_s <= self.fast_response_s:
            return "fast-response"
        if told.ratings.e_max_mwh >= self.reserve_min_mwh:
            return "energy-reserve"
        return self.unclassed

    def tasks_of(self, told: Registration) -> tuple[str, ...]:
        """Tasks that a storage may get."""
        return self.tasks.get(self.class_of(told), ())

    def score(self, told: Registration, e_mwh: float) -> float:
        """Score of a storage with some energy inside, at most 1.

        Notes
        -----
        A10, ``w1 min(SOC - SOC_min, SOC_max - SOC) / (0.5 (SOC_max - SOC_min)) + w2 SOH
        + w3 max(0, 1 - t_resp / t_ref)``; the lower limit is that of the owner's reserve.
        """
        low, high = usable_band_mwh(told.ratings, told.reserve_share)
        room = min(e_mwh - low, high - e_mwh) / (0.5 * (high - low))
        speed = max(0.0, 1.0 - told.response_s / self.response_reference_s)
        return float(np.dot(self.score_weights, (room, told.soh, speed)))


def usable_band_mwh(ratings: StorageRatings, reserve_share: float) -> tuple[float, float]:
    """Least and most energy inside that a pool may use, MWh: above what the owner keeps to itself (A11)."""
    low, high = ratings.band_mwh
    return low + reserve_share * ratings.e_max_mwh, high


def sub_pools(told: Mapping[str, Registration], rules: ClassRules, count: int) -> tuple[tuple[str, ...], ...]:
    """Owners in at most so many groups of storages that are alike.

    They are sorted by class, then by hours of full power, and cut into groups of nearly equal numbers; where
    there are as many groups as classes, each class is one.

    Parameters
    ----------
    told : mapping of str to Registration
    rules : ClassRules
    count : int
        Groups asked for (K), at least 1.
    """
    classes: dict[str, list[str]] = {}
    for name, one in told.items():
        classes.setdefault(rules.class_of(one), []).append(name)
    if count == len(classes):
        return tuple(tuple(names) for _, names in sorted(classes.items()))
    hours = {name: one.ratings.e_max_mwh / one.ratings.p_max_mw for name, one in told.items()}
    order = sorted(told, key=lambda name: (rules.class_of(told[name]), hours[name], name))
    parts = np.array_split(np.arange(len(order)), min(count, len(order)))
    return tuple(tuple(order[i] for i in part) for part in parts)


def utilisation_index(
    charge_mw: Array, discharge_mw: Array, p_max_mw: float, weights: Sequence[float] = (0.5, 0.5)
) -> float:
    """How much a storage is used, by throughput and by changes of its power; 0 for one that rests.

    Parameters
    ----------
    charge_mw, discharge_mw : ndarray, shape (n_period,)
        At least two periods.
    p_max_mw : float
        Rated power; a change by it within a period counts as a full one.
    weights : sequence of float
        Of both parts; they sum to 1.

    Notes
    -----
    A23, ``w1 mean((P_ch + P_dis) / P_rated) + w2 mean(|P_t - P_{t-1}| / R_rated)``.
    """
    through = float((charge_mw + discharge_mw).mean()) / p_max_mw
    changed = float(np.abs(np.diff(discharge_mw - charge_mw)).mean()) / p_max_mw
    return weights[0] * through + weights[1] * changed
