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
        If lengths differ, a value is not finite, a load below 0, or the period not above 0 h.
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
            if values.ndim != 1 or values.shape != np.shape(self.load_mw):
                faults.append(Fault(name, values.shape, "must have one value for each period of the load"))
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
            If green discharge is beyond what is discharged or what the region draws.

        Notes
        -----
        B5 and B9 of one region, ``sum_t (pib Pb - pis Ps - c Pgd) dt`` with ``Pb - Ps = L + Pch - Pdis``, of
        which Pb or Ps is 0 [1]_.

        References
        ----------
        .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762
        """
        beyond = float(np.max(green_discharge_mw - discharge_mw))
        if not beyond <= TOLERANCE:
            allowed = "must be in [0, discharge_mw] MW; this is by how much it is beyond"
            raise InputError(f"region {self.name}", [Fault("green_discharge_mw", beyond, allowed)])
        price = cleanness_price_per_mwh(pricing, self.green_price_per_mwh, self.load_mw, green_discharge_mw)
        drawn_mw = self.load_mw + charge_mw - discharge_mw

        def money(price_per_mwh: Array, power_mw: Array) -> Array:
            return np.asarray((price_per_mwh * power_mw).sum(axis=-1) * self.period_h)

        return RegionalBill(
            money(self.buy_price_per_mwh, np.maximum(drawn_mw, 0.0)),
            money(self.sell_price_per_mwh, np.maximum(-drawn_mw, 0.0)),
            money(price, green_discharge_mw),
        )
