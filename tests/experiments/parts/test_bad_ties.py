"""Bad input of a TIES and its regional systems: each fault names its place, the value and the way out."""

from __future__ import annotations

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.benchmarks.ties import split_tree
from gridarium.experiments.reading.scenario_files import read_scenario_file
from gridarium.experiments.scenario import check_case, load_scenario

BULK = "grids.bulk."


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("ties.own_carbon.quota_tco2=-5", "got -5; must be a number in"),
        ("ties.own_carbon.growth=-0.1", "got -0.1; must be a number in"),
        ("carbon_policy.growth=-0.2", "got -0.2; must be a number in"),
        ("carbon_policy.interval_share=0", "got 0; must be a number in (0, "),
        ("carbon_policy.time_band={low: 1.5, high: 0.5}", "must be at most high = 0.5"),
        ("regions.residential.windows=[{from_h: [9, 9], to_h: [11, 15]}]", "must end after it starts"),
        ("thermal_units.gas.p_min_mw=150", "must be at most p_max_mw = 100 MW"),
        (
            "thermal_units.gas.capture={energy_mwh_per_tco2: 0.2, fixed_mw: 21, tank_tco2: 5}",
            "must be at most p_min_mw = 20 MW",
        ),
        ("storages.pumped.equal_schedules=latest", "got 'latest'; must be spread under a TIES"),
        ("regions.residential.buses=[999]", "regions.residential.buses.0"),
    ],
)
def test_a_fault_is_told_at_its_place(setting: str, told: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        load_scenario("ries-small", [BULK + setting])
    text = str(raised.value)
    assert BULK + setting.split("=")[0].split("[")[0].split("{")[0] in text
    assert told in text


def test_a_cap_needs_a_price() -> None:
    with pytest.raises(ScenarioError, match="must be null where nothing is priced"):
        load_scenario("ries-small", [f"cases.none.{BULK}carbon_policy.emission_cap_tco2_per_day=1500"])


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"scheme": "full"}, "must be sampled for 24 followers: exact values are for at most 16"),
        ({"scheme": "full", "shapley": "sampled", "shapley_evaluations": 500}, "must be at least 2302"),
    ],
)
def test_more_followers_than_exact_values_are_for(policy: dict[str, object], told: str) -> None:
    tree = split_tree(24)
    tree["grids"]["bulk"]["carbon_policy"] = policy
    scenario, faults = check_case(tree)
    assert scenario is None
    assert any(told in fault.allowed for fault in faults)


EXCHANGE = (BULK + "ties.rounds.kind=exchange", BULK + "ties.energy_price=marginal")
FIELD = "ties.rounds.exchange."


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("variant=admm", "got 'admm'; must be"),
        ("variant=[plain]", "got ['plain']; must be"),
        ("penalty=0", "got 0; must be a number in (0, "),
        ("penalty=.nan", "got nan; must be a number in (0, "),
        ("relaxation=0.9", "got 0.9; must be a number in [1, 2)"),
        ("relaxation=2", "got 2; must be a number in [1, 2)"),
        ("memory=0", "got 0; must be a whole number in [1, 20]"),
        ("memory=2.5", "got 2.5; must be a whole number in [1, 20]"),
        ("active=everybody", "got 'everybody'; must be"),
        ("active_share=0", "got 0; must be a number in (0, 1]"),
        ("active_share=1.01", "got 1.01; must be a number in (0, 1]"),
        ("round_s=0", "got 0; must be a number in (0, 3600]"),
        ("commitments=0", "got 0; must be a whole number in [1, 20]"),
        ("commitments=21", "got 21; must be a whole number in [1, 20]"),
        ("rho=3", "got 3; "),
    ],
)
def test_a_fault_of_exchange_rounds_is_told_at_its_field(setting: str, told: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        load_scenario("ries-small", [*EXCHANGE, BULK + FIELD + setting])
    assert f"{BULK}{FIELD}{setting.split('=')[0]}: {told}" in str(raised.value)


@pytest.mark.parametrize("variant", ["balanced", "relatively-balanced", "nesterov", "anderson"])
@pytest.mark.parametrize("mode", ["active=priority", "round_s=2"])
def test_variants_that_need_all_answers_are_refused_where_some_are_missing(variant: str, mode: str) -> None:
    settings = [*EXCHANGE, BULK + FIELD + mode]
    with pytest.raises(ScenarioError) as raised:
        load_scenario("ries-small", [*settings, f"{BULK}{FIELD}variant={variant}"])
    fault = f"variant: got '{variant}'; must be plain or over-relaxed unless each round asks all"
    assert BULK + FIELD + fault in str(raised.value)
    for sound in ("plain", "over-relaxed"):
        scenario = load_scenario("ries-small", [*settings, f"{BULK}{FIELD}variant={sound}"])
        assert scenario.cases["none"]


def test_commitments_are_tried_only_where_all_tell_what_their_plans_cost() -> None:
    settings = [
        "grids.bulk.ties.rounds.kind=exchange",
        "grids.bulk.ties.energy_price=marginal",
        "grids.bulk.ties.rounds.exchange.commitments=2",
    ]
    with pytest.raises(ScenarioError) as raised:
        load_scenario("ties-feeders-small", settings)
    n_below = sum(name != "bulk" for name in read_scenario_file("ties-feeders-small").tree["grids"])
    told = (
        f"commitments: got 2; must be 1 with {n_below} grids below, which do not tell what their plans cost"
    )
    assert BULK + FIELD + told in str(raised.value)
    assert load_scenario("ries-small", settings).cases["none"]


@pytest.mark.parametrize(
    ("latency_s", "jitter_s", "is_sound"), [(0.0, 0.1, False), (1.0, 1.001, False), (1.0, 1.0, True)]
)
def test_a_delay_that_could_be_below_nothing_is_refused(
    latency_s: float, jitter_s: float, is_sound: bool
) -> None:
    settings = [f"communication.latency_s={latency_s}", f"communication.latency_jitter_s={jitter_s}"]
    if is_sound:
        assert load_scenario("ries-small", settings).cases["none"].communication.latency_jitter_s == jitter_s
        return
    with pytest.raises(ScenarioError) as raised:
        load_scenario("ries-small", settings)
    told = f"communication.latency_jitter_s: got {jitter_s}; must be at most latency_s = {latency_s:g} s"
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("n_feeder", "shapley", "told"),
    [
        (15, {"shapley": "exact"}, []),
        (
            16,
            {"shapley": "exact"},
            [
                "grids.bulk.carbon_policy.shapley: got 'exact'; must be sampled for 17 followers: "
                "exact values are for at most 16"
            ],
        ),
        (16, {"shapley": "sampled", "shapley_evaluations": 1602}, []),
        (
            16,
            {"shapley": "sampled", "shapley_evaluations": 1601},
            [
                "grids.bulk.carbon_policy.shapley_evaluations: got 1601; must be at least 1602 for 17 "
                "followers"
            ],
        ),
    ],
)
def test_feeders_below_are_followers_like_regions(
    n_feeder: int, shapley: dict[str, object], told: list[str]
) -> None:
    tree = read_scenario_file("ties-feeders-small").tree
    bulk, feeder = tree["grids"]["bulk"], tree["grids"]["r1"]
    assert len(bulk["regions"]) == 1
    grids = {f"r{number}": feeder for number in range(n_feeder)}
    grids["bulk"] = bulk | {"carbon_policy": {"scheme": "full", **shapley}}
    own = {key: value for key, value in tree.items() if key != "cases"}
    _, faults = check_case(own | {"grids": grids})
    assert [str(fault) for fault in faults] == told
