"""Consumers that learn from what they got: Roth-Erev and EXP3 over a discrete set of plans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.agents.bounded.choice import bill_money, planner, random_vertices
from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array
from gridarium.environment.parameters import count, flag, number
from gridarium.market.messages.tariffs import TariffSignal

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Chooser, Decider

_STREAM = "behaviour/learning"


def gain_money(consumer: Chooser, load_mw: Array, signal: TariffSignal) -> float:
    """What a load is worth beyond the usual one under a signal, money per day."""
    return consumer.value_money(load_mw, signal) - consumer.value_money(consumer.plans.base_mw, signal)


def roth_erev_update(
    propensity: Array, chosen: int, reward: float, forgetting: float, experimentation: float
) -> Array:
    """Propensities after a reward.

    Notes
    -----
    ``q_k <- (1 - forgetting) q_k + e_k``, where the chosen one gets ``e = reward (1 - experimentation)`` and
    the others share the rest equally [1]_.

    References
    ----------
    .. [1] A. Roth and I. Erev, Learning in extensive-form games, 1995, doi:10.1016/S0899-8256(05)80020-X
    """
    others = max(1, len(propensity) - 1)
    reinforced = np.full(len(propensity), reward * experimentation / others)
    reinforced[chosen] = reward * (1.0 - experimentation)
    return np.asarray((1.0 - forgetting) * propensity + reinforced)


def exp3_probabilities(weight: Array, exploration: float) -> Array:
    """Mixture of the normalised weights with the uniform distribution."""
    return np.asarray((1.0 - exploration) * weight / weight.sum() + exploration / len(weight))


def exp3_update(weight: Array, chosen: int, reward: float, exploration: float) -> Array:
    """Weights after a reward in [0, 1], scaled to a largest one of 1.

    Notes
    -----
    ``w_k <- w_k exp(exploration * reward / (p_k K))`` for the chosen one of K [1]_.

    References
    ----------
    .. [1] P. Auer et al., The nonstochastic multiarmed bandit problem, 2002,
       doi:10.1137/S0097539701398375
    """
    probability = exp3_probabilities(weight, exploration)[chosen]
    updated = weight.copy()
    updated[chosen] *= np.exp(exploration * reward / (probability * len(weight)))
    return np.asarray(updated / updated.max())


@dataclass(frozen=True, eq=False)
class PlanLearner(Bounded, ABC):
    """Tries plans and comes back to those that paid; exact without plans beside the best one.

    It chooses among the best response to the present tariff, the usual load and random vertices, and
    learns from what the chosen plan is worth under the tariff for which it was chosen. Who does not know the
    best response learns from that alone, without a model of its own cost.

    Parameters
    ----------
    plans : int
        Plans beside the best response: the usual load first, then random vertices.
    knows_best : bool
        Whether the best response is among the plans. Without it plans beside the usual load are random parts
        of the way from there to random vertices, at which users are asked for all they have.
    explore_rounds : int, optional
        Rounds of a day in which it tries and learns, all if None; later it keeps to the strongest plan.
    payoff_scale_share : float
        Gain over the usual load, as a share of the bill of that, that earns the full reward of 1; no gain
        earns 1/2, such a loss 0.
    """

    departs_by = ("plans",)
    plans: int = count(0, 0, 100)
    knows_best: bool = flag(True)
    explore_rounds: int | None = count(None, 1, 1_000_000)
    payoff_scale_share: float = number(0.05, 1e-6, 10)
    arms: list[Array] = field(default_factory=list, init=False, repr=False)
    state: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    explored: list[int] = field(default_factory=list, init=False, repr=False)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Try the same kinds of plan on the new day, and keep what was learnt about them."""
        self.arms.clear()
        self.explored.clear()

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Draw a plan, and learn from it."""
        if self.plans == 0:
            return plan
        consumer = planner(agent)
        if not self.arms:
            self.arms.extend([consumer.plans.base_mw, *self._others(consumer)])
            self.state.setdefault("strength", np.ones(self.plans + self.knows_best))
        strength, plans = self.state["strength"], [plan, *self.arms] if self.knows_best else self.arms
        if self.explore_rounds is not None and len(self.explored) >= self.explore_rounds:
            return plans[int(np.argmax(strength))]
        probability = self.probabilities(strength)
        chosen = int(agent.stream(_STREAM).choice(len(probability), p=probability))
        self.explored.append(signal.round)
        load = plans[chosen]
        self.state["strength"] = self.update(strength, chosen, self._reward(consumer, load, signal))
        return load

    def _others(self, consumer: Chooser) -> list[Array]:
        """Plans that are neither the best nor the usual one."""
        vertices = random_vertices(consumer, self.plans - 1)
        if self.knows_best:
            return vertices
        reaches = consumer.stream(f"{_STREAM}/reach").random(len(vertices)).tolist()
        plans = consumer.plans
        return [
            plans.between(plans.base_mw, vertex, reach)
            for vertex, reach in zip(vertices, reaches, strict=True)
        ]

    @abstractmethod
    def probabilities(self, strength: Array) -> Array:
        """Of each plan."""

    @abstractmethod
    def update(self, strength: Array, chosen: int, reward: float) -> Array:
        """Strengths after a reward in [0, 1]."""

    def _reward(self, consumer: Chooser, load_mw: Array, signal: TariffSignal) -> float:
        gain, usual = gain_money(consumer, load_mw, signal), consumer.plans.base_mw
        full = self.payoff_scale_share * abs(bill_money(consumer, usual, signal.price_per_mwh))
        return float(np.clip(0.5 + 0.5 * gain / full, 0.0, 1.0)) if full > 0.0 else 0.5


@dataclass(frozen=True, eq=False)
class RothErev(PlanLearner):
    """Reinforces plans by what they paid; exact without plans beside the best one.

    Parameters
    ----------
    forgetting : float
        Share of each propensity that is lost with each choice.
    experimentation : float
        Share of the reward that goes to the plans that were not chosen.
    """

    forgetting: float = number(0.1, 0, 1)
    experimentation: float = number(0.2, 0, 1)

    def probabilities(self, strength: Array) -> Array:
        """In proportion to the propensities; uniform where nothing is left of them."""
        total = float(strength.sum())
        return strength / total if total > 0.0 else np.full(len(strength), 1.0 / len(strength))

    def update(self, strength: Array, chosen: int, reward: float) -> Array:
        """See `roth_erev_update`."""
        return roth_erev_update(strength, chosen, reward, self.forgetting, self.experimentation)


@dataclass(frozen=True, eq=False)
class Exp3(PlanLearner):
    """Exponential weights for exploration and exploitation; exact without plans beside the best one.

    Parameters
    ----------
    exploration : float
        Share of choices that are uniform.
    """

    exploration: float = number(0.1, 1e-3, 1)

    def probabilities(self, strength: Array) -> Array:
        """See `exp3_probabilities`."""
        return exp3_probabilities(strength, self.exploration)

    def update(self, strength: Array, chosen: int, reward: float) -> Array:
        """See `exp3_update`."""
        return exp3_update(strength, chosen, reward, self.exploration)
