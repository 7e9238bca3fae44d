"""How an operator gets from plans of virtual power plants to nodal carbon prices: one plant in a round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gridarium.agents.distribution.contract import OperatorContract
from gridarium.agents.distribution.operator_day import CleannessJudgement, OperatorDay
from gridarium.agents.feeder.acceleration import Heard, ProgressWatch
from gridarium.environment.arrays import Array, series
from gridarium.market.cleanness import carbon_potential_tco2_per_mwh
from gridarium.market.messages.cleanness import CleannessSignal, RegionPlans, RegionTerms


class CleannessSetter:
    """Asks one plant in each round, and the next one in the next.

    A plant that knows how it lowers the nodal price is told what others discharge, and its best response to
    that does not depend on the price posted: this is at once the one that all answers call for. For plants
    that take the price as it is, the posted one goes only a part of the way.

    Parameters
    ----------
    contract : OperatorContract
    today : OperatorDay
        Takes what is answered.
    damping : float
        That part, in (0, 1].

    Notes
    -----
    Sequential best responses. The answers rest once no plant would hear, if it were asked again, another
    price than the one it has answered: with one plant in the second round, or the first where its discharge
    moves no price. Where turns bring no progress they have gone round, and that is the end of them.
    """

    def __init__(self, contract: OperatorContract, today: OperatorDay, damping: float) -> None:
        self._contract, self._today = contract, today
        self._names = tuple(contract.plants)
        self._damped = any(plant.takes_prices for plant in contract.plants.values())
        self._damping, self._turn = (damping if self._damped else 1.0), 0
        self._posted = self._sent = today.called_for_per_mwh
        self._answered: dict[str, Array] = {}
        self._turn_began, self._watch = self._posted, ProgressWatch(self._damping)

    def first(self, round_: int) -> Mapping[str, CleannessSignal]:
        """Terms for the first plant."""
        return self._signals(self._names[:1], round_)

    def judge(
        self,
        round_: int,
        answers: Mapping[str, RegionPlans],
        silent: frozenset[str],
        closing: bool,
    ) -> CleannessJudgement:
        """Let the answers count that can be; of who is silent the last one goes on to count."""
        before = {name: self._today.drawn_mw(name) for name in answers}
        refused = 0
        for name, answer in answers.items():
            if self._today.take(name, answer):
                refused += 1
            else:
                self._answered[name] = self._sent
        changes = [np.abs(self._today.drawn_mw(name) - before[name]).max() for name in answers]
        called, unheard = self._today.called_for_per_mwh, len(self._names) - len(self._answered)
        distance = max((self._moved(name, called) for name in self._answered), default=0.0)
        if not closing:
            if not unheard and self._turn == len(self._names) - 1:
                self._watch.note(Heard(self._turn_began, called))
            self._posted = self._posted + self._damping * (called - self._posted)
        change = float(max(changes, default=0.0))
        return CleannessJudgement(distance, unheard, self._watch.stuck, change, refused)

    def revise(self, round_: int) -> Mapping[str, CleannessSignal]:
        """Terms for the next plant."""
        self._turn = (self._turn + 1) % len(self._names)
        if self._turn == 0:
            self._turn_began = self._posted
        return self._signals((self._names[self._turn],), round_)

    def settle(self, round_: int) -> Mapping[str, CleannessSignal] | None:
        """Final terms for all: at the price that the answers call for.

        With plants that take the price as it is, at the posted one whose answers called for the least change,
        so that they answer it as before. Until the supplier's own terms are final, nothing is.
        """
        if not self._today.terms.final:
            return None
        self._posted = self._today.called_for_per_mwh
        if self._damped and self._watch.best is not None:
            self._posted = self._watch.best.posted
        self._today.final_price_per_mwh = self._posted
        return self._signals(self._names, round_, final=True)

    def _moved(self, name: str, called_per_mwh: Array) -> float:
        """How far the price called for is from the one that a plant has answered, in the steps it knows."""
        n_step = self._today.n_step(name)
        return float(np.abs(called_per_mwh - self._answered[name])[:, :n_step].max())

    def _signals(self, names: Iterable[str], round_: int, final: bool = False) -> dict[str, CleannessSignal]:
        self._sent = self._posted
        return {name: self._signal(name, round_, final) for name in names}

    def _signal(self, name: str, round_: int, final: bool) -> CleannessSignal:
        today, share, n_step = self._today, self._contract.plants[name].load_share, self._today.n_step(name)
        known, green = today.outlook, today.green_mw
        potential = carbon_potential_tco2_per_mwh(known.initial_tco2_per_mwh, known.load_mw, green)
        foreign = today.foreign_mw(name)

        def told(values: Array) -> Array:
            return series(values[:n_step])

        regions = tuple(
            RegionTerms(
                region.name,
                told(share * known.load_mw[row]),
                told(known.buy_price_per_mwh[row]),
                told(known.sell_price_per_mwh[row]),
                told(known.initial_price_per_mwh),
                told(self._posted[row]),
                told(potential[row]),
                told((1.0 - share) * known.load_mw[row]),
                told(foreign[row]),
                today.pulls.get((name, region.name)),
            )
            for row, region in enumerate(self._contract.regions)
        )
        return CleannessSignal(
            round_, today.number, regions, told(known.green_share), self._contract.pricing, final
        )
