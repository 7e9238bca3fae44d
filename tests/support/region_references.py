"""Regional systems of random numbers, and what may be asked of them written down from the equations."""

from __future__ import annotations

import numpy as np
from named_columns import Columns, Term

from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_demand import Comfort, Flexibility, RegionDemand, Window
from gridarium.environment.commons import Commons


class ReferenceRegion:
    """The decisions of a region as columns of a programme, with what users themselves bear as their cost.

    Parameters
    ----------
    name : str
        First part of the names of its columns.
    demand : RegionDemand
    peak_mw, stake_money : float
        What the most that may be asked is counted from, and what dissatisfaction of 1 is worth.
    step_h : float
    """

    def __init__(
        self, name: str, demand: RegionDemand, peak_mw: float, stake_money: float, step_h: float
    ) -> None:
        self.name, self.demand, self.base_mw = name, demand, demand.base_mw
        self._peak_mw, self._step_h = peak_mw, step_h
        self._worth = stake_money / len(demand.base_mw)

    def declare(self, columns: Columns) -> None:
        """All its columns and rows."""
        name, own, n, hours = self.name, self.demand.flexibility, len(self.base_mw), self._step_h
        moves = [move for window in own.windows for move in window.moves(n, hours)]
        for number in range(len(moves)):
            columns.add(name, "move", number)
        for t, base in enumerate(self.base_mw.tolist()):
            columns.add(
                name, "cut", t, high=own.cut_share * base, cost=hours * own.cut_cost_per_mwh,
                square=hours * own.cut_cost_per_mw2h + self._unease(0.40, own.cut_share),
            )  # fmt: skip
            # What leaves and what arrives in a period are counted together.
            columns.add(
                name, "moved", t, cost=hours * own.shift_cost_per_mwh,
                square=hours * own.shift_cost_per_mw2h + self._unease(0.35, own.shift_share),
            )  # fmt: skip
            sides: list[Term] = [(-1.0, (name, "moved", t))]
            for side in ("in", "out"):
                columns.add(name, side, t, high=own.shift_share * base)
                sides.append((1.0, (name, side, t)))
            columns.row(sides, 0.0, equal=True)
            leaving: list[Term] = [(-1.0, (name, "move", i)) for i, move in enumerate(moves) if move[0] == t]
            arriving: list[Term] = [
                (-move[2], (name, "move", i)) for i, move in enumerate(moves) if move[1] == t
            ]
            columns.row([(1.0, (name, "out", t)), *leaving], 0.0, equal=True)
            columns.row([(1.0, (name, "in", t)), *arriving], 0.0, equal=True)
        if own.comfort:
            self._declare_rooms(columns, own.comfort)

    def _unease(self, part: float, share: float) -> float:
        return part * self._worth / (share * self._peak_mw) ** 2

    def _declare_rooms(self, columns: Columns, comfort: Comfort) -> None:
        name, n, step_h = self.name, len(self.base_mw), self._step_h
        warmer = comfort.drift_degc_per_h * step_h / (comfort.load_share * self._peak_mw)
        for t in range(n):
            most = comfort.load_share * self.base_mw[t]
            columns.add(name, "down", t, low=-most, high=most)
            band = comfort.band_degc if t < n - 1 else 0.0
            unease = 0.25 * self._worth / comfort.band_degc**2
            columns.add(name, "drift", t, low=-band, high=band, square=unease)
            room: list[Term] = [(1.0, (name, "drift", t)), (-warmer, (name, "down", t))]
            room += [(-(comfort.memory**step_h), (name, "drift", t - 1))] if t else []
            columns.row(room, 0.0, equal=True)

    def draws(self, t: int) -> list[Term]:
        """What is drawn in a period beyond the base load."""
        name = self.name
        terms: list[Term] = [(-1.0, (name, "cut", t)), (1.0, (name, "in", t)), (-1.0, (name, "out", t))]
        return terms + ([(-1.0, (name, "down", t))] if self.demand.flexibility.comfort else [])


def random_region(
    random: np.random.Generator, world: Commons, name: str, peak_mw: float, n: int, step_h: float
) -> tuple[RegionDay, ReferenceRegion]:
    """A region that can cut, shift and maybe pre-cool; as our problem has it, and by the equations."""
    end = n * step_h
    flexibility = Flexibility(
        cut_share=random.uniform(0.05, 0.3),
        shift_share=random.uniform(0.05, 0.2),
        cut_cost_per_mwh=random.uniform(10.0, 50.0),
        cut_cost_per_mw2h=random.uniform(0.2, 2.0),
        shift_cost_per_mwh=random.uniform(0.5, 4.0),
        shift_cost_per_mw2h=random.uniform(0.05, 0.4),
        windows=(Window((end / 2, end), (0.0, end / 2), random.uniform(0.8, 1.1)),),
        comfort=Comfort(0.2) if random.random() < 0.5 else None,
    )
    demand = RegionDemand(peak_mw * random.uniform(0.4, 1.0, n), flexibility)
    peak, stake = float(demand.base_mw.max()), float(random.uniform(0.0, 5e3))
    day = RegionDay(world, name, demand, peak, stake, step_h)
    return day, ReferenceRegion(name, demand, peak, stake, step_h)
