"""The DSO's dispatch as it reads in the market's terms: solved schedules, supply and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.dispatch_problem import (
    RELAXED_SIGNALS,
    SIGNALS,
    DispatchShape,
    build_dispatch_model,
    build_relaxed_model,
)
from gridarium.agents.feeder.head_terms import HeadShape, head_signals, steepest_per_mwh
from gridarium.agents.feeder.network_cut import NetworkCut
from gridarium.agents.feeder.voltage_terms import HEAD_SIGNALS, TRAVEL_SIGNALS, HeadBand
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.cone_solver import ConeOptions
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, Index
from gridarium.environment.commons import Commons
from gridarium.environment.errors import SolveError
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import Supply

_ROUGH = ConeOptions(tolerance=1e-3, optimality=1e-9)
"""Of a relaxation that compares positions of a tap changer and is bounded apart: MW squared, and relative."""
_SPARE_FACTOR = 10.0
"""Price of a unit that is lent, over that of as much energy at the dearest hour of the day."""


@dataclass(frozen=True)
class Dispatch:
    """A solved day; powers in MW and Mvar, shape (n_unit, n_period) or (n_period,).

    Parameters
    ----------
    buy_mw, sell_mw, grid_mvar : ndarray, shape (n_period,)
        Taken from and fed back to the supplier, and the reactive power taken.
    on : ndarray, shape (n_turbine, n_period)
        1 where a turbine runs, otherwise 0.
    turbine_mw, turbine_mvar, renewable_mw, renewable_mvar : ndarray, shape (n_unit, n_period)
    charge_mw, discharge_mw, storage_mvar : ndarray, shape (n_storage, n_period)
    voltage_pu : ndarray, shape (n_bus, n_period)
    current_pu : ndarray, shape (n_branch, n_period)
        Series current on the feeder's own base.
    cone_gap : float
        Largest ``|P**2 + Q**2 - l v|``, p.u. on a base of 1 MVA.
    cost_money : float
        What the DSO minimised; with what a pull counts.
    pull_money : float
        Part of it that nobody pays: what the supplier's pull counts.
    bound_money : float
        What any plan that keeps the limits costs at least, by the relaxation of the AC power flow.
    rounds : int
        Rounds of its cone solver.
    price_per_mwh, price_per_mvarh : ndarray, shape (n_bus, n_period)
        Nodal prices: what one more MWh, or Mvarh, drawn at a bus would cost.
    compensator_mvar : ndarray, shape (n_compensator, n_period)
    head_price_money : ndarray, shape (n_period,)
        What a rise of the head's squared voltage would cost, money per p.u. squared; 0 without a tap changer.
    tap : ndarray of int, shape (n_period,), optional
        Positions of the tap changer; None without one, or where its ratio was free.
    """

    buy_mw: Array
    sell_mw: Array
    grid_mvar: Array
    on: Array
    turbine_mw: Array
    turbine_mvar: Array
    renewable_mw: Array
    renewable_mvar: Array
    charge_mw: Array
    discharge_mw: Array
    storage_mvar: Array
    voltage_pu: Array
    current_pu: Array
    cone_gap: float
    cost_money: float
    pull_money: float
    bound_money: float
    rounds: int
    price_per_mwh: Array
    price_per_mvarh: Array
    compensator_mvar: Array
    head_price_money: Array
    tap: Index | None = None


@dataclass(frozen=True)
class Commitment:
    """Which turbines run, and which ways energy may pass the head: 1 where so, otherwise 0.

    Parameters
    ----------
    on : ndarray, shape (n_turbine, n_period)
    may_buy, may_sell : ndarray, shape (n_period,)
    """

    on: Array
    may_buy: Array
    may_sell: Array


@dataclass(frozen=True)
class Openings:
    """Which storages take part: 1 where so, otherwise 0, shape (n_storage,).

    Parameters
    ----------
    may_move : ndarray
        Whether it charges and discharges.
    may_regulate : ndarray
        Whether it gives reactive power.
    """

    may_move: Array
    may_regulate: Array


@dataclass(frozen=True)
class DispatchDay:
    """What a dispatch starts from.

    Parameters
    ----------
    conditions : MarketConditions
    load_p_mw, load_q_mvar : ndarray, shape (n_bus, n_period)
    available_mw : ndarray, shape (n_renewable, n_period)
    initial_mwh : ndarray, shape (n_storage,)
    carbon_in_cost : bool
        Whether carbon is priced.
    commitment : Commitment
    openings : Openings, optional
        Which storages take part, of a shape in which they open and close.
    head_band : HeadBand, optional
        Where the substation's voltage may be; for a shape with a tap changer, and for no other.
    final_mwh : ndarray, shape (n_storage,), optional
        What is to be in storages at the end; for a shape that sets it, and for no other.
    """

    conditions: MarketConditions
    load_p_mw: Array
    load_q_mvar: Array
    available_mw: Array
    initial_mwh: Array
    carbon_in_cost: bool
    commitment: Commitment
    openings: Openings | None = None
    head_band: HeadBand | None = None
    final_mwh: Array | None = None

    @property
    def at_prices_alone(self) -> DispatchDay:
        """The same day of a supplier that asks nothing beyond prices."""
        return replace(self, conditions=replace(self.conditions, ladder=None, pull=None))

    @property
    def head(self) -> HeadShape:
        """What the supplier's terms bring beyond prices."""
        return HeadShape.of(self.conditions, self.carbon_in_cost)

    @property
    def counted_carbon_per_tco2(self) -> Array:
        """What a tonne counts in the cost beside the supplier's terms, money/tCO2, shape (n_period,)."""
        price = self.conditions.carbon_price_per_tco2
        return price if self.carbon_in_cost else np.zeros_like(price)

    @property
    def signals(self) -> dict[str, Any]:
        """The signals of the dispatch problem of a shape with the day's `head`.

        The first step of a ladder is in the price of what is bought: that is the least that it costs.
        """
        market = self.conditions
        carbon_price = self.counted_carbon_per_tco2
        head = head_signals(market, self.carbon_in_cost)
        price = market.wholesale_price_per_mwh + carbon_price * market.grid_factor_tco2_per_mwh
        return {
            "load_p_mw": self.load_p_mw,
            "load_q_mvar": self.load_q_mvar,
            "buy_price": price + head.pop("first_per_mwh"),
            "sell_price": market.export_price_per_mwh,
            "carbon_price": carbon_price,
            "available_mw": self.available_mw,
            "initial_mwh": self.initial_mwh,
            "on": self.commitment.on,
            "may_buy": self.commitment.may_buy,
            "may_sell": self.commitment.may_sell,
            **({} if self.openings is None else vars(self.openings)),
            **({} if self.final_mwh is None else {"final_mwh": self.final_mwh}),
            **head,
            **(self.head_band.signals if self.head_band else {}),
        }

    def relaxed_signals(self, spare_price_per_h: float) -> dict[str, Any]:
        """The signals of the relaxed problem, in which a unit beyond the commitment has a price."""
        signals = self.signals
        units = {"least_on": signals.pop("on"), "spare_price": spare_price_per_h}
        return signals | units | (self.head_band.travel_signals if self.head_band else {})


