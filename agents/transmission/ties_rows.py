"""What a TIES tells once its days are over: signals, rounds, days, personal prices, Shapley values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.leading import round_rows
from gridarium.agents.rows import Rows, columns_of
from gridarium.agents.transmission.bulk_system import BulkPlan
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon


@dataclass(frozen=True)
class TiesRows:
    """Rows of a TIES beyond those of any customer at a head.

    Parameters
    ----------
    grid : Grid
    days : sequence of TiesDay
        All of them, settled.
    plans : sequence of BulkPlan
        In force on each day, in settlement periods.
    horizon : Horizon
    moved_mw : mapping of int to float
        By settlement period that was looked at: distance of the day from its plan.
    carbon_in_price : callable
        What of the price of energy of a day is the system's own carbon, money/MWh, in steps.
    """

    grid: Grid
    days: Sequence[TiesDay]
    plans: Sequence[BulkPlan]
    horizon: Horizon
    moved_mw: Mapping[int, float]
    carbon_in_price: Callable[[TiesDay], Array]

    def rows(self) -> Iterator[Rows]:
        """All of them."""
        yield Rows("signals", self._signals())
        yield Rows("rounds", columns_of([row for day in self.days for row in _rounds(day)]), by="row")
        yield Rows("days", columns_of([_day(day) for day in self.days]), by="row")
        yield Rows("bulk_plans", self._plans())
        for place, name in enumerate(self.days[0].followers):
            yield Rows("personal_carbon", self._personal(name), agent=self.grid.local(name), kind="follower")
            yield Rows(
                "abatement",
                columns_of([self._abatement(day, place) for day in self.days]),
                by="row",
                agent=self.grid.local(name),
                kind="follower",
            )

    def _over(self, value: Callable[[TiesDay], Array]) -> Array:
        """A series of each day in steps as one over all settlement periods."""
        return self.horizon.by_period(np.concatenate([value(day) for day in self.days], axis=-1))

    def _joined(self, value: Callable[[BulkPlan], Array]) -> Array:
        """A series of each plan in settlement periods as one."""
        return np.concatenate([value(plan) for plan in self.plans], axis=-1)

    def _signals(self) -> dict[str, ArrayLike]:
        price = self._over(lambda day: next(iter(day.signals.values())).price_per_mwh)
        return {
            "price_per_mwh": price,
            "wholesale_price_per_mwh": self._over(lambda day: self.horizon.fit(day.terms.price_per_mwh)),
            "factor_tco2_per_mwh": self._over(lambda day: day.plan.factor_tco2_per_mwh),
            "green_share": self._over(lambda day: day.plan.green_share),
            "p_load_plan_mw": self._over(lambda day: day.loads.sum(axis=0)),
            "price_below_per_mwh": price,
            "export_price_below_per_mwh": np.zeros_like(price),
            "carbon_in_price_per_mwh": self._over(self.carbon_in_price),
        }

    def _plans(self) -> dict[str, ArrayLike]:
        moved = np.full(self.horizon.n_period, np.nan)
        for period, distance in self.moved_mw.items():
            moved[period] = distance
        return {
            "marginal_price_per_mwh": self._joined(lambda plan: plan.price_per_mwh),
            "emission_t_per_h": self._joined(lambda plan: plan.emission_t_per_h),
            "import_mw": self._joined(lambda plan: plan.import_mw),
            "spill_mw": self._joined(lambda plan: plan.spill_mw),
            "loss_mw": self._joined(lambda plan: plan.loss_mw),
            "reserve_up_short_mw": self._joined(lambda plan: plan.reserve_short_mw[0]),
            "reserve_down_short_mw": self._joined(lambda plan: plan.reserve_short_mw[1]),
            "moved_mw": moved,
        }

    def _personal(self, name: str) -> dict[str, ArrayLike]:
        """What one follower was told last of its carbon, and of its target in exchange rounds."""
        nothing = np.zeros(self.horizon.n_step)

        def price(day: TiesDay) -> Array:
            ladder = day.signals[name].ladder
            return nothing if ladder is None else ladder.base_price_per_tco2

        def quota(day: TiesDay) -> Array:
            ladder = day.signals[name].ladder
            return nothing if ladder is None else ladder.quota_t_per_h

        def target(day: TiesDay) -> Array:
            pull = day.signals[name].pull
            return np.full_like(nothing, np.nan) if pull is None else pull.target_mw

        def weight(day: TiesDay) -> Array:
            pull = day.signals[name].pull
            return np.full_like(nothing, np.nan if pull is None else pull.per_mw2h)

        return {
            "factor_tco2_per_mwh": self._over(lambda day: day.signals[name].factor_tco2_per_mwh),
            "first_price_per_tco2": self._over(price),
            "quota_t_per_h": self._over(quota),
            "p_base_mw": self._over(lambda day: day.base_mw[name]),
            "p_plan_mw": self._over(lambda day: day.loads_mw[name]),
            "target_mw": self._over(target),
            "pull_per_mw2h": self._over(weight),
        }

    def _abatement(self, day: TiesDay, place: int) -> dict[str, ArrayLike]:
        return {
            "day": day.number,
            "shapley_tco2": float(day.abatement_tco2[place]),
            "alone_tco2": float(day.alone_tco2[place]),
            "base_mwh": float(day.base[place].sum()) * self.horizon.step_h,
            "plan_mwh": float(day.loads[place].sum()) * self.horizon.step_h,
            "personal_tco2": float(day.personal_tco2[place]),
        }


def _rounds(day: TiesDay) -> Iterator[dict[str, ArrayLike]]:
    return round_rows(
        day.number,
        day.rounds,
        lambda judged: {
            "load_change": judged.load_change,
            "price_change": judged.price_change,
            "damping": judged.damping,
            "emission_tco2": judged.emission_tco2,
            "cost_money": judged.cost_money,
        },
    )


def _day(day: TiesDay) -> dict[str, ArrayLike]:
    """How a day's negotiation went, and what its plan leaves."""
    return {
        "day": day.number,
        "rounds": day.rounds[-1].round,
        "most_rounds": max(day.lengths),
        "ended": day.rounds[-1].ended,
        "negotiations": day.negotiations,
        "revisions": day.revisions,
        "forced_commitments": day.forced,
        "level": day.level,
        "renewals": day.renewals,
        "cycle_size": day.cycle_size,
        "dispatch_cost_money": day.plan.cost_money,
        "commitment_cost_money": day.review.held_money,
        "commitment_best_money": day.review.best_money,
        "commitments_tried": len(day.tried_money),
        "commitment_saving_money": day.tried_money[0] - day.tried_money.min()
        if len(day.tried_money)
        else np.nan,
        "emission_planned_tco2": day.emission_tco2,
        "interaction": day.interaction,
    }
