"""What a leader under C7 could still gain to first order: its posted plan, true followers, AC power flows.

The leader's own programmes play no part here: slopes are differences between power flows, and the problem is
written down anew, with C9 as it stands and C7 as a constraint.
"""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.power_flow import PowerFlow
from gridarium.experiments.evidence.leader.led_plan import LedPlan
from gridarium.experiments.evidence.programs.move_program import MoveProgram, Term

PRICE_SHARE, POWER_SHARE = 2e-5, 2e-4
"""What a price may move, relative to the highest tariff, and a unit, relative to the largest load: with the
first a kink of the response stays one, and with the second an hour of a unit counts."""

NEAR_LIMIT_PU = 1e-3
"""Distance of a voltage from its limit from which on moves must know the limit."""


def leader_stationarity(led: LedPlan) -> float:
    """The largest gain of small moves, relative to what all would pay more if prices rose by as much.

    Parameters
    ----------
    led : LedPlan

    Raises
    ------
    SolveError
        If the programme of moves cannot be solved.

    Notes
    -----
    By the duality of linear programmes this is the residual of the gradient of the Lagrangian, in the norm
    dual to the box of moves, with multipliers that keep signs and complementarity. Where a follower is at a
    limit without pressing against it, or a storage rests, either side counts: B-stationarity. Loads, pools
    and the head follow. C2, C3, C7, C8, C9, C11 to C16, A20.
    """
    program = _Program(led)
    return program.most() / (program.radius_per_mwh * float(led.load_mw.sum()) * led.dso.shape.period_h)


