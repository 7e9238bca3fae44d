"""Who stands above or below a grid that runs alone: they say again what they have said in another run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridarium.agents.base import GridAgent
from gridarium.agents.following import HeadCustomer
from gridarium.agents.letters import Letter
from gridarium.agents.questions import Asked
from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.links import Envelope
from gridarium.market.accounts import REPLICAS
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.settlement import ServiceAccount, settle_services

_RESEND_S = 15.0


class RecordedSupplier(GridAgent):
    """Says to the operator of a grid below what its supplier has said in another run, when that said it.

    It waits for answers where that did; what they are changes nothing any more.

    Parameters
    ----------
    site : Site
        On the grid above.
    name : str
    customer : str
        Operator of the grid below.
    letters : sequence of Letter
        Of the other run.
    """

    kind = "recorded_supplier"

    def __init__(self, site: Site, name: str, customer: str, letters: Sequence[Letter]) -> None:
        super().__init__(site, name)
        self._customer = customer
        self._letters = sorted(letters, key=lambda one: one.sent_s)

    def process(self) -> Generator[Any, Any, None]:
        """Say one thing after the other, and what came after an answer only when it is answered again."""
        clock, asked = self.world.clock, dict[int, Any]()
        for letter in self._letters:
            if letter.is_answer:
                if letter.number in asked:
                    yield asked[letter.number]
                continue
            if letter.sent_s > clock.now_s:
                yield clock.wait_until(letter.sent_s)
            if letter.number < 0:
                self.send(self._customer, letter.message)
                continue
            left_s = max(
                _RESEND_S, self.world.delivery_s + self.world.n_period * clock.period_s - clock.now_s
            )
            question = self.ask({self._customer: letter.message}, left_s, _RESEND_S)
            asked[letter.number] = clock.process(question.answered())


@dataclass(frozen=True)
class OperatorRecord:
    """What the operator of a grid below has said and taken in another run; arrays of shape (n_period,).

    Parameters
    ----------
    letters : sequence of Letter
    metered_mw : ndarray
        Through the head of one of its equal grids; negative where fed back.
    factor_tco2_per_mwh : ndarray
        Carbon factor of what was fed back.
    services_money : mapping of str to ndarray
        What one of them has billed for services: "wear", "energy", "call".
    """

    letters: Sequence[Letter]
    metered_mw: Array
    factor_tco2_per_mwh: Array
    services_money: Mapping[str, Array]


class RecordedOperator(HeadCustomer):
    """Answers its supplier, word for word, what an operator has answered in another run, and pays for itself.

    Questions are known by their kind and place among those of it; each is answered after the time that the
    answer took.

    Parameters
    ----------
    site : Site
        At the head of a grid without anything else.
    name : str
    supplier : str
    record : OperatorRecord
    horizon : Horizon
    """

    kind = "recorded_operator"

    def __init__(
        self, site: Site, name: str, supplier: str, record: OperatorRecord, horizon: Horizon
    ) -> None:
        super().__init__(site, name, supplier, horizon=horizon)
        self._site, self._record = site, record
        answers = {one.number: one for one in record.letters if one.is_answer and one.number >= 0}
        self._asked_before: dict[tuple[type, int], tuple[Letter, Letter | None]] = {}
        count: Counter[type] = Counter()
        for one in record.letters:
            if not one.is_answer:
                kind = type(one.message)
                self._asked_before[kind, count[kind]] = one, answers.get(one.number)
                count[kind] += 1
        self._seen: dict[int, tuple[Letter, Letter | None]] = {}
        self._count: Counter[type] = Counter()
        self._terms: dict[int, TariffSignal] = {}

    def _receive(self, envelope: Envelope) -> None:
        """Answer as it was answered.

        Raises
        ------
        MessageError
            If nothing like it was asked.
        """
        if isinstance(envelope.payload, TariffSignal):
            self._terms[envelope.payload.day] = envelope.payload
        seen = self._seen.get(envelope.question or 0)
        question, answer = seen or self._next(type(envelope.payload))
        if envelope.question is not None:
            self._seen[envelope.question] = question, answer
        if answer is not None:
            later_s = answer.sent_s - question.sent_s
            asked_by = Asked(envelope.sender, envelope.question)
            self.world.clock.process(self._answer(asked_by, answer, later_s))

    def _next(self, kind: type) -> tuple[Letter, Letter | None]:
        place = kind, self._count[kind]
        if place not in self._asked_before:
            asked = f"{kind.__name__} number {place[1] + 1}"
            raise MessageError(f"agent {self.name}: was not asked {asked} in the run that it repeats")
        self._count[kind] += 1
        return self._asked_before[place]

    def _answer(self, asked: Asked, answer: Letter, later_s: float) -> Generator[Any, Any, None]:
        if later_s > 0.0:
            yield self.world.clock.timeout(later_s)
        self.reply(asked, answer.message)

    def operate(self, period: int) -> None:
        """Draw or feed back what was metered."""
        taken = float(self._record.metered_mw[period])
        self._site.draw(self.name, max(0.0, taken))
        factor = float(self._record.factor_tco2_per_mwh[period])
        self._site.supply(self.name, max(0.0, -taken), 0.0, factor)

    def settle(self, period: int) -> None:
        """Pay for it as told, and bill the services that were billed."""
        self.pay_head(period, self.grid.states[period].exchange_mw)
        billed = {
            f"{name}_money": float(money[period]) for name, money in self._record.services_money.items()
        }
        if billed:
            account = ServiceAccount(
                time_s=self.world.clock.now_s,
                period=period,
                caller=self.supplier,
                operator=self.name,
                replicas_account=self.grid.named(REPLICAS),
                replicas=self.grid.replicas,
                **billed,
            )
            settle_services(self.world.ledger, account)

    def head_forecast_mw(self, day: int) -> Array | None:
        """Nothing of its own: what was told is told again."""
        return None

    def terms_of_day(self, day: int) -> TariffSignal:
        """The last signal that it has heard."""
        return self._terms[day]

    def head_plan_mw(self, day: int) -> Array:
        """What has come: it plans nothing."""
        step = self.world.n_period // (self.horizon.n_day * self.horizon.n_step)
        by_step = self._record.metered_mw.reshape(-1, step).mean(axis=1)
        return self.horizon.of_day(by_step, day)
