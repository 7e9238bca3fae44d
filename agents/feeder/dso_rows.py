"""What a DSO tells once its days are over: signals, rounds, days, schedules, carbon and retail sales."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.feeder.absorbed_surplus import AbsorbedSurplus
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.hedge_rows import hedge_rows
from gridarium.agents.feeder.price_setting import Foresight
from gridarium.agents.leading import round_rows
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.market.adcef import formula_credit
from gridarium.market.tariffs import told_to

_NOTHING_FORESEEN = Foresight(np.nan, np.nan, 0)


@dataclass(frozen=True)
class DsoRows:
    """Rows of a DSO beyond those of any customer at a head.

    Parameters
    ----------
    grid : Grid
    name : str
    shape : DispatchShape
    contract : DsoContract
    horizon : Horizon
    days : sequence of DsoDay
        All of them, settled.
    shares : mapping of str to ndarray, shape (n_bus,)
        How what each follower draws spreads over the buses.
    """

    grid: Grid
    name: str
    shape: DispatchShape
    contract: DsoContract
    horizon: Horizon
    days: Sequence[DsoDay]
    shares: Mapping[str, Array]

    def rows(self) -> Iterator[Rows]:
        """All of them."""
        yield Rows("signals", self._signals())
        yield Rows("rounds", columns_of([row for day in self.days for row in _rounds(day)]), by="row")
        yield Rows("days", columns_of([_day(day) for day in self.days]), by="row")
        yield Rows("carbon", self._carbon())
        if all(day.plan.outlook.surplus for day in self.days):
            yield Rows("credits", self._credits())
        yield from self._retail()
        yield from self._served()
        yield from self._storages()
        yield from hedge_rows(self.days)
        voltage = self._over_days(lambda day: day.in_force.voltage_pu)
        yield Rows("buses", {"vm_dispatch_pu": voltage} | self._posted_by_bus(), by="bus")
        current = self._over_days(lambda day: day.in_force.current_pu)
        yield Rows("branches", {"i_dispatch_pu": current}, by="branch")

    def _over_days(self, value: Callable[[DsoDay], Array]) -> Array:
        """A series of each day in steps, shape (..., n_step), as one over all settlement periods."""
        return self.horizon.by_period(np.concatenate([value(day) for day in self.days], axis=-1))

    @property
    def _price_per_mwh(self) -> Array:
        """Of a price that was posted by bus the mean over the loads planned."""
        return self._over_days(_mean_price)

    def _posted_by_bus(self) -> dict[str, ArrayLike]:
        """Price and carbon intensity at each bus, where they were posted by bus."""
        if all(day.signal.price_per_mwh.ndim == 1 for day in self.days):
            return {}
        return {
            "price_posted_per_mwh": self._over_days(lambda day: day.signal.price_per_mwh),
            "factor_posted_tco2_per_mwh": self._over_days(lambda day: day.signal.factor_tco2_per_mwh),
        }

    @property
    def _settled_factor_tco2_per_mwh(self) -> Array:
        return np.concatenate([day.accounts.settled_factor for day in self.days])

    def _signals(self) -> dict[str, ArrayLike]:
        over, price = self._over_days, self._price_per_mwh
        total = over(lambda day: day.plan.situation.supply.total_mw)
        emission = over(lambda day: day.plan.situation.supply.emission_t_per_h)
        signals: dict[str, ArrayLike] = {
            "tou_price_per_mwh": over(lambda day: day.conditions.tou_price_per_mwh),
            "wholesale_price_per_mwh": over(lambda day: day.conditions.wholesale_price_per_mwh),
            "price_per_mwh": price,
            "factor_tco2_per_mwh": self._settled_factor_tco2_per_mwh,
            "factor_planned_tco2_per_mwh": over(lambda day: day.plan.offer.factor_tco2_per_mwh),
            "system_factor_tco2_per_mwh": np.divide(
                emission, total, out=np.zeros_like(total), where=total > 0
            ),
            "negative_factor_tco2_per_mwh": over(lambda day: day.plan.offer.negative_factor_tco2_per_mwh),
            "grid_factor_tco2_per_mwh": over(lambda day: day.conditions.grid_factor_tco2_per_mwh),
            "surplus_mw": over(lambda day: day.plan.offer.surplus_mw),
            "p_nominated_mw": over(lambda day: day.plan.dispatch.buy_mw - day.plan.dispatch.sell_mw),
            "p_load_plan_mw": over(lambda day: day.plan.situation.load_mw),
        }
        if self.contract.below:
            # Grids below pay the tariff too, and get nothing for what they feed back.
            signals |= {"price_below_per_mwh": price, "export_price_below_per_mwh": np.zeros_like(price)}
        return signals

    def _carbon(self) -> dict[str, ArrayLike]:
        over, hours, n_step = self._over_days, self.horizon.period_h, self.horizon.n_step
        load_mwh = np.concatenate([day.accounts.load_mw() for day in self.days]) * hours
        emitted = np.concatenate([day.accounts.emission_tco2() for day in self.days])
        turbine = np.concatenate([day.accounts.meters.turbine_emission_tco2() for day in self.days])
        carbon: dict[str, ArrayLike] = {
            "emission_grid_tco2": emitted - turbine,
            "emission_gas_tco2": turbine,
            "allocated_tco2": self._settled_factor_tco2_per_mwh * load_mwh,
            "pool_in_tco2": over(lambda day: day.plan.pool.inflow_t_per_h.sum(axis=0)) * hours,
            "pool_out_tco2": over(lambda day: day.plan.pool.outflow_t_per_h.sum(axis=0)) * hours,
            "credit_tco2": self._credit_tco2,
            "quota_tco2": over(lambda day: np.full(n_step, day.conditions.quota_tco2_per_mwh)) * load_mwh,
        }
        kept = [day.accounts.kept_tco2 for day in self.days]
        if any(kept):
            carbon["kept_tco2"] = np.concatenate([self._at_end_of_day(one) for one in kept])
        if self.contract.served:
            served_mwh = sum(self.grid.world.meters[name] for name in self.contract.served) * hours
            carbon["allocated_served_tco2"] = self._settled_factor_tco2_per_mwh * served_mwh
        return carbon

    def _at_end_of_day(self, value: float) -> Array:
        """A number of a day as a series of its periods."""
        series = np.zeros(self.horizon.day_length)
        series[-1] = value
        return series

    @property
    def _credit_tco2(self) -> Array:
        return np.concatenate([day.accounts.credit_tco2 for day in self.days])

    def _credits(self) -> dict[str, ArrayLike]:
        """What was credited for a surplus, beside what other reckonings of it would give."""
        over, hours = self._over_days, self.horizon.period_h

        def surplus_of(day: DsoDay) -> AbsorbedSurplus:
            assert day.plan.outlook.surplus is not None
            return day.plan.outlook.surplus

        absorbed_mw = over(
            lambda day: surplus_of(day).beyond_mw(day.plan.situation.supply, day.plan.dispatch)
        )
        grid_factor = over(lambda day: day.conditions.grid_factor_tco2_per_mwh)
        return {
            "taken_mw": over(lambda day: surplus_of(day).taken_mw),
            "absorbed_mw": absorbed_mw,
            "formula_tco2": over(lambda day: formula_credit(day.plan.situation)) * hours,
            "grid_factor_tco2": grid_factor * absorbed_mw * hours,
            "avoided_tco2": over(lambda day: surplus_of(day).avoided_t_per_h) * hours,
            "emission_without_tco2": over(lambda day: surplus_of(day).emission_t_per_h) * hours,
            "credit_tco2": self._credit_tco2,
        }

    def _retail(self) -> Iterator[Rows]:
        """Energy sold at the posted price: to each consumer, and to grids below."""
        local, world = self.grid.local, self.grid.world
        for name in self.contract.places:
            below = self.contract.below.get(name)
            taken = world.meters[name] if below is None else below.exchange_mw * below.replicas
            values: dict[str, ArrayLike] = {
                "product": "retail",
                "seller": local(self.name),
                "buyer": local(name) if below is None else below.name,
                "volume_mwh": taken * world.period_h,
                "price_per_mwh": self._over_days(lambda day, name=name: self._told(day, name)),  # type: ignore[misc]
            }
            yield Rows("trades", values)

    def _served(self) -> Iterator[Rows]:
        """Energy that prosumers lacked, sold at a price of its own."""
        local, world = self.grid.local, self.grid.world
        for name in self.contract.served:
            values: dict[str, ArrayLike] = {
                "product": "real-time",
                "seller": local(self.name),
                "buyer": local(name),
                "volume_mwh": world.meters[name] * world.period_h,
                "price_per_mwh": self.contract.served_price_per_mwh,
            }
            yield Rows("trades", values)

    def _told(self, day: DsoDay, name: str) -> Array:
        """Final price of a day as a follower was told it."""
        return told_to(self.shares[name], day.signal.price_per_mwh)

    def _storages(self) -> Iterator[Rows]:
        """What each storage would draw by itself, what its owner has scheduled, and what it is to draw."""
        for name in self.days[0].baselines:
            wanted, planned, baseline = (
                self._over_days(lambda day, one=one, name=name: one(day, name))  # type: ignore[misc]
                for one in (_wanted_mw, self._planned_mw, lambda day, name: day.baseline_mw[name])
            )
            moved = np.where(np.isnan(wanted), 0.0, np.abs(planned - wanted))
            values: dict[str, ArrayLike] = {
                "p_baseline_mw": baseline,
                "p_own_mw": wanted,
                "p_planned_mw": planned,
                "p_redispatched_mw": moved,
            }
            yield Rows("storage_schedules", values, agent=self.grid.local(name), kind="storage")

    def _planned_mw(self, day: DsoDay, name: str) -> Array:
        """What a storage is to draw on a day."""
        if name in day.owners_mw:
            return np.asarray(day.own_mw[list(day.owners_mw).index(name)])
        row = [self.grid.named(unit.name) for unit in self.shape.storages].index(name)
        return np.asarray(day.plan.dispatch.charge_mw[row] - day.plan.dispatch.discharge_mw[row])


def _wanted_mw(day: DsoDay, name: str) -> Array:
    """What the owner of a storage wants it to draw on a day; nan where it is commanded."""
    nothing = np.full(day.horizon.n_step, np.nan)
    return np.asarray(day.owners_mw.get(name, nothing))


def _mean_price(day: DsoDay) -> Array:
    """Final price of a day, shape (n_step,)."""
    price, load = day.signal.price_per_mwh, day.plan.carbon.load_mw
    if price.ndim == 1:
        return price
    total = load.sum(axis=0)
    plain = np.array(day.signal.reference_price_per_mwh)
    return np.asarray(np.divide((price * load).sum(axis=0), total, out=plain, where=total > 0.0))


def _rounds(day: DsoDay) -> Iterator[dict[str, ArrayLike]]:
    return round_rows(
        day.number,
        day.rounds,
        lambda judged: {
            "price_change_per_mwh": judged.distance,
            "load_change_mw": judged.load_change_mw,
            "cut_rounds": judged.cut_rounds,
            "profit_money": judged.profit_money,
        },
    )


def _day(day: DsoDay) -> dict[str, ArrayLike]:
    """How far the price of a day was from rest, and what its plan and its accounts leave."""
    return {
        "day": day.number,
        "rounds": day.rounds[-1].round,
        "ended": day.rounds[-1].ended,
        # Not the last round's distance: answers that missed the round still come in after it.
        "price_distance_per_mwh": day.setter.distance(day.signal.price_per_mwh, day.plan),
        "cycle_size_per_mwh": np.nan if day.setter.cycle is None else day.setter.cycle.size_per_mwh,
        "cone_gap_pu": day.in_force.cone_gap,
        "dispatch_cost_money": day.plan.dispatch.cost_money,
        "dispatch_bound_money": day.plan.dispatch.bound_money,
        "pull_money": day.plan.dispatch.pull_money,
        "pool_first_tco2": float(day.plan.pool.first_tco2.sum()),
        "pool_last_tco2": float(day.plan.pool.last_tco2(day.horizon.step_h).sum()),
        "commitment_cost_money": day.review.held_money,
        "commitment_best_money": day.review.best_money,
        "commitment_bound_money": day.review.bound_money,
        "revisions": day.revisions,
        "forced_commitments": day.forced,
        "budget_excess_money": day.accounts.budget_excess_money(),
        **(day.setter.foresight or _NOTHING_FORESEEN)._asdict(),
        **_taps(day),
    }


def _taps(day: DsoDay) -> dict[str, ArrayLike]:
    """What a day costs at the positions held, the best ones found, and any, by the last look at them.

    Nothing without a tap changer.
    """
    review = day.tap_review
    if review is None:
        return {}
    best = review.dispatch.cost_money
    return {
        "tap_cost_money": best if day.tap is review.best else review.held_money,
        "tap_best_money": best,
        "tap_bound_money": review.bound_money,
        "tap_looks": review.looks,
    }
