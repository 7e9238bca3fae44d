"""Plans of a TIES for a day: commitment, dispatch over its grid, what followers' responses avoid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.transmission.bulk_commitment import BulkCommitter
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState, BulkSystem
from gridarium.agents.transmission.day_dispatch import CopperPlate, DayDispatch, OnCopperPlate, OverNetwork
from gridarium.agents.transmission.exchange_commitment import ExchangeCommitter
from gridarium.agents.transmission.exchange_dispatch import ExchangeDispatch, ExchangeStep
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.agents.transmission.network_dispatch import NetworkDispatch, NetworkShape
from gridarium.agents.transmission.served_system import ServedOrder, ServedSystem
from gridarium.agents.transmission.ties_day import TiesDay, UnitReview
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.environment.world import World
from gridarium.market.coalition import TabulatedGame, additivity, membership, shapley
from gridarium.market.coalition_sampling import sample_shapley

GAP = 1e-3
"""How far a commitment may be from the best, relative to the cost of the day, before another one pays."""
PROBE_MW = 0.1
"""Load that is added in a period to see what it emits."""

Sharing = Literal["exact", "sampled"]


@dataclass(frozen=True)
class AbatementRule:
    """How Shapley values of abatement are found.

    Parameters
    ----------
    sharing : {"exact", "sampled"}
        From all coalitions, for up to 16 followers, or from random orders.
    most_evaluations : int
        Most coalitions that sampling asks for in a round.
    """

    sharing: Sharing = "exact"
    most_evaluations: int = 400


class TiesPlanner:
    """Solves what a TIES asks of a day.

    Parameters
    ----------
    world : World
        Shares the compiled problems.
    owner : str
        Named in errors.
    shape : NetworkShape or CopperPlate
        In steps of the horizon.
    places : mapping of str to Place
        Where each follower meets the grid.
    horizon : Horizon
    side_searches : bool, optional
        As in `BulkCommitter`.
    served : ServedSystem, optional
        The system with the services of feeders below that can be called within a day.
    """

    def __init__(
        self,
        world: World,
        owner: str,
        shape: NetworkShape | CopperPlate,
        places: Mapping[str, Place],
        horizon: Horizon,
        side_searches: bool = True,
        served: ServedSystem | None = None,
    ) -> None:
        self.owner, self.shape, self.horizon = owner, shape, horizon
        self._world, self._side_searches = world, side_searches
        system, hours = shape.system, round(horizon.n_step * horizon.step_h)
        self._hourly = BulkShape(system, hours, 1.0)
        steps = BulkShape(system, horizon.n_step, horizon.step_h)
        periods = BulkShape(system, horizon.day_length, world.period_h)
        self._committer = world.shared(
            ("commit", self._hourly, side_searches), lambda: BulkCommitter(self._hourly, side_searches)
        )
        self.merit_order = world.shared(steps, lambda: MeritOrder(steps))
        self.fine_order = world.shared(periods, lambda: MeritOrder(periods))
        self.served_order = self.fine_order
        if served is not None:
            with_services = replace(periods, system=served)
            self.served_order = world.shared(with_services, lambda: ServedOrder(with_services))
        self.day_dispatch: DayDispatch = OnCopperPlate(self.merit_order)
        if isinstance(shape, NetworkShape):
            network = world.shared(shape, lambda: NetworkDispatch(shape))
            self.day_dispatch = OverNetwork(network, places)

    @property
    def system(self) -> BulkSystem:
        """Units, storages, renewables, and the own carbon rule."""
        return self.shape.system

    def forecast(self, today: TiesDay, load_mw: Array) -> BulkForecast:
        """What is expected of a day at a load of all followers, in steps."""
        loss = self.day_dispatch.first_losses * load_mw if today.loss_mw is None else today.loss_mw
        fit, terms = self.horizon.fit, today.terms
        price, factor = fit(terms.price_per_mwh), fit(terms.factor_tco2_per_mwh)
        return BulkForecast(load_mw, today.available, price, factor, loss)

    def heard(self, today: TiesDay) -> BulkForecast:
        """What is expected of a day at the loads last heard."""
        return self.forecast(today, today.loads.sum(axis=0))

    def commit(self, today: TiesDay) -> None:
        """Commit the units for the loads last heard."""
        today.on = self._best_on(today, self.heard(today))

    def _best_on(self, today: TiesDay, forecast: BulkForecast) -> Flags:
        found = self._committer.best(self.owner, self._by_hour(forecast), today.state, today.unit_hours)
        return self._by_step(found.on)

    def commit_with_draw(self, today: TiesDay, price_per_mwh: Array, pull_per_mw2h: float) -> Flags:
        """The best commitment for loads that would follow it, near those heard at a price of supply."""
        hourly = self._hourly
        committer = self._world.shared(
            ("draw", hourly, self._side_searches), lambda: ExchangeCommitter(hourly, self._side_searches)
        )
        forecast, price = self._by_hour(self.heard(today)), self._means(price_per_mwh)
        return self._by_step(
            committer.propose(self.owner, forecast, today.state, price, pull_per_mw2h, today.unit_hours)
        )

    def switching_money(self, today: TiesDay) -> float:
        """What starts and stops of the day cost."""
        hours = self._hours_on(today.on)
        before = np.column_stack([today.state.on, hours[:, :-1]])
        prices = np.array([unit.start_stop_money for unit in self.system.units])
        return float(prices @ (hours != before).sum(axis=1))

    def review(self, today: TiesDay) -> Flags | None:
        """Hold the commitment against the best one for the loads heard; that one where it pays to change."""
        forecast = self._by_hour(self.heard(today))
        held = self._committer.cost_of(self.owner, self._hours_on(today.on), forecast, today.state)
        best = self._committer.best(self.owner, forecast, today.state, today.unit_hours)
        today.review = UnitReview(float("nan") if held is None else held, best.cost_money)
        if held is not None and held - best.cost_money <= GAP * abs(best.cost_money):
            return None
        return self._by_step(best.on)

    def dispatch(self, today: TiesDay) -> None:
        """Dispatch the day over the grid for the loads last heard.

        Units are committed anew where those that run cannot supply these loads.

        Raises
        ------
        InfeasibleError
            If no flow within all limits supplies them whatever runs.
        """
        if not self.try_dispatch(today):
            self.commit(today)
            today.forced += 1
            today.adopt(self.day_dispatch.solve(self.owner, today, self.heard(today)))

    def try_dispatch(self, today: TiesDay) -> bool:
        """Dispatch the day if a flow is found for the loads last heard; else keep the plan and its losses."""
        plan = self.day_dispatch.attempt(self.owner, today, self.heard(today))
        if plan is not None:
            today.adopt(plan)
        return plan is not None

    def exchange(
        self, today: TiesDay, load_mw: Array, price_per_mwh: Array, pull_per_mw2h: float
    ) -> ExchangeStep:
        """What followers shall take together by what they have told at a price, at the losses last known."""
        shape = self.merit_order.shape
        problem = self._world.shared(("exchange", shape), lambda: ExchangeDispatch(shape))
        forecast = self.forecast(today, load_mw)
        return problem.step(self.owner, forecast, today.on, today.state, price_per_mwh, pull_per_mw2h)

    # What responses avoid.

    def share_abatement(self, today: TiesDay, rule: AbatementRule, random: np.random.Generator) -> None:
        """Shapley values of v(S), and what each avoids alone; how additive v is, where all is known.

        v(S) is emission at base loads less that with the responses which the members told last, each a
        dispatch of its own (D17 to D19), with the units that are held; with the best ones for loads that
        these cannot supply.
        """
        n_follower = len(today.base_mw)
        at_base = self._emission(today, np.zeros(n_follower, dtype=bool))

        def worth(coalitions: Flags) -> Array:
            return np.array(
                [at_base - self._emission(today, row) if row.any() else 0.0 for row in coalitions]
            )

        if rule.sharing == "exact":
            game = TabulatedGame(today.followers, worth(membership(n_follower) > 0.5))
            today.abatement_tco2, today.alone_tco2 = shapley(game), game.alone
            today.interaction = additivity(game).largest_interaction
        else:
            found = sample_shapley(n_follower, worth, random, most_evaluations=rule.most_evaluations)
            today.abatement_tco2, today.alone_tco2 = found.mean, worth(np.eye(n_follower) > 0.5)

    def _emission(self, today: TiesDay, members: Flags) -> float:
        return self._emission_at(today, np.where(members[:, None], today.loads, today.base).sum(axis=0))

    def _emission_at(self, today: TiesDay, load_mw: Array) -> float:
        """Emission of the day at a load of all followers, tCO2.

        Raises
        ------
        InfeasibleError
            If nothing supplies it whatever runs.
        """
        forecast, emission_of = self.forecast(today, load_mw), self.merit_order.emission_tco2
        held = emission_of(self.owner, forecast, today.on, today.state)
        if held is not None:
            return held
        anew = emission_of(self.owner, forecast, self._best_on(today, forecast), today.state)
        if anew is None:
            raise InfeasibleError(f"agent {self.owner}: no commitment can supply a load that was told")
        return anew

    def marginal_factor(self, today: TiesDay) -> Array:
        """Emission of the day that a further MWh of load in each step causes, tCO2/MWh, shape (n_step,)."""
        load, hours = today.loads.sum(axis=0), self.horizon.step_h
        before = self._emission_at(today, load)
        more = [self._emission_at(today, load + probe) for probe in PROBE_MW * np.eye(len(load))]
        return np.asarray((np.array(more) - before) / (PROBE_MW * hours))

    # Hours, steps, periods.

    def _by_hour(self, forecast: BulkForecast) -> BulkForecast:
        means = self._means
        return BulkForecast(
            means(forecast.load_mw),
            means(forecast.available_mw),
            means(forecast.import_price_per_mwh),
            means(forecast.import_factor_tco2_per_mwh),
            means(forecast.loss_mw),
        )

    def _means(self, values: Array) -> Array:
        """Means over each hour of a series in steps."""
        *others, n_step = values.shape
        n_hour = self._hourly.n_period
        return np.asarray(values.reshape(*others, n_hour, n_step // n_hour).mean(axis=-1))

    def _by_step(self, hourly: Flags) -> Flags:
        return np.repeat(hourly, self.horizon.n_step // self._hourly.n_period, axis=1)

    def _hours_on(self, on: Flags) -> Flags:
        return on[:, :: self.horizon.n_step // self._hourly.n_period]

    def hours_after(self, today: TiesDay) -> Array:
        """For how many hours each unit will have been in its state when the day ends, shape (n_unit,)."""
        hours, was_on = today.state.hours_in_state, today.state.on
        for runs in self._hours_on(today.on).T:
            hours = np.where(runs == was_on, hours + 1.0, 1.0)
            was_on = runs
        return hours

    def state_after(self, today: TiesDay, plan: BulkPlan) -> BulkState:
        """The state when a day ends as planned."""
        own = len(self.system.storages)
        return BulkState(
            plan.on[:, -1] > 0.5,
            plan.gross_mw[:, -1],
            self.hours_after(today),
            plan.e_mwh[:own, -1],
            plan.tank_tco2[:, -1],
        )
