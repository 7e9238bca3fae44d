"""Scenario files: what is read, what is refused, and that every fault is named at once."""

import pickle
from pathlib import Path

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.reading.field_paths import swept_parameter
from gridarium.experiments.reading.plain_yaml import dump_yaml, parse_yaml
from gridarium.experiments.scenario import load_scenario, shipped_scenarios

SMALL = """
dso: {}
consumers:
  all: {share: 1.0, beta_per_mwh_per_mw: 60}
storages:
  pool: {p_max_mw: 0.5, e_max_mwh: 1.0}
network:
  sites: {pool: 7}
"""


def faults_of(tmp_path: Path, text: str, overrides: tuple[str, ...] = ()) -> dict[str, str]:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, overrides)
    assert str(path) in str(caught.value) or overrides
    return {fault.place: str(fault) for fault in caught.value.faults}


def test_every_shipped_scenario_is_valid() -> None:
    assert {"adcef", "adcef-beta", "adcef-carbon-price"} <= set(shipped_scenarios())
    for name, (title, path) in shipped_scenarios().items():
        study = load_scenario(name)
        assert (study.name, study.title, study.source) == (name, title, name)
        assert path.is_file()


def test_numbers_of_the_paper() -> None:
    case = load_scenario("adcef").cases["adcef"]
    assert case.prices.carbon_price_per_tco2 == 73.65
    assert [case.network.sites[name] for name in case.storages] == [7, 14, 24]
    assert [unit.p_max_mw for unit in case.storages.values()] == [0.5, 0.4, 0.8]
    assert [unit.p_max_mw for unit in case.gas_turbines.values()] == [1.0, 1.2]
    turbine = load_scenario("adcef-printed").cases["adcef"].gas_turbines["gas_turbine_25"]
    costs = (
        turbine.cost_quadratic_per_mw2h,
        turbine.cost_linear_per_mwh,
        turbine.cost_fixed_per_h,
    )
    assert costs == (0.02, 35, 150)
    assert (case.network.sites["pv"], case.network.sites["wind"]) == (6, 3)


def test_cases_of_the_main_study() -> None:
    cases = load_scenario("adcef").cases
    assert list(cases) == [
        "tou",
        "static-carbon",
        "adcef",
        "tou-high-res",
        "static-carbon-high-res",
        "adcef-high-res",
        "adcef-formula-credit-high-res",
        "tou-commanded",
        "tou-commanded-high-res",
    ]
    for name, case in cases.items():
        tariff = name.removesuffix("-high-res")
        for suffix in ("-formula-credit", "-noon-valley", "-commanded"):
            tariff = tariff.removesuffix(suffix)
        assert case.tariff.kind == tariff
        owners = tariff != "adcef" and "commanded" not in name
        assert case.dso.storage == ("self-scheduled" if owners else "commanded")
        assert case.tariff.credit == ("formula" if "formula" in name else "avoided")
        assert case.dso.carbon_in_cost == (case.tariff.kind != "tou")
        assert case.profiles == ("adcef-high-res" if name.endswith("-high-res") else "adcef-ordinary")


def test_sweeps_replace_the_cases_of_their_base() -> None:
    study = load_scenario("adcef-carbon-price")
    prices = [case.prices.carbon_price_per_tco2 for case in study.cases.values()]
    assert prices == [40, 73.65, 100, 130, 160]
    assert {case.tariff.kind for case in study.cases.values()} == {"adcef"}
    name, values = swept_parameter(study.resolved(), study.cases) or ("", {})
    assert (name, list(values.values())) == ("carbon_price_per_tco2", prices)
    beta = load_scenario("adcef-beta")
    name, values = swept_parameter(beta.resolved(), beta.cases) or ("", {})
    assert (name, list(values.values())) == ("beta_per_mwh_per_mw", [30, 60, 120, 240])
    assert swept_parameter(load_scenario("adcef").resolved(), load_scenario("adcef").cases) is None


@pytest.mark.parametrize("name", ["adcef", "adcef-beta", "adcef-carbon-price"])
def test_resolved_study_loads_to_the_same_study(tmp_path: Path, name: str) -> None:
    study = load_scenario(name)
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    again = load_scenario(path)
    assert again.cases == study.cases
    assert again.resolved() == study.resolved()
    assert pickle.loads(pickle.dumps(again)) == again


