"""What agents feed into and draw from a grid in the period that runs."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array


class Injections:
    """What stands at each bus of a grid in the running period: means over it, and what flows now."""

    def __init__(self, n_bus: int) -> None:
        self.source_mw = np.zeros(n_bus)
        self.source_t_per_h = np.zeros(n_bus)
        self.drawn_mw = np.zeros(n_bus)
        self.charge_mw = np.zeros(n_bus)
        self.below_mw = np.zeros(n_bus)
        self.q_mvar = np.zeros(n_bus)
        self.metered_mw: dict[str, float] = {}
        self.fed_in_mw: dict[str, float] = {}
        self.fed_in_t_per_h: dict[str, float] = {}
        self._apart: dict[str, tuple[int, float, float]] = {}

    @property
    def net_mw(self) -> Array:
        """What enters the grid at each bus, MW, shape (n_bus,)."""
        return self.source_mw - self.drawn_mw - self.below_mw

    @property
    def instant_net_mw(self) -> Array:
        """What enters the grid at each bus at this instant, MW, shape (n_bus,); without grids below."""
        return self._instant(self.source_mw - self.drawn_mw, 1)

    @property
    def instant_q_mvar(self) -> Array:
        """Reactive power that enters the grid at each bus at this instant, Mvar, shape (n_bus,)."""
        return self._instant(self.q_mvar.copy(), 2)

    def _instant(self, mean: Array, place: int) -> Array:
        for apart in self._apart.values():
            mean[apart[0]] += apart[place]
        return mean

    def set_apart(self, name: str, bus: int, p_mw: float, q_mvar: float) -> None:
        """Say what one agent feeds in at this instant beyond its means over the period."""
        self._apart[name] = (bus, p_mw, q_mvar)

    def supply(self, bus: int, name: str, p_mw: float, q_mvar: float, factor_tco2_per_mwh: float) -> None:
        """Add a source with its carbon factor; the meters of that name count what it feeds in, and emits."""
        self.fed_in_mw[name] = self.fed_in_mw.get(name, 0.0) + p_mw
        self.source_mw[bus] += p_mw
        self.q_mvar[bus] += q_mvar
        self.emit(bus, name, p_mw * factor_tco2_per_mwh)

    def emit(self, bus: int, name: str, carbon_t_per_h: float) -> None:
        """Add carbon of a source, tCO2/h; the power that passes its bus carries it on."""
        self.fed_in_t_per_h[name] = self.fed_in_t_per_h.get(name, 0.0) + carbon_t_per_h
        self.source_t_per_h[bus] += carbon_t_per_h

    def draw(self, name: str, p_mw: Array, q_mvar: Array) -> None:
        """Add what one agent draws, shape (n_bus,) each; its meter counts the active power."""
        self.drawn_mw += p_mw
        self.q_mvar -= q_mvar
        self._count(name, float(p_mw.sum()))

    def charge(self, bus: int, name: str, p_mw: float) -> None:
        """Add what one storage takes to charge; its meter counts it like any other energy drawn."""
        self.drawn_mw[bus] += p_mw
        self.charge_mw[bus] += p_mw
        self._count(name, p_mw)

    def _count(self, name: str, p_mw: float) -> None:
        self.metered_mw[name] = self.metered_mw.get(name, 0.0) + p_mw

    def pass_down(self, bus: int, p_mw: float, q_mvar: float) -> None:
        """Add what the heads of grids below take at a bus; negative where they feed back."""
        self.below_mw[bus] += p_mw
        self.q_mvar[bus] -= q_mvar
