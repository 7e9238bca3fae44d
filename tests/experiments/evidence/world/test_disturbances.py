"""What a case under attack must still hold: laws stay hard, plans show the damage."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gridarium.experiments import evidence
from gridarium.experiments.evidence.world.disturbances import OF_PLANS, judged
from gridarium.experiments.results.records import Certificate

EVIDENCE = Path(evidence.__file__).parent


def certificate(name: str, hard: bool = True, detail: str = "") -> Certificate:
    return Certificate("case", name, 1.0, 0.0, "", False, hard, "meaning", detail)


def intrusions(*outcomes: str) -> dict[str, pd.DataFrame]:
    return {"intrusions": pd.DataFrame({"outcome": list(outcomes)})}


@pytest.mark.parametrize("name", sorted(OF_PLANS))
def test_every_name_is_that_of_a_certificate(name: str) -> None:
    files = (path for path in EVIDENCE.rglob("*.py") if path.stem != "disturbances")
    assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in files)


def test_plans_are_soft_where_forged_messages_acted_and_say_so() -> None:
    law, plan, stacked = (
        certificate("energy balance"),
        certificate("voltage band"),
        certificate("r1: cycle size"),
    )
    found = list(judged([law, plan, stacked], intrusions("acted", "refused", "acted")))
    assert [one.hard for one in found] == [True, False, False]
    assert found[1].detail == "2 forged messages acted in this case"
    assert [one.passed for one in found] == [False] * 3


@pytest.mark.parametrize("tables", [{}, intrusions("refused", "carried")])
def test_nothing_changes_where_none_acted(tables: dict[str, pd.DataFrame]) -> None:
    plan = certificate("voltage band", detail="told")
    assert list(judged([plan], tables)) == [plan]
