"""Mixed populations: who belongs to which part, and parameters that each agent draws for itself."""

from __future__ import annotations

from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.bounded.choice import Habit
from gridarium.agents.bounded.learning import RothErev
from gridarium.agents.bounded.perception import Noise
from gridarium.environment.errors import ScenarioError
from gridarium.environment.parameters import allowed_values
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.names.registry import entries, load
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.schema.behaviours import Behaviour as BehaviourSection
from gridarium.experiments.schema.behaviours import misplaced
from gridarium.experiments.schema.fields import Conflict
from gridarium.experiments.schema.populations import behaviours_of_class

HABIT, NOISE = "habit: {usual_weight: 0.5}", "noise: {price_scale_per_mwh: 5}"
NAMES = [f"homes-{number}" for number in range(1, 21)]


class Picky(Behaviour):
    """Takes one parameter."""

    def __init__(self, share: float) -> None:
        self.share = share


def behaviours(*settings: str, seed: int = 1, names: list[str] = NAMES) -> list[Behaviour]:
    case = load_scenario("adcef", [f"consumers.residential.{each}" for each in settings]).cases["adcef"]
    return behaviours_of_class(case.consumers["residential"], "homes", names, RandomStreams(seed))


def parts(share: float, seed: int = 1) -> list[str]:
    mixture = f"mixture=[{{share: {share}, behaviour: [{NOISE}]}}, {{share: 0.25, behaviour: [{HABIT}]}}]"
    return [type(each).__name__ for each in behaviours(mixture, "behaviour=[stale: {rounds: 1}]", seed=seed)]


def test_shares_are_kept_and_the_rest_has_the_behaviour_of_the_class() -> None:
    found = parts(0.3)
    assert [found.count(name) for name in ("Noise", "Habit", "Stale")] == [6, 5, 9]
    assert parts(0.3) == found
    assert parts(0.3, seed=2) != found
    assert found != sorted(found)


def test_a_growing_share_keeps_those_who_were_in_it() -> None:
    before: set[int] = set()
    for share in np.linspace(0.0, 0.75, 16):
        now = {place for place, name in enumerate(parts(float(share))) if name == "Noise"}
        assert before <= now
        assert len(now) == round(share * 20)
        before = now


def test_one_agent_is_in_the_part_that_has_most_of_it() -> None:
    mixture = f"mixture=[{{share: 0.7, behaviour: [{HABIT}]}}]"
    (only,) = behaviours(mixture, names=["homes"])
    assert isinstance(only, Habit)


def test_every_agent_has_a_memory_of_its_own() -> None:
    first, second, *_ = behaviours(f"behaviour=[{NOISE}]")
    assert isinstance(first, Noise)
    assert isinstance(second, Noise)
    assert first.drawn is not second.drawn


def test_parameters_are_drawn_from_the_distribution_for_each_agent() -> None:
    names = [f"homes-{number}" for number in range(2000)]
    spec = "behaviour=[{habit: {usual_weight: {distribution: beta, args: {a: 2, b: 5}}, last_weight: 0.5}}]"
    drawn = [each.usual_weight for each in behaviours(spec, names=names) if isinstance(each, Habit)]
    assert stats.kstest(drawn, stats.beta(2, 5).cdf).pvalue > 0.01
    assert {each.last_weight for each in behaviours(spec) if isinstance(each, Habit)} == {0.5}
    # A draw belongs to its agent: others change nothing about it.
    alone = behaviours(spec, names=["homes-7"])[0]
    assert isinstance(alone, Habit)
    assert alone.usual_weight == drawn[7]


def test_draws_follow_their_quantiles() -> None:
    def scales(scale: int) -> list[float]:
        law = f"{{distribution: halfnorm, args: {{scale: {scale}}}}}"
        made = behaviours(f"behaviour=[{{noise: {{price_scale_per_mwh: {law}}}}}]")
        return [each.price_scale_per_mwh for each in made if isinstance(each, Noise)]

    assert scales(10) == pytest.approx([2.0 * each for each in scales(5)])


def test_whole_parameters_are_rounded() -> None:
    law = "{distribution: uniform, args: {loc: 0.5, scale: 3}}"
    made = behaviours(f"behaviour=[{{roth-erev: {{plans: {law}}}}}]")
    assert {each.plans for each in made if isinstance(each, RothErev)} == {1, 2, 3}


def test_a_draw_outside_the_range_names_agent_parameter_and_range() -> None:
    with pytest.raises(ScenarioError) as caught:
        behaviours("behaviour=[{habit: {usual_weight: {distribution: norm, args: {loc: -3}}}}]")
    assert caught.value.source == "behaviour habit of agent homes-1"
    (fault,) = caught.value.faults
    assert (fault.place, fault.allowed) == ("usual_weight", "must be a number in [0, 1]")


def test_parameters_that_a_behaviour_of_ones_own_does_not_take_are_faults() -> None:
    with pytest.raises(ScenarioError, match=r"behaviour .*Picky of agent homes-1: 1 fault"):
        behaviours(f"behaviour=[{{'{__name__}:Picky': {{shear: 0.5}}}}]")


