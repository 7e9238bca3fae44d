"""A consumer's day: what it needs, its local problem, and what it makes of a tariff."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from gridarium.agents.feeder.consumer_problem import ConsumerShape, LoadUtility, build_consumer_model
from gridarium.agents.feeder.feasible_plans import FeasiblePlans
from gridarium.agents.feeder.load_forecast import LoadOutturn, scaled_response
from gridarium.agents.feeder.suboptimality import SuboptimalityBound
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, series
from gridarium.environment.commons import Commons
from gridarium.environment.errors import SolveError
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.tariffs import TariffSignal

_BOTH_WAYS = 1e-6


@dataclass(frozen=True)
class Demand:
    """A consumer's private data.

    Parameters
    ----------
    base_mw : ndarray, shape (n_step,)
        Load under the reference price, of a day or of several.
    beta_per_mwh_per_mw : float
        Slope of its marginal utility.
    flexible_share : float
        Share of the base load of a period that may be added or taken away.
    shiftable_mwh : float, optional
        Most energy shifted in a day.
    battery : StorageRatings, optional
        Behind the meter.
    outturn : LoadOutturn, optional
        What the base load, being foreseen, turns out to be; exactly itself where it is left out.
    deviation_share : float
        Largest share by which the load may come to differ from its forecast.
    """

    base_mw: Array
    beta_per_mwh_per_mw: float
    flexible_share: float
    shiftable_mwh: float | None = None
    battery: StorageRatings | None = None
    outturn: LoadOutturn | None = None
    deviation_share: float = 0.0
    peak_mw: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "peak_mw", float(np.max(self.base_mw)))

    def on(self, horizon: Horizon, day: int) -> Demand:
        """The demand of one day."""
        outturn = self.outturn.on(horizon, day) if self.outturn else None
        return replace(self, base_mw=horizon.of_day(self.base_mw, day), outturn=outturn)


@lru_cache(maxsize=64)
def consumer_form(shape: ConsumerShape) -> StandardForm:
    """The compiled problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_consumer_model(shape), shape.signals)


