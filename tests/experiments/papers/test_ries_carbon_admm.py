"""Claims of model D on its ADMM: rounds and gaps of made-up runs, exponents of a made-up record."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gridarium.experiments.claims import recorded as recorded_times
from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.papers.ries_carbon_admm import ADMM
from gridarium.experiments.reading.scenario_files import measured_file
from gridarium.experiments.results.records import Claim
from gridarium.experiments.scenario import load_scenario

ROUNDS = {"plain": 38.0, "nesterov": 25.0, "asynchronous": 32.0}
GAP = "gap_social_of_saving_at_most_percent"


def judged(
    rounds: dict[str, float] = ROUNDS, gap: float = 0.1, ended: dict[str, str] | None = None
) -> dict[str, Claim]:
    summary = {case: {"bulk.most_rounds": own, f"bulk.{GAP}": gap} for case, own in rounds.items()}
    told = [
        {"case": case, "ended": text}
        for case in rounds
        for text in ("", "converged", "", (ended or {}).get(case, "converged"))
    ]
    evidence = Evidence(load_scenario("ries-admm"), summary, {"rounds": pd.DataFrame(told)}, [])
    return {claim.id: claim for claim in (make(evidence) for make in ADMM)}


def test_the_papers_own_rounds_reproduce_its_numbers() -> None:
    claims = judged()
    assert claims["D-iterations"].verdict == "number reproduced"
    assert claims["D-iterations-fewer"].verdict == "number reproduced"
    assert claims["D-iterations-fewer"].measured == "38 to 25 rounds (-34.2 %)"
    for name in ("D-iterations-order", "D-gap", "D-hypothesis-admm"):
        assert claims[name].verdict == "direction reproduced"
    for number in ("38", "45", "52"):
        assert number in claims["D-iterations-fewer"].reason
    assert "5, 8, 12 to 15 and 25" in claims["D-iterations"].reason


def test_other_rounds_in_the_same_direction_are_no_number() -> None:
    claims = judged(ROUNDS | {"plain": 22.0, "nesterov": 16.0})
    assert claims["D-iterations"].verdict == "direction reproduced"
    assert claims["D-iterations-fewer"].verdict == "direction reproduced"
    assert claims["D-iterations-fewer"].reason.startswith("not within 10% of the figure")
    assert claims["D-iterations-order"].verdict == "not reproduced"


@pytest.mark.parametrize(
    ("rounds", "gap", "claim"),
    [
        (ROUNDS | {"nesterov": 26.0}, 0.1, "D-iterations"),
        (ROUNDS | {"nesterov": 38.0}, 0.1, "D-iterations-fewer"),
        (ROUNDS | {"nesterov": 31.0}, 0.1, "D-hypothesis-admm"),
        (ROUNDS, 1.0, "D-hypothesis-admm"),
        (ROUNDS, 0.5, "D-gap"),
    ],
)
def test_each_claim_on_a_run_can_fail(rounds: dict[str, float], gap: float, claim: str) -> None:
    assert judged(rounds, gap)[claim].verdict == "not reproduced"


def test_rounds_that_never_came_to_rest_reproduce_nothing() -> None:
    claims = judged(ended={"nesterov": "round limit"})
    for name in ("D-iterations", "D-iterations-fewer", "D-iterations-order", "D-hypothesis-admm"):
        assert claims[name].verdict == "not reproduced"


def test_what_was_not_run_cannot_be_compared() -> None:
    claims = judged({"nesterov": 25.0})
    assert claims["D-iterations"].verdict == "number reproduced"
    assert claims["D-gap"].verdict == claims["D-iterations-fewer"].verdict == "not comparable"


def record(folder: Path, own: float, central: float) -> Path:
    """Times that grow as powers of the size."""
    sizes = pd.Series([3, 6, 12, 24])
    path = folder / "made-up.csv"
    pd.DataFrame(
        {
            "size": sizes,
            "arithmetic_cpu_ms": 10.0 * sizes**0.25,
            "agents_cpu_ms": 2.0 * sizes**own,
            "central_cpu_ms": 0.5 * sizes**central,
            "rounds": 8,
            "messages": 48 * sizes,
        }
    ).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("own", "central", "verdicts"),
    [
        (1.15, 2.2, ("number reproduced", "number reproduced")),
        (0.9, 1.1, ("direction reproduced", "direction reproduced")),
        (1.2, 0.9, ("not reproduced", "not reproduced")),
    ],
)
def test_exponents_are_those_of_the_record(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    own: float,
    central: float,
    verdicts: tuple[str, str],
) -> None:
    path = record(tmp_path, own, central)
    monkeypatch.setattr(recorded_times, "measured_file", lambda name: path)
    claims = judged()
    assert (claims["D-scaling"].verdict, claims["D-scaling-central"].verdict) == verdicts
    assert claims["D-scaling"].measured == f"n^{own:.2f} against n^{central:.2f} for central"
    assert "n^0.25" in claims["D-scaling"].reason and "3 to 24" in claims["D-scaling"].reason


def test_the_shipped_record_has_the_columns_and_rising_sizes() -> None:
    recorded = pd.read_csv(measured_file("admm"))
    times = ["arithmetic_cpu_ms", "agents_cpu_ms", "central_cpu_ms"]
    assert list(recorded.columns) == ["size", *times, "rounds", "messages"]
    assert recorded["size"].is_monotonic_increasing and len(recorded) >= 3
    assert (recorded > 0.0).all(axis=None)
    # A signal to each region and an answer from each, in each round.
    assert recorded["messages"].is_monotonic_increasing