class _Program:
    """The moves of a leader's problem."""

    def __init__(self, led: LedPlan) -> None:
        self._led, self._market = led, led.dso.today.conditions
        self.radius_per_mwh = PRICE_SHARE * float(self._market.tou_price_per_mwh.max())
        self.radius_mw = POWER_SHARE * float(led.load_mw.max())
        self._program, shape = MoveProgram(), led.dso.shape
        self._h, self._periods = shape.period_h, np.arange(shape.n_period)
        self._declare_followers()
        self._declare_units()
        self._declare_network()
        self._declare_pools()

    def most(self) -> float:
        """The largest gain, money."""
        return self._program.most()

    def _declare_followers(self) -> None:
        """reference - price - nu - beta d - up + lo = 0, sum d = 0, complementarity (C12 to C16)."""
        led, market, program, radius = self._led, self._market, self._program, self.radius_per_mwh
        carbon, h = market.flat_carbon_price_per_tco2, self._h
        size = np.full(len(self._periods), radius)
        self._price = program.moves(-size, size, h * led.load_mw)
        earns = h * (led.price_per_mwh + carbon * market.quota_tco2_per_mwh)
        load = []
        for one in led.followers:
            margin = one.reference_price_per_mwh - led.price_per_mwh
            margin = margin - one.neutral_price(led.price_per_mwh)
            beta = one.beta_per_mwh_per_mw
            shift = np.clip(margin / beta, -one.most_down_mw, one.most_up_mw)
            nu = program.moves(-np.ones(1) * radius, np.ones(1) * radius)
            moved = program.moves(-one.most_down_mw - shift, one.most_up_mw - shift, earns)
            upper, lower = (
                self._pressing(moved, sign, sign * margin - beta * most, most - sign * shift, beta)
                for sign, most in ((1.0, one.most_up_mw), (-1.0, one.most_down_mw))
            )
            zero = np.zeros(len(self._periods))
            everywhere = np.broadcast_to(nu, self._price.shape)
            program.rows(
                zero, zero, (self._price, 1.0), (everywhere, 1.0), (moved, beta), (upper, 1.0), (lower, -1.0)
            )
            program.rows(np.zeros(1), np.zeros(1), (moved[None], 1.0))
            load.append(moved)
        self._load = np.array(load)

    def _pressing(self, moved: Index, sign: float, beyond: Array, room: Array, beta: float) -> Index:
        """Moves of the multiplier of a limit: it is zero, or the limit is met.

        A margin moves by no more than twice the radius of prices; binaries stand where that decides.
        """
        program, reach = self._program, 2.0 * self.radius_per_mwh
        pressure = np.maximum(beyond, 0.0)
        presses, free = beyond > reach, beyond < -reach
        high = np.where(free, 0.0, np.where(presses, np.inf, reach + pressure))
        multiplier = program.moves(-pressure, high)
        # The limit is met where it presses.
        program.rows(room[presses], room[presses], (moved[presses], sign))
        either = np.flatnonzero(~presses & ~free)
        meets = program.moves(np.zeros(len(either)), np.ones(len(either)), integer=True)
        most = 2.0 * reach + pressure[either]
        nothing = np.full(len(either), -np.inf)
        program.rows(nothing, -pressure[either], (multiplier[either], 1.0), (meets, -most))
        apart = room[either] + 2.0 * reach / beta
        program.rows(nothing, apart - room[either], (moved[either], -sign), (meets, apart))
        return multiplier

    def _declare_units(self) -> None:
        """Turbines while they run, renewables, storages one way at a time (C9, C11, A20)."""
        led, market, h = self._led, self._market, self._h
        shape, today = led.dso.shape, led.dso.today
        done, wear = led.plan.dispatch, dict(shape.wear_cost_per_mwh)
        least, most, costs = (np.zeros(done.turbine_mw.shape) for _ in range(3))
        for g, unit in enumerate(shape.turbines):
            least[g], most[g] = unit.p_min_mw * done.on[g], unit.p_max_mw * done.on[g]
            carbon = market.flat_carbon_price_per_tco2 * unit.emission_tco2_per_mwh
            costs[g] = [unit.marginal_fuel_cost_per_mwh(power) + carbon for power in done.turbine_mw[g]]
        self._turbine = self._within(done.turbine_mw, least, most, -h * costs)
        available = np.array(list(today.available_mw.values())).reshape(done.renewable_mw.shape)
        self._renewable = self._within(done.renewable_mw, np.zeros_like(available), available)
        rating = np.array([[unit.p_max_mw] for unit in shape.storages]) * np.ones_like(done.charge_mw)
        worn = np.array([[wear[unit.name]] for unit in shape.storages]).reshape(-1, 1)
        self._charge = self._within(done.charge_mw, np.zeros_like(rating), rating)
        self._discharge = self._within(
            done.discharge_mw, np.zeros_like(rating), rating, -h * worn * np.ones_like(rating)
        )
        self._one_way(done.charge_mw, done.discharge_mw, self._charge, self._discharge, self.radius_mw)
        self._declare_levels()

    def _declare_levels(self) -> None:
        """E within its band, E_T = E_0 (A20)."""
        led, program, h = self._led, self._program, self._h
        done, until = led.plan.dispatch, np.tri(len(self._periods))
        for s, unit in enumerate(led.dso.shape.storages):
            into, out = h * unit.efficiency_charge, h / unit.efficiency_discharge
            first = list(led.dso.today.initial_mwh.values())[s]
            level = first + until @ (into * done.charge_mw[s] - out * done.discharge_mw[s])
            low, high = unit.band_mwh
            low_moves, high_moves = np.minimum(low - level, 0.0), np.maximum(high - level, 0.0)
            low_moves[-1] = high_moves[-1] = 0.0
            everywhere = (
                np.broadcast_to(self._charge[s], until.shape),
                np.broadcast_to(self._discharge[s], until.shape),
            )
            program.rows(low_moves, high_moves, (everywhere[0], into * until), (everywhere[1], -out * until))

    def _within(self, power: Array, least: Array, most: Array, gain: Array | float = 0.0) -> Index:
        """Moves of powers within the radius and their limits."""
        low = np.clip(least - power, -self.radius_mw, 0.0)
        return self._program.moves(low, np.clip(most - power, 0.0, self.radius_mw), gain)

    def _one_way(self, first: Array, second: Array, to_first: Index, to_second: Index, reach: float) -> None:
        """At most one of two powers differs from zero, where moves could make both do so."""
        program = self._program
        place = np.maximum(first, second) <= 2.0 * reach
        for power, move, other in ((first, to_first, second), (second, to_second, first)):
            # One that rests beside one at work goes on resting.
            rests = ~place & (power <= other)
            program.rows(-power[rests], -power[rests], (move[rests], 1.0))
        number = int(place.sum())
        goes = program.moves(np.zeros(number), np.ones(number), integer=True)
        nothing, most = np.full(number, -np.inf), np.full(number, 4.0 * reach)
        program.rows(nothing, -first[place], (to_first[place], 1.0), (goes, -most))
        program.rows(nothing, most - second[place], (to_second[place], 1.0), (goes, most))

    def _declare_network(self) -> None:
        """Head + units = loads + losses, voltages within their band (A13, C10, C11)."""
        led, market, program, h = self._led, self._market, self._program, self._h
        shape, done, carbon = led.dso.shape, led.plan.dispatch, market.flat_carbon_price_per_tco2
        costs = market.wholesale_price_per_mwh + carbon * market.grid_factor_tco2_per_mwh
        self._buy = program.moves(-done.buy_mw, shape.import_limit_mw - done.buy_mw, -h * costs)
        sell_room = np.maximum(shape.export_limit_mw - done.sell_mw, 0.0)
        self._sell = program.moves(-done.sell_mw, sell_room, h * market.export_price_per_mwh)
        if shape.export_limit_mw > 0.0:
            self._one_way(
                done.buy_mw, done.sell_mw, self._buy, self._sell, len(led.directions) * self.radius_mw
            )
        drawn = self._drawn()
        imports, squares = led.slopes()
        zero = np.zeros(len(self._periods))
        through_head = [(self._buy, 1.0), (self._sell, -1.0)]
        by_drawn = [(places, -sign * imports[at]) for at, places, sign in drawn]
        program.rows(zero, zero, *through_head, *by_drawn)
        self._declare_voltages(led.flow(), squares, drawn)

    def _drawn(self) -> list[tuple[int, Index, float]]:
        """Direction, moves and sign of whatever draws or feeds in."""
        n_turbine, n_renewable = len(self._turbine), len(self._renewable)
        found = [(0, moved, 1.0) for moved in self._load]
        found += [(1 + g, moved, -1.0) for g, moved in enumerate(self._turbine)]
        found += [(1 + n_turbine + r, moved, -1.0) for r, moved in enumerate(self._renewable)]
        for s, (charge, discharge) in enumerate(zip(self._charge, self._discharge, strict=True)):
            at = 1 + n_turbine + n_renewable + s
            found += [(at, charge, 1.0), (at, discharge, -1.0)]
        return found

    def _declare_voltages(
        self, flow: PowerFlow, squares: list[Array], drawn: list[tuple[int, Index, float]]
    ) -> None:
        low, high = self._led.dso.shape.voltage_band_pu
        here = flow.vm_pu**2
        near = np.minimum(flow.vm_pu - low, high - flow.vm_pu) <= NEAR_LIMIT_PU
        near[:, 0] = False
        t, bus = np.nonzero(near)
        terms: list[Term] = [(places[t], sign * squares[at][t, bus]) for at, places, sign in drawn]
        room_down, room_up = low**2 - here[t, bus], high**2 - here[t, bus]
        self._program.rows(np.minimum(room_down, 0.0), np.maximum(room_up, 0.0), *terms)

    def _declare_pools(self) -> None:
        """C2 and C3, and the tie C7 as ``(price - floor) P = kappa lambda e P``; the budget C8."""
        led, market, program, h = self._led, self._market, self._program, self._h
        pool, done = led.plan.pool, led.plan.dispatch
        most = float(market.grid_factor_tco2_per_mwh.max())
        until, zero = np.tri(len(self._periods)), np.zeros(len(self._periods))
        free = np.full(pool.inflow_t_per_h.shape, np.inf)
        into = program.moves(-pool.inflow_t_per_h, free)
        out = program.moves(-pool.outflow_t_per_h, free)
        for s in range(len(into)):
            content = pool.first_tco2[s] + h * until @ (pool.inflow_t_per_h[s] - pool.outflow_t_per_h[s])
            low, high = np.minimum(-content, 0.0), np.full(len(content), np.inf)
            low[-1] = high[-1] = 0.0
            flows = (np.broadcast_to(into[s], until.shape), np.broadcast_to(out[s], until.shape))
            program.rows(low, high, (flows[0], h * until), (flows[1], -h * until))
            for flow, power, moved, own in (
                (pool.inflow_t_per_h[s], done.charge_mw[s], self._charge[s], into[s]),
                (pool.outflow_t_per_h[s], done.discharge_mw[s], self._discharge[s], out[s]),
            ):
                room = np.maximum(most * power - flow, 0.0)
                program.rows(zero - np.inf, room, (own, 1.0), (moved, -most))
        emitted = self._emitted()
        held = led.plan.situation.supply.emission_t_per_h - pool.inflow_t_per_h.sum(axis=0)
        program.rows(np.minimum(-held, 0.0), zero + np.inf, *emitted, *((flow, -1.0) for flow in into))
        rate = led.rules.adjustment * market.flat_carbon_price_per_tco2
        above = led.price_per_mwh - market.tou_price_per_mwh + rate * market.quota_tco2_per_mwh
        program.rows(
            zero, zero, (self._price, led.load_mw), *((moved, above) for moved in self._load),
            *((places, -rate * np.asarray(factor)) for places, factor in emitted),
            *((flow, rate) for flow in into), *((flow, -rate) for flow in out),
        )  # fmt: skip
        self._declare_budget(emitted)

    def _emitted(self) -> list[Term]:
        units = zip(self._led.dso.shape.turbines, self._turbine, strict=True)
        return [
            (self._buy, self._market.grid_factor_tco2_per_mwh),
            *((moved, np.full(len(moved), unit.emission_tco2_per_mwh)) for unit, moved in units),
        ]

    def _declare_budget(self, emitted: list[Term]) -> None:
        """(kappa - 1) (Em - quota D) >= 0 (C8 under C7)."""
        led, market = self._led, self._market
        share = led.rules.adjustment - 1.0
        if not led.rules.budget_balanced or share == 0.0:
            return
        quota = market.quota_tco2_per_mwh
        emission = led.plan.situation.supply.emission_t_per_h
        left = share * float(emission.sum() - quota * led.load_mw.sum())
        self._program.rows(
            np.array([min(-left, 0.0)]), np.array([np.inf]),
            *((places[None], share * np.asarray(factor)[None]) for places, factor in emitted),
            *((moved[None], -share * quota) for moved in self._load),
        )  # fmt: skip
