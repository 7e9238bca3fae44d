"""Loads that follow the profiles which a network's file names for them, each where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.environment.network_reader import simbench_network
from gridarium.experiments import load_scenario, run
from gridarium.experiments.benchmarks.base_case_networks import line_of_six
from gridarium.experiments.parts.network import _read_feeder
from gridarium.experiments.reading.simbench_profiles import write_simbench_profiles
from own_networks import saved

CODE, DAY, HOURS = "1-LV-rural1--0-sw", 180, 1


def group(profile: str, column: str) -> str:
    rest = "share: 1.0, beta_per_mwh_per_mw: 60, flexible_share: 0.0"
    return f"{{load_profile: {profile}, column: {column}, {rest}}}"


def consumers(**groups: str) -> str:
    told = ", ".join(f"{name}: {text}" for name, text in groups.items())
    return f"consumers={{_replace_: true, {told}}}"


def test_loads_and_plants_of_simbench_do_at_each_bus_what_its_profiles_say(tmp_path: Path) -> None:
    import simbench

    path = write_simbench_profiles(CODE, tmp_path / "simbench.csv", DAY)
    net = simbench_network(CODE)
    kinds = sorted(set(net.load.profile))
    assert len(kinds) == 5
    classes = {f"class-{place}": group(kind, f"load_{kind}_share") for place, kind in enumerate(kinds)}
    plants = ", ".join(f"{kind}: sgen_{kind}_share" for kind in sorted(set(net.sgen.profile)))
    network = f"network={{source: {CODE}, generation_columns: {{{plants}}}}}"
    settings = [network, f"profiles={path}", f"horizon_h={HOURS}", consumers(**classes)]
    scenario = load_scenario("own-network", settings)
    power = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    quarters = slice(96 * (DAY - 1), 96 * (DAY - 1) + 96)
    by_bus, by_plant = (
        power[element, "p_mw"].iloc[quarters].to_numpy().reshape(24, 4, -1).mean(axis=1)
        for element in ("load", "sgen")
    )
    table = run(scenario).table("buses")
    for hour in range(HOURS):
        wanted = pd.Series(by_bus[hour]).groupby(net.load.bus.to_numpy()).sum()
        found = table.query(f"period == {hour}").set_index("bus")["p_load_mw"].rename(index=int)
        np.testing.assert_allclose(found, wanted.reindex(found.index, fill_value=0.0), rtol=0, atol=1e-12)
    shares = pd.read_csv(path)
    for place, plant in enumerate(net.sgen.itertuples()):
        told = plant.p_mw * shares[f"sgen_{plant.profile}_share"]
        np.testing.assert_allclose(told, by_plant[:, place], rtol=0, atol=1e-12)
        assert (
            scenario.cases["base"].renewables[f"sgen_{plant.Index}"].column == f"sgen_{plant.profile}_share"
        )


@pytest.fixture
def network(tmp_path: Path) -> Any:
    """Five loads: shops at the first, homes at the next three, and one without a profile."""
    net = line_of_six()
    net.load["profile"] = ["shops", "homes", "homes", "homes", None]
    return net


def test_a_column_in_mw_is_a_shape_of_its_own_loads(tmp_path: Path, network: Any) -> None:
    network.load.loc[4, "profile"] = "shops"
    network.load.loc[0, "scaling"] = 0.5
    source = saved(network, tmp_path / "net.json")
    classes = consumers(a=group("shops", "load_mw"), b=group("homes", "pv_mw"))
    settings = [f"network={{source: {source}, voltage_min_pu: 0.8}}", classes, "power_scale=0.5"]
    result = run(load_scenario("own-network", settings))
    found = result.table("buses").pivot_table(index="period", columns="bus", values="p_load_mw")
    highest = found.max()
    assert [highest[str(bus)] for bus in range(1, 6)] == pytest.approx([0.25, 0.5, 0.5, 0.5, 0.5])
    # Homes follow the sun here, and draw nothing at night, when shops do.
    assert found.loc[0, "2"] == 0.0 < found.loc[0, "1"]
    assert [one.name for one in result.certificates if not one.passed] == []
    feeder = _read_feeder(str(source), 0).scaled(2.0)
    assert feeder.loads_by("homes").q_load_mvar.sum() == pytest.approx(2 * 3 * 0.4)


@pytest.mark.parametrize(
    ("classes", "place", "told"),
    [
        ({"a": group("shops", "load_mw")}, "consumers", "must have a class of load_profile homes, too"),
        ({"a": group("farms", "load_mw")}, "consumers.a.load_profile", "must be a profile of loads of"),
        (
            {"a": group("shops", "load_mw"), "b": group("homes", "load_mw")},
            "consumers.a.load_profile",
            "must go with a column of its own",
        ),
        (
            {"a": group("shops", "load_mw"), "b": group("homes", "pv_mw"), "c": group("null", "wind_mw")},
            "consumers.c.load_profile",
            "must be given, as other classes have one",
        ),
        (
            {"a": group("shops", "load_mw"), "b": group("homes", "pv_mw")},
            "consumers.*.load_profile",
            "names no profile for what is drawn at 5",
        ),
    ],
)
def test_classes_by_profile_are_all_of_the_loads(
    tmp_path: Path, network: Any, classes: dict[str, str], place: str, told: str
) -> None:
    source = saved(network, tmp_path / "net.json")
    with pytest.raises(ScenarioError) as caught:
        load_scenario("own-network", [f"network={source}", consumers(**classes)])
    assert any(fault.place.endswith(place) and told in fault.allowed for fault in caught.value.faults)


def test_classes_by_profile_need_the_loads_of_a_file(tmp_path: Path, network: Any) -> None:
    source = saved(network, tmp_path / "net.json")
    settings = [f"network={{source: {source}, loads: profile}}", consumers(a=group("shops", "load_mw"))]
    with pytest.raises(ScenarioError, match="must be null where loads are not those of a network's file"):
        load_scenario("own-network", settings)
    one = consumers(a=f"{group('shops', 'load_mw')[:-1]}, placement: each-bus}}")
    with pytest.raises(ScenarioError, match="must be spread where load_profile is given"):
        load_scenario("own-network", [f"network={source}", one])


def test_generators_follow_the_column_of_their_profile_or_else_of_their_type(tmp_path: Path) -> None:
    net = line_of_six()
    for _ in range(3):
        pandapower.create_sgen(net, 2, 0.3, type="PV")
    net.sgen["profile"] = ["PV1", "PV2", None]
    source = saved(net, tmp_path / "net.json")
    columns = "{PV: pv_mw, PV1: wind_mw}"
    scenario = load_scenario(
        "own-network", [f"network={{source: {source}, generation_columns: {columns}}}"]
    ).cases["base"]
    assert [unit.column for unit in scenario.renewables.values()] == ["wind_mw", "pv_mw", "pv_mw"]
    wrong = f"network={{source: {source}, generation_columns: {{WP: wind_mw}}}}"
    with pytest.raises(ScenarioError, match=r"must be a type or a profile of generators of .* PV, PV1, PV2"):
        load_scenario("own-network", [wrong])
