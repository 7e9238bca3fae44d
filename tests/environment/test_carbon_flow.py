"""Carbon flow on networks small enough to do by hand, and its conservation on random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.carbon_flow import carbon_flow
from gridarium.environment.errors import PowerFlowError
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def test_two_sources_mix_in_proportion() -> None:
    """3 MW at 1.0 and 1 MW at 0.2 meet at bus 1: (3 * 1.0 + 1 * 0.2) / 4 = 0.8; both lines out carry 0.8."""
    flow = carbon_flow(
        np.array([0, 1, 1]),
        np.array([1, 2, 3]),
        row(3, 1, 2),
        row(3, 1, 2),
        row(3, 1, 0, 0),
        row(3, 0.2, 0, 0),
    )
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(1.0, 0.8, 0.8, 0.8))
    np.testing.assert_allclose(flow.branch_tco2_per_h, row(3.0, 0.8, 1.6))
    np.testing.assert_allclose(flow.retained_mw, row(0.0, 1.0, 1.0, 2.0), atol=1e-12)


def test_losses_are_charged_to_the_receiving_side() -> None:
    """Of 10 MW with 5 t/h only 8 MW arrive: they carry all 5 t/h, 0.625 t/MWh."""
    flow = carbon_flow(np.array([0]), np.array([1]), row(10), row(8), row(10, 0), row(5, 0))
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(0.5, 0.625))
    np.testing.assert_allclose(flow.branch_tco2_per_h, row(5.0))


def test_reverse_flow_is_the_mirror_image() -> None:
    flow = carbon_flow(np.array([1]), np.array([0]), row(-8), row(-10), row(10, 0), row(5, 0))
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(0.5, 0.625))
    np.testing.assert_allclose(flow.branch_tco2_per_h, row(-5.0))


def test_branch_fed_from_both_ends_charges_its_losses_to_the_weaker_end() -> None:
    """2 MW enter at bus 0 and 1 MW at bus 1; bus 1's own source of 4 MW must carry the 3 MW of losses."""
    flow = carbon_flow(np.array([0]), np.array([1]), row(2), row(-1), row(2, 4), row(1, 2))
    np.testing.assert_allclose(flow.retained_mw, row(0, 3))
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(0.5, 1.0))
    np.testing.assert_allclose(flow.stranded_tco2_per_h.sum(axis=1), [0.0])


def test_bus_without_flux_has_no_intensity_and_strands_what_is_lost_on_the_way() -> None:
    """Lossy line to a bus that uses nothing: 0.1 MW of losses, their carbon reaches no load."""
    flow = carbon_flow(
        np.array([0, 0]), np.array([1, 2]), row(0.1, 1.0), row(0.0, 1.0), row(1.1, 0, 0), row(2.2, 0, 0)
    )
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(2.0, 0.0, 2.0))
    np.testing.assert_allclose(flow.stranded_tco2_per_h.sum(axis=1), [0.2])


def test_dead_network_has_no_carbon() -> None:
    flow = carbon_flow(np.array([0]), np.array([1]), row(0), row(0), row(0, 0), row(0, 0))
    np.testing.assert_array_equal(flow.intensity_tco2_per_mwh, row(0, 0))
    np.testing.assert_array_equal(flow.stranded_tco2_per_h.sum(axis=1), [0.0])


def test_ring_is_traced_like_a_tree() -> None:
    """Bus 0 feeds bus 2 by two ways, 6 MW direct and 4 MW over bus 1, where 1 MW of green power joins."""
    flow = carbon_flow(
        np.array([0, 0, 1]), np.array([2, 1, 2]), row(6, 4, 5), row(6, 4, 5), row(10, 1, 0), row(10, 0, 0)
    )
    np.testing.assert_allclose(flow.intensity_tco2_per_mwh, row(1.0, 0.8, 10 / 11))


def test_negative_source_is_refused() -> None:
    with pytest.raises(
        PowerFlowError, match=r"period 0, bus index 1: source_mw must be 0 MW or more, got -1"
    ):
        carbon_flow(np.array([0]), np.array([1]), row(2), row(2), row(2, -1), row(2, 0))


def random_feeder(rng: np.random.Generator, n_bus: int) -> Feeder:
    """Make a random tree of strong lines, with some shunts and transformers."""
    return Feeder(
        name="random tree",
        base_mva=1.0,
        bus_labels=tuple(range(n_bus)),
        base_kv=np.full(n_bus, 10.0),
        parent=np.array([rng.integers(0, child) for child in range(1, n_bus)]),
        branch_labels=tuple(f"line {child}" for child in range(1, n_bus)),
        r_pu=rng.uniform(1e-3, 1e-2, n_bus - 1),
        x_pu=rng.uniform(1e-3, 1e-2, n_bus - 1),
        ratio=rng.choice([1.0, 1.02, 0.97], n_bus - 1),
        shift_degree=rng.choice([0.0, 150.0], n_bus - 1),
        g_bus_pu=rng.choice([0.0, 1e-3], n_bus),
        b_bus_pu=rng.choice([0.0, 5e-3], n_bus),
        i_max_pu=np.full(n_bus - 1, np.inf),
        p_load_mw=np.zeros(n_bus),
        q_load_mvar=np.zeros(n_bus),
        slack_vm_pu=1.0,
        x=np.zeros(n_bus),
        y=np.zeros(n_bus),
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_bus=st.integers(2, 25), n_period=st.integers(1, 4))
def test_power_balances_and_carbon_is_conserved(seed: int, n_bus: int, n_period: int) -> None:
    rng = np.random.default_rng(seed)
    feeder = random_feeder(rng, n_bus)
    child = np.arange(1, n_bus)
    shape = (n_period, n_bus)
    source_mw = rng.uniform(0.0, 0.4, shape) * rng.integers(0, 2, shape)
    load_mw = rng.uniform(0.0, 0.4, shape) * rng.integers(0, 2, shape)
    flow = AcPowerFlow(feeder).solve(source_mw - load_mw, rng.uniform(-0.1, 0.1, shape))

    arriving_mw = source_mw.copy()
    arriving_mw[:, 1:] += flow.p_to_mw
    arriving_mw[:, 0] += flow.p_slack_mw
    leaving_mw = load_mw + flow.vm_pu**2 * feeder.g_bus_pu
    np.add.at(leaving_mw.T, feeder.parent, flow.p_from_mw.T)
    np.testing.assert_allclose(arriving_mw, leaving_mw, rtol=0, atol=1e-7)

    source_mw[:, 0] += np.maximum(flow.p_slack_mw, 0.0)
    carbon = source_mw * rng.uniform(0.0, 1.0, shape)
    traced = carbon_flow(feeder.parent, child, flow.p_from_mw, flow.p_to_mw, source_mw, carbon)
    retained = traced.intensity_tco2_per_mwh * traced.retained_mw
    np.testing.assert_allclose(
        retained.sum(axis=1) + traced.stranded_tco2_per_h.sum(axis=1),
        carbon.sum(axis=1),
        rtol=1e-9,
        atol=1e-9,
    )
    served = load_mw + flow.vm_pu**2 * feeder.g_bus_pu
    served[:, 0] += np.maximum(-flow.p_slack_mw, 0.0)
    dropped = traced.flux_mw == 0.0
    np.testing.assert_allclose(np.where(dropped, 0.0, served), traced.retained_mw, rtol=0, atol=1e-7)
