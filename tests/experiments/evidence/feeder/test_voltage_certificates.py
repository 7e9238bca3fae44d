"""An active feeder plays a day soundly; what is wrong with taps, plan or storages is caught."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from gridarium.agents.devices.compensator import CompensatorUnit
from gridarium.agents.devices.tap_changer import TapChangerUnit
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.errors import NetworkError, ScenarioError
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

ACTIVE = ["tap_changer={moves_per_day: 6}", "compensators={svc: {q_min_mvar: -0.2, q_max_mvar: 0.3}}"]
OF_VOLTAGE = (
    "tap positions",
    "tap moves",
    "tap voltage",
    "tap gap",
    "AC cost error",
    "storage exclusivity",
    "compensator limits",
)
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def played() -> BuiltWorld:
    built = build(load_scenario("adcef-small", ACTIVE).cases["tou-commanded"])
    while built.world.running:
        built.world.step()
    return built


def certificates(built: BuiltWorld, change: Callable[[Tables], None] | None = None) -> dict[str, Certificate]:
    tables = {name: table.copy() for name, table in collect("one", built.world, built.sections).items()}
    if change is not None:
        change(tables)
    found = certify("one", built.world, built.sections, tables, "cny")
    return {one.name: one for one in found}


def test_an_active_feeder_is_sound(played: BuiltWorld) -> None:
    found = certificates(played)
    assert [name for name, one in found.items() if not one.passed] == []
    assert set(OF_VOLTAGE) <= set(found)
    assert found["tap moves"].value > 0.0
    (changer,), (svc,), (dso,) = (played.of(kind) for kind in (TapChangerUnit, CompensatorUnit, Dso))
    dispatch = dso.days[0].plan.dispatch
    assert dispatch.tap is not None and dispatch.tap.tolist() == changer.position.tolist()
    assert next(iter(svc.rows())).values["q_mvar"] == pytest.approx(dispatch.compensator_mvar[0])
    assert found["AC voltage error"].value <= 1e-6


def _set(table: str, column: str, kind: str, value: float, row: int = 5) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        place = tables[table].index[tables[table]["kind"] == kind][row]
        tables[table][column] = tables[table][column].astype(float)
        tables[table].loc[place, column] += value

    return change


def _both_ways(tables: Tables) -> None:
    for column in ("p_charge_mw", "p_discharge_mw"):
        _set("storages", column, "storage", 0.01)(tables)


SABOTAGE: dict[str, Callable[[Tables], None]] = {
    "tap positions": _set("taps", "position", "tap_changer", 0.5),
    "tap moves": _set("taps", "position", "tap_changer", 4.0),
    "tap voltage": _set("taps", "position", "tap_changer", 1.0),
    "tap gap": _set("days", "tap_cost_money", "dso", 50.0, 0),
    "AC cost error": _set("heads", "p_plan_mw", "dso", 0.05),
    "storage exclusivity": _both_ways,
    "compensator limits": _set("dispatch", "q_mvar", "compensator", 0.7),
}


@pytest.mark.parametrize("name", OF_VOLTAGE)
def test_what_is_wrong_is_caught(played: BuiltWorld, name: str) -> None:
    assert not certificates(played, SABOTAGE[name])[name].passed


def test_days_go_on_from_where_the_tap_changer_stands() -> None:
    """Two steps a day do not reach the best position at once."""
    settings = ["tap_changer={moves_per_day: 2, initial: -2}", "horizon_h=48"]
    built = build(load_scenario("adcef-small", settings).cases["tou-commanded"])
    while built.world.running:
        built.world.step()
    (changer,), (dso,) = built.of(TapChangerUnit), built.of(Dso)
    first, second = dso.days
    assert (first.tap_before, second.tap_before) == (-2, int(changer.position[23]))
    assert second.tap_before == 0
    assert changer.moves[:24].sum() == 2 and changer.moves[24:].sum() <= 2
    assert [name for name, one in certificates(built).items() if not one.passed] == []


def test_a_feeder_without_such_devices_has_none_of_them() -> None:
    built = build(load_scenario("adcef-small").cases["tou-commanded"])
    while built.world.running:
        built.world.step()
    assert not set(OF_VOLTAGE) & set(certificates(built))


def test_bad_sections_are_refused() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(
            "adcef-small",
            [
                "tap_changer={first: 3, last: 2}",
                "compensators={svc: {q_min_mvar: 0.4, q_max_mvar: 0.3}}",
            ],
        )
    told = str(caught.value)
    assert "tap_changer.first: got 3; must be at most last = 2" in told
    assert "compensators.svc.q_min_mvar: got 0.4; must be below q_max_mvar = 0.3 Mvar" in told
    with pytest.raises(ScenarioError) as caught:
        load_scenario("adcef-small", [*ACTIVE, "leader.kind=anticipating"])
    told = str(caught.value)
    assert "tap_changer: got 'given'; must be left out where leader.kind is anticipating" in told
    assert "compensators: got 'given'; must be left out where leader.kind is anticipating" in told


def test_a_position_outside_the_band_is_refused() -> None:
    scenario = load_scenario("adcef-small", ["tap_changer={initial: 8}"])
    with pytest.raises(
        NetworkError, match=r"tap_changer.initial: got 8; must leave the substation, here 1.1"
    ):
        build(scenario.cases["tou-commanded"])
