"""A prosumer as buyer: answers offers minute by minute within a period, and reads its meters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gridarium.agents.base import Listener, on
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.purchases import Purchases
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.trading import Answer, Purchase
from gridarium.environment.clock import MINUTE_S
from gridarium.environment.private_lines import LineFlow
from gridarium.market.messages.leasing import Accept, Counter, PriceOffer
from gridarium.market.residual import residual
from gridarium.market.utility import Utility

_ROUNDING_MONEY = 1e-9


class Buyer(Listener):
    """The buyer's part in the bargaining of each minute.

    - `open`: when a period starts
    - `read_meter`: when energy arrives
    - `received_mwh`, `paid_money`, `trust_money`: in the running period

    Parameters
    ----------
    means : Means
    utility : Utility
        Value of energy bought within a minute.
    reputations : Reputations
        Of its sellers; it judges them by what arrives.
    choose : callable
        Which answer it picks, given the offer and the best one.
    """

    def __init__(
        self, means: Means, utility: Utility, reputations: Reputations, choose: Callable[[Any, Any], Any]
    ) -> None:
        self._clock, self._manner = means.clock, means.manner
        self._utility, self._reputations, self._choose = utility, reputations, choose
        self.received_mwh = self.paid_money = self.trust_money = 0.0
        self._held: Mapping[str, Purchase] | None = None
        self._needs: Sequence[float] = ()
        self._start_s = self._minute_s = -1.0
        self._room_mwh = self._taken_mwh = 0.0
        self._answers: dict[str, Answer] = {}

    def open(self, purchases: Purchases | None, needs_mwh: Sequence[float]) -> None:
        """Start to buy what a period that starts now has brought; `needs_mwh` is what is really needed."""
        self._held = purchases.held if purchases is not None else None
        self.received_mwh = self.paid_money = self.trust_money = 0.0
        self._needs, self._start_s = needs_mwh, self._clock.now_s
        self._answers = {}

    @on(PriceOffer)
    def answer_offer(self, offer: PriceOffer, seller: str) -> Answer | None:
        """Answer an offer of the running minute; one that was answered gets the same answer again."""
        if self._held is None or not self._in_minute(offer.minute_s):
            return None
        last = self._answers.get(seller)
        if last is not None and (last.round >= offer.round or isinstance(last, Accept)):
            return last if last.round == offer.round else None
        room = self._room_mwh - self._taken_mwh
        best = self._manner.answer(
            seller,
            offer,
            self._held.get(seller),
            lambda: self._reputations.worth(self._utility, seller, self._taken_mwh),
            room,
            last,
        )
        if isinstance(best, Accept) and self._is_loss(best, seller):
            best = Counter(offer.minute_s, offer.round, offer.price_per_mwh, 0.0)
        answer: Answer = self._choose(offer, best)
        if isinstance(answer, Accept):
            self._taken_mwh += answer.volume_mwh
        self._answers[seller] = answer
        return answer

    def read_meter(self, seller: str, flow: LineFlow) -> None:
        """Read what arrived in the past minute and judge the seller by it; an outage is not its fault."""
        self.received_mwh += flow.delivered_mwh
        answer = self._answers.get(seller)
        if isinstance(answer, Accept) and flow.delivered_mwh > 0.0:
            self.paid_money += answer.price_per_mwh * flow.delivered_mwh
            self.trust_money += self._reputations.preference(seller)
        if answer is not None and flow.open_share > 0.0:
            self._reputations.judge(seller, flow.delivered_mwh, answer.volume_mwh * flow.open_share)

    def _is_loss(self, accept: Accept, seller: str) -> bool:
        """Whether energy costs more than it is worth after what others bring in the minute.

        A price that both sides work out from declarations rests on what the buyer had from others when it
        declared; the last word of that may be lost, and two sellers each take the other's part for open.
        """
        worth_money = residual(self._utility, self._taken_mwh).value(accept.volume_mwh)
        worth_money += self._reputations.preference(seller)
        return accept.price_per_mwh * accept.volume_mwh > worth_money + _ROUNDING_MONEY

    def _in_minute(self, minute_s: float) -> bool:
        """Whether a minute runs now; the first offer of a minute starts a clean sheet."""
        if minute_s == self._minute_s:
            return True
        number = round((minute_s - self._start_s) / MINUTE_S)
        if not minute_s <= self._clock.now_s < minute_s + MINUTE_S or not 0 <= number < len(self._needs):
            return False
        self._minute_s, self._answers = minute_s, {}
        self._room_mwh, self._taken_mwh = self._needs[number], 0.0
        return True