@dataclass(frozen=True)
class RelaxedDispatch:
    """A day with units that may run in part, and with power flows that may burn energy.

    Parameters
    ----------
    on : ndarray, shape (n_turbine, n_period)
        Share of each unit that runs.
    net_mw : ndarray, shape (n_period,)
        Taken through the head; negative where fed back.
    cost_money : float
        With what spare units were priced at.
    cut : NetworkCut
    voltage_pu : ndarray, shape (n_bus, n_period)
    current_pu : ndarray, shape (n_branch, n_period)
        Series current on the feeder's own base.
    head_price_money : ndarray, shape (n_period,)
        What a rise of the head's squared voltage would cost, money per p.u. squared; 0 without a tap changer.
    bound_money : float
        What any such dispatch costs at least: by tangents where a tap changer's ratio is free; else the cost.
    period_money : ndarray, shape (n_period,)
        Its cost by periods.
    """

    on: Array
    net_mw: Array
    cost_money: float
    cut: NetworkCut
    voltage_pu: Array
    current_pu: Array
    head_price_money: Array
    bound_money: float
    period_money: Array


@lru_cache(maxsize=8)
def dispatch_form(shape: DispatchShape) -> StandardForm:
    """The compiled dispatch of a shape."""
    return compile_model(build_dispatch_model(shape), (*SIGNALS, *shape.further_signals))


