"""What a region pays for energy, and is paid for its cleanness, under given schedules of storages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.storage import TOLERANCE
from gridarium.market.cleanness import Pricing, cleanness_price_per_mwh


class RegionalBill(NamedTuple):
    """What a region pays and is paid on a day, money; arrays where several schedules were asked for."""

    purchase_money: Array
    sales_money: Array
    environmental_money: Array

    @property
    def cost_money(self) -> Array:
        """What is left to pay: C_k of the region (B5)."""
        return self.purchase_money - self.sales_money - self.environmental_money


@dataclass(frozen=True, slots=True, eq=False)
class RegionDay:
    """A region's load and prices over a horizon.

    Parameters
    ----------
    name : str
        In errors.
    load_mw : ndarray, shape (n_period,)
        At least 0.
    buy_price_per_mwh, sell_price_per_mwh : ndarray, shape (n_period,)
        Nodal prices of what the region draws and feeds back.
    green_price_per_mwh : ndarray, shape (n_period,)
        c0: initial carbon price of green energy.
    period_h : float

    Raises
    ------
    InputError
        If there are no periods, lengths differ, a value is not finite, a load below 0, or the period not
        above 0 h.
    """

    name: str
    load_mw: Array
    buy_price_per_mwh: Array
    sell_price_per_mwh: Array
    green_price_per_mwh: Array
    period_h: float = 1.0

    def __post_init__(self) -> None:
        faults = []
        for name in ("load_mw", "buy_price_per_mwh", "sell_price_per_mwh", "green_price_per_mwh"):
            values = series(getattr(self, name))
            if values.ndim != 1 or not values.size or values.shape != np.shape(self.load_mw):
                allowed = "must have one value for each period of the load, at least one"
                faults.append(Fault(name, values.shape, allowed))
            elif not np.isfinite(values).all():
                faults.append(Fault(name, values.tolist(), "must be finite"))
            object.__setattr__(self, name, values)
        if not faults and (self.load_mw < 0.0).any():
            faults.append(Fault("load_mw", float(self.load_mw.min()), "must be in [0, inf) MW"))
        if not 0.0 < self.period_h < np.inf:
            faults.append(Fault("period_h", self.period_h, "must be in (0, inf) h"))
        if faults:
            raise InputError(f"region {self.name}", faults)

    def bill(
        self, charge_mw: Array, discharge_mw: Array, green_discharge_mw: Array, pricing: Pricing
    ) -> RegionalBill:
        """Give the bill of a day on which storages follow schedules.

        Parameters
        ----------
        charge_mw, discharge_mw, green_discharge_mw : ndarray, shape (..., n_period)
            Of all storages of the region together; one bill for each leading index.
        pricing : {"none", "uniform", "nodal"}
            How green discharge is paid.

        Raises
        ------
        InputError
            If shapes differ, a power is below 0 or no number, or green discharge is beyond what is discharged
            or what the region draws.

        Notes
        -----
        B5 and B9 of one region, ``sum_t (pib Pb - pis Ps - c Pgd) dt`` with ``Pb - Ps = L + Pch - Pdis``, of
        which Pb or Ps is 0 [1]_.

        References
        ----------
        .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762
        """
        self._check(charge_mw, discharge_mw, green_discharge_mw)
        price = cleanness_price_per_mwh(pricing, self.green_price_per_mwh, self.load_mw, green_discharge_mw)
        drawn_mw = self.load_mw + charge_mw - discharge_mw

        def money(price_per_mwh: Array, power_mw: Array) -> Array:
            return np.asarray((price_per_mwh * power_mw).sum(axis=-1) * self.period_h)

        return RegionalBill(
            money(self.buy_price_per_mwh, np.maximum(drawn_mw, 0.0)),
            money(self.sell_price_per_mwh, np.maximum(-drawn_mw, 0.0)),
            money(price, green_discharge_mw),
        )

    def _check(self, charge_mw: Array, discharge_mw: Array, green_discharge_mw: Array) -> None:
        """Raise InputError for shapes, or for the first period of each power that is out of its range."""
        powers = {
            "charge_mw": charge_mw, "discharge_mw": discharge_mw, "green_discharge_mw": green_discharge_mw,
        }  # fmt: skip
        shape = np.shape(discharge_mw)[:-1] + self.load_mw.shape
        faults = [
            Fault(name, np.shape(power), f"must be of shape {shape}")
            for name, power in powers.items()
            if np.shape(power) != shape
        ]
        if not faults:
            most = np.full(shape, np.inf)
            known = np.where(np.isnan(discharge_mw), most, discharge_mw)
            for (name, power), limit in zip(powers.items(), (most, most, known), strict=True):
                wrong = ~((power >= -TOLERANCE) & (power <= limit + TOLERANCE) & np.isfinite(power))
                if wrong.any():
                    place = tuple(np.argwhere(wrong)[0])
                    allowed = f"must be in [0, {limit[place]:.9g}] MW and finite"
                    faults.append(Fault(f"{name}, period {place[-1]}", float(power[place]), allowed))
        if faults:
            raise InputError(f"region {self.name}", faults)
