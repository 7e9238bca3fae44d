"""A battery, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_mass import ThermalRatings
from gridarium.experiments.schema.fields import (
    Conflict,
    PositiveAmount,
    PositiveShare,
    Range,
    Section,
    Share,
)

Temperature = Annotated[float, Range(-50, 500)]


class Thermal(Section):
    """The temperature of a battery: losses heat one thermal mass, its surroundings cool it."""

    ambient_c: Temperature = 25.0
    """Temperature of its surroundings, and its own at first, degrees Celsius."""
    resistance_k_per_mw: PositiveAmount
    """By how much constant losses heat it in the end, K per MW of losses."""
    time_constant_h: PositiveAmount
    """Time in which all but a share 1/e of that has come, h."""
    trip_c: Temperature
    """At which it opens its own breaker, degrees Celsius."""
    reset_c: Temperature
    """At which it closes it again, degrees Celsius."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield temperatures in the wrong order."""
        if not self.ambient_c < self.reset_c < self.trip_c:
            allowed = f"must be between ambient_c = {self.ambient_c:g} and trip_c = {self.trip_c:g}"
            yield Conflict("reset_c", self.reset_c, allowed)

    @property
    def ratings(self) -> ThermalRatings:
        """What the battery is fitted with."""
        return ThermalRatings(
            self.ambient_c, self.resistance_k_per_mw, self.time_constant_h, self.trip_c, self.reset_c
        )


class Storage(Section):
    """A battery; without `s_max_mva` its inverter gives no reactive power."""

    p_max_mw: PositiveAmount
    """Highest charge and discharge power at the grid side, MW."""
    e_max_mwh: PositiveAmount
    """Energy capacity, MWh."""
    soc_min: Share = 0.1
    """Lowest state of charge, share of capacity."""
    soc_max: Share = 0.9
    """Highest state of charge, share of capacity."""
    soc_initial: Share = 0.5
    """State of charge at the start and at the end of the day, share of capacity."""
    efficiency_charge: PositiveShare = 0.92
    """Energy stored per energy taken."""
    efficiency_discharge: PositiveShare = 0.95
    """Energy given per energy released."""
    s_max_mva: PositiveAmount | None = None
    """Apparent power rating, MVA; null means p_max_mw and no reactive power."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield states of charge in the wrong order, and an inverter that is too small."""
        if self.soc_min >= self.soc_max:
            yield Conflict("soc_min", self.soc_min, f"must be below soc_max = {self.soc_max:g}")
        elif not self.soc_min <= self.soc_initial <= self.soc_max:
            allowed = f"must be in [soc_min, soc_max] = [{self.soc_min:g}, {self.soc_max:g}]"
            yield Conflict("soc_initial", self.soc_initial, allowed)
        if self.s_max_mva is not None and self.s_max_mva < self.p_max_mw:
            yield Conflict("s_max_mva", self.s_max_mva, f"must be at least p_max_mw = {self.p_max_mw:g} MW")


def storage_ratings(
    name: str, unit: Storage, part: float = 1.0, reserve_share: float = 0.0
) -> StorageRatings:
    """Ratings of a storage, or of an equal part of it; without what is kept above the lowest charge."""
    return StorageRatings(
        name=name,
        p_max_mw=unit.p_max_mw * part,
        e_max_mwh=unit.e_max_mwh * part,
        soc_min=unit.soc_min + reserve_share,
        soc_max=unit.soc_max,
        soc_initial=unit.soc_initial,
        efficiency_charge=unit.efficiency_charge,
        efficiency_discharge=unit.efficiency_discharge,
        s_max_mva=(unit.s_max_mva or unit.p_max_mw) * part,
    )
