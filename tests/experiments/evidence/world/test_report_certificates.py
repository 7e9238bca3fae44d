"""Reports told by devices, true and untrue, of a world of three periods."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.links import Envelope
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.world.report_certificates import reports
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.status import FlexibleStatus, LoadStatus, RenewableStatus, StorageStatus

PERIOD = {"period": [0, 1, 2]}
TABLES = {
    "loads": pd.concat(
        [
            pd.DataFrame(
                PERIOD
                | {
                    "agent": "moved",
                    "kind": "flexible_load",
                    "p_base_mw": [4.0, 4.0, 4.0],
                    "p_metered_mw": [3.0, 4.5, 4.5],
                }
            ),
            pd.DataFrame(
                PERIOD
                | {
                    "agent": "fixed",
                    "kind": "load",
                    "p_base_mw": [1.0, 2.0, 3.0],
                    "p_metered_mw": [1.1, 2.2, 3.3],
                }
            ),
        ]
    ),
    "dispatch": pd.DataFrame(
        PERIOD | {"agent": "wind", "p_supply_mw": [5.0, 6.0, 7.0], "p_available_mw": [5.5, 6.5, 7.5]}
    ),
    "storages": pd.DataFrame(
        PERIOD | {"agent": "store", "p_charge_mw": 1.0, "p_discharge_mw": 0.0, "e_mwh": [1.0, 2.0, 3.0]}
    ),
}
TRUE: dict[str, Any] = {
    "moved": FlexibleStatus(1, 3.0, 0.5),
    "fixed": LoadStatus(1, np.array([2.2, 3.0])),
    "wind": RenewableStatus(1, 5.0, np.array([6.5, 6.0])),
    "store": StorageStatus(2, 1.0, 0.0, 2.0),
}
UNTRUE: dict[str, Any] = {
    "moved": FlexibleStatus(1, 3.0, 0.505),
    "fixed": LoadStatus(1, np.array([2.0, 3.0])),
    "wind": RenewableStatus(1, 4.95, np.array([6.5, 6.0])),
    "store": StorageStatus(2, 1.0, 0.0, 2.02),
}


def _off(told: dict[str, Any], sent_s: float = 6000.0) -> list[float]:
    """Periods of half an hour from 4,800 s on."""
    words = [
        (Envelope(name, "operator", "", sent_s, sent_s, one, 1, True), "delivered")
        for name, one in told.items()
    ]
    clock = SimpleNamespace(period_s=1800.0)
    world = SimpleNamespace(
        bus=SimpleNamespace(words=words), clock=clock, delivery_s=4800.0, n_period=3, period_h=0.5
    )
    scenario = load_scenario("net-zero", ["horizon_h=9"]).cases["shared-storage"]
    agents = tuple(SimpleNamespace(name=name) for name in TRUE)
    known = SimpleNamespace(
        world=world,
        grid=SimpleNamespace(local=lambda name: name),
        tables=TABLES,
        scenario=scenario,
        agents=agents,
    )
    return [one.value for one in reports(cast(GridEvidence, known))]


def test_true_reports_are_right() -> None:
    assert _off({name: one for name, one in TRUE.items() if name != "store"}) == pytest.approx([0.0])
    assert _off({"store": TRUE["store"]}, 8000.0) == pytest.approx([0.0])


@pytest.mark.parametrize(("name", "off"), [("moved", 0.005), ("fixed", 0.2), ("wind", 0.05), ("store", 0.02)])
def test_an_untrue_report_is_seen(name: str, off: float) -> None:
    assert _off({name: UNTRUE[name]}, 8000.0 if name == "store" else 6000.0) == pytest.approx([off])


def test_what_is_said_at_another_time_is_not_judged() -> None:
    assert _off({"wind": UNTRUE["wind"]}, 9000.0) == []
    assert _off({"stranger": UNTRUE["wind"]}) == []
