"""Whether consumers have planned what is best for them: their optimality conditions, written down by hand.

Private data are taken from the scenario, base loads and plans from the tables, prices from what was posted.
Neither the problem nor the solver of a consumer is called: only multipliers are searched for under which its
plan is stationary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridarium.agents.feeder.consumer import Consumer
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.feeder.feeder_certificates import has_rational_consumers
from gridarium.experiments.evidence.feeder.posted_prices import signals_told_to
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.programs.multipliers import Multipliers
from gridarium.experiments.parts.consumer_section import ConsumerClass
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.tariffs import TariffSignal

TOLERANCE = 2e-5
"""Share of the differences of prices; a response that is 1 % too small misses it by some 4e-4."""
_NOTHING_MW, _NARROW, _LEAST_PRICE = 1e-9, 1e-6, 1e-3


@dataclass(frozen=True)
class ConsumerCase:
    """A day of a consumer, to be judged; arrays of shape (n_step,).

    Parameters
    ----------
    base_mw, plan_mw, battery_mw : ndarray
        Load under the reference price, the plan, and what the battery takes of that.
    price_per_mwh, reference_price_per_mwh : ndarray
    beta_per_mwh_per_mw, flexible_share : float
        As in the scenario, of this consumer.
    shiftable_mwh : float, optional
    battery : StorageRatings, optional
    step_h : float
    """

    base_mw: Array
    plan_mw: Array
    battery_mw: Array
    price_per_mwh: Array
    reference_price_per_mwh: Array
    beta_per_mwh_per_mw: float
    flexible_share: float
    shiftable_mwh: float | None
    battery: StorageRatings | None
    step_h: float

    def residual(self) -> float:
        """How far the plan is from optimal, as a share of the differences of prices or of what is limited.

        Raises
        ------
        SolveError
            If no multipliers are found.

        Notes
        -----
        C12 to C16 and A20. With the shift s = raised - lowered, the multipliers mu of preserved energy, nu of
        the limit of a day, h of the peak, pi of the battery's energy, and u, l of bounds,

            g = beta s + p - p_ref + mu + u - l + h,   0 <= g <= nu,   g raised = 0,   (nu - g) lowered = 0,
            p + h - eta_in pi + u_in - l_in = 0,   -p - h + pi / eta_out + u_out - l_out = 0,
            pi_t - pi_t+1 + u_E - l_E = 0.

        The least r is returned for which there are multipliers that miss no line by more than r times the
        largest difference of prices, nor multiply a slack to more than r. Slacks are relative to what they
        are limits of.
        """
        broken = self._infeasible()
        return broken if broken > TOLERANCE else max(broken, self._least_miss())

    @property
    def _price_scale(self) -> float:
        """The largest difference of prices that it can answer to, or a thousandth of the dearest one."""
        price, reference = self.price_per_mwh, self.reference_price_per_mwh
        between = float(np.ptp(price)) if self.battery else 0.0
        dearest = float(np.abs([price, reference]).max())
        return max(float(np.abs(price - reference).max()), between, 1e-3 * dearest, _LEAST_PRICE)

    @property
    def _shift_mw(self) -> Array:
        return self.plan_mw - self.battery_mw - self.base_mw

    @property
    def _most_up_mw(self) -> Array:
        flexible = self.flexible_share * self.base_mw
        return flexible if self.battery else np.minimum(flexible, self.base_mw.max() - self.base_mw)

    def _energy_mwh(self) -> Array:
        assert self.battery is not None
        into, out = self.battery.efficiency_charge, self.battery.efficiency_discharge
        charge, discharge = np.maximum(self.battery_mw, 0.0), np.maximum(-self.battery_mw, 0.0)
        first = self.battery.soc_initial * self.battery.e_max_mwh
        return np.asarray(first + np.cumsum(into * charge - discharge / out) * self.step_h)

    def _infeasible(self) -> float:
        """Most by which the plan leaves what the consumer can do, relative to its peak or its battery."""
        shift, peak = self._shift_mw, float(self.base_mw.max())
        down = self.flexible_share * self.base_mw
        beyond = [shift - self._most_up_mw, -shift - down, np.abs([shift.mean()])]
        found = max(float(np.max(one)) for one in beyond) / peak
        if self.shiftable_mwh is not None:
            lowered = float(np.maximum(-shift, 0.0).sum()) * self.step_h
            found = max(found, (lowered - self.shiftable_mwh) / (peak * self.step_h))
        if self.battery is not None:
            low, high = _band_mwh(self.battery)
            energy, first = self._energy_mwh(), self.battery.soc_initial * self.battery.e_max_mwh
            outside = np.maximum(np.maximum(low - energy, energy - high), 0.0).max()
            found = max(
                found,
                float(max(outside, abs(energy[-1] - first))) / self.battery.e_max_mwh,
                float(np.abs(self.battery_mw).max()) / self.battery.p_max_mw - 1.0,
                float((self.plan_mw - peak).max()) / peak,
            )
        return max(0.0, found)

    def _least_miss(self) -> float:
        n, peak = len(self.base_mw), float(self.base_mw.max())
        scale, shift, down = self._price_scale, self._shift_mw, self.flexible_share * self.base_mw
        width = np.maximum(self._most_up_mw + down, _NARROW * peak)
        marginal = self.beta_per_mwh_per_mw * shift + self.price_per_mwh - self.reference_price_per_mwh
        system = Multipliers()
        system.free("mu", 1)
        gain = {"mu": np.ones((n, 1))}
        gain |= system.of_limit("u", (self._most_up_mw - shift) / width)
        gain |= system.of_limit("l", (down + shift) / width, -1.0)
        if self.battery is not None:
            gain |= system.of_limit("h", (peak - self.plan_mw) / peak)
            self._add_battery(system, self.battery, self.price_per_mwh / scale)
        if self.shiftable_mwh is None:
            system.vanishes(marginal / scale, gain)
        else:
            lowered = np.maximum(-shift, 0.0)
            left = self.shiftable_mwh / self.step_h - float(lowered.sum())
            system.of_limit("nu", np.array([max(left, 0.0) / peak]))
            raised = system.of_limit("raised", np.maximum(shift, 0.0) / width, -1.0)
            less = system.of_limit("lowered", lowered / width)
            system.vanishes(marginal / scale, {**gain, **raised})
            system.vanishes(marginal / scale, {**gain, **less, "nu": -np.ones((n, 1))})
        return system.least_miss()

    def _add_battery(self, system: Multipliers, battery: StorageRatings, price: Array) -> None:
        """Conditions of what goes in and out of the battery, and of what is inside; prices relative."""
        n, (low, high) = len(price), _band_mwh(battery)
        system.free("pi", n)
        for sign, name, rate in (
            (1.0, "in", -battery.efficiency_charge),
            (-1.0, "out", 1.0 / battery.efficiency_discharge),
        ):
            power = np.maximum(sign * self.battery_mw, 0.0) / battery.p_max_mw
            terms = {"h": sign * np.eye(n), "pi": rate * np.eye(n)}
            terms |= system.of_limit(f"u {name}", 1.0 - power)
            terms |= system.of_limit(f"l {name}", power, -1.0)
            system.vanishes(sign * price, terms)
        inside = self._energy_mwh()[:-1]
        terms = {"pi": np.eye(n)[:-1] - np.eye(n)[1:]}
        terms |= system.of_limit("u inside", (high - inside) / battery.e_max_mwh)
        terms |= system.of_limit("l inside", (inside - low) / battery.e_max_mwh, -1.0)
        system.vanishes(np.zeros(n - 1), terms)


def _band_mwh(battery: StorageRatings) -> tuple[float, float]:
    return battery.soc_min * battery.e_max_mwh, battery.soc_max * battery.e_max_mwh


def conditions(known: GridEvidence) -> Iterator[Reading]:
    """How far plans of consumers are from their optimality conditions under the tariffs that were posted."""
    consumers = [one for one in known.of(Consumer) if _group(known, one).agent == "consumer"]
    found = [case.residual() for one in consumers for case in _cases(known, one)]
    if found:
        yield Reading(
            "follower optimality", max(found), TOLERANCE, "", has_rational_consumers(known),
            "how far a consumer's plan is from the conditions of its optimum under the final tariff, written "
            "out from the scenario, as a share of the differences of prices that it answers to (C12 to C16)",
        )  # fmt: skip


def _group(known: GridEvidence, consumer: Consumer) -> ConsumerClass:
    return CONSUMERS.of(known.scenario)[consumer.group]


def _cases(known: GridEvidence, consumer: Consumer) -> Iterator[ConsumerCase]:
    """Each day of a consumer on which it has any load."""
    group, part = _group(known, consumer), part_of_class(known, consumer)
    loads = rows_of(known.tables, "loads", "consumer")
    own = loads[loads["agent"] == known.grid.local(consumer.name)]
    foreseen = "p_foreseen_mw" if group.forecast is not None else "p_base_mw"
    assert group.beta_per_mwh_per_mw is not None
    battery = storage_ratings(f"{consumer.group} battery", group.battery, part) if group.battery else None
    for signal in signals_told_to(known, consumer):
        base, plan = (_of_day(consumer, own[name], signal) for name in (foreseen, "p_plan_mw"))
        if base.max() > _NOTHING_MW:
            yield ConsumerCase(
                base,
                plan,
                consumer.day(signal.day).battery_mw,
                signal.price_per_mwh,
                signal.reference_price_per_mwh,
                group.beta_per_mwh_per_mw / (group.share * part),
                group.flexible_share,
                None if group.shiftable_mwh is None else group.shiftable_mwh * part,
                battery,
                consumer.horizon.step_h,
            )


def _of_day(consumer: Consumer, values: pd.Series[float], signal: TariffSignal) -> Array:
    """A series by settlement period, in the steps of the consumer's day."""
    of_day = np.asarray(values, dtype=np.float64)[consumer.horizon.periods(signal.day)]
    return consumer.horizon.fit(of_day)


def part_of_class(known: GridEvidence, consumer: Consumer) -> float:
    """Which part of its class a consumer is."""
    group = _group(known, consumer)
    if group.placement == "spread":
        return 1.0 / group.count
    parts = {f"{consumer.group}-{site.label}": part for site, part in known.grid.load_sites()}
    return parts[known.grid.local(consumer.name)]
