"""Exchange ADMM: a supplier and its followers agree on loads by one price, targets and penalties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.market.admm_rounds import Answered, Posted, Residuals, residuals
from gridarium.market.admm_variants import Variant

Supply = Callable[[Array, Array, float], Array]
"""``(X, y, R) -> y+``: the supplier's step, ``argmin_Z C(Z) - y Z + R / 2 (Z - X)**2``, and what a further
MWh of that Z costs, ``y+ = y + R (X - Z)``; arrays of shape (n_step,)."""


class ExchangeAdmm:
    """The coordinator's side of exchange ADMM, a round at a time.

    - `posted`: price, targets and penalties that followers answer next
    - `hear`: take answers, let the supplier step, and get to what is posted next

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
    D.1.5 with ``f_r`` of each follower and ``g = C(sum_r z_r)``. The iteration is that of Douglas and
    Rachford on ``s = z + y / rho``: a follower answers x to (z, y), ``s+ = s + x - z``, and the supplier
    splits s+ into z+ and y+. A follower that has not answered keeps its s; one that answers late moves it by
    its distance from the target that it has answered [1]_.

    References
    ----------
    .. [1] Z. Peng et al., ARock: an algorithmic framework for asynchronous parallel coordinate updates,
       2016, doi:10.1137/15M1024950
    """

    def __init__(self, supply: Supply, posted: Posted, variant: Variant) -> None:
        self._supply, self._variant = supply, variant
        self.posted = posted
        self.rounds = 0

    def begin(self) -> None:
        """Let the supplier step from the targets, before anybody has answered."""
        self.posted = self._split(self.posted, self.posted.state_mw)

    def hear(self, loads_mw: Array) -> Residuals:
        """Take what all have answered to what was posted last, MW, shape (n_follower, n_step)."""
        return self.hear_some(Answered.of(self.posted, loads_mw), np.ones(len(loads_mw), dtype=bool))

    def hear_some(self, answered: Answered, heard: Flags) -> Residuals:
        """Take the answers of a round in which not all may have come.

        Parameters
        ----------
        answered : Answered
            Of each follower the last one.
        heard : ndarray of bool, shape (n_follower,)
            Whose is new.

        Returns
        -------
        Residuals
            Of all last answers, and of the price and targets that follow.
        """
        self.rounds += 1
        posted = self.posted
        moved = np.where(heard[:, None], answered.loads_mw - answered.target_mw, 0.0)
        following = self._split(posted, self._variant.next_state(posted, moved))
        found = residuals(answered, following)
        self.posted = self._variant.next_posted(self.rounds, posted, following, found)
        return found

    def _split(self, posted: Posted, state_mw: Array) -> Posted:
        """The supplier's step from a state: its price, and what it wants each follower to take."""
        price, penalty = posted.price_per_mwh, posted.penalty_per_mw2h
        heard = (state_mw - price / penalty[:, None]).sum(axis=0)
        new = self._supply(heard, price, posted.supply_penalty_per_mw2h)
        return Posted(new, state_mw - new / penalty[:, None], penalty)
