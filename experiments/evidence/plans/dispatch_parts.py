"""What stands on a grid in the dispatch of a planned day, by tangents at the plan: units, storages, rules."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.experiments.evidence.plans.plan_program import PlanProgram
from gridarium.experiments.evidence.plans.planned_day import (
    PlannedCapture,
    PlannedDay,
    PlannedPlant,
    PlannedStore,
    PlannedUnit,
    Ramps,
    SystemRules,
)
from gridarium.experiments.evidence.plans.radial_flow import RadialFlow, radial_flow
from gridarium.experiments.evidence.programs.move_program import Term

_SIDES = 16
"""Sides of the polygon around each disc of apparent power."""


class DispatchParts(PlanProgram):
    """All of a day but its network; powers in MW and Mvar.

    - `flow`: the AC power flow of the plan, by sweeps

    Parameters
    ----------
    day : PlannedDay
    load_share : float
        By how much of itself the load of a period may move, paid for at the plan's own prices.
    commits : bool
        Whether it is open which units run, in part too; else they run as planned.
    """

    def __init__(self, day: PlannedDay, load_share: float, commits: bool) -> None:
        super().__init__(f"the dispatch of {day.name} again")
        self._commits = commits
        self._day, self._n = day, day.n_period
        self._none, self._open = np.zeros(self._n), np.full(self._n, np.inf)
        n_bus = day.feeder.n_bus
        self._active: list[list[Term]] = [[] for _ in range(n_bus)]
        self._reactive: list[list[Term]] = [[] for _ in range(n_bus)]
        self._gross: list[tuple[PlannedUnit, Index]] = []
        self._bought = np.zeros(0, dtype=np.int64)
        self._captured: list[tuple[Index, Array]] = []
        self.flow: RadialFlow = radial_flow(day.feeder, *day.fed, day.head_vm_pu)
        self._more = self.decide(
            self._none - load_share, self._none + load_share, self._none, -day.hours * day.load_worth_per_h
        )
        self._add_head()
        for unit in day.units:
            self._add_unit(unit)
        for plant in day.plants:
            self._add_plant(plant)
        for store in day.stores:
            self._add_store(store)
        for bus, low, high, given in day.compensators:
            self._reactive[bus].append((self.decide(self._none + low, self._none + high, given), 1.0))
        if day.rules is not None:
            self._add_rules(day.rules)

    # What passes the head.

    def _add_head(self) -> None:
        head, day, net = self._day.head, self._day, self.flow.head_mw
        hours, buy, sell = day.hours, np.maximum(net, 0.0), np.maximum(-net, 0.0)
        bought = self.decide(self._none, head.most_in_mw, buy, hours * head.buy_per_mwh)
        self._bought = bought
        sold = self.decide(self._none, head.most_out_mw, sell, -hours * head.sell_per_mwh)
        self._active[0] += [(bought, 1.0), (sold, -1.0)]
        mvar = self.flow.head_mvar
        self._reactive[0].append((self.decide(-self._open, self._open, mvar), 1.0))
        if head.carbon_lines:
            value = np.max([slope * buy + at_zero for slope, at_zero in head.carbon_lines], axis=0)
            asked = self.decide(-self._open, self._open, value, hours)
            for slope, at_zero in head.carbon_lines:
                self.tangent(at_zero, self._open, (asked, 1.0), (bought, -slope))
        if head.target_mw is not None:
            target, weight = head.target_mw, 0.5 * head.pull_per_mw2h
            pulled = self.decide(self._none, self._open, weight * (net - target) ** 2, hours)

            def touch(x: Array) -> None:
                taken = x[bought] - x[sold]
                rate = 2.0 * weight * (taken - target)
                at_zero = weight * (taken - target) ** 2 - rate * taken
                self.tangent(at_zero, self._open, (pulled, 1.0), (bought, -rate), (sold, rate))

            self.curved(touch)

    # What stands on the grid.

    def _disc(self, most_mva: float, p: list[Term], q: Index) -> None:
        """P^2 + Q^2 <= S^2 by a polygon, and by tangents."""
        if not np.isfinite(most_mva):
            return
        for angle in 2.0 * np.pi * np.arange(_SIDES) / _SIDES:
            terms = [(places, factor * np.full(self._n, np.cos(angle))) for places, factor in p]
            self.limit(-self._open, self._none + most_mva, *terms, (q, np.full(self._n, np.sin(angle))))

        def touch(x: Array) -> None:
            active = sum((factor * x[places] for places, factor in p), self._none)
            angle = np.arctan2(x[q], active)
            terms = [(places, factor * np.cos(angle)) for places, factor in p]
            self.limit(-self._open, self._none + most_mva, *terms, (q, np.sin(angle)))

        self.curved(touch)

    def _add_unit(self, one: PlannedUnit) -> None:
        """Band, rating, fuel by tangents, which count what runs, and ramps."""
        unit, hours = one.unit, self._day.hours
        a, b, c = unit.cost
        runs = one.on.astype(float)
        free, most = np.zeros(self._n), np.ones(self._n)
        least, last = (free, most) if self._commits else (runs, runs)
        on = self.decide(least, last, runs, hours * c)
        gross = self.decide(free, free + unit.p_max_mw, one.p_mw, hours * b)
        self.limit(free, self._open, (gross, 1.0), (on, -unit.p_min_mw))
        self.limit(-self._open, free, (gross, 1.0), (on, -unit.p_max_mw))
        mva = min(unit.s_max_mva, 1e9)
        reactive = self.decide(-mva * most, mva * most, one.q_mvar)
        for way in (1.0, -1.0):
            self.limit(-self._open, free, (reactive, way), (on, -mva))
        self._disc(unit.s_max_mva, [(gross, 1.0)], reactive)
        if a > 0.0:
            fuel = self.decide(free, self._open, a * one.p_mw**2, hours)

            def touch(x: Array) -> None:
                at = x[gross]
                self.tangent(free, self._open, (fuel, 1.0), (gross, -2.0 * a * at), (on, a * at**2))

            self.curved(touch)
        if one.ramps is not None:
            self._add_ramps(one.ramps, gross)
        if one.capture is not None:
            self._add_capture(one, one.capture, gross, on)
        self._active[one.bus].append((gross, 1.0))
        self._reactive[one.bus].append((reactive, 1.0))
        self._gross.append((one, gross))

    def _add_ramps(self, ramps: Ramps, gross: Index) -> None:
        first, fall, rise = ramps.first_mw, ramps.fall_mw, ramps.rise_mw
        self.limit(first - fall[:1], first + rise[:1], (gross[:1], 1.0))
        self.limit(-fall[1:], rise[1:], (gross[1:], 1.0), (gross[:-1], -1.0))

    def _add_capture(self, unit: PlannedUnit, one: PlannedCapture, gross: Index, on: Index) -> None:
        """What is taken up, what is driven out for energy, and the tank between them (E1 to E4)."""
        rules, hours = self._day.rules, self._day.hours
        assert rules is not None
        taken = self.decide(self._none, self._open, one.absorbed_tco2_per_h)
        driven = self.decide(self._none, self._open, one.driven_tco2_per_h)
        share = one.efficiency * unit.unit.emission_tco2_per_mwh
        self.limit(-self._open, self._none, (taken, 1.0), (gross, -share))
        spent = (driven, -one.energy_mwh_per_tco2)
        self.limit(self._none, self._open, (gross, 1.0), spent, (on, -one.fixed_mw))
        level = np.cumsum(one.absorbed_tco2_per_h - one.driven_tco2_per_h)
        low, high = ((limit - one.first_tco2) / hours for limit in (0.0, one.tank_tco2))
        inside = self.decide(self._none + low, self._none + high, level)
        self._follow(inside, (taken, -1.0), (driven, 1.0))
        self._end(inside, level, (one.end_tco2 - one.first_tco2) / hours, rules.missed_per_tco2)
        for flow in (taken, driven):
            self._square(flow, 0.5 * rules.uneven_per_t2 * hours)
        self._active[unit.bus] += [spent, (on, -one.fixed_mw)]
        self._captured.append((taken, one.absorbed_tco2_per_h))

    def _square(self, flow: Index, weight: float) -> None:
        """A cost of the square of something."""
        if not weight:
            return
        cost = self.decide(self._none, self._open, self.planned[flow] ** 2, weight)

        def touch(x: Array) -> None:
            at = x[flow]
            self.tangent(-(at**2), self._open, (cost, 1.0), (flow, -2.0 * at))

        self.curved(touch)

    def _follow(self, level: Index, *flows: Term) -> None:
        """level = level before - flows, each with its factor; 0 before the first period."""
        for part in (slice(0, 1), slice(1, None)):
            terms = [(level[part], 1.0), *((places[part], factor) for places, factor in flows)]
            if part.start:
                terms.append((level[:-1], -1.0))
            self.limit(self._none[part], self._none[part], *terms)

    def _end(self, level: Index, planned: Array, end: float, price: float) -> None:
        """What is missing of the last level, or too much, has its price per period."""
        one, off = np.ones(1), float(planned[-1]) - end
        cost = price * self._day.hours
        below, above = (
            self.decide(0.0 * one, np.inf * one, max(0.0, way * off) * one, cost) for way in (-1.0, 1.0)
        )
        self.limit(end * one, end * one, (level[-1:], 1.0), (below, 1.0), (above, -1.0))

    def _add_plant(self, one: PlannedPlant) -> None:
        power = self.decide(self._none, one.available_mw, one.p_mw)
        most = self._none + one.s_max_mva
        reactive = self.decide(-most, most, one.q_mvar)
        if one.mvar_per_mw is None:
            self._disc(one.s_max_mva, [(power, 1.0)], reactive)
        else:
            self.limit(self._none, self._none, (reactive, 1.0), (power, -one.mvar_per_mw))
        self._active[one.bus].append((power, 1.0))
        self._reactive[one.bus].append((reactive, 1.0))

    def _add_store(self, one: PlannedStore) -> None:
        """A20. Charge beside discharge is allowed, as it never pays where no price is below 0."""
        hours, (into, out), most = self._day.hours, one.efficiencies, self._none + one.p_max_mw
        lost = self._day.loss_per_mwh
        charge = self.decide(self._none, most, one.charge_mw, hours * lost * (1.0 - into))
        dear = one.wear_per_mwh + lost * (1.0 / out - 1.0)
        discharge = self.decide(self._none, most, one.discharge_mw, hours * dear)
        reactive = self.decide(-self._none - one.s_max_mva, self._none + one.s_max_mva, one.q_mvar)
        self._disc(one.s_max_mva, [(discharge, 1.0), (charge, -1.0)], reactive)
        low, high = ((limit - one.first_mwh) / hours for limit in one.band_mwh)
        least, last = np.full(self._n, low), np.full(self._n, high)
        level = self.decide(least, last, one.level_mwh)
        self._follow(level, (charge, -into), (discharge, 1.0 / out))
        if one.end_mwh is None or self._day.rules is None:
            self.limit(self._none[:1], self._none[:1], (level[-1:], 1.0))
        else:
            end = (one.end_mwh - one.first_mwh) / hours
            self._end(level, one.level_mwh, end, self._day.rules.missed_per_mwh)
        self._active[one.bus] += [(discharge, 1.0), (charge, -1.0)]
        self._reactive[one.bus].append((reactive, 1.0))

    # What a bulk system has to hold and to pay.

    def _add_rules(self, rules: SystemRules) -> None:
        load = self._day.load_mw.sum(axis=0)
        asked = rules.reserve_load_share * load + rules.reserve_fixed_mw
        more = -rules.reserve_load_share * load
        for way in (1.0, -1.0):
            held, found = [], self._none
            for one, gross in self._gross:
                edge = one.unit.p_max_mw if way > 0.0 else one.unit.p_min_mw
                room = np.where(one.on, way * (edge - one.p_mw), 0.0)
                most = np.where(one.on, one.ramps.reserve_mw if one.ramps else np.inf, 0.0)
                given = np.minimum(room, most)
                places = self.decide(self._none, most, given)
                kept = np.where(one.on, way * edge, 0.0)
                self.limit(-self._open, kept, (places, 1.0), (gross, np.where(one.on, way, 0.0)))
                held.append((places, 1.0))
                found = found + given
            missing = np.maximum(asked - found, 0.0)
            short = self.decide(self._none, self._open, missing, self._day.hours * rules.shortage_per_mwh)
            self.limit(asked, self._open, *held, (short, 1.0), (self._more, more))
        self._add_carbon(rules)

    def _add_carbon(self, rules: SystemRules) -> None:
        """The highest of the lines of a day's emission, and what is beyond all that can be bought."""
        hours, one = self._day.hours, np.ones(1)
        factors = [(unit, hours * unit.unit.emission_tco2_per_mwh, gross) for unit, gross in self._gross]
        before = one * rules.emitted_tco2
        emitted = before + sum(float((factor * unit.p_mw).sum()) for unit, factor, _ in factors)
        emitted = emitted - sum(hours * float(taken.sum()) for _, taken in self._captured)
        terms = [(gross[None, :], np.full((1, self._n), -factor)) for _, factor, gross in factors]
        terms += [(taken[None, :], np.full((1, self._n), hours)) for taken, _ in self._captured]
        most = one * np.inf
        tonnes = self.decide(0.0 * one, most, emitted)
        self.limit(before, before, (tonnes, 1.0), *terms)
        value = np.max([slope * emitted + at_zero for slope, at_zero in rules.carbon_lines], axis=0)
        cost = self.decide(-most, most, value, 1.0)
        for slope, at_zero in rules.carbon_lines:
            self.tangent(at_zero * one, most, (cost, 1.0), (tonnes, -slope))
        if np.isfinite(rules.most_tco2):
            extra = np.maximum(emitted - rules.most_tco2, 0.0)
            beyond = self.decide(0.0 * one, most, extra, rules.beyond_per_tco2)
            self.limit(-most, one * rules.most_tco2, (tonnes, 1.0), (beyond, -1.0))
