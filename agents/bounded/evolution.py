"""Followers that learn from rewards alone how to answer signals, by an evolution strategy."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.agents.bounded.choice import bill_money, planner
from gridarium.agents.bounded.common import Bounded
from gridarium.agents.bounded.learning import gain_money
from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault
from gridarium.environment.parameters import count, number
from gridarium.market.messages.tariffs import TariffSignal

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Chooser, Decider

_STREAM = "behaviour/evolution"


class PolicySearch:
    """Weights of a policy, bred generation by generation from what each candidate earned.

    - `candidate`, `note`: the weights that are to be tried next, and what they earned
    - `centre`, `step`: around which, and how far from it, candidates are drawn

    Parameters
    ----------
    n_weight : int
    population : int
        Candidates of a generation, at least 2.
    initial_step : float
        Standard deviation of the first candidates around 0.
    random : Generator

    Notes
    -----
    Covariance matrix adaptation [1]_. It is told losses, and goes by their ranks alone.

    References
    ----------
    .. [1] N. Hansen and A. Ostermeier, Completely derandomized self-adaptation in evolution strategies, 2001,
       doi:10.1162/106365601750190398
    """

    def __init__(
        self, n_weight: int, population: int, initial_step: float, random: np.random.Generator
    ) -> None:
        import cma

        options = {
            "popsize": population,
            # Numbers come from the stream alone: no seed, which would be that of all numpy.
            "seed": np.nan,
            "randn": lambda *shape: random.standard_normal(shape),
            "verbose": -9,
            "verb_log": 0,
        }
        self._strategy = cma.CMAEvolutionStrategy(np.zeros(n_weight), initial_step, options)
        self._candidates: list[Array] = []
        self._losses: list[float] = []

    @property
    def candidate(self) -> Array:
        """The weights that are to be tried next, shape (n_weight,)."""
        if not self._candidates:
            self._candidates = self._strategy.ask()
        return np.asarray(self._candidates[len(self._losses)])

    def note(self, reward: float) -> None:
        """Take the reward of the candidate; the last one of a generation brings the next."""
        self._losses.append(-reward)
        if len(self._losses) == len(self._candidates):
            self._strategy.tell(self._candidates, self._losses)
            self._candidates, self._losses = [], []

    @property
    def centre(self) -> Array:
        """Mean of the candidates to come, shape (n_weight,)."""
        return np.asarray(self._strategy.mean)

    @property
    def step(self) -> float:
        """Step size: what scales the standard deviations of the candidates to come."""
        return float(self._strategy.sigma)


def policy_features(signal: TariffSignal, base_mw: Array, step_h: float, harmonics: int) -> Array:
    """What a policy goes by in each step: no cost, no limit and no optimum of the follower is among it.

    Parameters
    ----------
    signal : TariffSignal
    base_mw : ndarray, shape (n_step,)
    step_h : float
    harmonics : int
        Of a day of 24 h.

    Returns
    -------
    ndarray, shape (n_step, 4 + 2 harmonics)
        1; price, carbon and base load, each as its distance from its mean over the mean size; cosine and sine
        of the hour. Carbon is the price of the first step times the factor, or the factor alone without a
        ladder.
    """
    ladder, factor = signal.ladder, signal.factor_tco2_per_mwh
    carbon = factor if ladder is None else ladder.base_price_per_tco2 * factor
    angle = 2.0 * np.pi * step_h * np.arange(len(base_mw)) / 24.0
    waves = [wave(k * angle) for k in range(1, harmonics + 1) for wave in (np.cos, np.sin)]
    told = [_about_mean(each) for each in (signal.price_per_mwh, carbon, base_mw)]
    return np.stack([np.ones_like(base_mw), *told, *waves], axis=1)


def _about_mean(values: Array) -> Array:
    size = float(np.abs(values).mean())
    return (values - values.mean()) / size if size > 0.0 else np.zeros_like(values)


@dataclass(frozen=True, eq=False)
class EvolutionStrategy(Bounded):
    """Learns from rewards alone how to answer signals; exact without a population.

    A linear policy tells by which share of the base load each step departs from it, and the nearest feasible
    load is drawn. Each round tries one policy, whose reward is what its load is worth, beyond the usual load,
    under the signal for which it was chosen. The optimum is never looked at. Learning goes on over days.

    Parameters
    ----------
    population : int
        Policies of a generation, at least 2; 0 for none, and the exact agent.
    initial_step : float
        Standard deviation of the weights of the first policies: share of the base load for a feature of 1.
    least_step : float
        Once the step size has fallen to this, it explores no more, and keeps to the mean of its policies.
    explore_rounds : int
        Most rounds of a day in which it explores; in later ones it keeps to the mean.
    harmonics : int
        Of the day, among what the policy goes by.

    Notes
    -----
    It keeps the mean of its policies rather than the one that earned most: rewards of rounds with different
    signals do not compare. On a final word it does not explore either.
    """

    departs_by = ("population",)
    population: int = count(0, 0, 1000)
    initial_step: float = number(0.02, 1e-4, 1)
    least_step: float = number(0.002, 0, 1)
    explore_rounds: int = count(200, 1, 1_000_000)
    harmonics: int = count(2, 0, 12)
    searches: list[PolicySearch] = field(default_factory=list, init=False, repr=False)
    explored: list[int] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def misfits(cls, params: Mapping[str, object]) -> Iterator[Fault]:
        """Yield a population of one, which has nobody to be compared with, and one without the library."""
        population = params.get("population", 0)
        if population == 1:
            yield Fault("population", population, "must be 0 or a whole number in [2, 1000]")
        elif population != 0 and importlib.util.find_spec("cma") is None:
            yield Fault("population", population, "needs an extra: pip install gridarium[learning]")

    def begin_day(self, agent: Decider, day: int) -> None:
        """Explore again, with what was learnt."""
        self.explored.clear()

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The load of the policy that is on trial, or of what was learnt."""
        if self.population == 0:
            return plan
        follower = planner(agent)
        features = self._features(follower, signal)
        search, explores = self._search(follower, features.shape[1]), self._explores(signal)
        weights = search.candidate if explores else search.centre
        load = follower.plans.nearest(follower.plans.base_mw * (1.0 + features @ weights))
        if explores:
            search.note(_reward(follower, load, signal))
            self.explored.append(signal.round)
        return load

    def _features(self, follower: Chooser, signal: TariffSignal) -> Array:
        step_h = follower.horizon.step_h
        return policy_features(signal, follower.plans.base_mw, step_h, self.harmonics)

    def _search(self, follower: Chooser, n_weight: int) -> PolicySearch:
        if not self.searches:
            random = follower.stream(_STREAM)
            self.searches.append(PolicySearch(n_weight, self.population, self.initial_step, random))
        return self.searches[0]

    def _explores(self, signal: TariffSignal) -> bool:
        has_rounds = len(self.explored) < self.explore_rounds
        return has_rounds and not signal.final and self.searches[0].step > self.least_step


def _reward(follower: Chooser, load_mw: Array, signal: TariffSignal) -> float:
    """Gain over the usual load, as a share of the bill of that."""
    bill = abs(bill_money(follower, follower.plans.base_mw, signal.price_per_mwh))
    return gain_money(follower, load_mw, signal) / bill if bill > 0.0 else 0.0
