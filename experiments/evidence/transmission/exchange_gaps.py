"""How far exchange rounds have ended from the best for everybody: against the optimum, and a dual bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.agents.region.region_day import RegionPlan
from gridarium.agents.transmission.exchange_dispatch import ExchangeDispatch
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import ratio
from gridarium.experiments.evidence.transmission.game_gaps import PlayedDay
from gridarium.experiments.evidence.transmission.ties_gaps import played_day
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.ties import TIES
from gridarium.market.messages.tariffs import TariffSignal

_LEAST_SAVING = 1e-6
"""Share of the optimum below which responses save nothing that a gap could be a share of."""


@dataclass(frozen=True)
class ExchangeGaps:
    """What a day of exchange rounds costs everybody, and what it could, money per day.

    At the commitment and the losses of the outcome, on one bus; supply with its carbon, and responses.

    Parameters
    ----------
    outcome_money, optimum_money : float
        As played, and of the best plan for all together.
    bound_money : float
        Less than this no plan costs, by weak duality.
    untouched_money : float
        Without any response; nan where the units that run cannot supply that.
    """

    outcome_money: float
    optimum_money: float
    bound_money: float
    untouched_money: float

    @property
    def social_percent(self) -> float:
        """Cost beyond the optimum, as a share of that."""
        return 100.0 * (ratio(self.outcome_money, self.optimum_money) - 1.0)

    @property
    def missed_saving_percent(self) -> float:
        """Part of what responses could save that is missed; nan where they save nothing."""
        return self._missed_percent(self.optimum_money)

    @property
    def missed_at_most_percent(self) -> float:
        """The same against the bound: at least the missed part, without anybody's plan for all."""
        return self._missed_percent(self.bound_money)

    def _missed_percent(self, least_money: float) -> float:
        saving = self.untouched_money - least_money
        if not saving > _LEAST_SAVING * abs(least_money):
            return float("nan")
        return 100.0 * (self.outcome_money - least_money) / saving


def exchange_gaps_table(known: GridEvidence) -> pd.DataFrame:
    """One row for a TIES whose exchange rounds have the optimum of everybody as their rest, or none.

    They have it where all followers are regional systems that pay what supply costs, the system's own carbon
    in it, and nothing else. Only the first day begins in a state that nobody has shaped.
    """
    section = TIES.of(known.scenario)
    if section is None or section.energy_price != "marginal-with-carbon":
        return pd.DataFrame()
    if CARBON_POLICY.of(known.scenario).scheme != "none":
        return pd.DataFrame()
    (ties,), regions = known.of(Ties), {region.name: region for region in known.of(Region)}
    today = ties.days[0]
    if set(today.followers) != set(regions):
        return pd.DataFrame()
    price = today.supply_price_per_mwh
    assert price is not None, "exchange rounds post a price"
    gaps = measure_exchange_gaps(played_day(ties, today, regions), price)
    return pd.DataFrame(
        {
            "grid": [known.grid.name],
            "outcome_money": gaps.outcome_money,
            "optimum_money": gaps.optimum_money,
            "bound_money": gaps.bound_money,
            "untouched_money": gaps.untouched_money,
            "social_percent": gaps.social_percent,
            "missed_saving_percent": gaps.missed_saving_percent,
            "missed_at_most_percent": gaps.missed_at_most_percent,
        }
    )


def measure_exchange_gaps(played: PlayedDay, price_per_mwh: Array) -> ExchangeGaps:
    """Hold a day against the optimum of everybody and against the bound of a price.

    Parameters
    ----------
    played : PlayedDay
        Its signals have pulls.
    price_per_mwh : ndarray, shape (n_period,)
        Of supply, as told last.
    """
    days, plans = list(played.days.values()), list(played.plans.values())
    planner = SocialPlanner.of(played.bulk, days)
    try:
        idle = [RegionPlan.untouched(day.demand.base_mw) for day in days]
        untouched_money = played.outcome(planner, idle).cost_money
    except InfeasibleError:
        untouched_money = float("nan")
    return ExchangeGaps(
        played.outcome(planner, plans).cost_money,
        played.best(planner).cost_money,
        dual_bound_money(played, price_per_mwh),
        untouched_money,
    )


def dual_bound_money(played: PlayedDay, price_per_mwh: Array) -> float:
    """What no plan for everybody undercuts, by what each does for itself at one price, money per day.

    Parameters
    ----------
    played, price_per_mwh
        As of `measure_exchange_gaps`. Any price makes a bound; it is tight where the rounds are at rest.

    Notes
    -----
    Weak duality: ``min_Z [C(Z) - y Z] + sum_r min_l [c_r(l) + y l]`` with y the price that one step of the
    supplier makes of the price told last: y is a subgradient of C at the Z of that step, so that the first
    minimum is reached there.
    """
    others, hours = played.forecast.load_mw, played.bulk.period_h
    heard = others + sum(plan.net_mw for plan in played.plans.values())
    step = ExchangeDispatch(played.bulk).step(
        "evidence",
        played.forecast.with_load(heard),
        played.on,
        played.state,
        price_per_mwh,
        _supply_penalty_per_mw2h(played),
    )
    price, nothing = series(step.price_per_mwh), series(np.zeros(played.bulk.n_period))
    signal = TariffSignal(1, price, nothing, price)
    supply = step.cost_money - hours * float(price @ (step.taken_mw - others))
    return supply + sum(day.cost_money(day.best(signal), signal) for day in played.days.values())


def _supply_penalty_per_mw2h(played: PlayedDay) -> float:
    """R of the supplier's step, by the pulls that followers were told: ``1 / R = sum_r 1 / rho_r``."""
    pulls = [signal.pull for signal in played.signals.values()]
    return 1.0 / sum(1.0 / pull.per_mw2h for pull in pulls if pull is not None)
