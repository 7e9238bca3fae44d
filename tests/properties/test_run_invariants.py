"""What holds in every run, whatever the tariff, the links, the consumers and their rationality."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

ALWAYS = {
    "energy balance",
    "storage cycle",
    "carbon balance",
    "carbon flow",
    "pool neutrality",
    "money balance",
    "budget balance",
    "cone gap",
}


class Restless(Behaviour):
    """Strays from its plan by up to 3 %."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return planned * float(agent.stream("behaviour").uniform(0.97, 1.03))


@st.composite
def overrides(draw: st.DrawFn) -> list[str]:
    chosen = {
        "tariff.adjustment": draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
        "tariff.pool": draw(st.sampled_from(["managed", "strict"])),
        "prices.carbon_price_per_tco2": draw(st.sampled_from([0.0, 73.65, 200.0])),
        "prices.quota_tco2_per_mwh": draw(st.sampled_from([0.0, 0.2, 0.5, 1.0])),
        "consumers.industrial.flexible_share": draw(st.sampled_from([0.0, 0.2, 0.4])),
        "consumers.industrial.beta_per_mwh_per_mw": draw(st.sampled_from([5.0, 30.0, 300.0])),
        "consumers.commercial.count": draw(st.integers(1, 3)),
        "negotiation.damping": draw(st.sampled_from([0.3, 0.7])),
        "negotiation.round_limit": draw(st.integers(1, 8)),
        "communication.latency_s": draw(st.sampled_from([0.0, 0.3])),
        "communication.loss": draw(st.sampled_from([0.0, 0.4])),
        "communication.duplication": draw(st.sampled_from([0.0, 0.4])),
        "communication.reordering": draw(st.sampled_from([0.0, 0.4])),
        "seed": draw(st.integers(0, 1000)),
    }
    credit, surplus = draw(
        st.sampled_from([("avoided", "ex-ante"), ("formula", "ex-ante"), ("formula", "ex-post")])
    )
    chosen |= {"tariff.credit": credit, "tariff.surplus": surplus}
    if draw(st.booleans()):
        chosen["consumers.residential.behaviour"] = f"['{__name__}:Restless']"
    return [f"{path}={value}" for path, value in chosen.items()]


def check_steps(built: Built) -> None:
    """Limits and balances of every period."""
    dispatch = built.one(Dso).today.plan.dispatch
    assert not np.any((dispatch.charge_mw > 0.0) & (dispatch.discharge_mw > 0.0))
    for row, unit in enumerate(built.of(StorageOwner)):
        low, high = unit.storage.ratings.band_mwh
        assert np.all((unit.storage.e_mwh >= low - 1e-6) & (unit.storage.e_mwh <= high + 1e-6))
        stored = 0.92 * dispatch.charge_mw[row] - dispatch.discharge_mw[row] / 0.95
        change = np.diff(unit.storage.e_mwh, prepend=0.5 * unit.storage.ratings.e_max_mwh)
        assert np.allclose(change, stored, rtol=0.0, atol=2e-6)
    for state in built.world.grid.states:
        assert abs(state.residual_t_per_h) < 1e-9


@settings(max_examples=8, deadline=None, derandomize=True)
@given(overrides(), st.sampled_from(["adcef", "adcef-high-res"]))
def test_balances_hold_in_every_run(changes: list[str], case: str) -> None:
    scenario = load_scenario("adcef", ["horizon_h=6", *changes]).cases[case]
    built = build(scenario)
    while built.world.running:
        built.world.step()
    tables = collect(case, built.world, built.sections)
    certificates = certify(case, built.world, built.sections, tables, scenario.currency_code)
    found = {each.name: each for each in certificates}
    assert set(found) >= ALWAYS
    assert {name: found[name].value for name in ALWAYS if not found[name].passed} == {}
    if "tariff.credit=avoided" in changes:
        assert found["credit cause"].passed, found["credit cause"]
    assert built.world.ledger.total() == 0.0
    check_steps(built)