def test_defaults_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    tree = load_scenario(path).resolved()
    assert list(tree["cases"]) == ["base"]
    assert tree["negotiation"]["round_limit"] == 60
    assert tree["storages"]["pool"]["efficiency_charge"] == 0.92
    assert tree["start"] is None


def test_overrides_win_over_every_case() -> None:
    study = load_scenario(
        "adcef", ["tariff.kind=tou", "consumers.industrial.beta_per_mwh_per_mw=61", "seed=9"]
    )
    for case in study.cases.values():
        assert (case.tariff.kind, case.seed) == ("tou", 9)
        assert case.consumers["industrial"].beta_per_mwh_per_mw == 61
    study = load_scenario("adcef", ["cases.adcef.seed=7"])
    assert {name: case.seed for name, case in study.cases.items() if case.seed != 1} == {"adcef": 7}


def test_plain_network_has_no_sites() -> None:
    assert load_scenario("adcef", ["network=case33bw"]).cases["tou"].network.sites == {}


def test_a_case_can_do_without_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "extends: adcef\ncases: {less: {storages: {storage_7: null}, network: {sites: {storage_7: 7}}}}",
        encoding="utf-8",
    )
    with pytest.raises(ScenarioError, match=r"cases.less.network.sites.storage_7"):
        load_scenario(path)
    path.write_text(
        "extends: adcef\nnetwork: case33bw\ncases: {less: {storages: {storage_7: null}}}", encoding="utf-8"
    )
    assert list(load_scenario(path).cases["less"].storages) == ["storage_14", "storage_24"]


def test_relative_files_are_found_beside_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gridarium.experiments.reading.scenario_files import profile_path

    (tmp_path / "mine.csv").write_bytes(profile_path("adcef-ordinary").read_bytes())
    path = tmp_path / "study.yaml"
    path.write_text(f"{SMALL}\nprofiles: mine.csv\n", encoding="utf-8")
    monkeypatch.chdir("/")
    assert load_scenario(path).cases["base"].profiles == str(tmp_path / "mine.csv")


def test_behaviours_are_names_or_names_with_parameters(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SMALL, encoding="utf-8")
    study = load_scenario(
        path, ["consumers.all.behaviour=[exact, {'json:JSONDecoder': {strict: true, depth: 2}}]"]
    )
    first, second = study.cases["base"].consumers["all"].behaviour
    assert (first.name, first.params) == ("exact", {})
    assert (second.name, second.params) == ("json:JSONDecoder", {"strict": True, "depth": 2})
    path.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    assert load_scenario(path).cases == study.cases


def test_all_faults_are_listed_at_once_with_path_value_and_range(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        """
dso: {}
seed: -1
period_h: yes
profiles: adcef-ordinary
network:
  voltage_min_pu: 1.1
  sites: {pool: 99, ghost: 3}
prices: {carbon_price_per_tco2: .nan, quota_tco2_per_mwh: 9}
storages:
  pool: {p_max_mw: 0.5, e_max_mwh: "1.0", soc_min: 0.5, soc_max: 0.4}
  tank: {p_max_mw: 0.5, e_max_mwh: 2, soc_initial: 0.95}
renewables: {sun: {column: sun_mw}}
consumers:
  a: {share: 0.5, beta_per_mwh_per_mw: 60, colour: red}
negotiation: {closes_h_before: 5}
tariff: {kind: free, balance_budget: 1}
communication: {loss: 1.0, outages: [{agent: dso, start_s: 5, end_s: 1}]}
""",
    )
    assert found["seed"].startswith("seed: got -1; must be a whole number in [0, ")
    assert found["period_h"] == "period_h: got 'yes'; must be a number in [0.0166667, 1]"
    assert "[0.5, 1.5]" not in found["network.voltage_min_pu"]
    assert "below voltage_max_pu = 1.1" in found["network.voltage_min_pu"]
    assert "got nan; must be a number in [0, 1000]" in found["prices.carbon_price_per_tco2"]
    assert "got 9; must be a number in [0, 2]" in found["prices.quota_tco2_per_mwh"]
    assert "got '1.0'; must be a number in (0, 1e+06]" in found["storages.pool.e_max_mwh"]
    assert "must be in [soc_min, soc_max] = [0.1, 0.9]" in found["storages.tank.soc_initial"]
    assert "unknown field" in found["consumers.a.colour"]
    assert "must be below opens_h_before = 4 h" in found["negotiation.closes_h_before"]
    assert (
        "must be one of tou, static-carbon, adcef, nodal-carbon-surcharge, or a path" in found["tariff.kind"]
    )
    assert "got 1" in found["tariff.balance_budget"]
    assert "must be a number in [0, 1)" in found["communication.loss"]
    assert "above start_s = 5 s" in found["communication.outages.0.end_s"]


