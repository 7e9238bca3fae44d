"""Ways from round to round of ADMM: plain, over-relaxed, with balanced penalties, accelerated, stretched."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.admm_rounds import Posted, Residuals

VariantName = Literal[
    "plain", "over-relaxed", "balanced", "relatively-balanced", "nesterov", "anderson", "stretched"
]

RELAXATION, MEMORY = 1.6, 6
_TINY = 1e-12


class Variant:
    """The plain iteration; a base for the others, each for one negotiation.

    - `next_state`: what the supplier splits after the answers of a round
    - `next_posted`: what is posted after its step
    """

    def next_state(self, posted: Posted, moved_mw: Array) -> Array:
        """What follows a state, MW, shape (n_follower, n_step).

        Parameters
        ----------
        posted : Posted
        moved_mw : ndarray, shape (n_follower, n_step)
            Distance of each answer from the target that it answers; 0 without a new one.
        """
        return np.asarray(posted.state_mw + moved_mw)

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """What is posted next, where the supplier's step has come to `following`."""
        return following


class OverRelaxed(Variant):
    """Goes beyond the plain step.

    Parameters
    ----------
    relaxation : float
        Share of the plain step, in (0, 2).

    Notes
    -----
    Eckstein and Bertsekas, 1992, doi:10.1007/BF01581204.
    """

    def __init__(self, relaxation: float = RELAXATION) -> None:
        self._relaxation = relaxation

    def next_state(self, posted: Posted, moved_mw: Array) -> Array:
        """``s + relaxation (x - z)``."""
        return np.asarray(posted.state_mw + self._relaxation * moved_mw)


def _balanced(following: Posted, primal: float, dual: float, ratio: float, step: float) -> Posted:
    """The same with penalties times `step` where residuals are more than `ratio` apart, or by it."""
    if primal > ratio * dual:
        return following.scaled(step)
    if dual > ratio * primal:
        return following.scaled(1.0 / step)
    return following


class Balanced(Variant):
    """Doubles penalties where the primal residual is ten times the dual one, and halves them the other way.

    Parameters
    ----------
    ratio, step : float
        mu and tau.

    Notes
    -----
    The paper's rule, by absolute residuals (D.1.5).
    """

    def __init__(self, ratio: float = 10.0, step: float = 2.0) -> None:
        self._ratio, self._step = ratio, step

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """The same with a penalty that fits better."""
        return _balanced(following, found.primal_mw, found.dual_per_mwh, self._ratio, self._step)


class RelativelyBalanced(OverRelaxed):
    """Changes penalties by a power of the ratio of the relative residuals, for some rounds.

    Parameters
    ----------
    relaxation : float
    rounds : int, optional
        In which penalties change; all by default.
    power : float
        Of the ratio, in (0, 1].
    most : float
        Largest factor in one round.

    Notes
    -----
    B. Wohlberg, ADMM penalty parameter selection by residual balancing, 2017, arXiv:1704.06209.
    """

    def __init__(
        self, relaxation: float = 1.0, rounds: int | None = None, power: float = 0.5, most: float = 10.0
    ) -> None:
        super().__init__(relaxation)
        self._rounds, self._power, self._most = rounds, power, most

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """The same with a penalty that fits better."""
        if self._rounds is not None and round_ > self._rounds:
            return following
        ratio = max(found.primal, _TINY) / max(found.dual, _TINY)
        return following.scaled(float(np.clip(ratio**self._power, 1.0 / self._most, self._most)))


class Nesterov(Variant):
    """Extrapolates price and targets, and starts again where that does not help.

    Parameters
    ----------
    decrease : float
        Share of the combined residual before that the next one must stay below.

    Notes
    -----
    D.1.5: t+ = (1 + sqrt(1 + 4 t**2)) / 2, momentum (t - 1) / t+, restart (Goldstein et al., 2014,
    doi:10.1137/120896219).
    """

    def __init__(self, decrease: float = 0.999) -> None:
        self._decrease = decrease
        self._t, self._combined = 1.0, math.inf
        self._before: Posted | None = None

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """What lies beyond the step."""
        rho = posted.penalty_per_mw2h[:, None]
        price, target = following.price_per_mwh, following.target_mw
        combined = float(
            ((price - posted.price_per_mwh) ** 2 / rho).sum() + (rho * (target - posted.target_mw) ** 2).sum()
        )
        before, self._before = self._before or posted, following
        if combined >= self._decrease * self._combined:
            self._t, self._combined = 1.0, self._combined / self._decrease
            return following
        self._combined = combined
        t = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * self._t**2))
        momentum, self._t = (self._t - 1.0) / t, t
        return Posted(
            price + momentum * (price - before.price_per_mwh),
            target + momentum * (target - before.target_mw),
            following.penalty_per_mw2h,
        )


