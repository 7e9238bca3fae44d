"""What a region pays for energy, and is paid for its cleanness, under given schedules of storages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.storage import TOLERANCE
from gridarium.market.cleanness import Pricing, cleanness_price_per_mwh

_SERIES = (
    "load_mw",
    "buy_price_per_mwh",
    "sell_price_per_mwh",
    "green_price_per_mwh",
    "foreign_load_mw",
    "foreign_green_mw",
)


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
    """A region's load and prices over a horizon, as one virtual power plant has them.

    Parameters
    ----------
    name : str
        In errors.
    load_mw : ndarray, shape (n_period,)
        At least 0; what the plant buys for.
    buy_price_per_mwh, sell_price_per_mwh : ndarray, shape (n_period,)
        Nodal prices of what the region draws and feeds back.
    green_price_per_mwh : ndarray, shape (n_period,)
        c0: initial carbon price of green energy.
    period_h : float
    foreign_load_mw : ndarray, shape (n_period,) or ()
        Load of the region that others serve.
    foreign_green_mw : ndarray, shape (n_period,) or ()
        Green discharge of others in the region, at most the whole load.

    Raises
    ------
    InputError
        If there are no periods, lengths differ, a value is not finite, a load below 0, foreign green
        discharge out of its range, or the period not above 0 h.
    """

    name: str
    load_mw: Array
    buy_price_per_mwh: Array
    sell_price_per_mwh: Array
    green_price_per_mwh: Array
    period_h: float = 1.0
    foreign_load_mw: Array = field(default_factory=lambda: np.zeros(()))
    foreign_green_mw: Array = field(default_factory=lambda: np.zeros(()))

    def __post_init__(self) -> None:
        faults = []
        for name in ("foreign_load_mw", "foreign_green_mw"):
            if not np.ndim(value := getattr(self, name)):
                object.__setattr__(self, name, np.full(np.shape(self.load_mw), value))
        for name in _SERIES:
            values = series(getattr(self, name))
            if values.ndim != 1 or not values.size or values.shape != np.shape(self.load_mw):
                allowed = "must have one value for each period of the load, at least one"
                faults.append(Fault(name, values.shape, allowed))
            elif not np.isfinite(values).all():
                faults.append(Fault(name, values.tolist(), "must be finite"))
            object.__setattr__(self, name, values)
        if not faults:
            faults += self._out_of_range()
        if not 0.0 < self.period_h < np.inf:
            faults.append(Fault("period_h", self.period_h, "must be in (0, inf) h"))
        if faults:
            raise InputError(f"region {self.name}", faults)

    def _out_of_range(self) -> list[Fault]:
        """Faults of loads below 0, and of the first period with more foreign green than there is load."""
        faults = [
            Fault(name, float(load.min()), "must be in [0, inf) MW")
            for name in ("load_mw", "foreign_load_mw")
            if ((load := getattr(self, name)) < 0.0).any()
        ]
        green, whole = self.foreign_green_mw, self.whole_load_mw
        wrong = (green < 0.0) | (green > whole + TOLERANCE)
        if not faults and wrong.any():
            at = int(wrong.argmax())
            allowed = f"must be in [0, {whole[at]:.9g}] MW, the load of the whole region"
            faults.append(Fault(f"foreign_green_mw, period {at}", float(green[at]), allowed))
        return faults

    @property
    def whole_load_mw(self) -> Array:
        """Load of the region, whoever serves it, MW."""
        return self.load_mw + self.foreign_load_mw

    @property
    def green_room_mw(self) -> Array:
        """Most of this plant's green discharge that the region can use beside that of others, MW."""
        return np.maximum(self.whole_load_mw - self.foreign_green_mw, 0.0)

    def first_green_price_per_mwh(self, pricing: Pricing) -> Array:
        """Price of green discharge before this plant discharges any, beside that of others.

        Notes
        -----
        B2 and B3 with load L and green discharge z_f of others and z of this plant: it is paid
        ``c0 z (1 - (z + z_f) / L) = c0' (z - z^2 / L')``, where ``c0' = c0 (1 - z_f / L)`` is this price and
        ``L' = L - z_f`` is `green_room_mw`.
        """
        return cleanness_price_per_mwh(
            pricing, self.green_price_per_mwh, self.whole_load_mw, self.foreign_green_mw
        )

    def cut(self, start: int, stop: int) -> RegionDay:
        """The region in some periods, from `start` to before `stop`."""
        return replace(self, **{name: getattr(self, name)[start:stop] for name in _SERIES})

    def bill(
        self, charge_mw: Array, discharge_mw: Array, green_discharge_mw: Array, pricing: Pricing
    ) -> RegionalBill:
        """Give the bill of a day on which storages follow schedules.

        Parameters
        ----------
        charge_mw, discharge_mw, green_discharge_mw : ndarray, shape (..., n_period)
            Of all storages of this plant in the region together; one bill for each leading index.
        pricing : {"none", "uniform", "nodal"}
            How green discharge is paid.

        Raises
        ------
        InputError
            If shapes differ, a power is below 0 or no number, or green discharge is beyond what is discharged
            or what the region can use of it beside that of others.

        Notes
        -----
        B5 and B9 of one region, ``sum_t (pib Pb - pis Ps - c Pgd) dt`` with ``Pb - Ps = L + Pch - Pdis``, of
        which Pb or Ps is 0 [1]_. The price c goes by the load and the green discharge of the whole region.

        References
        ----------
        .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762
        """
        self._check(charge_mw, discharge_mw, green_discharge_mw)
        green = green_discharge_mw + self.foreign_green_mw
        price = cleanness_price_per_mwh(pricing, self.green_price_per_mwh, self.whole_load_mw, green)
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
            usable = np.minimum(known, self.green_room_mw)
            for (name, power), limit in zip(powers.items(), (most, most, usable), strict=True):
                wrong = ~((power >= -TOLERANCE) & (power <= limit + TOLERANCE) & np.isfinite(power))
                if wrong.any():
                    place = tuple(np.argwhere(wrong)[0])
                    allowed = f"must be in [0, {limit[place]:.9g}] MW and finite"
                    faults.append(Fault(f"{name}, period {place[-1]}", float(power[place]), allowed))
        if faults:
            raise InputError(f"region {self.name}", faults)
