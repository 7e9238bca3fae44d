"""Money: which fields are, the currency of a scenario, and sections in another one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo
from scipy import stats

from gridarium.environment.errors import ScenarioError
from gridarium.environment.parameters import allowed_values
from gridarium.experiments.checking.grid_tree import StackedScenario
from gridarium.experiments.names.formatting import is_money, label, split_unit
from gridarium.experiments.names.registry import entries, load
from gridarium.experiments.names.renamed import RENAMED
from gridarium.experiments.parts.consumer_section import ConsumerClass
from gridarium.experiments.parts.gas_turbines import GasTurbine
from gridarium.experiments.parts.house import grid_schema
from gridarium.experiments.parts.provider import Lease, LeaseTerms
from gridarium.experiments.parts.trading import Trading
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.schema.behaviours import Behaviour
from gridarium.experiments.schema.checks import currencies_have_rates
from gridarium.experiments.schema.fields import Section, in_currency, money_mark
from gridarium.experiments.sweeps.study_schema import StudyFile

RATE = 7.1


def sections_in(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections_in(field.annotation)
    for inner in get_args(annotation):
        yield from sections_in(inner)


def fields_of_all_models() -> dict[str, FieldInfo]:
    sections = {found for schema in (grid_schema(), StackedScenario) for found in sections_in(schema)}
    return {
        f"{section.__module__}.{section.__name__}.{name}": field
        for section in {*sections, *sections_in(StudyFile)}
        for name, field in section.model_fields.items()
    }


FIELDS = fields_of_all_models()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_is_marked_exactly_if_its_name_says_money(name: str) -> None:
    mark = money_mark(FIELDS[name])
    if mark is not None and mark.by_name:
        return
    assert (mark is not None) == is_money(name.rpartition(".")[2])


def test_the_walk_reaches_every_kind_of_section() -> None:
    reached = {name.rpartition(".")[0].rpartition(".")[2] for name in FIELDS}
    assert {"GasTurbine", "LeaseTerms", "Utility", "Behaviour", "Mixture", "CarbonMarket"} <= reached
    assert sum(money_mark(field) is not None for field in FIELDS.values()) >= 25


@pytest.mark.parametrize(
    "name", ["wear_cost_per_mwh", "tou_price_per_mwh", "a_per_mw2h", "start_stop_money", "price_per_kwh"]
)
def test_names_of_money(name: str) -> None:
    assert is_money(name)
    assert "CNY" in label(name, "CNY")


@pytest.mark.parametrize(
    "name",
    [
        "grid_tco2_per_mwh",
        "energy_mwh_per_tco2",
        "ramp_mw_per_h",
        "loss_per_km",
        "wholesale_share_of_tou",
        "money",
        "p_max_mw",
        "threshold_mw",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_money(name)
    assert label(name, "CNY") == label(name)


def test_units_carry_the_code_of_the_currency() -> None:
    assert split_unit("beta_per_mwh_per_mw", "USD") == ("beta", "USD/MWh per MW")
    assert label("base_fee_per_km_mwh", "USD") == "base fee (USD/(km MWh))"
    assert label("dso_net_revenue_money") == "DSO net revenue (money)"


def test_a_section_in_another_currency() -> None:
    unit = GasTurbine(
        p_max_mw=2.0,
        s_max_mva=2.5,
        cost_quadratic_per_mw2h=3.0,
        cost_linear_per_mwh=20.0,
        cost_fixed_per_h=0.0,
        emission_tco2_per_mwh=0.5,
    )
    converted = in_currency(unit, RATE)
    money = {"cost_quadratic_per_mw2h": 3.0 * RATE, "cost_linear_per_mwh": 20.0 * RATE}
    assert converted.model_dump() == unit.model_dump() | money
    assert unit.cost_linear_per_mwh == 20.0


def test_inner_and_optional_sections_are_converted() -> None:
    lease = Lease(first=LeaseTerms(base_fee_per_km_mwh=0.2), highest=LeaseTerms(base_fee_per_km_mwh=1.0))
    converted = in_currency(lease, RATE)
    assert converted.first.base_fee_per_km_mwh == 0.2 * RATE
    assert converted.highest is not None and converted.highest.base_fee_per_km_mwh == RATE
    assert converted.lowest is None
    assert converted.first.interval_km == lease.first.interval_km
    assert in_currency(Trading(), RATE).posted_price_per_mwh is None
    assert in_currency(Trading(posted_price_per_mwh=100.0), RATE).posted_price_per_mwh == 100.0 * RATE


def test_parameters_of_behaviours_are_converted_by_name() -> None:
    group = ConsumerClass(
        share=1.0,
        beta_per_mwh_per_mw=60.0,
        behaviour=["exact", {"noise": {"price_bias_per_mwh": 10, "factor_bias_tco2_per_mwh": 0.1}}],
        mixture=[{"share": 0.5, "behaviour": [{"inattention": {"price_threshold_per_mwh": 5.0}}]}],
    )
    converted = in_currency(group, RATE)
    assert converted.beta_per_mwh_per_mw == 60.0 * RATE
    assert converted.behaviour[1].params == {"price_bias_per_mwh": 10 * RATE, "factor_bias_tco2_per_mwh": 0.1}
    assert converted.mixture[0].behaviour[0].params == {"price_threshold_per_mwh": 5.0 * RATE}


@pytest.mark.parametrize(
    ("law", "args"),
    [("uniform", {"loc": 5.0, "scale": 20.0}), ("norm", {}), ("truncnorm", {"a": 0.0, "b": 2.0, "scale": 3})],
)
def test_distributions_of_money_are_scaled(law: str, args: dict[str, float]) -> None:
    own = Behaviour.model_validate({"noise": {"price_scale_per_mwh": {"distribution": law, "args": args}}})
    drawn: dict[str, Any] = in_currency(own, RATE).params["price_scale_per_mwh"]
    for quantile in (0.1, 0.5, 0.9):
        expected = RATE * getattr(stats, law)(**args).ppf(quantile)
        assert math.isclose(getattr(stats, law)(**drawn["args"]).ppf(quantile), expected)


def test_a_rate_of_one_changes_nothing() -> None:
    for source in ("adcef", "net-zero"):
        for case in load_scenario(source).cases.values():
            assert in_currency(case, 1.0).model_dump() == case.model_dump()


def parameters_of_behaviours() -> set[str]:
    kinds = [load("behaviours", name) for name in entries("behaviours")]
    return {name for kind in kinds if isinstance(kind, type) for name in allowed_values(kind)}


def test_parameters_of_shipped_behaviours_say_their_units() -> None:
    assert {name for name in parameters_of_behaviours() if is_money(name)} == {
        "price_scale_per_mwh",
        "price_bias_per_mwh",
        "price_threshold_per_mwh",
        "ceiling_price_per_mwh",
    }


def test_names_of_before_are_gone_and_those_of_now_are_there() -> None:
    fields = {name.rpartition(".")[2] for name in FIELDS}
    known = fields | parameters_of_behaviours() | {"tou_price_per_mwh", "p2p_price_per_mwh"}
    assert {*RENAMED.values()} <= known
    assert not RENAMED.keys() & known
    assert {name for name in RENAMED.values() if not is_money(name)} == {"benchmark_nodes"}


def test_shipped_scenarios_have_their_currency() -> None:
    codes = {name: case.currency_code for name in ("adcef", "net-zero-lease") for case in cases(name)}
    assert codes == {"adcef": "CNY", "net-zero-lease": "USD"}


def cases(name: str) -> list[Any]:
    return list(load_scenario(name).cases.values())


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("currency=CNY", "currency: got 'CNY'; must be the code of a currency"),
        ("currency=7", "currency: got 7; must be the code"),
        ("cases.tou.currency=usd", "cases.tou.currency: got 'usd'; is not allowed inside a case"),
        ("exchange_rates={usd: 0}", "exchange_rates.usd: got 0; must be a number in (0, 1e+09]"),
        ("exchange_rates={US: 7.1}", "exchange_rates.US: got 'US'; must be the code"),
        ("exchange_rates={cny: 1}", "exchange_rates.cny: got 1.0; must be left out"),
    ],
)
def test_faults_of_currencies(setting: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("adcef", [setting])
    assert told in str(caught.value)
    assert len(caught.value.faults) == 1


def test_currencies_of_sections_need_a_rate() -> None:
    (case, *_) = cases("adcef")
    case = case.model_copy(update={"exchange_rates": {"usd": RATE}})
    assert [case.rate_of(currency) for currency in (None, "cny", "usd")] == [1.0, 1.0, RATE]
    places = {"grids.a.currency": None, "grids.b.currency": "usd", "grids.c.currency": "eur"}
    told = "grids.c.currency: got 'eur'; must have a rate in exchange_rates; known are cny, usd"
    assert [str(fault) for fault in currencies_have_rates(case, places)] == [told]


def test_another_currency_can_be_given() -> None:
    study = load_scenario("adcef", ["currency=eur", "exchange_rates={usd: 0.9}"])
    assert {case.currency_code for case in study.cases.values()} == {"EUR"}
    assert study.resolved()["exchange_rates"] == {"usd": 0.9}
