"""Ways from round to round of ADMM: plain, relaxed, with balanced penalties, accelerated."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array

_TINY = 1e-12


@dataclass(frozen=True)
class Posted:
    """What a coordinator posts in a round.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_step,)
        y, the same for all.
    target_mw : ndarray, shape (n_follower, n_step)
        z: what each follower shall take.
    penalty_per_mw2h : ndarray, shape (n_follower,)
        rho: weight of the square of a follower's distance from its target, halved; above 0.
    """

    price_per_mwh: Array
    target_mw: Array
    penalty_per_mw2h: Array

    @property
    def state_mw(self) -> Array:
        """z + y / rho, all that the iteration remembers, MW, shape (n_follower, n_step)."""
        return np.asarray(self.target_mw + self.price_per_mwh / self.penalty_per_mw2h[:, None])

    @property
    def supply_penalty_per_mw2h(self) -> float:
        """R of the supplier's step: ``1 / R = sum_r 1 / rho_r``."""
        return 1.0 / float((1.0 / self.penalty_per_mw2h).sum())

    def scaled(self, factor: float) -> Posted:
        """The same price and targets with other penalties: multipliers stay, scaled ones follow."""
        return replace(self, penalty_per_mw2h=factor * self.penalty_per_mw2h)


class Residuals(NamedTuple):
    """How far a round is from rest, and the sizes that this is relative to.

    Parameters
    ----------
    primal_mw, dual_per_mwh : float
        Norms of the distance of loads from targets, and of what loads were optimal for from the new price.
    load_mw, price_per_mwh : float
        The larger norm of loads and targets, and the norm of the price over all followers.
    """

    primal_mw: float
    dual_per_mwh: float
    load_mw: float
    price_per_mwh: float

    @property
    def primal(self) -> float:
        """Relative to loads and targets."""
        return self.primal_mw / max(self.load_mw, _TINY)

    @property
    def dual(self) -> float:
        """Relative to the unscaled dual."""
        return self.dual_per_mwh / max(self.price_per_mwh, _TINY)

    @property
    def largest(self) -> float:
        """The larger of both relative ones."""
        return max(self.primal, self.dual)


class Plain:
    """The iteration as it is.

    - `next_state`: what the supplier splits after the answers of a round
    - `next_posted`: what is posted after its step
    """

    def next_state(self, posted: Posted, moved_mw: Array) -> Array:
        """``s + x - z``, MW, shape (n_follower, n_step)."""
        return np.asarray(posted.state_mw + moved_mw)

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """What the supplier's step has come to."""
        return following


class OverRelaxed(Plain):
    def __init__(self, relaxation: float = 1.6) -> None:
        self._relaxation = relaxation

    def next_state(self, posted, moved_mw):
        return posted.state_mw + self._relaxation * moved_mw


class Balanced(Plain):
    def __init__(self, ratio=10.0, step=2.0) -> None:
        self._ratio, self._step = ratio, step

    def next_posted(self, round_, posted, following, found):
        if found.primal_mw > self._ratio * found.dual_per_mwh:
            return following.scaled(self._step)
        if found.dual_per_mwh > self._ratio * found.primal_mw:
            return following.scaled(1.0 / self._step)
        return following


class RelativelyBalanced(Plain):
    def __init__(self, rounds=10**6, most=10.0):
        self._rounds, self._most = rounds, most

    def next_posted(self, round_, posted, following, found):
        if round_ > self._rounds:
            return following
        f = math.sqrt(max(found.primal, _TINY) / max(found.dual, _TINY))
        return following.scaled(float(np.clip(f, 1 / self._most, self._most)))


class Nesterov(Plain):
    def __init__(self, decrease=0.999):
        self._decrease = decrease
        self._t, self._combined = 1.0, math.inf
        self._before = None

    def next_posted(self, round_, posted, following, found):
        rho = posted.penalty_per_mw2h[:, None]
        n = len(rho)
        combined = float((((following.price_per_mwh - posted.price_per_mwh) ** 2) / rho).sum() + (rho * (following.target_mw - posted.target_mw) ** 2).sum())
        before, self._before = self._before, following
        if before is None or combined >= self._decrease * self._combined:
            self._t = 1.0
            self._combined = combined if before is None else self._combined / self._decrease
            return following
        self._combined = combined
        t = 0.5 * (1 + math.sqrt(1 + 4 * self._t**2))
        g = (self._t - 1) / t
        self._t = t
        return Posted(
            following.price_per_mwh + g * (following.price_per_mwh - before.price_per_mwh),
            following.target_mw + g * (following.target_mw - before.target_mw),
            following.penalty_per_mw2h,
        )


class Anderson(RelativelyBalanced):
    def __init__(self, memory=6, balanced=3, growth=2.0, ridge=1e-10, most=10.0):
        super().__init__(balanced, most)
        self._memory, self._growth, self._ridge = memory, growth, ridge
        self._seen = deque(maxlen=memory + 1)
        self._plain = None
        self._last = math.inf
        self._penalty = None
        self.rejected = 0

    def next_state(self, posted, moved_mw):
        if self._penalty is None or not np.array_equal(self._penalty, posted.penalty_per_mw2h):
            self._seen.clear(); self._last = math.inf
            self._penalty = posted.penalty_per_mw2h
        weight = np.sqrt(posted.penalty_per_mw2h)[:, None]
        state = posted.state_mw
        size = float(np.linalg.norm(weight * moved_mw))
        if size > self._growth * self._last and self._plain is not None:
            self.rejected += 1
            self._seen.clear(); self._last = math.inf
            return self._plain
        self._last = size
        self._plain = state + moved_mw
        self._seen.append((state, moved_mw))
        if len(self._seen) == 1:
            return self._plain
        ds = np.diff([(weight * a).ravel() for a, _ in self._seen], axis=0)
        df = np.diff([(weight * b).ravel() for _, b in self._seen], axis=0)
        g = df @ df.T
        g[np.diag_indices_from(g)] += self._ridge * np.trace(g)
        c = np.linalg.solve(g, df @ (weight * moved_mw).ravel())
        corr = (c @ (ds + df)).reshape(state.shape) / weight
        return self._plain - corr
