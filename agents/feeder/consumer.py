"""Consumers: followers with quadratic utility who shift load against the price."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.consumer_problem import ConsumerShape, QuadraticUtility, build_consumer_model
from gridarium.agents.feeder.feasible_plans import FeasiblePlans
from gridarium.agents.feeder.suboptimality import SuboptimalityBound
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import SolveError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

_BOTH_WAYS = 1e-6


@dataclass(frozen=True)
class Demand:
    """A consumer's private data.

    Parameters
    ----------
    base_mw : ndarray, shape (n_period,)
        Load under the reference price.
    beta_per_mwh_per_mw : float
        Slope of its marginal utility.
    flexible_share : float
        Share of the base load of a period that may be added or taken away.
    p_share, q_per_p : ndarray, shape (n_bus,)
        How its load spreads over the buses, and reactive per active power there.
    shiftable_mwh : float, optional
        Most energy shifted in a day.
    battery : StorageRatings, optional
        Behind the meter.
    """

    base_mw: Array
    beta_per_mwh_per_mw: float
    flexible_share: float
    p_share: Array
    q_per_p: Array
    shiftable_mwh: float | None = None
    battery: StorageRatings | None = None
    peak_mw: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "peak_mw", float(np.max(self.base_mw)))


@lru_cache(maxsize=64)
def consumer_form(shape: ConsumerShape) -> StandardForm:
    """The compiled problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_consumer_model(shape), shape.signals)