@pytest.mark.parametrize(
    ("setting", "place", "allowed"),
    [
        (
            "behaviour=[{noise: {price_scale_per_mwh: -1}}]",
            "behaviour.0.price_scale_per_mwh",
            "in [0, 1",
        ),
        ("behaviour=[exact, {habit: {weight: 1}}]", "behaviour.1.weight", "known are last_weight"),
        ("behaviour=[{exact: {weight: 1}}]", "behaviour.0.weight", "known are none"),
        ("behaviour=[{stale: {rounds: 1.5}}]", "behaviour.0.rounds", "whole number in [0, 10000]"),
        ("behaviour=[{stale: {rounds: yes}}]", "behaviour.0.rounds", "whole number"),
        ("behaviour=[sticky-price]", "behaviour.0", "must be a behaviour for a follower"),
        (
            "behaviour=[exact, quantal]",
            "behaviour.1",
            "must be given temperature_share (a number in [0, 100])",
        ),
        (
            "mixture=[{share: 0.5, behaviour: [{quantal: {vertices: 8}}]}]",
            "mixture.0.behaviour.0",
            "is the exact",
        ),
        ("mixture=[{share: 0.5, behaviour: [learned-slope]}]", "mixture.0.behaviour.0", "for a follower"),
        ("mixture=[{share: 0.5}, {share: 0.6}]", "mixture", "must sum to at most 1"),
        ("mixture=[{share: 1.5}]", "mixture.0.share", "must be a number in [0, 1]"),
        ("mixture=[{share: 0.5, behaviour: [nobody]}]", "mixture.0.behaviour.0", "must be a registered"),
        (
            "behaviour=[{noise: {redraw: {distribution: norm}}}]",
            "behaviour.0.redraw",
            "must be true or false",
        ),
        ("behaviour=[{byzantine: {kind: rude}}]", "behaviour.0.kind", "one of random, opposite, exagg"),
        (
            "behaviour=[{byzantine: {kind: {distribution: norm}}}]",
            "behaviour.0.kind",
            "must be one of random",
        ),
        (
            "behaviour=[{evolution-strategy: {population: 1}}]",
            "behaviour.0.population",
            "must be 0 or a whole",
        ),
        (
            "behaviour=[{habit: {usual_weight: {distribution: nrm}}}]",
            "behaviour.0.usual_weight.distribution",
            "must be a continuous distribution of scipy.stats",
        ),
        (
            "behaviour=[{habit: {usual_weight: {distribution: norm, args: {q: 1}}}}]",
            "behaviour.0.usual_weight.args.q",
            "must be one of loc, scale",
        ),
        (
            "behaviour=[{habit: {usual_weight: {law: norm}}}]",
            "behaviour.0.usual_weight",
            "must be a number in [0, 1]",
        ),
        (
            "behaviour=[{'json:JSONDecoder': {depth: {law: norm}}}]",
            "behaviour.0.depth",
            "must be a finite number, a text, a flag, or {distribution: NAME",
        ),
    ],
)
def test_validation_lists_what_does_not_fit(setting: str, place: str, allowed: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("adcef", [f"consumers.residential.{setting}"])
    found = {fault.place: fault.allowed for fault in caught.value.faults}
    assert allowed in found[f"consumers.residential.{place}"]


def test_leaders_have_behaviours_of_their_own() -> None:
    with pytest.raises(
        ScenarioError, match=r"dso\.behaviour\.0: got 'quantal'; must be a behaviour for a leader"
    ):
        load_scenario("adcef", ["dso.behaviour=[quantal]"])
    load_scenario("adcef", [f"dso.behaviour=[{NOISE}, sticky-price: {{every_rounds: 2}}]"])


BOUNDED = [name for name in entries("behaviours") if name != "exact"]


@pytest.mark.parametrize("name", BOUNDED)
def test_a_behaviour_that_is_the_exact_agent_as_it_stands_is_refused(name: str) -> None:
    kind: Any = load("behaviours", name)
    ranges, values = allowed_values(kind), {one.name: one.default for one in fields(kind)}
    beside = {
        each: values[each] for each in ranges if each not in kind.departs_by and values[each] is not None
    }
    assert kind.departs_by and {*kind.departs_by} <= {*ranges}

    def refused(params: dict[str, Any]) -> list[Conflict]:
        return list(misplaced([BehaviourSection.model_validate({name: params})], min(kind.roles)))

    for params in ({}, beside):
        ((field, given, allowed),) = refused(params)
        assert (field, given) == ("behaviour.0", {name: params} if params else name)
        assert allowed.startswith("is the exact agent as it stands; must be given ")
        assert all(f"{each} ({ranges[each]})" in allowed for each in kind.departs_by)
    # At its limit it may stand: a study's curve begins there.
    assert [*chain.from_iterable(refused({each: values[each]}) for each in kind.departs_by)] == []


def test_mixtures_survive_the_way_to_a_file_and_back(tmp_path: Path) -> None:
    study = load_scenario(
        "adcef",
        [
            "consumers.residential.mixture=[{share: 0.5, behaviour: [exact, {habit: {usual_weight: "
            "{distribution: uniform, args: {loc: 0.1, scale: 0.2}}}}]}]",
            "dso.behaviour=[{stale: {rounds: 1}}]",
        ],
    )
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    assert load_scenario(path).cases == study.cases


def test_a_mixed_population_runs_and_its_shares_matter() -> None:
    def shifted(share: float) -> float:
        mixture = f"mixture=[{{share: {share}, behaviour: [{{habit: {{usual_weight: 1}}}}]}}]"
        settings = [
            f"consumers.{kind}.{each}"
            for kind in ("industrial", "commercial", "residential")
            for each in ("count=4", mixture)
        ]
        result = run(load_scenario("adcef-small", settings), cases=["adcef"])
        assert result.passed
        return result.summary["adcef"]["shifted_mwh"]

    full, half, none = (shifted(share) for share in (0.0, 0.5, 1.0))
    assert none == 0.0
    assert 0.3 * full < half < 0.8 * full
