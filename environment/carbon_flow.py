"""Carbon flow: which carbon intensity arrives at which bus, by proportional sharing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import PowerFlowError

# A bus through which less than this share of a period's supply flows has no carbon intensity worth the name:
# a few watts that arrive with the losses of a reactive flow would carry tonnes per MWh.
_NO_FLUX = 1e-6


@dataclass(frozen=True, eq=False)
class CarbonFlow:
    """Carbon intensities and carbon rates of every period.

    Parameters
    ----------
    intensity_tco2_per_mwh : ndarray, shape (n_period, n_bus)
        Carbon intensity of the power that arrives at a bus; 0 where none arrives.
    flux_mw : ndarray, shape (n_period, n_bus)
        Power that arrives at a bus from its sources and branches; 0 where it counts as none.
    retained_mw : ndarray, shape (n_period, n_bus)
        The part of the flux that no branch carries on: loads, charging and shunt losses.
    branch_tco2_per_h : ndarray, shape (n_period, n_branch)
        Carbon rate of each branch, positive from `from_bus` to `to_bus`; the same at both ends.
    stranded_tco2_per_h : ndarray, shape (n_period, n_bus)
        Carbon that arrives at a bus without flux: losses on the way to a bus that uses no power.
    """

    intensity_tco2_per_mwh: Array
    flux_mw: Array
    retained_mw: Array
    branch_tco2_per_h: Array
    stranded_tco2_per_h: Array


def carbon_flow(
    from_bus: Index,
    to_bus: Index,
    p_from_mw: Array,
    p_to_mw: Array,
    source_mw: Array,
    source_carbon_t_per_h: Array,
) -> CarbonFlow:
    """Trace carbon from sources to buses by proportional sharing, in radial and meshed networks alike.

    Parameters
    ----------
    from_bus, to_bus : ndarray of int, shape (n_branch,)
        Ends of each branch.
    p_from_mw, p_to_mw : ndarray, shape (n_period, n_branch)
        Power that enters a branch at `from_bus` and leaves it at `to_bus`, MW; negative if it flows back.
    source_mw : ndarray, shape (n_period, n_bus)
        Gross power of the sources at each bus (generation, purchase, discharge), MW, never negative.
    source_carbon_t_per_h : ndarray, shape (n_period, n_bus)
        Carbon rate of these sources, tCO2/h.

    Returns
    -------
    CarbonFlow
        Carbon is conserved: ``sum(intensity * retained + stranded) == sum(source_carbon)``.

    Raises
    ------
    PowerFlowError
        If a source is negative.

    Notes
    -----
    Equation A1: the flux of a bus is what its sources and branches bring, and all that leaves it has
    the same intensity [1]_. Losses are charged to the receiving side: the carbon that a branch takes up
    at its sending end arrives undiminished with less power, so it is the loads that carry it. The
    sending end is the one with the larger power; if losses draw power from both ends, what the other
    end gives counts as received negatively. A bus without flux is dropped: its equation becomes
    e = 0, it sends nothing, and the carbon that reaches it is stranded.

    References
    ----------
    .. [1] C. Kang et al., 2012, doi:10.1038/srep00479
    """
    if (source_mw < 0.0).any():
        period, bus = np.argwhere(source_mw < 0.0)[0]
        value = f"source_mw must be 0 MW or more, got {source_mw[period, bus]}"
        raise PowerFlowError(f"carbon flow, period {period}, bus index {bus}: {value}")
    forward = p_from_mw + p_to_mw >= 0.0
    sender, receiver = np.where(forward, from_bus, to_bus), np.where(forward, to_bus, from_bus)
    sent_mw, received_mw = np.where(forward, p_from_mw, -p_to_mw), np.where(forward, p_to_mw, -p_from_mw)
    flux_mw = source_mw + _at_buses(receiver, received_mw, source_mw.shape)
    alive = flux_mw > _NO_FLUX * source_mw.sum(axis=1, keepdims=True)
    flux_mw = np.where(alive, flux_mw, 0.0)
    sent_mw = np.where(np.take_along_axis(alive, sender, axis=1), sent_mw, 0.0)
    intensity = _intensities(sender, receiver, sent_mw, flux_mw, source_carbon_t_per_h)
    branch_tco2_per_h = sent_mw * np.take_along_axis(intensity, sender, axis=1)
    arriving = source_carbon_t_per_h + _at_buses(receiver, branch_tco2_per_h, source_mw.shape)
    return CarbonFlow(
        intensity_tco2_per_mwh=intensity,
        flux_mw=flux_mw,
        retained_mw=flux_mw - _at_buses(sender, sent_mw, source_mw.shape),
        branch_tco2_per_h=np.where(forward, branch_tco2_per_h, -branch_tco2_per_h),
        stranded_tco2_per_h=np.where(alive, 0.0, arriving),
    )


def _at_buses(bus: Index, power: Array, shape: tuple[int, ...]) -> Array:
    """Sum powers of branches, (n_period, n_branch), at the buses they belong to, (n_period, n_bus)."""
    n_period, n_bus = shape
    cell = bus + n_bus * np.arange(n_period)[:, None]
    summed = np.bincount(cell.ravel(), weights=power.ravel(), minlength=n_period * n_bus)
    return summed.astype(np.float64).reshape(shape)


def _intensities(
    sender: Index, receiver: Index, sent_mw: Array, flux_mw: Array, source_carbon: Array
) -> Array:
    """Solve (P_N - P_B^T) e = carbon of the sources: one sparse block for each period."""
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import spsolve

    n_period, n_bus = flux_mw.shape
    size = n_period * n_bus
    first = n_bus * np.arange(n_period)[:, None]
    alive = flux_mw > 0.0
    # The row of a bus without flux reads 1 * e = 0.
    reaches = np.take_along_axis(alive, receiver, axis=1)
    diagonal = np.where(alive, flux_mw, 1.0).ravel()
    values = np.concatenate([diagonal, np.where(reaches, -sent_mw, 0.0).ravel()])
    every = np.arange(size)
    rows = np.concatenate([every, (receiver + first).ravel()])
    columns = np.concatenate([every, (sender + first).ravel()])
    matrix = csc_array((values, (rows, columns)), shape=(size, size))
    solved: Array = spsolve(matrix, np.where(alive, source_carbon, 0.0).ravel())
    return solved.reshape(flux_mw.shape)
