"""The dispatch with services of feeders against the same day written from scratch and solved by Clarabel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from bulk_references import BulkCase, ReferenceDispatch, random_case, with_capture
from named_columns import Columns, Term

from gridarium.agents.transmission.bulk_system import BulkPlan
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.agents.transmission.served_system import ServedOrder, ServedSystem
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.market.feeder_services import FeederServices

pytest.importorskip("clarabel")
SEEDS = range(8)
MISSED_PER_MWH = 3000.0


@dataclass(frozen=True)
class Services:
    """A storage with its compensation, and prosumers who may trade, as users of the reference.

    The storage is written by what is in it alone: wear is what its energy rises and falls by.
    """

    storage: StorageRatings
    compensation_per_mwh: float
    inside_mwh: float
    fee_per_mwh: float
    expected_mw: Array
    period_h: float

    def declare(self, columns: Columns) -> None:
        one, hours = self.storage, self.period_h
        low, high = one.band_mwh
        worn = self.compensation_per_mwh
        for t, expected in enumerate(self.expected_mw):
            columns.add("pool", t, cost=hours * self.fee_per_mwh, high=float(expected))
            columns.add("rise", t, cost=worn, high=hours * one.p_max_mw * one.efficiency_charge)
            columns.add("fall", t, cost=worn, high=hours * one.p_max_mw / one.efficiency_discharge)
            columns.add("inside", t, low=low, high=high)
            step: list[Term] = [(1.0, ("inside", t)), (-1.0, ("rise", t)), (1.0, ("fall", t))]
            step += [(-1.0, ("inside", t - 1))] if t else []
            columns.row(step, 0.0 if t else self.inside_mwh, equal=True)
        last, target = ("inside", len(self.expected_mw) - 1), one.soc_initial * one.e_max_mwh
        columns.add("off", cost=MISSED_PER_MWH)
        columns.row([(1, last), (-1, ("off",))], target)
        columns.row([(-1, last), (-1, ("off",))], -target)

    def draws(self, t: int) -> list[Term]:
        one, hours = self.storage, self.period_h
        into = 1.0 / (hours * one.efficiency_charge)
        return [
            (into, ("rise", t)),
            (-one.efficiency_discharge / hours, ("fall", t)),
            (-1.0, ("pool", t)),
        ]


@cache
def solved(seed: int) -> tuple[BulkCase, Services, BulkPlan]:
    """A random day with a storage and prosumers on a feeder, and its plan; a load asks for no reserve.

    In every other one units have capture plants.
    """
    case = with_capture(random_case(seed), seed) if seed % 2 else random_case(seed)
    case = replace(case, system=replace(case.system, reserve_load_share=0.0))
    random = np.random.default_rng(seed)
    storage = StorageRatings("c/dso", *random.uniform([10, 20], [30, 80]), 0.1, 0.9, 0.4, 0.95, 0.97, 30.0)
    compensation, fee = float(random.uniform(0.5, 4.0)), float(random.uniform(5.0, 60.0))
    expected = random.uniform(0.0, 20.0, case.n_period)
    inside = float(random.uniform(*storage.band_mwh))
    served = ServedSystem.of(case.system, {"c/dso": FeederServices(storage, compensation, True)}, fee)
    order = ServedOrder(BulkShape(served, case.n_period, case.period_h))
    plan = order.solve(
        "ties",
        served.forecast(case.forecast, expected[None, :]),
        case.on,
        served.state(case.state, np.array([inside])),
    )
    return case, Services(storage, compensation, inside, fee, expected, case.period_h), plan


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_with_services_costs_what_another_solver_finds(seed: int) -> None:
    case, services, plan = solved(seed)
    expected = ReferenceDispatch(case, case.on, case.state, users=[services]).least_cost()
    assert expected is not None
    assert plan.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)


def test_services_never_make_a_day_dearer_and_mostly_cheaper() -> None:
    saved = []
    for seed in SEEDS:
        case, services, plan = solved(seed)
        order = MeritOrder(BulkShape(case.system, case.n_period, case.period_h))
        alone = order.solve("ties", case.forecast, case.on, case.state).cost_money
        # What is missing at the day's end would be missing without a call, too.
        one = services.storage
        lacking = MISSED_PER_MWH * abs(services.inside_mwh - one.soc_initial * one.e_max_mwh)
        saved.append(alone + lacking - plan.cost_money)
    assert min(saved) >= -1e-2
    assert np.median(saved) > 10.0


def test_prosumers_ask_for_no_reserve_and_rows_of_services_come_last() -> None:
    case, services, plan = solved(0)
    own = BulkShape(case.system, case.n_period, case.period_h)
    assert len(plan.charge_mw) == len(case.system.storages) + 1
    assert len(plan.renewable_mw) == len(case.system.renewables) + 1
    assert (plan.renewable_mw[-1] <= services.expected_mw + 1e-6).all()
    served = ServedSystem.of(case.system, {"c/dso": FeederServices(None, 0.0, True)}, 0.0)
    with_pool = np.concatenate([case.forecast.available_mw, services.expected_mw[None, :]])
    assert served.reserve_mw(case.forecast.load_mw, with_pool) == pytest.approx(
        own.system.reserve_mw(case.forecast.load_mw, case.forecast.available_mw)
    )