class ConsumerDay:
    """What one consumer needs on one day, and what it could do about it.

    - `best_load`, `regret_money`: against a tariff
    - `plans`: loads that it could keep to
    - `plan_mw`, `battery_mw`: what it has decided on, and what the battery takes of that

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    owner : str
        The consumer, named in errors.
    demand : Demand
        Of the day.
    step_h : float
        Length of a step of the day, h.
    """

    def __init__(self, world: Commons, owner: str, demand: Demand, step_h: float) -> None:
        self.demand = demand
        self._world, self._owner, self._step_h = world, owner, step_h
        self.plan_mw = series(demand.base_mw)
        # What the battery takes of the plan: bought, but not consumed.
        self.battery_mw = np.zeros_like(demand.base_mw)
        self.answered_round = 0
        # At which the base load is what it wants; unknown until it has heard a tariff.
        self.reference_price_per_mwh = np.full_like(demand.base_mw, np.nan)

    @cached_property
    def plans(self) -> FeasiblePlans:
        """The loads that it could keep to."""
        return FeasiblePlans(self._world, self._owner, self._problem, self._load_of, self._battery_of)

    @property
    def base_mw(self) -> Array:
        """Load under the reference price, as foreseen, MW, shape (n_step,)."""
        return self.demand.base_mw

    @property
    def actual_base_mw(self) -> Array:
        """What that turns out to be, MW, shape (n_step,)."""
        outturn = self.demand.outturn
        return self.demand.base_mw if outturn is None else outturn.actual_mw

    @property
    def turned_out_mw(self) -> Array:
        """The plan at the base load that turns out, MW, shape (n_step,); the battery does as planned."""
        if self.demand.outturn is None:
            return self.plan_mw
        consumed = self.plan_mw - self.battery_mw
        return scaled_response(consumed, self.base_mw, self.actual_base_mw) + self.battery_mw

    def decide(self, load_mw: Array) -> None:
        """Take a feasible load for its plan."""
        self.plan_mw, self.battery_mw = series(load_mw), self.plans.battery_mw(load_mw)

    def best_load(self, signal: TariffSignal) -> Array:
        """Load that is optimal under a tariff, MW, shape (n_step,); equation C12."""
        return self.plans.note(self._optimum(signal))

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """Utility of a feasible load minus its bill under a tariff, money per day."""
        return self._value(load_mw, self.plans.battery_mw(load_mw), signal)

    def utility_money(self, load_mw: Array) -> float:
        """Utility of a load, money per day, when the battery takes of it what it does in the plan.

        It is nan as long as no tariff has told the reference price.
        """
        utility = LoadUtility(
            self.actual_base_mw, self.reference_price_per_mwh, self.demand.beta_per_mwh_per_mw
        )
        return float(np.sum(utility.of(load_mw - self.battery_mw)) * self._step_h)

    def discomfort_money(self, load_mw: Array) -> float:
        """What utility a load lacks against the base load, each MWh at the reference price, money per day.

        Notes
        -----
        From C13, ``beta / 2 (P - base)**2``: whatever the reference price was.
        """
        moved = load_mw - self.battery_mw - self.actual_base_mw
        return 0.5 * self.demand.beta_per_mwh_per_mw * float(moved @ moved) * self._step_h

    def regret_money(self, signal: TariffSignal) -> float:
        """What the consumer could at most gain by re-solving against a tariff, money per day.

        The distance of the re-solved plan from the true optimum is bounded by a second solver and
        counted as regret too.
        """
        optimum = self._optimum(signal)
        if optimum is None:
            return 0.0
        bound = self._world.shared(("bound", id(optimum.form)), lambda: SuboptimalityBound(optimum.form))
        demand = self.demand
        money = demand.beta_per_mwh_per_mw * demand.peak_mw**2 * self._step_h
        best = self._value(self._load_of(optimum), self._battery_of(optimum), signal)
        return best + money * bound.of(optimum.x, optimum.signals) - self.value_money(self.plan_mw, signal)

    def _load_of(self, solution: Solution | None) -> Array:
        demand = self.demand
        if solution is None:
            return demand.base_mw
        return demand.base_mw + demand.peak_mw * solution["shift"] + self._battery_of(solution)

    def _optimum(self, signal: TariffSignal) -> Solution | None:
        """Solve the local problem; None without any load to shift."""
        demand = self.demand
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
        return self._problem().solve(self._owner, **signals)

    def _value(self, load_mw: Array, battery_mw: Array, signal: TariffSignal) -> float:
        demand = self.demand
        of_load = LoadUtility(demand.base_mw, signal.reference_price_per_mwh, demand.beta_per_mwh_per_mw)
        utility = of_load.of(load_mw - battery_mw)
        return float(np.sum(utility - signal.price_per_mwh * load_mw) * self._step_h)

    def _problem(self) -> LocalProblem:
        demand, world = self.demand, self._world
        battery = demand.battery
        efficiency = battery.efficiencies if battery else None
        shape = ConsumerShape(len(demand.base_mw), self._step_h, demand.shiftable_mwh is not None, efficiency)
        return world.shared(shape, lambda: LocalProblem(consumer_form(shape)))

    def _battery_signals(self, battery: StorageRatings, headroom: Array, price: Array) -> dict[str, Array]:
        peak = self.demand.peak_mw
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
        if solution is None or self.demand.battery is None:
            return np.zeros_like(self.demand.base_mw)
        charge, discharge = solution["charge"], solution["discharge"]
        both = float(np.minimum(charge, discharge).max())
        if both > _BOTH_WAYS:
            period = int(np.minimum(charge, discharge).argmax())
            raise SolveError(
                f"agent {self._owner}, period {period}: battery would charge and discharge at once "
                f"({both * self.demand.peak_mw:.3g} MW), which pays only at a negative price"
            )
        return np.asarray(self.demand.peak_mw * (charge - discharge))
