"""Tanks that carry an attribute (tCO2, MWh of green energy) along with stored energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from gridarium.environment.errors import StorageError
from gridarium.environment.storage import TOLERANCE, within

Rule = Literal["proportional", "fifo", "managed", "load-generator"]
"""How what leaves a tank is told from what stays."""

CHOSEN: tuple[Rule, ...] = ("managed", "load-generator")
"""Rules under which the caller says how much of the attribute leaves."""


_Layer = tuple[float, float]
"""Energy that came at one time, MWh, and its attribute."""


class AttributeTank:
    """Stored energy and the attribute that it carries: tCO2, or MWh of green energy.

    One class serves the virtual carbon pool and the green label of storage. All energies are those inside
    the storage, as `StorageUnit.step` returns them.

    Parameters
    ----------
    name : str
        Name in error messages.
    energy_mwh : float
        Energy inside at the start, MWh.
    attribute : float
        Attribute inside at the start, `unit`.
    rule : {"proportional", "fifo", "managed", "load-generator"}
        "proportional": the inside is perfectly mixed, so what leaves carries the intensity from before the
        step. "fifo": what came first leaves first, in layers of one intensity each; what is inside at the
        start is one layer. "managed": the caller decides how much of the attribute leaves. "load-generator":
        the storage is a load while it charges, for which certificates are cancelled, and a generator while
        it discharges, for which as many may be issued as were cancelled, less losses, whatever the mix
        inside: the caller decides within `attribute_out_range`.
    may_be_negative : bool
        Whether the content may fall below zero, as when negative carbon is stored.
    unit : str
        Unit of the attribute in error messages.
    intensity_max : float
        Most of the attribute that 1 MWh can carry: 1 for green energy. The rule "load-generator" needs it.

    Raises
    ------
    StorageError
        If the start is impossible.

    Notes
    -----
    Standards for granular certificates link what a storage gives to what it took: its records of charging
    are loads with certificates cancelled on them, its records of discharge earn new ones [1]_; their
    registries link them first in, first out [2]_. Proportional mixing is equation B11 [3]_.

    References
    ----------
    .. [1] EnergyTag, Granular Certificate Scheme Standard, rules for storage, energytag.org
    .. [2] Granular Foundation, storage methodology, docs.granular-foundation.org
    .. [3] Journal of Modern Power Systems and Clean Energy 2024, 12(2), doi:10.35833/MPCE.2023.000762
    """

    def __init__(
        self,
        name: str,
        energy_mwh: float,
        attribute: float,
        rule: Rule,
        may_be_negative: bool = False,
        unit: str = "tCO2",
        intensity_max: float = math.inf,
    ) -> None:
        place = f"tank {name}"
        if not intensity_max > 0.0 or (rule == "load-generator" and math.isinf(intensity_max)):
            needed = "(0, inf)" if rule == "load-generator" else "(0, inf]"
            raise StorageError(f"{place}: intensity_max must be in {needed} {unit}/MWh, got {intensity_max}")
        self.name = name
        self.rule = rule
        self.unit = unit
        self.may_be_negative = may_be_negative
        self.intensity_max = intensity_max
        self.energy_mwh = within(place, "energy_mwh", energy_mwh, 0.0, math.inf, "MWh")
        self.attribute = self._content(place, attribute, self.energy_mwh)
        self._layers: Sequence[_Layer] = [(self.energy_mwh, self.attribute)]

    @property
    def intensity(self) -> float:
        """Attribute per energy inside, unit/MWh; nan when the tank is empty."""
        return self.attribute / self.energy_mwh if self.energy_mwh > 0.0 else math.nan

    def attribute_out_range(self, e_out_mwh: float) -> tuple[float, float]:
        """Least and most of the attribute that can leave with some energy under "load-generator".

        At most all that is inside, or all that the energy can carry; at least what the energy that stays
        cannot carry.
        """
        most = min(self.attribute, self._carried_by(e_out_mwh))
        return min(max(0.0, self.attribute - self._carried_by(self.energy_mwh - e_out_mwh)), most), most

    def step(
        self,
        e_in_mwh: float,
        e_out_mwh: float,
        attribute_in: float,
        attribute_out: float | None = None,
        *,
        attribute_in_max: float = math.inf,
        attribute_out_max: float = math.inf,
        period: int | None = None,
    ) -> float:
        """Move energy and attribute for one period and return the attribute that left.

        Parameters
        ----------
        e_in_mwh, e_out_mwh : float
            Energy that enters and leaves the inside, MWh. No more can leave than was there before.
        attribute_in : float
            Amount of the attribute that enters, neither per MWh nor per hour.
        attribute_out : float, optional
            Attribute that leaves; needed where the caller decides, forbidden elsewhere.
        attribute_in_max, attribute_out_max : float
            Bounds of the flows where the caller decides, which lie in [0, bound].
        period : int, optional
            Number of the period in error messages.

        Raises
        ------
        StorageError
            If a flow or the content leaves its range by more than `TOLERANCE`; the state stays as it was.

        Notes
        -----
        Equation C2, ``V_t = V_{t-1} + F_in - F_out``; strict mixing has
        ``F_out = V_{t-1} / E_{t-1} * e_out`` [1]_.

        References
        ----------
        .. [1] Processes 2025, 13(12), 4023
        """
        place = f"tank {self.name}" if period is None else f"tank {self.name}, period {period}"
        e_in_mwh = within(place, "e_in_mwh", e_in_mwh, 0.0, math.inf, "MWh")
        e_out_mwh = within(place, "e_out_mwh", e_out_mwh, 0.0, self.energy_mwh, "MWh")
        is_chosen = self.rule in CHOSEN
        if (attribute_out is not None) != is_chosen:
            needed = "is needed" if is_chosen else "must be left out"
            raise StorageError(f"{place}: attribute_out {needed} under the rule {self.rule!r}")
        most = self._carried_by(e_in_mwh)
        if is_chosen or math.isfinite(most):
            low = 0.0 if is_chosen or not self.may_be_negative else -math.inf
            high = min(most, attribute_in_max) if is_chosen else most
            attribute_in = within(place, "attribute_in", attribute_in, low, high, self.unit)
        if attribute_out is not None:
            low, most = 0.0, self._carried_by(e_out_mwh)
            if self.rule == "load-generator":
                low, most = self.attribute_out_range(e_out_mwh)
            high = min(most, attribute_out_max)
            outflow = within(place, "attribute_out", attribute_out, low, high, self.unit)
        else:
            outflow = self._given_with(e_out_mwh)
        left_mwh = self.energy_mwh - e_out_mwh + e_in_mwh
        self.attribute = self._content(place, self.attribute - outflow + attribute_in, left_mwh)
        self.energy_mwh = left_mwh
        if self.rule == "fifo":
            _, kept = _first_out(self._layers, e_out_mwh)
            self._layers = [*kept, (e_in_mwh, attribute_in)] if e_in_mwh > 0.0 or attribute_in else kept
        return outflow

    def _given_with(self, e_out_mwh: float) -> float:
        """Attribute that leaves with some energy where nobody chooses it."""
        if e_out_mwh == 0.0:
            return 0.0
        if self.rule == "fifo":
            given, kept = _first_out(self._layers, e_out_mwh)
            return given if kept and e_out_mwh < self.energy_mwh else self.attribute
        # A full share takes all there is, so that an emptied tank keeps no crumbs of attribute.
        return self.attribute * (e_out_mwh / self.energy_mwh)

    def _carried_by(self, energy_mwh: float) -> float:
        """Most of the attribute that some energy can carry."""
        return self.intensity_max * energy_mwh if math.isfinite(self.intensity_max) else math.inf

    def _content(self, place: str, attribute: float, energy_mwh: float) -> float:
        lowest, most = -math.inf if self.may_be_negative else 0.0, self._carried_by(energy_mwh)
        if not lowest - TOLERANCE <= attribute <= most + TOLERANCE or math.isinf(attribute):
            band = f"[{lowest}, inf)" if math.isinf(most) else f"[{lowest}, {most:.9g}]"
            raise StorageError(f"{place}: attribute must be in {band} {self.unit}, got {attribute}")
        # Not cut off at zero: what enters less what leaves must stay the change inside.
        return attribute


def _first_out(layers: Sequence[_Layer], e_out_mwh: float) -> tuple[float, list[_Layer]]:
    """Attribute of the energy that came first, and the layers that stay, oldest first."""
    given, left_mwh = 0.0, e_out_mwh
    for number, (energy_mwh, attribute) in enumerate(layers):
        if energy_mwh > left_mwh:
            part = attribute * (left_mwh / energy_mwh)
            return given + part, [(energy_mwh - left_mwh, attribute - part), *layers[number + 1 :]]
        given, left_mwh = given + attribute, left_mwh - energy_mwh
    return given, []