def test_sections_are_checked_against_each_other(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        """
dso: {}
network: {slack_voltage_pu: 1.2}
storages: {sun: {p_max_mw: 1, e_max_mwh: 1}}
renewables: {sun: {column: sun_mw}}
consumers: {a: {share: 0.5, beta_per_mwh_per_mw: 60}}
seed: 1
""",
    )
    assert "in the voltage band [0.9, 1.1]" in found["network.slack_voltage_pu"]
    assert "they sum to 0.5" in found["consumers"]
    assert "must be unique" in found["storages.sun"]
    assert "sun_mw" in found["profiles"]


def test_shares_are_those_of_a_column(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        """
dso: {}
consumers:
  a: {share: 1, beta_per_mwh_per_mw: 60}
  b: {share: 0.9, column: wind_mw, beta_per_mwh_per_mw: 60}
""",
    )
    assert "shares of wind_mw must sum to 1, they sum to 0.9" in found["consumers"]


def test_sites_and_networks_are_checked(tmp_path: Path) -> None:
    found = faults_of(tmp_path, SMALL.replace("pool: 7", "pool: 34, ghost: 3"))
    assert "got 34" in found["network.sites.pool"]
    assert "there are pool" in found["network.sites.ghost"]
    found = faults_of(tmp_path, SMALL.replace("  sites: {pool: 7}", "  source: nowhere.json"))
    assert "nowhere.json" in found["network.source"]


def test_period_must_be_that_of_the_profiles(tmp_path: Path) -> None:
    assert "must be the step" in faults_of(tmp_path, SMALL + "period_h: 0.25\n")["period_h"]


def test_faults_of_a_case_are_placed_in_the_case(tmp_path: Path) -> None:
    text = SMALL + "cases: {good: {}, bad: {storages: {pool: {e_max_mwh: -1}, new: {p_max_mw: 1}}}}\n"
    found = faults_of(tmp_path, text)
    assert set(found) == {"cases.bad.storages.pool.e_max_mwh", "cases.bad.storages.new.e_max_mwh"}
    assert "must be given" in found["cases.bad.storages.new.e_max_mwh"]
    found = faults_of(tmp_path, text.replace("p_max_mw: 0.5", "p_max_mw: -5"))
    assert "storages.pool.p_max_mw" in found


def test_cases_have_their_own_rules(tmp_path: Path) -> None:
    text = SMALL + "cases: {a: {extends: adcef, currency: usd}, b: 3, 'c d': {}}\n"
    assert set(faults_of(tmp_path, text)) == {"cases.a.extends", "cases.a.currency", "cases.b", "cases.c d"}
    assert set(faults_of(tmp_path, SMALL + "cases: []\n")) == {"cases"}


def test_main_cases_are_some_of_the_cases(tmp_path: Path) -> None:
    text = SMALL + "cases: {a: {}, b: {seed: 2}, c: {seed: 3}}\n"
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_scenario(path).main_cases == ("a", "b", "c")
    assert load_scenario(path, ["main_cases=[c, a]"]).main_cases == ("a", "c")
    for wrong in ("[]", "[a, d]", "a", "[[a]]", "null"):
        assert set(faults_of(tmp_path, text + f"main_cases: {wrong}\n")) == {"main_cases"}
    found = faults_of(tmp_path, SMALL + "cases: {a: {main_cases: [a]}}\n")
    assert found["cases.a.main_cases"].endswith("got ['a']; is not allowed inside a case")


def test_main_cases_are_kept_where_the_study_is_written_out(tmp_path: Path) -> None:
    study = load_scenario("one-world-small")
    assert study.main_cases == ("all-on", "all-off")
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    again = load_scenario(path)
    assert again.main_cases == study.main_cases
    assert again.resolved() == study.resolved()
    # Who has cases of its own does not have the main cases of another.
    path.write_text("extends: one-world-small\ncases: {x: {seed: 3}}\n", encoding="utf-8")
    assert load_scenario(path).main_cases == ("x",)


