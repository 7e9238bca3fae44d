"""Regions of a feeder: what is left connected once congested branches are cut."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.network import Feeder


def congested_branches(feeder: Feeder, loading: Array, loading_limit: float = 1.0) -> Flags:
    """Find the branches that are loaded beyond a limit at any time.

    Parameters
    ----------
    feeder : Feeder
    loading : ndarray, shape (n_period, n_branch)
        Current as a share of the rating; 0 or nan on branches without a rating, which are never congested.
    loading_limit : float
        Share of the rating above which a branch counts as congested.

    Returns
    -------
    ndarray of bool, shape (n_branch,)

    Raises
    ------
    NetworkError
        If the shape is wrong, a loading is below 0 or infinite, or the limit is not above 0.
    """
    loading = np.asarray(loading, dtype=np.float64)
    faults = []
    if loading.ndim != 2 or loading.shape[1] != feeder.n_branch:
        faults.append(Fault("loading", loading.shape, f"must be of shape (n_period, {feeder.n_branch})"))
    elif (loading < 0.0).any() or np.isinf(loading).any():
        faults.append(Fault("loading", float(np.nanmin(loading)), "must be in [0, inf), or nan if unrated"))
    if not 0.0 < loading_limit < np.inf:
        faults.append(Fault("loading_limit", loading_limit, "must be in (0, inf)"))
    if faults:
        raise NetworkError(feeder.name, faults)
    # A comparison with nan is false: what has no rating is not congested.
    return np.asarray((loading > loading_limit).any(axis=0))


def region_of_bus(feeder: Feeder, cut: Flags) -> Index:
    """Number the regions into which cut branches part a feeder.

    Parameters
    ----------
    feeder : Feeder
    cut : ndarray of bool, shape (n_branch,)
        Branches across which nothing is exchanged.

    Returns
    -------
    ndarray of int, shape (n_bus,)
        Region of each bus: 0 is that of the substation, the others follow in the order of buses. There is
        one more than cut branches, since a feeder is a tree.

    Raises
    ------
    NetworkError
        If there is not one flag for each branch.

    Notes
    -----
    The preset congestion of B9, which sets all transfers between regions to 0 [1]_.

    References
    ----------
    .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762
    """
    cut = np.asarray(cut)
    if cut.shape != (feeder.n_branch,) or cut.dtype != np.bool_:
        fault = Fault("cut", f"{cut.dtype} {cut.shape}", f"must be {feeder.n_branch} truth values")
        raise NetworkError(feeder.name, [fault])
    region = np.zeros(feeder.n_bus, dtype=np.int64)
    opened = np.cumsum(cut)
    for branch, parent in enumerate(feeder.parent):
        region[branch + 1] = opened[branch] if cut[branch] else region[parent]
    return region
