"""The dispatch of a planned day as a linear programme of its own, by tangents at the plan (A13 to A20)."""

from __future__ import annotations

from gridarium.environment.arrays import Array, Index
from gridarium.experiments.evidence.plans.dispatch_parts import DispatchParts
from gridarium.experiments.evidence.plans.planned_day import PlannedDay

_AT_REST = 1e-9
"""Change of a cost, relative to it, by which tangents bring nothing more."""
LOAD_SHARE = 0.05
"""Share of itself by which the load of a period moves where prices are held against it."""


class DispatchProgram(DispatchParts):
    """The programme of a day; powers in MW and Mvar, squared currents on a base of 1 MVA.

    Parameters
    ----------
    day : PlannedDay
    load_share : float, optional
        By how much of itself the load of a period may move, paid for at the plan's own prices: no other load
        is cheaper then if these prices are what a further MWh costs.
    commits : bool, optional
        Whether it is open which units run, in part too; else they run as planned.
    """

    def __init__(self, day: PlannedDay, load_share: float = 0.0, commits: bool = False) -> None:
        super().__init__(day, load_share, commits)
        self._add_network()

    def least_emission_tco2(self, import_factor_tco2_per_mwh: Array, rounds: int) -> float:
        """Emission of the day at the least cost, tCO2.

        Parameters
        ----------
        import_factor_tco2_per_mwh : ndarray, shape (n_period,)
        rounds : int
            Most times that tangents are added at the decisions found; fewer where these come to rest.

        Raises
        ------
        SolveError
            If nothing lies within all rows.
        """
        gain, x = self.best()
        for _ in range(rounds):
            for touch in self._curved:
                touch(x)
            before, (gain, x) = gain, self.best()
            if before - gain <= _AT_REST * max(1.0, abs(gain)):
                break
        return self.emission_tco2(x, import_factor_tco2_per_mwh)

    def emission_tco2(self, x: Array, import_factor_tco2_per_mwh: Array) -> float:
        """What units emit less what they capture, with imports, by decisions."""
        hours, emitted = self._day.hours, float(import_factor_tco2_per_mwh @ x[self._bought])
        emitted += sum(one.unit.emission_tco2_per_mwh * float(x[gross].sum()) for one, gross in self._gross)
        return hours * (emitted - sum(float(x[taken].sum()) for taken, _ in self._captured))

    def _add_network(self) -> None:
        day, flow, feeder = self._day, self.flow, self._day.feeder
        base = feeder.base_mva
        r, x = feeder.r_pu / base, feeder.x_pu / base
        low, high = day.band_pu
        square = [
            self.decide(
                self._none + low**2 if bus else day.head_vm_pu**2,
                self._none + high**2 if bus else day.head_vm_pu**2,
                flow.voltage_squared[bus],
            )
            for bus in range(feeder.n_bus)
        ]
        for branch, parent in enumerate(feeder.parent.tolist()):
            most = (day.loading_max * float(feeder.i_max_pu[branch]) * base) ** 2
            squared = base**2 * flow.current_squared[branch]
            lost = day.hours * day.loss_per_mwh * float(r[branch])
            current = self.decide(self._none, self._none + most, squared, lost)
            sent_p, sent_q = flow.p_mw[branch], flow.q_mvar[branch]
            p, q = (self.decide(-self._open, self._open, sent) for sent in (sent_p, sent_q))
            ratio = 1.0 / float(feeder.ratio[branch]) ** 2
            ohm, reactance = float(r[branch]), float(x[branch])
            self.limit(
                self._none, self._none, (square[branch + 1], 1.0), (square[parent], -ratio),
                (p, 2.0 * ohm), (q, 2.0 * reactance), (current, -(ohm**2) - reactance**2),
            )  # fmt: skip
            self._cone(current, p, q, square[parent], ratio)
            self._active[parent].append((p, -1.0))
            self._reactive[parent].append((q, -1.0))
            self._active[branch + 1] += [(p, 1.0), (current, -ohm)]
            self._reactive[branch + 1] += [(q, 1.0), (current, -reactance)]
        for bus in range(feeder.n_bus):
            self._balance(bus, square[bus])

    def _cone(self, current: Index, p: Index, q: Index, square: Index, ratio: float) -> None:
        """l >= (P^2 + Q^2) / w with w = v / k^2, by tangents: it is convex in all three."""

        def touch(x: Array) -> None:
            behind = ratio * x[square]
            by_p, by_q = 2.0 * x[p] / behind, 2.0 * x[q] / behind
            by_w = (x[p] ** 2 + x[q] ** 2) / behind**2
            terms = ((current, 1.0), (p, -by_p), (q, -by_q), (square, ratio * by_w))
            self.tangent(self._none, self._open, *terms)

        self.curved(touch)

    def _balance(self, bus: int, square: Index) -> None:
        """What comes in at a bus is what is drawn there, and what its shunt takes."""
        day, base = self._day, self._day.feeder.base_mva
        load, drawn = day.load_mw[bus], day.load_mvar[bus]
        shunt_g, shunt_b = (float(part[bus]) * base for part in (day.feeder.g_bus_pu, day.feeder.b_bus_pu))
        self.limit(load, load, *self._active[bus], (square, -shunt_g), (self._more, -load))
        moved = -drawn if day.reactive_worth else self._none
        self.limit(drawn, drawn, *self._reactive[bus], (square, shunt_b), (self._more, moved))
