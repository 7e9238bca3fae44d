"""Exchange ADMM: a supplier and its followers agree on loads by a price, targets and penalties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.market.admm_variants import Plain, Posted, Residuals

_TINY = 1e-12

Supply = Callable[[Array, Array, float], Array]
"""``(X, y, R) -> y+``: the supplier's step, ``argmin_Z C(Z) - y Z + R / 2 (Z - X)**2`` and what a further MWh
of that Z costs, ``y+ = y + R (X - Z)``; arrays of shape (n_step,)."""


def residuals(posted: Posted, loads_mw: Array, following: Posted) -> Residuals:
    """Residuals of loads that were told to what was posted, and of the price and targets that follow.

    Notes
    -----
    A load that is optimal for (y, z) with rho misses optimality at the price y+ by
    ``y+ - y - rho (x - z)``, which is ``rho (z - z+)`` in the plain iteration.
    """
    rho = posted.penalty_per_mw2h[:, None]
    price = np.broadcast_to(following.price_per_mwh, loads_mw.shape)
    missed = price - posted.price_per_mwh - rho * (loads_mw - posted.target_mw)
    norm = np.linalg.norm
    return Residuals(
        float(norm(loads_mw - following.target_mw)),
        float(norm(missed)),
        max(float(norm(loads_mw)), float(norm(following.target_mw))),
        float(norm(price)),
    )


def default_penalty_per_mw2h(price_per_mwh: Array, load_mw: Array, share: Array) -> Array:
    """Penalties that make rounds independent of the number of followers, shape (n_follower,).

    Parameters
    ----------
    price_per_mwh, load_mw : ndarray, shape (n_step,)
        Price at base load, and the base load of all.
    share : ndarray, shape (n_follower,)
        Of each follower in all flexibility; above 0, sum 1.

    Raises
    ------
    ScenarioError
        If price or load is 0 at all times, or a share is not above 0.

    Notes
    -----
    ``rho_r = |price| / |load| / share_r``, so that R is ``|price| / |load|``.
    """
    faults = [
        Fault(name, size, f"{unit}, must be above 0")
        for name, size, unit in (
            ("norm of the price", float(np.linalg.norm(price_per_mwh)), "money/MWh"),
            ("norm of the load", float(np.linalg.norm(load_mw)), "MW"),
            ("least share of flexibility", float(share.min()), "share"),
        )
        if not 0.0 < size < math.inf
    ]
    if faults:
        raise ScenarioError("penalty of exchange rounds", faults)
    return np.asarray(np.linalg.norm(price_per_mwh) / np.linalg.norm(load_mw) / share)


class ExchangeAdmm:
    """The coordinator's side of exchange ADMM, a round at a time.

    - `posted`: price, targets and penalties that followers answer next
    - `hear`: take their answers, let the supplier step, and get to what is posted next

    Parameters
    ----------
    supply : callable
        The supplier's step.
    posted : Posted
        Of the first round.
    variant : Variant
        How it gets from round to round.

    Notes
    -----
    D.1.5 with ``f_r`` of each follower and ``g = C(sum_r z_r)``. The iteration is that of Douglas and Rachford
    on ``s = z + y / rho``: a follower answers x to (z, y), ``s+ = s + x - z``, and the supplier splits s+ into
    z+ and y+. A follower that has not answered keeps its s, one that answers late moves it by the distance
    from the target that it has answered [1]_.

    References
    ----------
    .. [1] Z. Peng et al., ARock: an algorithmic framework for asynchronous parallel coordinate updates,
       2016, doi:10.1137/15M1024950
    """

    def __init__(self, supply: Supply, posted: Posted, variant: Plain) -> None:
        self._supply, self._variant = supply, variant
        self.posted = posted
        self.rounds = 0

    def hear(self, loads_mw: Array, asked_mw: Array | None = None, heard: Flags | None = None) -> Residuals:
        """Take the loads of a round.

        Parameters
        ----------
        loads_mw : ndarray, shape (n_follower, n_step)
            As told last.
        asked_mw : ndarray, shape (n_follower, n_step), optional
            The targets that they answer; those posted last by default.
        heard : ndarray of bool, shape (n_follower,), optional
            Who has told one in this round; all by default.

        Returns
        -------
        Residuals
            Of these loads and of the price and targets that follow.
        """
        self.rounds += 1
        posted = self.posted
        moved = loads_mw - (posted.target_mw if asked_mw is None else asked_mw)
        if heard is not None:
            moved = np.where(heard[:, None], moved, 0.0)
        state = self._variant.next_state(posted, moved)
        following = self._split(posted, state)
        found = residuals(posted, loads_mw, following)
        self.posted = self._variant.next_posted(self.rounds, posted, following, found)
        return found

    def _split(self, posted: Posted, state_mw: Array) -> Posted:
        """The supplier's step from a state: its price and what it wants each follower to take."""
        rho, price, pull = posted.penalty_per_mw2h[:, None], posted.price_per_mwh, posted.supply_penalty_per_mw2h
        heard = (state_mw - price / rho).sum(axis=0)
        new = self._supply(heard, price, pull)
        return Posted(new, state_mw - new / rho, posted.penalty_per_mw2h)
