"""Scenarios of model E: shipped ones are valid and can be loaded again, faulty ones say what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.parts.members import member_sizes
from gridarium.experiments.parts.prosumers import PROSUMERS, classes_of, prosumers_of, utility_of
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.forecasts import ForecastRequest

SHIPPED = ("net-zero", "net-zero-bargaining", "net-zero-lease", "net-zero-tank")


def faults_with(*settings: str, scenario: str = "net-zero") -> list[Fault]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(scenario, settings)
    return list(caught.value.faults)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_resolved_scenario_gives_the_same_cases_again(name: str, tmp_path: Path) -> None:
    study = load_scenario(name)
    path = tmp_path / "again.yaml"
    path.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    assert load_scenario(path).cases == study.cases
    assert {paper for case in study.cases.values() for paper in case.papers} == {"net-zero"}


def test_the_papers_numbers_are_in_the_shipped_scenario() -> None:
    case = load_scenario("net-zero").cases["shared-storage"]
    storage, lease = case.provider.storage, case.provider.lease.first
    assert (storage.p_max_mw, storage.soc_initial, storage.soc_max) == (40.0, 0.2, 0.9)
    assert (storage.efficiency_charge, storage.efficiency_discharge) == (0.98, 0.98)
    assert 120.0 <= storage.e_max_mwh <= 160.0
    assert (lease.interval_km, lease.growth) == (50.0, 0.25)
    assert (case.carbon_market.price_per_tco2, case.carbon_market.allowance_tco2_per_mwh) == (12.0, 0.7)
    assert case.lines.capacity_mw == pytest.approx(0.072 * 60)


def test_the_cases_differ_in_what_the_paper_varies() -> None:
    cases = load_scenario("net-zero").cases
    assert not cases["capture"].provider.active
    assert not cases["capture"].trading.active
    assert cases["shared-storage"].trading.desk
    assert not cases["decentralised"].trading.desk
    many, alone = cases["many-prosumers"], cases["many-decentralised"]
    assert len(prosumers_of(many)) == len(prosumers_of(alone)) == 30
    assert alone == many.model_copy(
        update={"trading": many.trading.model_copy(update={"desk": False}), "title": alone.title}
    )
    forgiven, remembered = cases["defaults-forgiven"], cases["defaults-remembered"]
    assert forgiven.prosumers == remembered.prosumers
    assert forgiven.trading.reputation_weight == 0.0 < remembered.trading.reputation_weight
    tanks = load_scenario("net-zero-tank").cases
    assert tanks["tank-none-capture"].thermal_units["unit_2"].capture.tank_tco2 == 0.0
    assert tanks["tank-default-capture"].thermal_units == cases["capture"].thermal_units
    pool_alone = load_scenario("net-zero-bargaining").cases.values()
    assert all(case.operator is None and not case.thermal_units for case in pool_alone)
    assert {case.horizon_h for case in load_scenario("net-zero-lease").cases.values()} == {360}


@pytest.mark.parametrize(
    ("setting", "place", "part"),
    [
        ("horizon_h=30", "horizon_h", "at most 24 h or whole days"),
        ("prosumers.prosumer_3.charging_ratio=0.5", "prosumer_3.charging_ratio", "without a battery"),
        ("prosumers.prosumer_1.utility.energy_weight=0.5", "payment_weight", "they sum to 1.05"),
        ("trading.closes_h=5", "trading.closes_h", "above opens_h = 6"),
        ("period_h=0.5", "period_h", "a quarter of an hour"),
        ("thermal_units.unit_1.p_min_mw=150", "thermal_units.unit_1.p_min_mw", "at most p_max_mw = 120"),
        ("thermal_units.unit_1.p_initial_mw=10", "thermal_units.unit_1.p_initial_mw", "[48, 120] MW"),
        ("thermal_units.unit_3.p_initial_mw=10", "thermal_units.unit_3.p_initial_mw", "must be 0 MW"),
        ("thermal_units.unit_1.capture.fixed_mw=70", "thermal_units.unit_1.capture.fixed_mw", "p_min_mw"),
        ("thermal_units.unit_1.tau=1", "thermal_units.unit_1.tau", "unknown field"),
        (
            "operator.benchmark_limit_s=60",
            "operator.benchmark_limit_s",
            "is now called benchmark_nodes",
        ),
        ("flexible_loads.dr_1.share=0.99", "flexible_loads", "sum to 1.02"),
        ("load=null", "load", "must be given"),
        ("lines=null", "lines", "where prosumers trade"),
        ("provider.active=false", "provider", "must be given, and active"),
        ("lines.distance_km.prosumer_1.nobody=5", "lines.distance_km.prosumer_1.nobody", "of a prosumer"),
        (
            "lines.distance_km.prosumer_1.prosumer_1=5",
            "lines.distance_km.prosumer_1.prosumer_1",
            "two different",
        ),
        ("lines.outages=[{line: [prosumer_1, x], start_s: 0, end_s: 1}]", "lines.outages.0.line", "prosumer"),
        ("lines.outages=[{line: [prosumer_1], start_s: 0, end_s: 1}]", "lines.outages.0.line", "at least 2"),
        ("trading.band_low_price_per_mwh=300", "trading.band_low_price_per_mwh", "below the real-time price"),
        ("trading.rule=auction", "trading.rule", "declared-nash"),
        ("trading.rule=nash", "trading.rule", "is now called declared-nash"),
        ("trading.rule=alternating", "trading.rule", "is now called declared-alternating"),
        (
            "provider.lease.first.base_fee_per_km_mwh=-1",
            "provider.lease.first.base_fee_per_km_mwh",
            "[0, 1000]",
        ),
        ("provider.storage.soc_initial=0.1", "provider.storage.soc_initial", "[0.2, 0.9]"),
        ("prosumers.prosumer_1.pv_column=sun", "profiles", "sun"),
        ("prosumers.prosumer_1.behaviour=[dead-band]", "prosumers.prosumer_1.behaviour.0", "for a prosumer"),
        (
            "prosumers.prosumer_1.mixture=[{share: 0.5, behaviour: [habit]}]",
            "prosumers.prosumer_1.mixture.0.behaviour.0",
            "for a prosumer",
        ),
        ("prosumers.prosumer_1.mixture=[{share: 0.6}, {share: 0.6}]", "prosumer_1.mixture", "at most 1"),
        ("prosumers.prosumer_1.count=0", "prosumers.prosumer_1.count", "whole number in [1, 10000]"),
        ("prosumers.prosumer_1.count=2.5", "prosumers.prosumer_1.count", "whole number in [1, 10000]"),
        ("prosumers.prosumer_1.diversity=1.5", "prosumers.prosumer_1.diversity", "[0, 1]"),
        ("lines.within_km=-1", "lines.within_km", "[0, 100000]"),
        ("lines.distance_km.prosumer_1.prosumer_1_2=5", "prosumer_1.prosumer_1_2", "of a prosumer"),
        ("operator.behaviour=[sticky-price]", "operator.behaviour.0", "for an operator"),
        ("start=2026-04-15T08:00:00+08:00", "start", "00:00 of a day"),
    ],
)
def test_faults_name_their_place_and_what_is_allowed(setting: str, place: str, part: str) -> None:
    found = [fault for fault in faults_with(setting) if fault.place.endswith(place)]
    assert found, faults_with(setting)
    assert any(part in str(fault.allowed) for fault in found), found


def test_settings_of_what_a_case_does_without_are_no_fault() -> None:
    study = load_scenario("net-zero", ["trading.rule=zip", "provider.storage.e_max_mwh=120"])
    assert not study.cases["capture"].trading.active
    assert study.cases["shared-storage"].trading.rule == "zip"


def test_all_faults_of_all_sections_come_at_once() -> None:
    places = {
        fault.place.rpartition(".")[2]
        for fault in faults_with("horizon_h=0", "carbon_market.price_per_tco2=-1", "lines.capacity_mw=0")
    }
    assert {"horizon_h", "price_per_tco2", "capacity_mw"} <= places


def test_names_of_agents_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(
        "extends: net-zero\nwind_farms: {desk: {column: wind_forecast_mw, capacity_mw: 120},"
        " unit_1: {column: wind_forecast_mw, capacity_mw: 120}}\ncases: {one: {}}",
        encoding="utf-8",
    )
    places = {fault.place for fault in faults_with(scenario=str(path))}
    assert places == {"wind_farms.desk", "wind_farms.unit_1"}


def test_names_of_members_are_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "members.yaml"
    plain = "{pv_column: prosumer_1_pv_mw, load_column: prosumer_1_load_mw}"
    path.write_text(
        "extends: net-zero\nwind_farms: {prosumer_2_3: {column: wind_forecast_mw, capacity_mw: 120}}\n"
        "cases:\n"
        "  beside: {prosumers: {prosumer_1: {count: 2},"
        f" prosumer_1_2: {plain}, prosumer_1_3: {plain}}}}}\n"
        "  elsewhere: {prosumers: {prosumer_2: {count: 3}}}\n"
        "  alone: {prosumers: {prosumer_1: {count: 1}, prosumer_1_2: " + plain + "}}",
        encoding="utf-8",
    )
    found = [(fault.place, fault.value) for fault in faults_with(scenario=str(path))]
    assert found == [
        ("cases.beside.prosumers.prosumer_1_2", "prosumer_1_2"),
        ("cases.elsewhere.prosumers", "prosumer_2_3"),
    ]


@pytest.mark.parametrize("utility", ["log", "quadratic"])
def test_members_have_equal_parts_of_their_class(utility: str) -> None:
    settings = ["prosumers.prosumer_1.count=4", f"prosumers.prosumer_1.utility.kind={utility}"]
    case = load_scenario("net-zero", settings).cases["shared-storage"]
    whole, own = PROSUMERS.of(case)["prosumer_1"], prosumers_of(case)
    assert list(own) == [*(f"prosumer_1_{number}" for number in range(1, 5)), "prosumer_2", "prosumer_3"]
    part = own["prosumer_1_3"]
    assert part.battery is not None and whole.battery is not None
    assert 4 * part.battery.e_max_mwh == whole.battery.e_max_mwh
    assert 4 * part.battery.p_max_mw == whole.battery.p_max_mw
    # At any price four members want what the class would.
    one, class_ = utility_of(part.utility), utility_of(whole.utility)
    assert 4 * one.demand(50.0) == pytest.approx(class_.demand(50.0))
    assert one.marginal(0.0) == pytest.approx(class_.marginal(0.0))
    assert classes_of(case)["prosumer_1_3"] == "prosumer_1"
    assert classes_of(case)["prosumer_2"] == "prosumer_2"


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_panels_and_loads_of_members_sum_to_those_of_their_class(diversity: float) -> None:
    shares = member_sizes([f"a_{number}" for number in range(1, 2001)], diversity, RandomStreams(3))
    assert shares.sum(axis=0) == pytest.approx(1.0)
    assert (shares > 0.0).all()
    spread = shares.std(axis=0) / shares.mean(axis=0)
    assert spread == pytest.approx(diversity, rel=0.08, abs=1e-12)
    assert member_sizes(["a"], diversity, RandomStreams(3)).tolist() == [[1.0, 1.0]]
    # Further members change nothing about the first ones but the sum.
    few = member_sizes([f"a_{number}" for number in range(1, 11)], diversity, RandomStreams(3))
    assert few[1] / few[0] == pytest.approx(shares[1] / shares[0])


def test_a_class_of_several_has_the_surplus_and_deficit_of_one() -> None:
    def totals(*settings: str) -> np.ndarray:
        built = build(load_scenario("net-zero", ["horizon_h=12", *settings]).cases["shared-storage"])
        for prosumer in (prosumers := built.of(Prosumer)):
            for period in range(48):
                prosumer.operate(period)
        net = [np.subtract(*prosumer.possible(period)) for prosumer in prosumers for period in range(48)]
        return np.array(net).reshape(len(prosumers), 48, -1).sum(axis=2)

    still = [
        f"prosumers.prosumer_{number}.{each}=0"
        for number in (1, 2, 3)
        for each in ("fluctuation", "charging_ratio")
    ]
    many = [f"prosumers.prosumer_{n}.{each}" for n in (1, 2, 3) for each in ("count=5", "diversity=0.5")]
    one, several = totals(*still), totals(*still, *many)
    by_class = several.reshape(3, 5, 48)
    np.testing.assert_allclose(by_class.sum(axis=1), one, atol=1e-12)
    # Members of each class are sellers and buyers at the same time.
    assert ((by_class > 0.01).any(axis=1) & (by_class < -0.01).any(axis=1)).any(axis=1).all()


def test_without_an_operator_nothing_may_be_operated() -> None:
    places = {fault.place.rpartition(".")[2] for fault in faults_with("operator=null")}
    assert {"thermal_units", "wind_farms", "flexible_loads", "load"} <= places


def test_lease_terms_must_lie_within_their_bounds() -> None:
    bounds = "provider.lease.lowest={base_fee_per_km_mwh: 1}"
    (fault,) = {str(fault) for fault in faults_with(bounds, "provider.lease.highest=null")}
    assert "first.base_fee_per_km_mwh" in fault
    assert "lowest and highest" in fault


@pytest.mark.parametrize("hours", [8, 48])
def test_profiles_are_repeated_over_the_horizon_and_cut_at_its_end(hours: int) -> None:
    from gridarium.environment.profiles import read_profiles

    day = read_profiles(profile_path("net-zero")).column("wind_forecast_mw")
    assert len(day) == 96
    built = build(load_scenario("net-zero", [f"horizon_h={hours}"]).cases["capture"])
    (farm,) = built.of(RenewablePlant)
    expected = np.resize(day, 4 * hours)
    days = range(farm.horizon.n_day)
    told = [farm.tell_forecast(ForecastRequest(each), "operator").available_mw for each in days]
    np.testing.assert_array_equal(np.concatenate(told), expected)


def test_the_data_have_the_hours_and_sizes_that_the_paper_states() -> None:
    from gridarium.environment.profiles import read_profiles

    column = read_profiles(profile_path("net-zero")).column
    hour = np.arange(96) / 4.0
    for number, peak in ((1, 5.0), (2, 3.5), (3, 4.5)):
        pv = column(f"prosumer_{number}_pv_mw")
        assert not pv[(hour >= 1) & (hour < 6) | (hour >= 19)].any()
        assert pv.max() == pytest.approx(peak, rel=1e-3)
    by_day = (hour >= 8) & (hour < 18)
    net = [column(f"prosumer_{n}_pv_mw") - column(f"prosumer_{n}_load_mw") for n in (1, 2, 3)]
    assert (net[0][by_day] > 0.0).all()
    assert net[1][by_day].min() < 0.0 < net[1][by_day].max()
    assert -4.0 < net[2][by_day].min() < net[2][by_day].max() < -2.0
    assert 209.0 < column("load_mw")[40:48].max() < 240.0