def dispatch_problem(shape: DispatchShape) -> LocalProblem:
    """A live dispatch of a shape; its plans satisfy the AC power flow."""
    form = dispatch_form(shape)
    return LocalProblem(form, AcPhysics(shape, form))


@lru_cache(maxsize=8)
def relaxed_form(shape: DispatchShape) -> StandardForm:
    """The compiled dispatch of a shape with units that may run in part."""
    travel = TRAVEL_SIGNALS if shape.tap_changer else ()
    return compile_model(build_relaxed_model(shape), (*RELAXED_SIGNALS, *shape.further_signals, *travel))


def relaxed_problem(shape: DispatchShape) -> LocalProblem:
    """A live relaxed dispatch: it bounds costs, and need not be one that a power flow carries."""
    form = relaxed_form(shape)
    options = _ROUGH if shape.tap_changer else None
    return LocalProblem(form, tighten=AcPhysics(shape, form).tightened, cone_options=options)


class Dispatcher:
    """Solves the dispatch of one DSO again and again.

    - `world`: where compiled problems are shared
    - `everything`: the commitment by which all turbines run, and energy may pass the head both ways

    Parameters
    ----------
    world : Commons
        Shares the compiled problems.
    owner : str
        Named in errors.
    shape : DispatchShape
    """

    def __init__(self, world: Commons, owner: str, shape: DispatchShape) -> None:
        self.owner, self.shape, self.world = owner, shape, world
        self._solved: tuple[LocalProblem, Solution] | None = None
        n_period = shape.n_period
        self.everything = Commitment(
            np.ones((len(shape.turbines), n_period)), np.ones(n_period), np.ones(n_period)
        )

    def solve(self, day: DispatchDay) -> Dispatch:
        """Dispatch a day."""
        problem = self._problem(day)
        return self.read(problem, problem.solve(self.owner, **day.signals), day)

    def attempt(self, day: DispatchDay) -> Dispatch | None:
        """Dispatch a day, or None where no power flow is found that supplies its loads within all limits."""
        problem = self._problem(day)
        solution = problem.attempt(self.owner, **day.signals)
        self._solved = None if solution is None else (problem, solution)
        return None if solution is None else self.read(problem, solution, day)

    def cut(self, day: DispatchDay) -> NetworkCut:
        """The tangent of the network's cost at the dispatch of a day that was solved last."""
        if self._solved is None:
            raise SolveError(f"agent {self.owner}: there is no tangent before the first dispatch")
        return NetworkCut.of(*self._solved, self._shape_on(day), day.signals)

    def relaxed(self, day: DispatchDay, spare_price_per_h: float) -> RelaxedDispatch | None:
        """Dispatch a day whose other units may run in part, or None where nothing can supply its loads.

        Parameters
        ----------
        day : DispatchDay
        spare_price_per_h : float
            For a whole unit beyond the commitment, on top of its own cost.
        """
        shape, signals = self._shape_on(day), day.signals
        problem = self.world.shared(("relaxed commitment", shape), lambda: relaxed_problem(shape))
        solution = problem.attempt(self.owner, **day.relaxed_signals(spare_price_per_h))
        if solution is None:
            return None
        return RelaxedDispatch(
            solution["on"],
            solution["p_buy_mw"] - solution["p_sell_mw"],
            solution.objective,
            NetworkCut.of(problem, solution, shape, signals),
            *self._network_of(solution),
            self._head_price_money(problem, solution),
            solution.objective if not day.head_band or day.head_band.is_held else problem.tangent_bound(),
            self._period_money(solution),
        )

    def _period_money(self, solution: Solution) -> Array:
        """The objective by periods, which are the last index of all decisions; what is constant, evenly."""
        form, n_period = solution.form, self.shape.n_period
        cost = (form.cost + form.cost_signal @ solution.signals) * solution.x
        blocks = sorted(form.decisions.values(), key=lambda block: block.start)
        period = np.concatenate([np.arange(block.stop - block.start) % n_period for block in blocks])
        by_period = np.bincount(period, weights=cost, minlength=n_period)
        return np.asarray(by_period + form.constant_at(solution.signals) / n_period)

    def _network_of(self, solution: Solution) -> tuple[Array, Array]:
        """Voltages and currents, p.u."""
        squared = np.maximum(0.0, solution["current_squared"])
        return np.sqrt(solution["voltage_squared"]), np.sqrt(squared) / self.shape.feeder.base_mva

    def _shape_on(self, day: DispatchDay) -> DispatchShape:
        """The shape with what the terms of a day bring."""
        return self.shape if day.head == self.shape.head else replace(self.shape, head=day.head)

    def _problem(self, day: DispatchDay) -> LocalProblem:
        """The live problem of a day; days whose terms bring the same share it."""
        shape = self._shape_on(day)
        return self.world.shared(shape, lambda: dispatch_problem(shape))

    def read(
        self,
        problem: LocalProblem,
        solution: Solution,
        day: DispatchDay,
        scheduled_mw: tuple[Array, Array] | None = None,
    ) -> Dispatch:
        """The last solution of a problem with the decisions of a dispatch.

        Parameters
        ----------
        problem : LocalProblem
        solution : Solution
        day : DispatchDay
        scheduled_mw : tuple of ndarray, optional
            What storages charge and discharge, where that was given and is no decision.
        """
        net_mw = solution["p_buy_mw"] - solution["p_sell_mw"]
        charge, discharge = scheduled_mw or self._storage_powers(solution["energy_mwh"], day.initial_mwh)
        pull = day.conditions.pull
        voltage_pu, _ = self._network_of(solution)
        current_pu = self.currents_pu(solution)
        return Dispatch(
            # Bought and sold at once is a plan for the net, which is all that the network sees.
            buy_mw=np.maximum(0.0, net_mw),
            sell_mw=np.maximum(0.0, -net_mw),
            grid_mvar=solution["q_grid_mvar"],
            on=day.commitment.on,
            turbine_mw=np.maximum(0.0, solution["p_turbine_mw"]) * day.commitment.on,
            turbine_mvar=solution["q_turbine_mvar"] * day.commitment.on,
            renewable_mw=np.maximum(0.0, solution["p_renewable_mw"]),
            renewable_mvar=solution["q_renewable_mvar"],
            charge_mw=charge,
            discharge_mw=discharge,
            storage_mvar=solution["q_storage_mvar"],
            voltage_pu=voltage_pu,
            current_pu=current_pu,
            cone_gap=self._cone_gap(solution),
            cost_money=solution.objective,
            pull_money=float(pull.weight_per_h(net_mw).sum()) * self.shape.period_h if pull else 0.0,
            bound_money=problem.bound,
            rounds=problem.cone_rounds,
            price_per_mwh=problem.sensitivity(solution, "load_p_mw") / self.shape.period_h,
            price_per_mvarh=problem.sensitivity(solution, "load_q_mvar") / self.shape.period_h,
            compensator_mvar=(
                solution["q_compensator_mvar"] if self.shape.compensators else np.zeros((0, len(net_mw)))
            ),
            head_price_money=self._head_price_money(problem, solution),
            tap=self._tap(day),
        )

    def _head_price_money(self, problem: LocalProblem, solution: Solution) -> Array:
        """Marginal value of the head's squared voltage, shape (n_period,)."""
        if self.shape.tap_changer is None:
            return np.zeros(self.shape.n_period)
        return np.asarray(sum(problem.sensitivity(solution, name) for name in HEAD_SIGNALS))

    def lending_price_per_h(self, day: DispatchDay) -> float:
        """More than a unit is worth in any hour whose loads can be supplied without it."""
        signals, units = day.signals, self.shape.turbines
        dearest = float(np.abs([signals["buy_price"], signals["sell_price"]]).max())
        largest = max((unit.p_max_mw for unit in units), default=0.0)
        most_mw = float(np.abs(day.load_p_mw.sum(axis=0)).max()) + sum(unit.p_max_mw for unit in units)
        dearest += steepest_per_mwh(day.head, signals, most_mw)
        return _SPARE_FACTOR * (1.0 + dearest) * largest

    def _tap(self, day: DispatchDay) -> Index | None:
        """The positions that a day holds."""
        changer, band = self.shape.tap_changer, day.head_band
        if changer is None or band is None or not band.is_held:
            return None
        return changer.nearest(band.least_pu, self.shape.feeder.slack_vm_pu)

    def _storage_powers(self, energy_mwh: Array, initial_mwh: Array) -> tuple[Array, Array]:
        """Charge and discharge that lead through the states of charge, MW, (n_storage, n_period) each."""
        units, hours = self.shape.storages, self.shape.period_h
        each = [
            unit.powers_mw(energy, float(first), hours)
            for unit, energy, first in zip(units, energy_mwh, initial_mwh, strict=True)
        ]
        charge, discharge = np.array(each).reshape(-1, 2, self.shape.n_period).swapaxes(0, 1)
        return charge, discharge

    def _cone_gap(self, solution: Solution) -> float:
        """Largest distance of a branch from equality of its cone (C10)."""
        squares, sending = self._branch_flows(solution)
        return float(np.abs(squares - solution["current_squared"] * sending).max())

    def currents_pu(self, solution: Solution) -> Array:
        """Currents of branches by their flows, p.u., shape (n_branch, n_period).

        What an interior point leaves of slack in a cone is next to nothing as a square, and no current.
        """
        squares, sending = self._branch_flows(solution)
        return np.asarray(np.sqrt(squares / sending) / self.shape.feeder.base_mva)

    def _branch_flows(self, solution: Solution) -> tuple[Array, Array]:
        """Squared apparent power into each branch, and the squared voltage behind its transformer."""
        feeder = self.shape.feeder
        squares = solution["p_branch_mw"] ** 2 + solution["q_branch_mvar"] ** 2
        return squares, solution["voltage_squared"][feeder.parent] / feeder.ratio[:, None] ** 2

    def supply(self, dispatch: Dispatch, conditions: MarketConditions) -> Supply:
        """Where the energy comes from, with its carbon."""
        factors = np.array([unit.emission_tco2_per_mwh for unit in self.shape.turbines])
        return Supply(
            grid_mw=dispatch.buy_mw,
            grid_factor_tco2_per_mwh=conditions.grid_factor_tco2_per_mwh,
            turbine_mw=dispatch.turbine_mw.sum(axis=0),
            turbine_t_per_h=factors @ dispatch.turbine_mw if len(factors) else np.zeros_like(dispatch.buy_mw),
            renewable_mw=dispatch.renewable_mw.sum(axis=0),
            dirtiest_turbine_tco2_per_mwh=float(factors.max(initial=0.0)),
        )

    def wear_cost_per_h(self, dispatch: Dispatch) -> Array:
        """Cost of wear of the storages, money/h, shape (n_period,)."""
        wear = dict(self.shape.wear_cost_per_mwh)
        prices = np.array([wear[unit.name] for unit in self.shape.storages])
        return prices @ dispatch.discharge_mw if len(prices) else np.zeros_like(dispatch.buy_mw)
