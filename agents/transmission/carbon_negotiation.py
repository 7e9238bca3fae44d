"""What a TIES does in the rounds of a negotiation: dispatch for the loads it hears, price carbon, signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import HeardLoads
from gridarium.agents.feeder.acceleration import Heard, ProgressWatch
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.ties_planner import AbatementRule, TiesPlanner
from gridarium.environment.arrays import Array, series
from gridarium.market.carbon_policy import CarbonOffer, CarbonPolicy, Standing
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

Energy = Literal["tou", "marginal"]
"""What energy is sold at: a tariff, or what a further MWh costs the system, its carbon apart."""

CAUTIOUS = 0.4
"""Share of the usual damping that is taken once rounds bring no progress."""


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
        return np.concatenate([(own / max(float(np.abs(scale).max()), 1e-9)).ravel() for own, scale in kinds])

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


class CarbonNegotiation:
    """Leads the followers of a TIES through a day: a `Setter` of tariff signals, answered by load plans.

    Parameters
    ----------
    leader : GridAgent
        Its behaviour perceives loads, and chooses what is posted next.
    today : TiesDay
    planner : TiesPlanner
    pricing : Pricing
    past_tco2 : ndarray, shape (n_follower,), optional
        Emission that each follower answered for on the day before; None on the first.
    share_moved : ndarray, shape (n_follower,)
        By which each has lowered its energy on the day before.

    Notes
    -----
    Procedure D.2. The leader answers loads by a dispatch and a formula: this is a best-response fixed point,
    not a Stackelberg leader's choice.
    """

    def __init__(
        self,
        leader: GridAgent,
        today: TiesDay,
        planner: TiesPlanner,
        pricing: Pricing,
        past_tco2: Array | None,
        share_moved: Array,
    ) -> None:
        self._leader, self._today, self._planner, self._pricing = leader, today, planner, pricing
        self._past, self._share_moved = past_tco2, share_moved
        self._damping = self._full_damping = today.rules.damping
        self._watch = ProgressWatch(self._damping)
        self._posted: Posted
        self._wanted: Posted
        self._scale: Posted
        self._offers: Sequence[CarbonOffer] = ()
        self._round_of_game = 0

    @property
    def is_priced(self) -> bool:
        """Whether followers pay for carbon at all."""
        return self._pricing.policy.is_priced

    # What it posts.

    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The first signals, from the loads known so far."""
        self._round_of_game += 1
        self._damping = self._full_damping
        self._watch = ProgressWatch(self._damping)
        if not self._today.rounds:
            nothing = np.zeros(len(self._today.base_mw))
            self._today.abatement_tco2 = self._today.alone_tco2 = nothing
        self._planner.dispatch(self._today)
        self._posted = self._scale = self._called_for()
        return self._post(round_, self._posted)

    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The signals that the leader picks, knowing those that the answers call for."""
        self._round_of_game += 1
        step = self._posted.towards(self._wanted, self._damping)
        chosen: Array = self._leader.behaviour.choose(
            self._leader, self._as_signal(round_ - 1), step.row(self._scale)
        )
        return self._post(round_, self._posted.of_row(chosen, self._scale))

    @property
    def called_for_per_mwh(self) -> Array:
        """All numbers that the answers call for, in one row, money/MWh."""
        return self._wanted.row(self._scale)

    def _as_signal(self, round_: int) -> TariffSignal:
        """What was posted last as one series, for a behaviour that looks at prices."""
        row = series(self._posted.row(self._scale))
        return TariffSignal(round_, row, series(np.zeros_like(row)), row, day=self._today.number)

    def settle(self, round_: int) -> Mapping[str, TariffSignal] | None:
        """What was posted last stays: the dispatch was made for its answers."""
        return None

    def _post(self, round_: int, posted: Posted) -> Mapping[str, TariffSignal]:
        self._posted, today = posted, self._today
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
            )
            for place, name in enumerate(today.base_mw)
        }
        today.offers = [
            CarbonOffer(signal.factor_tco2_per_mwh, signal.ladder) for signal in today.signals.values()
        ]
        return today.signals

    def _ladder(self, place: int) -> PersonalLadder | None:
        ladder = self._offers[place].ladder
        if ladder is None:
            return None
        return replace(ladder, base_price_per_tco2=series(self._posted.carbon_per_tco2[place]))

    def renewed(self, factor_tco2_per_mwh: Array, first_step: int) -> Mapping[str, TariffSignal]:
        """Signals with carbon prices of a moved day from a step on; those before it stay."""
        today = self._today
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
            name: replace(signal, final=True, first_step=first_step) for name, signal in signals.items()
        }
        return today.signals

    # What it makes of the answers.

    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> CarbonJudgement:
        """Dispatch for the answers, and see which signals they call for."""
        today, before = self._today, self._today.loads
        today.hear(answers)
        self._perceive(round_)
        self._planner.dispatch(today)
        self._share()
        self._wanted = self._called_for()
        heard = Heard(self._posted.relative_to(self._scale), self._wanted.relative_to(self._scale))
        load_change = float(np.abs(today.loads - before).max() / np.abs(before).max())
        stuck = self._is_stuck(heard)
        return CarbonJudgement(
            max(load_change, heard.distance_per_mwh),
            len(silent),
            stuck,
            load_change,
            heard.distance_per_mwh,
            self._damping,
            today.emission_tco2,
            today.plan.cost_money,
        )

    def _perceive(self, round_: int) -> None:
        """Take the loads as the leader's behaviour perceives them."""
        today = self._today
        loads = HeardLoads(round_, dict(today.loads_mw))
        perceived: HeardLoads = self._leader.behaviour.perceive(self._leader, loads)
        today.loads_mw = dict(perceived.load_mw)

    def _is_stuck(self, heard: Heard) -> bool:
        """Whether rounds bring no progress even with cautious steps; the first time they are made so."""
        self._watch.note(heard)
        if not self._watch.stuck:
            return False
        if self._damping == self._full_damping:
            self._damping = CAUTIOUS * self._full_damping
            self._watch = ProgressWatch(self._damping)
            return False
        self._today.cycle_size = float(self._watch.spread_per_mwh.max())
        return True

    def _share(self) -> None:
        """Shapley values of what the answers avoid, where the policy asks for them."""
        if self._pricing.policy.is_personal:
            random = self._leader.stream(f"shapley/{self._today.number}/{self._round_of_game}")
            self._planner.share_abatement(self._today, self._pricing.abatement, random)

    def _called_for(self) -> Posted:
        """Price of energy, carbon factor and carbon price that a dispatch and the policy call for."""
        today = self._today
        factor = today.plan.factor_tco2_per_mwh
        self._offers = self._pricing.policy.at_level(today.level).offers(self._standing(factor))
        nothing = np.zeros(len(factor))
        ladders = [offer.ladder for offer in self._offers]
        return Posted(
            self._energy(),
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
            self._past,
            today.abatement_tco2,
            self._share_moved,
        )

    def _energy(self) -> Array:
        """The tariff; or what a further MWh costs, less the carbon that it is charged for apart (W.1)."""
        if self._pricing.energy == "tou":
            return self._tou
        today, system = self._today, self._planner.system
        own = system.carbon.marginal_per_tco2(today.own_tco2)
        return today.plan.price_per_mwh - own * today.plan.factor_tco2_per_mwh

    @property
    def _tou(self) -> Array:
        return self._today.horizon.of_day(self._pricing.tou_price_per_mwh, self._today.number)
