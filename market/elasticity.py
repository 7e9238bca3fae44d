"""Elastic demand: price elasticities between the hours of a day, the response to them, and its bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.market.falling_root import falling_root


@dataclass(frozen=True, slots=True)
class Elasticity:
    """How a load answers prices of its own and of other hours.

    Parameters
    ----------
    own : float
        Relative change of the load of an hour per relative change of its own price, below 0.
    cross : float
        The same for the prices of all hours around it together, at least 0.
    reach_h : float
        How far around an hour other hours count, h, at least 0.

    Raises
    ------
    InputError
        If a number is outside its range.

    Notes
    -----
    Elasticities A4, ``eps_tt' = (dP_t / P0_t) / (dpi_t' / pi0_t')``.
    """

    own: float
    cross: float
    reach_h: float = 6.0

    def __post_init__(self) -> None:
        faults = []
        if not -math.inf < self.own < 0.0:
            faults.append(Fault("own", self.own, "must be below 0, and finite"))
        for name, value in (("cross", self.cross), ("reach_h", self.reach_h)):
            if not 0.0 <= value < math.inf:
                faults.append(Fault(name, value, "must be at least 0, and finite"))
        if faults:
            raise InputError("elasticity", faults)

    def matrix(self, n_step: int, step_h: float) -> Array:
        """Elasticities between the steps of a day, shape (n_step, n_step); rows answer columns.

        The cross elasticity is spread evenly over the other steps of the day within reach, so that each row
        sums to `own` + `cross` wherever there is one.
        """
        step = np.arange(n_step)
        apart = np.abs(step[:, None] - step)
        near = (apart > 0) & (apart * step_h <= self.reach_h * (1.0 + 1e-9))
        count = np.maximum(near.sum(axis=1, keepdims=True), 1)
        return np.asarray(np.where(near, self.cross / count, 0.0) + self.own * np.eye(n_step))


USER_CLASSES: Mapping[str, Elasticity] = MappingProxyType(
    {
        "residential": Elasticity(-0.20, 0.12),
        "commercial": Elasticity(-0.12, 0.06),
        "industrial": Elasticity(-0.08, 0.05),
    }
)
"""Elasticities of the three classes of users; assumed values, the source of the model states none."""


@dataclass(frozen=True, slots=True)
class ResponseBounds:
    """How far a load may be moved.

    Parameters
    ----------
    flexible_share : float
        delta: share of the base load of an hour that may be added or taken away, in [0, 1].
    saving_share : float, optional
        delta_E: share of the day's energy that may be saved, in [0, 1]; no limit where it is left out.

    Raises
    ------
    InputError
        If a share is outside its range.

    Notes
    -----
    Bounds A6.
    """

    flexible_share: float
    saving_share: float | None = None

    def __post_init__(self) -> None:
        faults = [
            Fault(name, value, "must be in [0, 1], a share")
            for name, value in (("flexible_share", self.flexible_share), ("saving_share", self.saving_share))
            if value is not None and not 0.0 <= value <= 1.0
        ]
        if faults:
            raise InputError("response bounds", faults)

    def keep(self, base_mw: Array, change: Array) -> Array:
        """The load within the bounds that is nearest to a relative change of the base load, MW.

        Parameters
        ----------
        base_mw, change : ndarray, shape (n_step,)
            P0, and what is wanted: ``P = P0 (1 + change)``.

        Notes
        -----
        Where too much energy would be saved, all hours within their bounds are raised by one share of their
        base load: that minimises ``sum P0 (P / P0 - 1 - change)**2``.
        """
        share = self.flexible_share

        def load(more: float) -> Array:
            return np.asarray(base_mw * (1.0 + np.clip(change + more, -share, share)))

        wanted = load(0.0)
        if self.saving_share is None:
            return wanted
        needed = (1.0 - self.saving_share) * float(base_mw.sum())
        if float(wanted.sum()) >= needed:
            return wanted
        most = 2.0 * share + float(np.abs(change).max())
        return load(falling_root(lambda more: needed - float(load(more).sum()), 0.0, most))


def relative_change(
    elasticities: Array,
    price_per_mwh: Array,
    reference_price_per_mwh: Array,
    whose: str = "elastic load",
) -> Array:
    """Relative change of the load in each hour that prices call for, before any bound.

    Parameters
    ----------
    elasticities : ndarray, shape (n_step, n_step)
        Rows answer columns.
    price_per_mwh, reference_price_per_mwh : ndarray, shape (n_step,)
        pi', and pi0 at which the base load is drawn.
    whose : str
        Named in errors.

    Returns
    -------
    ndarray, shape (n_step,)

    Raises
    ------
    InputError
        If a reference price is not above 0: nothing is relative to it.

    Notes
    -----
    Response A5, ``P_t = P0_t (1 + sum_t' eps_tt' (pi'_t' - pi0_t') / pi0_t')``.
    """
    if not (reference_price_per_mwh > 0.0).all():
        step = int(np.argmin(reference_price_per_mwh))
        place, found = f"reference_price_per_mwh, step {step}", float(reference_price_per_mwh[step])
        raise InputError(whose, [Fault(place, found, "must be above 0 where loads are elastic")])
    change = (price_per_mwh - reference_price_per_mwh) / reference_price_per_mwh
    return np.asarray(elasticities @ change)
