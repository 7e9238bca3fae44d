"""What a TIES does in the rounds of any negotiation: post energy and carbon prices, hear loads, dispatch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import HeardLoads
from gridarium.agents.correspondence import Listening
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.ties_planner import AbatementRule, TiesPlanner
from gridarium.environment.arrays import Array, Flags, series
from gridarium.environment.errors import SolveError
from gridarium.market.carbon_policy import CarbonOffer, CarbonPolicy, Standing
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import LoadPlan, Pull, TariffSignal

Energy = Literal["tou", "marginal", "marginal-with-carbon"]
"""What energy is sold at: a tariff, or what a further MWh costs the system, its carbon apart or not."""


@dataclass(frozen=True)
class Pricing:
    """By which rules a TIES prices.

    Parameters
    ----------
    policy : CarbonPolicy
    energy : {"tou", "marginal"}
    tou_price_per_mwh : ndarray, shape (n_day * n_step,)
        The tariff, and the reference where energy is sold at the margin.
    abatement : AbatementRule
    collector : str
        Account to which followers pay for their carbon.
    """

    policy: CarbonPolicy
    energy: Energy
    tou_price_per_mwh: Array
    abatement: AbatementRule
    collector: str


@dataclass(frozen=True)
class Before:
    """What prices of a day know of the day before it.

    Parameters
    ----------
    past_tco2 : ndarray, shape (n_follower,), optional
        Emission that each follower answered for; None on the first day.
    share_moved : ndarray, shape (n_follower,)
        By which each has lowered its energy.
    """

    past_tco2: Array | None
    share_moved: Array


@dataclass(frozen=True)
class Posted:
    """All numbers of a round's signals, by follower.

    Parameters
    ----------
    energy_per_mwh : ndarray, shape (n_step,)
    factor_tco2_per_mwh, carbon_per_tco2 : ndarray, shape (n_follower, n_step)
        Carbon factor, and price of the first step; 0 without any.
    """

    energy_per_mwh: Array
    factor_tco2_per_mwh: Array
    carbon_per_tco2: Array

    def relative_to(self, other: Posted) -> Array:
        """All numbers in one row, each kind as a share of the largest of its kind in another round."""
        kinds = zip(self.kinds, other.kinds, strict=True)
        return np.concatenate([(own / _largest(scale)).ravel() for own, scale in kinds])

    def of_shares(self, row: Array, other: Posted) -> Posted:
        """The signals that a row as of `relative_to` stands for."""
        ends = np.cumsum([part.size for part in self.kinds])[:-1]
        parts = zip(np.split(row, ends), self.kinds, other.kinds, strict=True)
        return Posted(*(_largest(scale) * part.reshape(own.shape) for part, own, scale in parts))

    @property
    def kinds(self) -> tuple[Array, Array, Array]:
        """Its arrays."""
        return self.energy_per_mwh, self.factor_tco2_per_mwh, self.carbon_per_tco2

    def row(self, scale: Posted) -> Array:
        """All numbers in one row, money/MWh: factors at the mean carbon price, prices at the mean factor."""
        return np.concatenate([part.ravel() for part in self._in_money(scale, self.kinds)])

    def of_row(self, row: Array, scale: Posted) -> Posted:
        """The signals that a row of the same shape stands for."""
        ends = np.cumsum([part.size for part in self.kinds])[:-1]
        parts = [part.reshape(own.shape) for part, own in zip(np.split(row, ends), self.kinds, strict=True)]
        by_factor, by_price = scale.in_money
        return Posted(parts[0], parts[1] / by_factor, parts[2] / by_price)

    @property
    def in_money(self) -> tuple[float, float]:
        """What a unit of a carbon factor, and of a carbon price, is worth per MWh; 1 where there is none."""
        price, factor = float(self.carbon_per_tco2.mean()), float(self.factor_tco2_per_mwh.mean())
        return (price if price > 0.0 else 1.0), (factor if factor > 0.0 else 1.0)

    @staticmethod
    def _in_money(scale: Posted, kinds: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        by_factor, by_price = scale.in_money
        return kinds[0], by_factor * kinds[1], by_price * kinds[2]

    def towards(self, wanted: Posted, share: float) -> Posted:
        """Part of the way to other signals."""
        return Posted(*(a + share * (b - a) for a, b in zip(self.kinds, wanted.kinds, strict=True)))


def _largest(values: Array) -> float:
    return max(float(np.abs(values).max()), 1e-9)


class TiesNegotiation(ABC):
    """Leads the followers of a TIES through a day: a `Setter` of tariff signals, answered by load plans.

    What is posted next, and when it is at rest, is up to the kind of rounds; so is `listening`, how answers
    are awaited.

    Parameters
    ----------
    leader : GridAgent
        Its behaviour perceives loads, and chooses what is posted next.
    today : TiesDay
    planner : TiesPlanner
    pricing : Pricing
    before : Before
    """

    goes_on = False
    """Whether its first signals go on from the last ones while units stay the same."""

    def __init__(
        self, leader: GridAgent, today: TiesDay, planner: TiesPlanner, pricing: Pricing, before: Before
    ) -> None:
        self._leader, self._today, self._planner, self._pricing = leader, today, planner, pricing
        self._before = before
        self._posted: Posted
        self._wanted: Posted
        self._scale: Posted
        self._green_share: Array
        self._green_posted: Array
        self._offers: Sequence[CarbonOffer] = ()
        self._pulls: Mapping[str, Pull] = {}
        self.listening: Listening | None = None
        self._round_of_game = 0
        self._orders_seed = int(leader.stream("shapley").integers(2**32))

    @property
    def called_for_per_mwh(self) -> Array:
        """All numbers that the answers call for, in one row, money/MWh."""
        return self._wanted.row(self._scale)

    @property
    def is_priced(self) -> bool:
        """Whether followers pay for carbon at all."""
        return self._pricing.policy.is_priced

    # What it posts.

    @abstractmethod
    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The first signals of a negotiation, from the loads known so far."""

    @abstractmethod
    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The signals that the leader picks, knowing those that the answers call for."""

    def settle(self, round_: int) -> Mapping[str, TariffSignal] | None:
        """What was posted last stays: the dispatch was made for its answers."""
        return None

    def conclude(self) -> None:  # noqa: B027 - most rounds leave nothing to conclude
        """See to it that the loads heard last are supplied, when all negotiations of the day are over.

        Raises
        ------
        InfeasibleError
            If no flow within all limits supplies them.
        """

    def cost_to_all_money(self) -> float | None:
        """What the loads heard last cost everybody, money per day; None where they cannot be supplied.

        Raises
        ------
        SolveError
            If a follower has not told what its plan costs it.
        """
        raise SolveError(f"agent {self._leader.name}: followers tell what plans cost in exchange rounds only")

    def proposals(self) -> Iterator[Flags]:
        """Commitments that may be better for the loads heard, the likeliest first."""
        yield from ()

    @abstractmethod
    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> CarbonJudgement:
        """Dispatch for the answers, and see which signals they call for."""

    def _post(self, round_: int, posted: Posted) -> Mapping[str, TariffSignal]:
        self._posted, today = posted, self._today
        self._green_posted = self._green_share
        reference = self._tou
        today.signals = {
            name: TariffSignal(
                round_,
                series(posted.energy_per_mwh),
                series(posted.factor_tco2_per_mwh[place]),
                reference,
                day=today.number,
                ladder=self._ladder(place),
                carbon_collector=self._pricing.collector,
                pull=self._pulls.get(name),
                green_share=series(self._green_posted),
            )
            for place, name in enumerate(today.base_mw)
        }
        return today.signals

    def _ladder(self, place: int) -> PersonalLadder | None:
        ladder = self._offers[place].ladder
        if ladder is None:
            return None
        return replace(ladder, base_price_per_tco2=series(self._posted.carbon_per_tco2[place]))

    def renewed(
        self, factor_tco2_per_mwh: Array, green_share: Array, first_step: int, hearers: Collection[str]
    ) -> Mapping[str, TariffSignal]:
        """Signals with carbon prices of a moved day from a step on; those before it, and of others, stay."""
        self._green_share = np.concatenate([self._green_posted[:first_step], green_share[first_step:]])
        today, before = self._today, self._today.signals
        offers = self._pricing.policy.at_level(today.level).offers(self._standing(factor_tco2_per_mwh))
        self._offers = offers
        factor, carbon = self._posted.factor_tco2_per_mwh.copy(), self._posted.carbon_per_tco2.copy()
        for place, offer in enumerate(offers):
            factor[place, first_step:] = offer.factor_tco2_per_mwh[first_step:]
            if offer.ladder is not None:
                carbon[place, first_step:] = offer.ladder.base_price_per_tco2[first_step:]
        last = max(signal.round for signal in today.signals.values())
        signals = self._post(last + 1, Posted(self._posted.energy_per_mwh, factor, carbon))
        today.signals = {
            name: replace(signal, final=True, first_step=first_step) if name in hearers else before[name]
            for name, signal in signals.items()
        }
        return today.signals

    def _chosen(self, round_: int, step: Posted) -> Posted:
        """What the leader's behaviour makes of a step from what was posted last, in a round."""
        row: Array = self._leader.behaviour.choose(
            self._leader, self._as_signal(round_ - 1), step.row(self._scale)
        )
        return self._posted.of_row(row, self._scale)

    def _as_signal(self, round_: int) -> TariffSignal:
        """What was posted last as one series, for a behaviour that looks at prices."""
        row = series(self._posted.row(self._scale))
        return TariffSignal(round_, row, series(np.zeros_like(row)), row, day=self._today.number)

    def _begin(self) -> None:
        """Count a round of the game; nobody has avoided anything before the first one of a day."""
        self._round_of_game += 1
        if not self._today.rounds:
            nothing = np.zeros(len(self._today.base_mw))
            self._today.abatement_tco2 = self._today.alone_tco2 = nothing

    # What it makes of the answers.

    def _hear(self, round_: int, answers: Mapping[str, LoadPlan]) -> None:
        """Take the answers, and the loads as the leader's behaviour perceives them."""
        today = self._today
        today.hear(answers)
        loads = HeardLoads(round_, dict(today.loads_mw))
        perceived: HeardLoads = self._leader.behaviour.perceive(self._leader, loads)
        today.loads_mw = dict(perceived.load_mw)

    def _share(self) -> None:
        """Shapley values of what the answers avoid, where the policy asks for them."""
        if self._pricing.policy.is_personal:
            # The same orders in all rounds: else their noise would keep prices from coming to rest.
            random = np.random.default_rng(self._orders_seed)
            self._planner.share_abatement(self._today, self._pricing.abatement, random)

    def _priced(self, energy_per_mwh: Array, factor_tco2_per_mwh: Array, green_share: Array) -> Posted:
        """A price of energy with the carbon factors and prices that the policy calls for."""
        self._green_share = green_share
        policy, standing = (
            self._pricing.policy.at_level(self._today.level),
            self._standing(factor_tco2_per_mwh),
        )
        self._offers = policy.offers(standing)
        self._today.priced_by, self._today.called_for = standing, self._offers
        nothing = np.zeros(len(factor_tco2_per_mwh))
        ladders = [offer.ladder for offer in self._offers]
        return Posted(
            energy_per_mwh,
            np.array([offer.factor_tco2_per_mwh for offer in self._offers]),
            np.array([nothing if ladder is None else ladder.base_price_per_tco2 for ladder in ladders]),
        )

    def _standing(self, factor_tco2_per_mwh: Array) -> Standing:
        """What carbon is priced by."""
        today, policy = self._today, self._pricing.policy
        marginal = self._planner.marginal_factor(today) if policy.is_marginal else factor_tco2_per_mwh
        return Standing(
            today.base,
            today.loads,
            factor_tco2_per_mwh,
            marginal,
            self._round_of_game,
            self._before.past_tco2,
            today.abatement_tco2,
            self._before.share_moved,
            today.horizon.step_h,
        )

    @property
    def _tou(self) -> Array:
        return self._today.horizon.of_day(self._pricing.tou_price_per_mwh, self._today.number)