def test_faults_of_overrides_are_placed_at_the_field(tmp_path: Path) -> None:
    text = SMALL + "cases: {a: {seed: 1}, b: {seed: 2}}\n"
    assert set(faults_of(tmp_path, text, ("seed=x",))) == {"seed"}
    assert set(faults_of(tmp_path, text, ("cases.b.seed=x",))) == {"cases.b.seed"}


@pytest.mark.parametrize("setting", ["seed", "=1", "a..b=1", "extends=adcef", "a.=1"])
def test_overrides_have_a_form(setting: str) -> None:
    with pytest.raises(ScenarioError, match=r"must be path\.to\.field=value"):
        load_scenario("adcef", [setting])


def test_unknown_fields_name_the_known_ones(tmp_path: Path) -> None:
    assert "is no field any more" in faults_of(tmp_path, "model: other\n")["model"]
    assert (
        "must put somebody on the grid, such as prosumers, dso, operator"
        in faults_of(tmp_path, "seed: 1\n")["sections"]
    )
    found = faults_of(tmp_path, SMALL + "negotiaton: {}\ntariff: {zzz: 1}\n")
    assert "did you mean negotiation?" in found["negotiaton"]
    assert "known are kind, adjustment, pool" in found["tariff.zzz"]


@pytest.mark.parametrize("name", ["unknown", "no_such_package.module:Class", "os", "os:1x", "a:b:c"])
def test_unknown_behaviours(tmp_path: Path, name: str) -> None:
    text = SMALL.replace("beta_per", f"behaviour: ['{name}'], beta_per")
    assert "must be a registered behaviour" in faults_of(tmp_path, text)["consumers.all.behaviour.0"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("dso: {}\ndso: {}\n", 2, "appears twice"),
        ("dso: {}\n3: x\n", 2, "no text"),
        ("dso: [adcef\n", 2, "did not find expected"),
        ("dso: !!python/name:os.system x\n", 1, "tags"),
        ("a: *b\n", 1, "no anchor"),
        ("a: &a [*a]\n", 1, "no anchor"),
        ("--- {}\n--- {}\n", 2, "only one document"),
        ("a: " + "[" * 30 + "]" * 30, 1, "levels"),
        ("a: " + "[" * 5000 + "]" * 5000, 1, ""),
        (
            "a: &a " + str(["x"] * 99) + "\n" + "".join(f"b{i}: &a [*a, *a, *a]\n" for i in range(9)),
            7,
            "unfold",
        ),
        ("dso: \x07\n", 1, ""),
    ],
)
def test_malformed_files_name_the_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    found = faults_of(tmp_path, text)
    assert list(found) == [f"line {line}"]
    assert problem in found[f"line {line}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "mapping"), (b"- 1", "mapping"), (b"\xff\xfe\xfa", "UTF-8"), (b"# " + b"x" * 1_000_001, "bytes")],
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=expected):
        load_scenario(path)


@pytest.mark.parametrize("source", ["no-such-scenario", "/", "/dev/zero", "x" * 5000, "a\x00b", ""])
def test_sources_that_are_no_file(source: str) -> None:
    with pytest.raises(ScenarioError, match="must be one of adcef"):
        load_scenario(source)


def test_extends(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="must not lead back to itself"):
        load_scenario(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("extends: gone.yaml\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"b\.yaml: 1 fault\n  extends: got .*gone\.yaml"):
        load_scenario(tmp_path / "a.yaml")


def test_yaml_keeps_what_people_mean() -> None:
    text = "{a: no, b: 12:30, c: 2026-01-01, d: 1e3, e: 010, f: ~, g: '5', h: .5, i: -.inf, j: true}"
    assert parse_yaml(text, "text") == {
        "a": "no",
        "b": "12:30",
        "c": "2026-01-01",
        "d": 1000.0,
        "e": 10,
        "f": None,
        "g": "5",
        "h": 0.5,
        "i": float("-inf"),
        "j": True,
    }


def test_written_yaml_reads_back() -> None:
    tree = {
        "a": ["1e3", "no", "null", "1.5", "", "Ω", "a: b", "010", "08", "1_000"],
        "b": {"c": [1e-12, 3, True, None]},
    }
    assert parse_yaml(dump_yaml(tree), "text") == tree