class Consumer(GridAgent):
    """A follower: hears a tariff, plans its load, tells the leader the load and nothing else.

    Parameters
    ----------
    world : World
    name : str
    kind : str
        Its class, for tables.
    demand : Demand
    leader : str
        Whose tariff it takes.
    behaviour : Behaviour, optional
    """

    def __init__(
        self,
        world: World,
        name: str,
        kind: str,
        demand: Demand,
        leader: str,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(world, name, behaviour)
        self.kind, self.leader = kind, leader
        self._demand = demand
        self._plan_mw = series(demand.base_mw)
        # What the battery takes of the plan: bought, but not consumed.
        self._battery_mw = np.zeros_like(demand.base_mw)
        self._answered_round = 0

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell the base load as foreseen."""
        return LoadForecast(request.day, series(self.behaviour.foresee(self, self._demand.base_mw)))

    @on(TariffSignal)
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan | None:
        """Plan against the tariff as perceived, and tell the plan; repeat the last one if asked again.

        A tariff that a newer one has overtaken on the way is left unanswered.
        """
        if signal.round > self._answered_round:
            perceived = self.behaviour.perceive(self, signal)
            plan = self.behaviour.choose(self, perceived, self.best_response(perceived))
            self._plan_mw, self._battery_mw = series(plan), self.plans.battery_mw(plan)
            self._answered_round = signal.round
        return LoadPlan(self._plan_mw) if signal.round == self._answered_round else None

    def best_response(self, signal: TariffSignal) -> Array:
        """Load that is optimal under a tariff, MW, shape (n_period,).

        Notes
        -----
        Equation C12.
        """
        return self.plans.note(self._optimum(signal))

    @cached_property
    def plans(self) -> FeasiblePlans:
        """The loads that it could keep to, for behaviours that choose another than the best."""
        return FeasiblePlans(self.world, self.name, self._problem, self._load_of, self._battery_of)

    def _load_of(self, solution: Solution | None) -> Array:
        demand = self._demand
        if solution is None:
            return demand.base_mw
        return demand.base_mw + demand.peak_mw * solution["shift"] + self._battery_of(solution)

    def _optimum(self, signal: TariffSignal) -> Solution | None:
        """Solve the local problem; None without any load to shift."""
        demand = self._demand
        if demand.peak_mw <= 0.0:
            return None
        money = demand.beta_per_mwh_per_mw * demand.peak_mw
        base = demand.base_mw / demand.peak_mw
        headroom = 1.0 - base
        flexible = demand.flexible_share * base
        signals = {
            "wanted_shift": (signal.reference_price_per_mwh - signal.price_per_mwh) / money,
            "most_up": flexible if demand.battery else np.minimum(flexible, headroom),
            "most_down": flexible,
        }
        if demand.shiftable_mwh is not None:
            signals["shift_limit_h"] = np.array(demand.shiftable_mwh / demand.peak_mw)
        if demand.battery is not None:
            signals |= self._battery_signals(demand.battery, headroom, signal.price_per_mwh / money)
        return self._problem().solve(self.name, **signals)

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """Utility of a feasible load minus its bill under a tariff, money per day."""
        return self._value(load_mw, self.plans.battery_mw(load_mw), signal)

    def utility_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """Utility of a load, money per day, when the battery takes of it what it does in the plan."""
        return float(np.sum(self._utility(signal).of(load_mw - self._battery_mw)) * self.world.period_h)

    def regret_money(self, signal: TariffSignal) -> float:
        """What the consumer could at most gain by re-solving against a tariff, money per day.

        The distance of the re-solved plan from the true optimum is bounded by a second solver and
        counted as regret too.
        """
        optimum = self._optimum(signal)
        if optimum is None:
            return 0.0
        bound = self.world.shared(("bound", id(optimum.form)), lambda: SuboptimalityBound(optimum.form))
        demand = self._demand
        money = demand.beta_per_mwh_per_mw * demand.peak_mw**2 * self.world.period_h
        best = self._value(self._load_of(optimum), self._battery_of(optimum), signal)
        return best + money * bound.of(optimum.x, optimum.signals) - self.value_money(self._plan_mw, signal)

    def operate(self, period: int) -> None:
        """Draw what the behaviour makes of the plan."""
        demand = self._demand
        load = self.behaviour.act(self, period, float(self._plan_mw[period]))
        at_bus = load * demand.p_share
        self.world.injections.draw(self.name, at_bus, at_bus * demand.q_per_p)

    @property
    def loads_mw(self) -> dict[str, Array]:
        """Base and planned load, MW, for the record."""
        return {"base": self._demand.base_mw, "plan": self._plan_mw}

    def _utility(self, signal: TariffSignal) -> QuadraticUtility:
        demand = self._demand
        return QuadraticUtility(demand.base_mw, signal.reference_price_per_mwh, demand.beta_per_mwh_per_mw)

    def _value(self, load_mw: Array, battery_mw: Array, signal: TariffSignal) -> float:
        utility = self._utility(signal).of(load_mw - battery_mw)
        return float(np.sum(utility - signal.price_per_mwh * load_mw) * self.world.period_h)

    def _problem(self) -> LocalProblem:
        demand, world = self._demand, self.world
        battery = demand.battery
        efficiency = (battery.efficiency_charge, battery.efficiency_discharge) if battery else None
        shape = ConsumerShape(world.n_period, world.period_h, demand.shiftable_mwh is not None, efficiency)
        return world.shared(shape, lambda: LocalProblem(consumer_form(shape)))

    def _battery_signals(self, battery: StorageRatings, headroom: Array, price: Array) -> dict[str, Array]:
        peak = self._demand.peak_mw
        least, most = battery.band_mwh
        return {
            "headroom": headroom,
            "price": price,
            "battery_power": np.array(battery.p_max_mw / peak),
            "least_energy_h": np.array(least / peak),
            "most_energy_h": np.array(most / peak),
            "first_energy_h": np.array(battery.soc_initial * battery.e_max_mwh / peak),
        }

    def _battery_of(self, solution: Solution | None) -> Array:
        """Charge minus discharge, MW, shape (n_period,); zero without a battery."""
        if solution is None or self._demand.battery is None:
            return np.zeros_like(self._demand.base_mw)
        charge, discharge = solution["charge"], solution["discharge"]
        both = float(np.minimum(charge, discharge).max())
        if both > _BOTH_WAYS:
            period = int(np.minimum(charge, discharge).argmax())
            raise SolveError(
                f"agent {self.name}, period {period}: battery would charge and discharge at once "
                f"({both * self._demand.peak_mw:.3g} MW), which pays only at a negative price"
            )
        return np.asarray(self._demand.peak_mw * (charge - discharge))
