"""A DSO over several days, and over quarters of an hour for which it plans in hours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.agents.upstream import CarbonMarket, UpstreamMarket
from gridarium.environment.arrays import Array
from gridarium.experiments.checking.grid_tree import GridEntry, GridPlace, StackedScenario
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import Scenario, load_scenario
from gridarium.market.accounts import CARBON, EXPORT, PURCHASE, UPSTREAM
from small_cases import FREE_TO_RUN

Told = Callable[[GridAgent, str, str], Array]
EMISSIONS = (("carbon", "emission_grid_tco2"), ("carbon", "emission_gas_tco2"))
DAYS = 3
CLASSES = ("industrial", "commercial", "residential")
LIMIT_MWH = 0.5  # of each class and day; it binds for the industrial one
# Turbines dear enough to buy at some hours, and more sun than anybody wants at others.
HEAD_IN_USE = (
    "gas_turbines.gas_turbine_12.cost_linear_per_mwh=300",
    "gas_turbines.gas_turbine_25.cost_linear_per_mwh=450",
    "prices.export_limit_mw=2",
    "prices.export_share_of_wholesale=0.4",
    *FREE_TO_RUN,
)
BATTERY = "consumers.residential.battery={p_max_mw: 0.1, e_max_mwh: 0.2}"
OF_A_SOLVER = 1e-5  # MW, from solves that begin elsewhere
BY_ROUNDING = 5e-7  # MW, where a solve's numbers differ by rounding only


def scenario_of(folder: Path, n_day: int, *settings: str) -> GridScenario:
    """The small feeder with the same day several times."""
    day = pd.read_csv(profile_path("adcef-high-res"), comment="#")
    times = pd.to_datetime(day["time"])
    rows = [
        day.assign(time=[(t + pd.Timedelta(days=more)).isoformat() for t in times]) for more in range(n_day)
    ]
    path = folder / f"{n_day}-days.csv"
    pd.concat(rows).to_csv(path, index=False)
    limits = [f"consumers.{kind}.shiftable_mwh={LIMIT_MWH}" for kind in CLASSES]
    case = load_scenario("adcef-small", [f"profiles={path}", *limits, *HEAD_IN_USE, *settings]).cases["adcef"]
    assert isinstance(case, GridScenario)
    return case


def lived(scenario: Scenario) -> Built:
    built = build(scenario)
    while built.world.running:
        built.world.step()
    return built


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("days")


@pytest.fixture(scope="module")
def one_day(folder: Path) -> Built:
    return lived(scenario_of(folder, 1))


@pytest.fixture(scope="module")
def days(folder: Path) -> Built:
    return lived(scenario_of(folder, DAYS))


def by_day(values: Array) -> Array:
    """Shape (n_day, 24)."""
    return values.reshape(-1, 24)


def shifted_mwh(built: Built) -> Array:
    """Energy that each consumer moves on each day, shape (n_consumer, n_day)."""
    moved = [np.abs(one.loads_mw["plan"] - one.loads_mw["base"]) for one in built.of(Consumer)]
    return np.array([by_day(values).sum(axis=1) / 2.0 for values in moved])


def test_the_limit_on_shifted_energy_is_that_of_a_day(one_day: Built, days: Built) -> None:
    alone, each = shifted_mwh(one_day), shifted_mwh(days)
    assert each == pytest.approx(np.repeat(alone, DAYS, axis=1), abs=OF_A_SOLVER)
    assert alone[0, 0] == pytest.approx(LIMIT_MWH, abs=OF_A_SOLVER)
    # Together more than a limit laid over all days would leave.
    assert each.sum() == pytest.approx(DAYS * alone.sum(), abs=1e-4)
    assert each.sum() > len(CLASSES) * LIMIT_MWH


def test_no_energy_moves_from_day_to_day(days: Built) -> None:
    for consumer in days.of(Consumer):
        base, plan = (by_day(consumer.loads_mw[kind]).sum(axis=1) for kind in ("base", "plan"))
        assert plan == pytest.approx(base, abs=1e-9)
        assert by_day(days.world.meters[consumer.name]).sum(axis=1) == pytest.approx(base, abs=1e-9)


def test_equal_days_are_the_same_day_again(one_day: Built, days: Built, told: Told) -> None:
    first = one_day.one(Dso).today
    assert len(days.one(Dso).days) == DAYS
    for day in days.one(Dso).days:
        assert day.signal.day == day.number
        assert [part.ended for part in day.rounds] == [part.ended for part in first.rounds]
        # The price goes as far as the loop is told to go, and no further.
        assert day.signal.price_per_mwh == pytest.approx(first.signal.price_per_mwh, abs=1e-3)
        assert day.plan.situation.load_mw == pytest.approx(first.plan.situation.load_mw, abs=OF_A_SOLVER)
    for values, alone in (
        (days.world.grid.exchange_mw, one_day.world.grid.exchange_mw),
        *(
            (told(days.one(Dso), *column), told(one_day.one(Dso), *column))
            for column in (*EMISSIONS, ("signals", "factor_tco2_per_mwh"))
        ),
    ):
        assert by_day(values) == pytest.approx(np.tile(alone, (DAYS, 1)), abs=OF_A_SOLVER)
    for name in ("dso", *CLASSES):
        balance = one_day.world.ledger.balance(name)
        assert days.world.ledger.balance(name) == pytest.approx(DAYS * balance, rel=1e-5)
    assert days.one(CarbonMarket).reduction_tco2 == pytest.approx(
        DAYS * one_day.one(CarbonMarket).reduction_tco2, abs=1e-4
    )


def test_the_first_day_knows_nothing_of_the_later_ones(one_day: Built, days: Built) -> None:
    first = days.one(Dso).days[0]
    assert first.signal.price_per_mwh.tolist() == one_day.one(Dso).today.signal.price_per_mwh.tolist()
    assert days.world.grid.exchange_mw[:24].tolist() == one_day.world.grid.exchange_mw.tolist()


def test_days_are_negotiated_one_after_the_other(days: Built) -> None:
    rules, starts = days.one(Dso).rules, [day.rounds[0].time_s for day in days.one(Dso).days]
    # The supplier's terms and the followers' forecasts are asked for first: there and back, twice.
    asked_s = rules.opens_s + 4 * 0.2
    assert starts == pytest.approx([asked_s + day * 86400.0 for day in range(DAYS)])
    for number, day in enumerate(days.one(Dso).days):
        assert day.rounds[-1].time_s < rules.closes_s + number * 86400.0
        nominated = days.one(UpstreamMarket).nominations[number].load_mw
        assert nominated.tolist() == days.one(Dso).head_plan_mw(number).tolist()


def test_what_a_storage_tells_of_the_next_day_is_what_is_in_it_then(days: Built) -> None:
    moving = False
    for unit in days.of(StorageOwner):
        content = by_day(unit.storage.e_mwh)
        told = [day.initial_mwh[unit.name] for day in days.one(Dso).days]
        assert told[0] == unit.storage.ratings.soc_initial * unit.storage.ratings.e_max_mwh
        assert told[1:] == pytest.approx(content[:-1, -1], abs=1e-9)
        # It is asked four hours before the day ends, with some of its schedule to go.
        moving |= bool(np.abs(content[:, 19] - content[:, -1]).max() > 0.05)
        pool = by_day(unit.carbon.pool_tco2)
        assert pool[:, -1] == pytest.approx(np.full(DAYS, pool[0, -1]), abs=1e-6)
    assert moving


def test_certificates_of_several_days(folder: Path, days: Built) -> None:
    scenario = scenario_of(folder, DAYS)
    tables = collect("adcef", days.world, days.sections)
    found = certify("adcef", days.world, {"": scenario}, tables, scenario.currency_code)
    assert {each.name: each.value for each in found if not each.passed} == {}
    assert {"energy balance", "carbon balance", "money balance", "budget balance"} <= {
        each.name for each in found
    }


def test_every_hour_at_the_head_is_paid_once(days: Built) -> None:
    ledger = days.world.ledger.table()
    mine = ledger[(ledger["account"] == days.one(Dso).name) & ledger["purpose"].isin([PURCHASE, EXPORT])]
    assert set(mine["counterparty"]) == {UPSTREAM}
    paid = mine.groupby("period")["amount_money"].sum().reindex(range(24 * DAYS), fill_value=0.0)
    taken = days.world.grid.exchange_mw
    assert taken.max() > 0.5
    assert taken.min() < -0.1
    due = np.where(taken > 0.0, days.one(Dso).terms_price_per_mwh, days.one(Dso).terms_export_per_mwh) * taken
    assert -paid.to_numpy() == pytest.approx(due, abs=1e-6)
    assert mine.groupby("period").size().max() == 1


def test_carbon_is_trued_up_at_the_end_of_each_day(days: Built) -> None:
    ledger = days.world.ledger.table()
    mine = ledger[(ledger["account"] == days.one(Dso).name) & (ledger["purpose"] == CARBON)]
    for day in days.one(Dso).days:
        # The pools end as they began: what is left is the quota, the credit for surplus, and the emission.
        quota = day.conditions.quota_tco2_per_mwh
        allowed = quota * float(day.accounts.load_mw().sum()) + float(day.accounts.credit_tco2.sum())
        reduction = allowed - float(day.accounts.emission_tco2().sum())
        periods = days.one(Dso).horizon.periods(day.number)
        within = mine["period"].between(periods.start, periods.stop - 1)
        assert mine.loc[within, "amount_money"].sum() == pytest.approx(73.65 * reduction, abs=1e-6)


# The same day in quarters of an hour, planned in hours.


def in_quarters(scenario: GridScenario) -> Built:
    """The world of a scenario with four settlement periods in each hour of its plans."""
    entry = GridEntry(GridPlace(step_h=1.0), scenario)
    shared = {"seed": scenario.seed, "start": scenario.start, "horizon_h": 24 * 2, "period_h": 0.25}
    case = StackedScenario.model_validate(shared).model_copy(update={"grids": {"": entry}})
    return lived(case)


@pytest.fixture(scope="module", params=[(BATTERY, "tariff.credit=formula"), ()], ids=["battery", "avoided"])
def quarters(request: pytest.FixtureRequest, folder: Path) -> tuple[Built, Built]:
    """Two days in hours, and the same in quarters of an hour.

    Somebody has a battery where the credit is the printed formula; with avoided emission prices of some hours
    are as good as equal, and rounding would decide when a battery charges.
    """
    scenario = scenario_of(folder, 2, *request.param)
    return lived(scenario), in_quarters(scenario)


def test_who_plans_in_hours_holds_its_plan_over_the_quarters(
    quarters: tuple[Built, Built], told: Told
) -> None:
    hourly, fine = quarters
    for consumer, same in zip(fine.of(Consumer), hourly.of(Consumer), strict=True):
        metered, held = fine.world.meters[consumer.name], np.repeat(hourly.world.meters[same.name], 4)
        # The first days begin alike to the last bit; of the second one, what was stored is summed otherwise.
        assert metered[:96].tolist() == held[:96].tolist()
        assert metered == pytest.approx(held, abs=BY_ROUNDING)
        assert metered.tolist() == np.repeat(metered[::4], 4).tolist()
        assert consumer.loads_mw["plan"] == pytest.approx(metered, abs=1e-12)
    for unit, same_unit in zip(fine.of(StorageOwner), hourly.of(StorageOwner), strict=True):
        # On the second day rounding decides which of several storages does what is equally good.
        assert unit.storage.e_mwh[3:96:4] == pytest.approx(same_unit.storage.e_mwh[:24], abs=1e-9)
        assert unit.carbon.pool_tco2[3:96:4] == pytest.approx(same_unit.carbon.pool_tco2[:24], abs=1e-9)
        assert unit.storage.e_mwh[-1] == pytest.approx(same_unit.storage.e_mwh[-1], abs=BY_ROUNDING)
        # Within an hour it goes as straight as a schedule that is held.
        first_mwh = unit.storage.ratings.soc_initial * unit.storage.ratings.e_max_mwh
        steps = np.diff(unit.storage.e_mwh, prepend=first_mwh).reshape(-1, 4)
        assert np.ptp(steps, axis=1).max() <= 1e-12
    for plant, same_plant in zip(fine.of(RenewablePlant), hourly.of(RenewablePlant), strict=True):
        available, same = (told(one, "dispatch", "p_available_mw") for one in (plant, same_plant))
        assert available.tolist() == np.repeat(same, 4).tolist()


def test_energy_money_and_carbon_do_not_depend_on_the_settlement_period(
    quarters: tuple[Built, Built], told: Told
) -> None:
    hourly, fine = quarters
    near = BY_ROUNDING
    taken, same = fine.world.grid.exchange_mw, hourly.world.grid.exchange_mw
    assert taken[:96] == pytest.approx(np.repeat(same[:24], 4), abs=1e-12)
    assert taken.reshape(-1, 4).sum(axis=1) / 4 == pytest.approx(same, abs=near)
    for column in EMISSIONS:
        emitted = told(fine.one(Dso), *column).reshape(-1, 4).sum(axis=1)
        assert emitted == pytest.approx(told(hourly.one(Dso), *column), abs=near)
    for name in ("dso", UPSTREAM, *CLASSES):
        assert fine.world.ledger.balance(name) == pytest.approx(hourly.world.ledger.balance(name), rel=1e-7)
    reduction = hourly.one(CarbonMarket).reduction_tco2
    assert fine.one(CarbonMarket).reduction_tco2 == pytest.approx(reduction, abs=near)
    rounds, same = ([len(day.rounds) for day in each.one(Dso).days] for each in (fine, hourly))
    assert rounds == same
    nominated = np.repeat(hourly.one(UpstreamMarket).nominated_mw, 4)
    assert fine.one(UpstreamMarket).nominated_mw == pytest.approx(nominated, abs=near)
    assert fine.one(UpstreamMarket).nominated_mw == pytest.approx(taken, abs=1e-4)


def test_the_dso_hears_of_its_storages_in_every_quarter(quarters: tuple[Built, Built]) -> None:
    _, fine = quarters
    assert set(fine.one(Dso).storage_status) == {
        (unit.name, period) for unit in fine.of(StorageOwner) for period in range(1, 193)
    }
