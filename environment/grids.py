"""Grids and the sites on them: where agents stand, draw and supply, and what came of it in each period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.injections import Injections
from gridarium.environment.network import Feeder
from gridarium.environment.network_rows import Label
from gridarium.environment.power_flow import AcPowerFlow, PowerFlow

if TYPE_CHECKING:
    from gridarium.environment.commons import Commons


@dataclass(frozen=True)
class PeriodState:
    """Physics of one settled period of one grid; arrays of shape (n_bus,).

    Parameters
    ----------
    period : int
    flow : PowerFlow
        AC power flow, with one period.
    source_mw : ndarray
        What agents feed in at each bus, MW.
    drawn_mw : ndarray
        Everything that agents draw at each bus, MW.
    charge_mw : ndarray
        What storages draw of it to charge, MW.
    below_mw : ndarray
        What the grids below draw at each bus, MW; negative where they feed back.
    intensity_tco2_per_mwh : ndarray
        Nodal carbon intensity; nan where no power arrives.
    source_t_per_h : ndarray
        Carbon that sources put in at each bus, tCO2/h, an exogenous head among them.
    head_t_per_h : float
        Carbon that comes in through the head, tCO2/h; negative where the grid feeds back.
    residual_t_per_h : float
        Carbon of sources and head minus carbon of loads, losses and grids below, tCO2/h.
    """

    period: int
    flow: PowerFlow
    source_mw: Array
    drawn_mw: Array
    charge_mw: Array
    below_mw: Array
    intensity_tco2_per_mwh: Array
    source_t_per_h: Array
    head_t_per_h: float
    residual_t_per_h: float

    @property
    def load_mw(self) -> Array:
        """What loads draw at each bus, MW: all that is drawn but charging."""
        return self.drawn_mw - self.charge_mw

    @property
    def exchange_mw(self) -> float:
        """Taken through the head, MW; negative where fed back."""
        return float(self.flow.p_slack_mw[0])


class Grid:
    """A network with a place above it.

    - `site`, `spread`, `head`: places for agents
    - `injections`: what its agents do in the running period; `states`: what came of it
    - `head_vm_pu`: voltage of its substation, the feeder's own even where a grid stands above; only a tap
      changer moves it
    - `snapshot`: the power flow of this instant, where something changes within a period
    - `watch`: be called whenever something does
    - `exchange_mw`, `head_t_per_h`: what has passed its head so far
    - `below`: the grids that hang on it
    - `named`, `local`: names of its agents in the world, and back

    Parameters
    ----------
    feeder : Feeder
        A radial feeder, or the one bus of a copper plate.
    head_factor_tco2_per_mwh : ndarray, shape (n_period,), optional
        Carbon factor of what an exogenous head supplies, for a grid without a place above.
    name : str, optional
        Scope of its agents' names; "" in a world of one grid, whose agents keep their own names.
    above : Site, optional
        Where its head is connected on another grid.
    replicas : int, optional
        How many equal grids stand behind that place; this one stands for all of them.

    Raises
    ------
    NetworkError
        If it has both or neither of a place above and an exogenous factor, or no replica.
    """

    def __init__(
        self,
        feeder: Feeder,
        head_factor_tco2_per_mwh: Array | None = None,
        *,
        name: str = "",
        above: Site | None = None,
        replicas: int = 1,
    ) -> None:
        faults = []
        if (above is None) == (head_factor_tco2_per_mwh is None):
            allowed = "must be given for a grid without a place above, and for no other"
            faults.append(Fault("head_factor_tco2_per_mwh", head_factor_tco2_per_mwh, allowed))
        if replicas < 1 or (above is None and replicas > 1):
            allowed = "must be 1 or more, and 1 where nothing stands above"
            faults.append(Fault("replicas", replicas, allowed))
        if faults:
            raise NetworkError(f"grid {name or feeder.name}", faults)
        self.feeder, self.name, self.above, self.replicas = feeder, name, above, replicas
        self.head_factor_tco2_per_mwh = head_factor_tco2_per_mwh
        self.power_flow = AcPowerFlow(feeder)
        self.head_vm_pu = feeder.slack_vm_pu
        self.injections = Injections(feeder.n_bus)
        self.states: list[PeriodState] = []
        self.below: list[Grid] = []
        self._watchers: list[Callable[[], None]] = []
        if above is not None:
            above.grid.below.append(self)
        self.world: Commons

    @property
    def copies(self) -> int:
        """How many of it there are in the world: its replicas times those of the grids above."""
        return self.replicas * (self.above.grid.copies if self.above else 1)

    @property
    def head(self) -> Site:
        """Where what comes from above enters; whoever stands nowhere in particular stands here."""
        return Site(self, 0)

    def snapshot(self, extra_p_mw: Array | None = None, extra_q_mvar: Array | None = None) -> PowerFlow:
        """The AC power flow of this instant, with one period; grids below take what they take now.

        Parameters
        ----------
        extra_p_mw, extra_q_mvar : ndarray, shape (n_bus,), optional
            What would be fed in besides.

        Raises
        ------
        PowerFlowError
            If it has no solution.
        """
        p_mw, q_mvar = self.injections.instant_net_mw, self.injections.instant_q_mvar
        for grid in self.below:
            assert grid.above is not None
            head = grid.snapshot()
            p_mw[grid.above.bus] -= grid.replicas * float(head.p_slack_mw[0])
            q_mvar[grid.above.bus] -= grid.replicas * float(head.q_slack_mvar[0])
        if extra_p_mw is not None:
            p_mw += extra_p_mw
        if extra_q_mvar is not None:
            q_mvar += extra_q_mvar
        return self.power_flow.solve(p_mw[None], q_mvar[None], np.array([self.head_vm_pu]))

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have something called whenever somebody changes what it feeds in within a period."""
        self._watchers.append(watcher)

    def change(self) -> None:
        """Call whoever watches: something has changed at this instant."""
        for watcher in self._watchers:
            watcher()

    def site(self, label: Label) -> Site:
        """The site at a bus by its label in the network's file.

        Raises
        ------
        NetworkError
            If there is no such bus.
        """
        return Site(self, self.feeder.index(label))

    def spread(self, buses: Index | None = None) -> SpreadSite:
        """All buses in the proportion of their nominal loads, active and reactive power each.

        Parameters
        ----------
        buses : ndarray of int, optional
            Only these; all by default.

        Raises
        ------
        NetworkError
            If the loads at these buses do not sum to a power above 0.
        """
        p_mw, q_mvar = self.feeder.p_load_mw, self.feeder.q_load_mvar
        if buses is None:
            return SpreadSite(self, p_mw / p_mw.sum(), q_mvar / p_mw.sum())
        here = np.isin(np.arange(self.feeder.n_bus), buses)
        total_mw = float(p_mw[here].sum())
        if not total_mw > 0.0:
            labels = ", ".join(str(self.feeder.bus_labels[bus]) for bus in buses)
            allowed = "must hold a bus with a nominal load above 0 MW, for a load to be spread over"
            raise NetworkError(self._called, [Fault("buses", labels, allowed)])
        return SpreadSite(self, np.where(here, p_mw, 0.0) / total_mw, np.where(here, q_mvar, 0.0) / total_mw)

    def spread_by(self, profile: str) -> SpreadSite:
        """All buses in the proportion of those nominal loads that follow a series of this name.

        Raises
        ------
        NetworkError
            If there are none, or they do not sum to a power above 0.
        """
        loads = self.feeder.loads_by(profile)
        total_mw = float(loads.p_load_mw.sum())
        if not total_mw > 0.0:
            allowed = f"loads of profile {profile} must sum to more than 0 MW, for a load to be spread over"
            raise NetworkError(self._called, [Fault("load", total_mw, allowed)])
        return SpreadSite(self, loads.p_load_mw / total_mw, loads.q_load_mvar / total_mw)

    def load_sites(self) -> list[tuple[Site, float]]:
        """Each load bus, with the reactive power of its load, and its share of all load.

        Raises
        ------
        NetworkError
            If a bus has reactive load alone, or one that feeds in: nobody can stand there by its share.
        """
        p_mw, q_mvar = self.feeder.p_load_mw, self.feeder.q_load_mvar
        allowed = "must be above 0 at each bus with a load, where one agent stands at each"
        bare = [
            Fault(f"bus {self.feeder.bus_labels[bus]}", f"{p_mw[bus]:g} MW, {q_mvar[bus]:g} Mvar", allowed)
            for bus in np.flatnonzero((p_mw < 0.0) | ((p_mw == 0.0) & (q_mvar != 0.0)))
        ]
        if bare:
            raise NetworkError(self._called, bare)
        return [
            (Site(self, int(bus), float(q_mvar[bus] / p_mw[bus])), float(p_mw[bus] / p_mw.sum()))
            for bus in np.flatnonzero(p_mw)
        ]

    @property
    def _called(self) -> str:
        """What errors call it."""
        return f"grid {self.name or self.feeder.name}"

    def named(self, name: str) -> str:
        """The name in the world of an agent of this grid."""
        return f"{self.name}/{name}" if self.name else name

    def local(self, name: str) -> str:
        """The name within this grid of one of its agents; the full name of any other."""
        return name.removeprefix(f"{self.name}/") if self.name else name

    @property
    def exchange_mw(self) -> Array:
        """Taken through the head in each period settled so far, MW; negative where fed back."""
        return np.array([state.exchange_mw for state in self.states])

    @property
    def head_t_per_h(self) -> Array:
        """Carbon through the head in each period settled so far, tCO2/h; negative where fed back."""
        return np.array([state.head_t_per_h for state in self.states])


