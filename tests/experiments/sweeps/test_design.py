"""Designs: what they promise, the same points for the same seed, every fault at once."""

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gridarium.environment.errors import InputError
from gridarium.experiments.schema.distribution import Distribution
from gridarium.experiments.sweeps.design import (
    KINDS,
    Design,
    DesignSpec,
    MissingExtraError,
    design_size,
    sample,
)
from gridarium.experiments.sweeps.factors import Factor, ValueList, ValueRange

pytestmark = pytest.mark.filterwarnings("error")

MIXED = (
    Factor("kind", ValueList(("logit", "stale", "habit"))),
    Factor("share", ValueRange(0.0, 1.0, 5)),
    Factor("noise", Distribution("norm", {"loc": 10.0, "scale": 2.0})),
)
SAMPLED = [
    DesignSpec("latin-hypercube", 60, seed=3),
    DesignSpec("sobol", 64, seed=3),
    DesignSpec("saltelli", 16, seed=3),
    DesignSpec("saltelli", 16, seed=3, second_order=False),
    DesignSpec("morris", 10, seed=3),
]


def test_a_full_factorial_has_every_combination_with_the_last_factor_fastest() -> None:
    design = sample(
        [Factor("kind", ValueList(("a", "b"))), Factor("share", ValueRange(0.0, 1.0, 3))],
        DesignSpec("full-factorial"),
    )
    assert list(design.points.itertuples(index=False, name=None)) == list(
        itertools.product(["a", "b"], [0.0, 0.5, 1.0])
    )
    assert design.unit.tolist() == [[0, 0], [0, 0.5], [0, 1], [1, 0], [1, 0.5], [1, 1]]


def test_whole_numbers_flags_and_texts_keep_their_type() -> None:
    factors = [Factor("n", ValueList((1, 2))), Factor("on", ValueList((True, False)))]
    points = sample(factors, DesignSpec("latin-hypercube", 8)).points
    assert points["n"].dtype == np.int64 and points["on"].dtype == bool


def test_no_factors_are_one_point() -> None:
    design = sample([], DesignSpec("full-factorial"))
    assert design.points.shape == (1, 0) and design.unit.shape == (1, 0)


@pytest.mark.parametrize("spec", SAMPLED, ids=lambda spec: spec.kind)
def test_a_design_depends_on_its_seed_alone(spec: DesignSpec) -> None:
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    first = sample(MIXED, spec)
    np.random.seed(2)  # noqa: NPY002
    again = sample(MIXED, spec)
    other = sample(MIXED, DesignSpec(spec.kind, spec.samples, 4, spec.levels, spec.second_order))
    pd.testing.assert_frame_equal(first.points, again.points, check_exact=True)
    assert not first.points.equals(other.points)
    assert len(first.points) == design_size(MIXED, spec) == len(first.unit)
    assert list(first.points.columns) == ["kind", "share", "noise"]


@pytest.mark.parametrize("spec", SAMPLED, ids=lambda spec: spec.kind)
def test_points_are_finite_and_inside(spec: DesignSpec) -> None:
    points = sample(MIXED, spec).points
    assert set(points["kind"]) == {"logit", "stale", "habit"}
    assert points["share"].between(0.0, 1.0).all()
    assert np.isfinite(points["noise"]).all()


def test_a_latin_hypercube_has_one_point_in_every_stratum_of_every_factor() -> None:
    design = sample(MIXED, DesignSpec("latin-hypercube", 60))
    for column in design.unit.T:
        assert sorted((column * 60).astype(int)) == list(range(60))
    assert design.points["kind"].value_counts().tolist() == [20, 20, 20]
    strata = stats.norm(10.0, 2.0).cdf(design.points["noise"])
    assert sorted((strata * 60).astype(int)) == list(range(60))


def test_a_sobol_sequence_is_balanced_in_every_pair_of_factors() -> None:
    unit = sample(MIXED, DesignSpec("sobol", 64)).unit
    for first, second in itertools.combinations(range(3), 2):
        cells = pd.Series(
            zip((unit[:, first] * 2).astype(int), (unit[:, second] * 2).astype(int), strict=True)
        )
        assert cells.value_counts().tolist() == [16] * 4


def test_a_saltelli_block_changes_one_factor_at_a_time() -> None:
    design = sample(MIXED, DesignSpec("saltelli", 8))
    assert design.block == 8
    for block in design.unit.reshape(8, 8, 3):
        a, b = block[0], block[-1]
        for j in range(3):
            assert block[1 + j].tolist() == [b[k] if k == j else a[k] for k in range(3)]
            assert block[4 + j].tolist() == [a[k] if k == j else b[k] for k in range(3)]