class Anderson(RelativelyBalanced):
    """Balances penalties for some rounds, then mixes the rounds since; a plain step where that fails.

    Parameters
    ----------
    relaxation : float
    memory : int
        Rounds before the last one that are mixed.
    rounds : int
        In which penalties change; nothing is mixed across a change.
    growth : float
        Where a step grows by more than this factor, the mixture before it is taken back.

    Notes
    -----
    Type II [1]_ on the state ``s`` in the norm of sqrt(rho), in which the plain iteration brings two states
    never farther apart. The safeguard: a mixture whose own step is too long gives way to the plain step
    before it.

    References
    ----------
    .. [1] H. Walker and P. Ni, Anderson acceleration for fixed-point iterations, 2011, doi:10.1137/10078356X
    """

    def __init__(
        self, relaxation: float = RELAXATION, memory: int = MEMORY, rounds: int = 3, growth: float = 2.0
    ) -> None:
        super().__init__(relaxation, rounds, power=1.0)
        self._growth = growth
        self._seen: deque[tuple[Array, Array]] = deque(maxlen=memory + 1)
        self._penalty: Array | None = None
        self._plain: Array | None = None
        self._length = math.inf
        self.taken_back = 0

    def next_state(self, posted: Posted, moved_mw: Array) -> Array:
        """The mixture of states and of where they led that leaves the shortest step, and that step."""
        if self._penalty is None or not np.array_equal(self._penalty, posted.penalty_per_mw2h):
            self._forget()
            self._penalty = posted.penalty_per_mw2h
        weight = np.sqrt(posted.penalty_per_mw2h)[:, None]
        state, step = posted.state_mw, self._relaxation * moved_mw
        length = float(np.linalg.norm(weight * step))
        if self._plain is not None and length > self._growth * self._length:
            self.taken_back += 1
            plain = self._plain
            self._forget()
            return plain
        self._length, self._plain = length, np.asarray(state + step)
        self._seen.append((weight * state, weight * step))
        return self._plain if len(self._seen) == 1 else self._plain - self._correction() / weight

    def _correction(self) -> Array:
        """What the differences of the rounds seen say of the step still to come, weighted."""
        states, steps = (np.diff(list(kind), axis=0) for kind in zip(*self._seen, strict=True))
        flat = steps.reshape(len(steps), -1)
        products = flat @ flat.T
        products[np.diag_indices_from(products)] += 1e-10 * np.trace(products) + 1e-300
        mixture = np.linalg.solve(products, flat @ self._seen[-1][1].ravel())
        return np.asarray(np.tensordot(mixture, states + steps, axes=1))

    def _forget(self) -> None:
        self._seen.clear()
        self._plain, self._length = None, math.inf


class Stretched(Variant):
    """Goes farther each round in hours whose step stays what it was, and less far in hours where it turns.

    Parameters
    ----------
    alike : float
        Steps of an hour are one where they differ by at most this share of the last.
    growth, longest : float
        Of the step in such an hour, by round; and most that it grows to, in plain ones.
    cut, shortest : float
        Of the step in an hour that turns, by round; and least that is left of it.
    ratio, balance : float
        Penalties grow or shrink by `balance` where relative residuals are more than `ratio` apart.
    patience : int
        Rounds after which penalties grow once, and then stay.
    firmer : float
        By which they do.

    Notes
    -----
    Where supply and followers are all at limits, loads stay apart from targets by the same amount round after
    round, and the price travels by the same step until someone lets go; where nobody's cost changes, loads
    travel in the same way. Plain rounds take as many as the way is long, these as many as its logarithm.
    Answers that jump turn back and forth around a rest: shorter steps are the damped iteration, which ends
    where the plain one would circle. An hour whose step neither stays nor turns loses what it has grown.
    Rounds that take long are held up by followers with several plans of nearly the same cost, who jump from
    one to another: more weight on targets makes the cost of an answer convex where it was not.
    """

    def __init__(
        self,
        alike: float = 0.5,
        growth: float = 1.5,
        longest: float = 32.0,
        cut: float = 0.7,
        shortest: float = 0.3,
        ratio: float = 3.0,
        balance: float = 1.15,
        patience: int = 50,
        firmer: float = 3.0,
    ) -> None:
        self._alike, self._growth, self._longest = alike, growth, longest
        self._cut, self._shortest = cut, shortest
        self._ratio, self._balance = ratio, balance
        self._patience, self._firmer = patience, firmer
        self._before: Array | None = None
        self._stretch: Array

    def next_state(self, posted: Posted, moved_mw: Array) -> Array:
        """``s + stretch (x - z)``, with a stretch of each hour."""
        step = np.sqrt(posted.penalty_per_mw2h)[:, None] * moved_mw
        if self._before is None:
            self._stretch = np.ones(step.shape[1])
        else:
            self._stretch = self._next_stretch(step, self._before)
        self._before = step
        return np.asarray(posted.state_mw + self._stretch * moved_mw)

    def next_posted(self, round_: int, posted: Posted, following: Posted, found: Residuals) -> Posted:
        """The same with a penalty that fits a little better; after long rounds with a firmer one."""
        if round_ >= self._patience:
            return following.scaled(self._firmer) if round_ == self._patience else following
        return _balanced(following, found.primal, found.dual, self._ratio, self._balance)

    def _next_stretch(self, step: Array, before: Array) -> Array:
        same = np.linalg.norm(step - before, axis=0) <= self._alike * np.linalg.norm(step, axis=0)
        turns = (step * before).sum(axis=0) < 0.0
        longer = np.minimum(self._growth * self._stretch, self._longest)
        usual = np.minimum(self._stretch, 1.0)
        shorter = np.maximum(self._cut * usual, self._shortest)
        return np.where(same, longer, np.where(turns, shorter, usual))


def make_variant(name: VariantName, relaxation: float = RELAXATION, memory: int = MEMORY) -> Variant:
    """A fresh way from round to round; `relaxation` and `memory` are for those that have them."""
    makers: dict[VariantName, Callable[[], Variant]] = {
        "plain": Variant,
        "over-relaxed": lambda: OverRelaxed(relaxation),
        "balanced": Balanced,
        "relatively-balanced": RelativelyBalanced,
        "nesterov": Nesterov,
        "anderson": lambda: Anderson(relaxation, memory),
        "stretched": Stretched,
    }
    return makers[name]()