@dataclass(frozen=True, eq=False)
class Site:
    """A bus of a grid: where an agent stands, and the only way it draws or supplies there.

    Parameters
    ----------
    grid : Grid
    bus : int
        Bus index.
    mvar_per_mw : float, optional
        Reactive power that goes with what is drawn there, per active power; none by default.
    """

    grid: Grid
    bus: int
    mvar_per_mw: float = 0.0

    @property
    def label(self) -> str:
        """The bus by the label in its network's file."""
        return str(self.grid.feeder.bus_labels[self.bus])

    @property
    def p_share(self) -> Array:
        """How a load here spreads over the buses, shape (n_bus,): all of it at one."""
        return np.eye(1, self.grid.feeder.n_bus, self.bus).ravel()

    @property
    def q_share(self) -> Array:
        """Reactive power at each bus per MW drawn in all, Mvar/MW, shape (n_bus,)."""
        return self.mvar_per_mw * self.p_share

    def supply(self, name: str, p_mw: float, q_mvar: float = 0.0, factor_tco2_per_mwh: float = 0.0) -> None:
        """Feed in during the running period, with a carbon factor; counted by the meter of that name."""
        self.grid.injections.supply(self.bus, name, p_mw, q_mvar, factor_tco2_per_mwh)

    def emit(self, name: str, carbon_t_per_h: float) -> None:
        """Give off carbon for energy that is not fed in, such as what a plant makes for itself alone."""
        self.grid.injections.emit(self.bus, name, carbon_t_per_h)

    def draw(self, name: str, p_mw: float) -> None:
        """Draw during the running period; counted by the meter of that name."""
        drawn = np.zeros(self.grid.feeder.n_bus)
        drawn[self.bus] = p_mw
        self.grid.injections.draw(name, drawn, self.mvar_per_mw * drawn)

    def charge(self, name: str, p_mw: float) -> None:
        """Draw active power to store it; counted by the meter of that name."""
        self.grid.injections.charge(self.bus, name, p_mw)

    def set_apart(self, name: str, p_mw: float, q_mvar: float) -> None:
        """Say what is fed in at this instant beyond the means over the running period."""
        self.grid.injections.set_apart(name, self.bus, p_mw, q_mvar)
        self.grid.change()

    def intensity_tco2_per_mwh(self, period: int) -> float:
        """Carbon intensity of the power at the bus in a settled period; nan where none arrives."""
        return float(self.grid.states[period].intensity_tco2_per_mwh[self.bus])