def test_a_morris_trajectory_moves_every_factor_once_and_never_to_infinity() -> None:
    design = sample(MIXED, DesignSpec("morris", 12, levels=4))
    steps = np.diff(design.unit.reshape(12, 4, 3), axis=1)
    assert np.array_equal((np.abs(steps) > 0).sum(axis=2), np.ones((12, 3)))
    assert np.allclose(np.abs(steps).sum(axis=1), 2.0 / 3.0)
    middles = stats.norm(10.0, 2.0).ppf([0.125, 0.375, 0.625, 0.875])
    assert np.allclose(np.unique(design.points["noise"].round(9)), middles.round(9))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9, unique=True), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_a_list_is_sampled_evenly(values: list[float], seed: int) -> None:
    count = len(values)
    points = sample(
        [Factor("x", ValueList(tuple(values)))], DesignSpec("latin-hypercube", 4 * count, seed)
    ).points
    assert points["x"].value_counts().to_dict() == dict.fromkeys(values, 4)


def _faults(factors: list[Factor], spec: DesignSpec) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        sample(factors, spec)
    return {fault.place: fault.allowed for fault in caught.value.faults}


def test_every_fault_is_listed_at_once() -> None:
    factors = [
        Factor("case", ValueList((1.0,))),
        Factor("twice", ValueList((1, 1, float("nan"), None))),
        Factor("2nd", ValueRange(1.0, 1.0)),
        Factor("low", ValueRange("a", float("inf"), 1)),  # type: ignore[arg-type]
        Factor("none", ValueList(())),
        Factor("law", Distribution("normal")),
        Factor("shape", Distribution("truncnorm", {"a": -1.0, "scale": "x", "mu": 0.0})),  # type: ignore[dict-item]
        Factor("scale", Distribution("norm", {"scale": -1.0})),
        Factor("low", ValueList((1.0,))),
    ]
    found = _faults(factors, DesignSpec("sobol", 100, seed=-1))
    assert set(found) == {
        "design.seed",
        "design.samples",
        "factors.case",
        "factors",
        "factors.low",
        "factors.twice.values.1",
        "factors.twice.values.2",
        "factors.twice.values.3",
        "factors.2nd.range.stop",
        "factors.low.range.start",
        "factors.low.range.stop",
        "factors.low.range.count",
        "factors.none.values",
        "factors.law.distribution.name",
        "factors.shape.distribution.args.b",
        "factors.shape.distribution.args.mu",
        "factors.shape.distribution.args.scale",
        "factors.scale.distribution.args",
    }
    assert "power of two" in found["design.samples"]


@pytest.mark.parametrize(
    ("factors", "spec", "place"),
    [
        ([], DesignSpec("sobol", 8), "factors"),
        (list(MIXED), DesignSpec("grid", 8), "design.kind"),
        (list(MIXED), DesignSpec("morris", 1), "design.samples"),
        (list(MIXED), DesignSpec("morris", 4, levels=3), "design.levels"),
        (list(MIXED), DesignSpec("latin-hypercube"), "design.samples"),
        (list(MIXED), DesignSpec("latin-hypercube", True), "design.samples"),
        (list(MIXED[:2]), DesignSpec("full-factorial", 8), "design.samples"),
        ([MIXED[2]], DesignSpec("full-factorial"), "factors.noise.distribution"),
        ([Factor("x", ValueRange(0.0, 1.0))], DesignSpec("full-factorial"), "factors.x.range.count"),
        ([Factor(n, ValueRange(0.0, 1.0, 1001)) for n in "xy"], DesignSpec("full-factorial"), "design"),
        (list(MIXED), DesignSpec("saltelli", 2**18), "design"),
    ],
)
def test_what_a_design_cannot_do(factors: list[Factor], spec: DesignSpec, place: str) -> None:
    assert list(_faults(factors, spec)) == [place]


@pytest.mark.parametrize("kind", KINDS[-2:])
def test_without_salib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    for name in [name for name in sys.modules if name.startswith("SALib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(MissingExtraError, match=r"pip install gridarium\[sensitivity\]"):
        sample(MIXED, DesignSpec(kind, 4))
    assert isinstance(sample(MIXED, DesignSpec("sobol", 4)), Design)
