"""Carbon flow on the IEEE 14-bus network against the published set-up of Zhou et al. 2012 (equation A1)."""

from __future__ import annotations

import numpy as np
import pandapower.networks as nw
import pytest

from gridarium.environment.carbon_flow import CarbonFlow, carbon_flow

INTENSITY_G_PER_KWH = [
    *(875.0, 756.30, 275.05, 792.76, 828.16, 694.93, 303.73),
    *(0.0, 430.39, 545.79, 694.93, 694.93, 694.93, 531.94),
]
FLUX_MW = [120, 117.95, 94.2, 72.77, 69.47, 43.95, 32.42, 20, 43.75, 9, 7.43, 7.71, 19.22, 14.9]
SOURCE_BUSES = [0, 1, 2, 5, 7]
SOURCE_MW = [120.0, 40.0, 60.0, 19.0, 20.0]
SOURCE_G_PER_KWH = [875.0, 525.0, 0.0, 520.0, 0.0]


def ieee14_branches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the ends and reactance x tap ratio of the branches; only relative values matter for a DC flow."""
    from pandapower.converter.pypower.to_ppc import to_ppc

    case = to_ppc(nw.case14(), init="flat", mode="pf")["branch"].real
    tap = np.where(case[:, 8] == 0.0, 1.0, case[:, 8])
    return case[:, 0].astype(int), case[:, 1].astype(int), case[:, 3] * tap


@pytest.fixture(scope="module")
def traced() -> tuple[CarbonFlow, np.ndarray, np.ndarray]:
    """Trace the carbon of a DC power flow, the second period with all powers doubled."""
    from_bus, to_bus, reactance = ieee14_branches()
    net = nw.case14()
    load_mw, source_mw, carbon = np.zeros(14), np.zeros(14), np.zeros(14)
    load_mw[net.load.bus] = net.load.p_mw
    source_mw[SOURCE_BUSES] = SOURCE_MW
    carbon[SOURCE_BUSES] = np.multiply(SOURCE_MW, SOURCE_G_PER_KWH) / 1000.0
    incidence = np.zeros((len(reactance), 14))
    incidence[np.arange(len(reactance)), from_bus] = 1.0
    incidence[np.arange(len(reactance)), to_bus] = -1.0
    susceptance = incidence.T @ np.diag(1.0 / reactance) @ incidence
    angle = np.zeros(14)
    angle[1:] = np.linalg.solve(susceptance[1:, 1:], (source_mw - load_mw)[1:])
    flow_mw = np.outer([1.0, 2.0], incidence @ angle / reactance)
    both = np.array([[1.0], [2.0]])
    return (
        carbon_flow(from_bus, to_bus, flow_mw, flow_mw, both * source_mw, both * carbon),
        both * load_mw,
        both * carbon,
    )


def test_intensities(traced: tuple[CarbonFlow, np.ndarray, np.ndarray]) -> None:
    flow, _, _ = traced
    for period in range(2):
        np.testing.assert_allclose(
            flow.intensity_tco2_per_mwh[period] * 1000.0, INTENSITY_G_PER_KWH, rtol=0, atol=0.01
        )


def test_fluxes(traced: tuple[CarbonFlow, np.ndarray, np.ndarray]) -> None:
    flow, _, _ = traced
    np.testing.assert_allclose(flow.flux_mw[0], FLUX_MW, rtol=0, atol=0.0051)


def test_load_carbon_is_injected_carbon(traced: tuple[CarbonFlow, np.ndarray, np.ndarray]) -> None:
    flow, load_mw, carbon = traced
    load_carbon = (flow.intensity_tco2_per_mwh * load_mw).sum(axis=1)
    np.testing.assert_allclose(load_carbon, [135.88, 271.76], rtol=0, atol=1e-9)
    np.testing.assert_allclose(load_carbon, carbon.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(flow.retained_mw, load_mw, rtol=0, atol=1e-9)
    np.testing.assert_allclose(flow.stranded_tco2_per_h, 0.0)