@dataclass(frozen=True, eq=False)
class SpreadSite:
    """Many buses of a grid at once: a load spread over them in a fixed proportion.

    Parameters
    ----------
    grid : Grid
    p_share : ndarray, shape (n_bus,)
        How the load spreads over the buses; sums to 1, and is negative where a load feeds in.
    q_share : ndarray, shape (n_bus,)
        Reactive power at each bus per MW drawn in all, Mvar/MW, whatever active power is drawn there.
    """

    grid: Grid
    p_share: Array
    q_share: Array

    @property
    def label(self) -> str:
        """Of a load at many buses: none in particular."""
        return ""

    def draw(self, name: str, p_mw: float) -> None:
        """Draw during the running period; counted by the meter of that name."""
        self.grid.injections.draw(name, p_mw * self.p_share, p_mw * self.q_share)


Place = Site | SpreadSite


def from_leaves_to_roots(grids: Sequence[Grid]) -> list[Grid]:
    """Order grids so that each comes before the one above it.

    Raises
    ------
    NetworkError
        If a name is taken twice, or a grid stands on one that is not among them.
    """
    faults = []
    names = [grid.name for grid in grids]
    for grid in grids:
        if names.count(grid.name) > 1:
            faults.append(Fault("name", grid.name, "must differ from the names of all other grids"))
        if grid.above is not None and grid.above.grid not in grids:
            faults.append(Fault(grid.name, grid.above.grid.name, "the grid above must be in the world too"))
    if faults:
        raise NetworkError("grids", faults)

    def depth(grid: Grid) -> int:
        return 0 if grid.above is None else 1 + depth(grid.above.grid)

    # Stable: grids of one depth keep their order, so that sums at a shared bus always run alike.
    return sorted(grids, key=lambda grid: -depth(grid))
