"""Three gaps of a game of a leader and regional systems: to what is best for all, to leading, to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.agents.transmission.social_optimum import SocialOutcome, SocialPlanner
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.shares import ratio
from gridarium.experiments.evidence.transmission.leader_search import (
    Instrument,
    LeaderSearch,
    PostedPrices,
    PriceGame,
    best_leader,
    least_cost,
    most_profit,
)
from gridarium.experiments.evidence.transmission.nash_gap import NashGap, SignalsFor, nash_gap
from gridarium.market.messages.tariffs import TariffSignal


@dataclass(frozen=True)
class PlayedDay:
    """What a day of the game was played with, and what it has come to.

    Parameters
    ----------
    bulk : BulkShape
    forecast : BulkForecast
        Its load is that of others than the followers; losses as of the last dispatch.
    on : ndarray of bool, shape (n_unit, n_period)
    state : BulkState
        Before the day.
    days, plans, signals : mapping of str
        Each follower's problem, what it does, and what it was told last; in one order.
    """

    bulk: BulkShape
    forecast: BulkForecast
    on: Flags
    state: BulkState
    days: Mapping[str, RegionDay]
    plans: Mapping[str, RegionPlan]
    signals: Mapping[str, TariffSignal]

    def outcome(self, planner: SocialPlanner, responses: Sequence[RegionPlan]) -> SocialOutcome:
        """What given responses cost everybody."""
        days = list(self.days.values())
        return planner.cost_of("evidence", self.forecast, self.on, self.state, days, responses)

    def best(self, planner: SocialPlanner) -> SocialOutcome:
        """The best for everybody, as a planner weighs them."""
        return planner.best("evidence", self.forecast, self.on, self.state, list(self.days.values()))


@dataclass(frozen=True)
class GameGaps:
    """The distances, at the commitment and the losses of the outcome, on one bus.

    Parameters
    ----------
    outcome, optimum, untouched : SocialOutcome
        What it has come to, what is best for all, and what nobody's response would have cost.
    least_supply_money : float
        Less than this no leader could bring its cost to, whatever it does to its followers.
    by_cost, by_profit : LeaderSearch
        The best leader by the cost of supply alone (D1), and by what is left of its revenue.
    nash : NashGap

    Notes
    -----
    W.6: gaps to the social optimum (price of anarchy), to Stackelberg and to Nash. Responses save little of
    the cost of a day (D.7), so that the first gap is given as a share of what they could save as well.
    """

    outcome: SocialOutcome
    optimum: SocialOutcome
    untouched: SocialOutcome
    least_supply_money: float
    by_cost: LeaderSearch
    by_profit: LeaderSearch
    nash: NashGap

    @property
    def social_percent(self) -> float:
        """Cost to all beyond the optimum, as a share of that."""
        return 100.0 * (ratio(self.outcome.cost_money, self.optimum.cost_money) - 1.0)

    @property
    def social_share_of_saving_percent(self) -> float:
        """Part of what responses could save that is missed; above 100 where doing nothing would be better."""
        saving = self.untouched.cost_money - self.optimum.cost_money
        return 100.0 * ratio(self.outcome.cost_money - self.optimum.cost_money, saving)

    @property
    def stackelberg_percent(self) -> float:
        """Cost of supply (D1) beyond that of the best leader found, as a share of that."""
        return 100.0 * (ratio(self.outcome.supply_money, self.by_cost.best.cost_money) - 1.0)

    @property
    def stackelberg_bound_percent(self) -> float:
        """The same against what no leader can undercut: the true gap lies between both."""
        return 100.0 * (ratio(self.outcome.supply_money, self.least_supply_money) - 1.0)

    @property
    def stackelberg_profit_percent(self) -> float:
        """Profit of the best leader found beyond that with the signals as told, as a share of revenue."""
        usual, best = self.by_profit.usual, self.by_profit.best
        return 100.0 * ratio(best.profit_money - usual.profit_money, usual.revenue_money)

    @property
    def nash_percent(self) -> float:
        """Most that anybody could gain alone, influence on the formula included, as a share of its cost."""
        return self.nash.percent


def measure_gaps(
    played: PlayedDay,
    signals_for: SignalsFor,
    instruments: Sequence[Instrument],
    leader_money: tuple[float, float] | None = None,
) -> GameGaps:
    """Measure what a day of the game has come to.

    Parameters
    ----------
    played : PlayedDay
    signals_for : callable
        The leader's formula, as `nash_gap` asks it.
    instruments : sequence of Instrument
        Levels of carbon and energy prices, and maybe of carbon prices of each step: see `PostedPrices.at`.
    leader_money : tuple of float, optional
        What the leader's own dispatch costs, and the least for the same loads; on one bus it has no other.
    """
    days, plans = list(played.days.values()), list(played.plans.values())
    planner = SocialPlanner.of(played.bulk, days)
    outcome = played.outcome(planner, plans)
    supply = outcome.supply_money
    game = _leader_game(played)
    least = played.best(SocialPlanner.of(played.bulk, days, response_weight=0.0))
    return GameGaps(
        outcome,
        played.best(planner),
        played.outcome(planner, [RegionPlan.untouched(day.demand.base_mw) for day in days]),
        least.supply_money,
        best_leader(game, instruments, least_cost),
        best_leader(game, instruments, most_profit),
        nash_gap(played.days, played.plans, played.signals, signals_for, leader_money or (supply, supply)),
    )


def _leader_game(played: PlayedDay) -> PriceGame:
    """The game in which the leader moves the signals as told, and is bound by what it posts."""
    order = MeritOrder(played.bulk)

    def cost_of(loads_mw: Array) -> float:
        forecast = played.forecast.with_load(played.forecast.load_mw + loads_mw.sum(axis=0))
        return order.solve("evidence", forecast, played.on, played.state).cost_money

    return PriceGame(list(played.days.values()), PostedPrices(tuple(played.signals.values())).at, cost_of)
