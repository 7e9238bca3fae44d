"""One live linear programme of a tied leader, moved from anchor to anchor."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_live_step import LiveTiedStep, TiedAnswer
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_step_problem import TiedAnchor, build_tied_model
from gridarium.agents.solving.highs_solver import highs_model, run_highs
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError, SolverLimitError, TimeLimitError

logger = logging.getLogger(__name__)


class TiedStep(LiveTiedStep):
    """The linearised problem of a shape on a live HiGHS object; what moves is sent anew.

    Parameters
    ----------
    problem : TiedProblem
    target : ndarray, shape (n_period,), optional
        Price next to which one is sought that has a dispatch and pools; without it, that of the most profit.
    """

    def __init__(self, problem: TiedProblem, target: Array | None = None) -> None:
        # Slopes everywhere give each line its row; the first move sends the true ones.
        dense = np.ones((problem.n_period, problem.n_period))
        anchor = TiedAnchor(problem.reference_price_per_mwh, problem.base_mw, dense)
        super().__init__(problem, build_tied_model(problem, anchor, target), highs_model)
        self._response = np.array(
            [self._rows[f"response[{t}]"] for t in range(problem.n_period)], dtype=np.int32
        )
        self._sent = anchor.response_rows()[0]
        self._anchor = anchor
        self.solves = 0

    def at(self, price: Array, load_mw: Array | None = None) -> TiedAnswer | None:
        """The best dispatch and pools for the answers to a price; None where none is found.

        Parameters
        ----------
        price : ndarray, shape (n_period,)
        load_mw : ndarray, shape (n_period,), optional
            Answers as they were heard; the followers' own when left out.
        """
        anchor = TiedAnchor.of(self.problem, price)
        self._move(anchor if load_mw is None else replace(anchor, load_mw=load_mw))
        return self._solve(price, price)

    def meet(self, followers: Sequence[FollowerModel]) -> None:
        """Stand before other followers, with the same supply."""
        self.problem = self.problem.with_followers(followers)

    def within(self, radius: float) -> TiedAnswer | None:
        """The best price within a radius of the last anchor, as the lines there have it."""
        price = self._anchor.price_per_mwh
        return self._solve(price - radius, price + radius)

    def anchor_at(self, price: Array) -> None:
        """Go back to an anchor."""
        if price is not self._anchor.price_per_mwh:
            self._move(TiedAnchor.of(self.problem, price))

    def _move(self, anchor: TiedAnchor) -> None:
        """Send the lines of another anchor."""
        highs, self._anchor = self._highs, anchor
        factors, sides = anchor.response_rows()
        changed = np.argwhere(factors != self._sent)
        for t, u in changed:
            highs.changeCoeff(int(self._response[t]), int(self._price[u]), float(factors[t, u]))
        self._sent = factors
        highs.changeRowsBounds(len(sides), self._response, sides, sides)
        self._send_tie(anchor)

    def _solve(self, low: Array, high: Array) -> TiedAnswer | None:
        self._highs.changeColsBounds(len(low), self._price, low, high)
        self.solves += 1
        try:
            return self._read(run_highs(self._highs))
        except InfeasibleError:
            return None
        except TimeLimitError:
            raise
        except SolverLimitError as error:
            # A step that cannot be decided is no step: the search goes on from where it stands.
            logger.debug("leader: a step is left out: %s", error)
            return None
