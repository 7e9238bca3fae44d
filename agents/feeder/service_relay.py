"""A DSO's side of services on its feeder: what it passes on, and what the system above owes for them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gridarium.agents.base import Listener, on
from gridarium.agents.devices.commanded import Commands
from gridarium.agents.feeder.contract import ServiceTerms
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.service_limits import ServiceLimits
from gridarium.agents.following import HeadCustomer
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.market.accounts import POOL_CALL, REPLICAS
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.leasing import Nomination, PoolCall, PoolOffer
from gridarium.market.messages.services import ServiceCall, ServiceRequest, ServiceStatus
from gridarium.market.messages.status import StatusRequest, StorageStatus
from gridarium.market.settlement import ServiceAccount, settle_services

ANSWER_TIMEOUT_S = 20.0
"""How long the provider is asked for its state, s; the caller hears nothing if it stays silent."""
RESEND_S = 1.0
"""How long provider and desk go without a receipt until they are told again, s."""


class ServiceRelay(Listener):
    """Passes calls on from the system above, each replica its part, and what can be called for back up.

    - `deviation_mw`: by how much prosumers will draw more than planned, as they have nominated
    - `settle`: bill a period to the caller
    - `rows`: what was called, passed on, delivered and billed

    Parameters
    ----------
    operator : HeadCustomer
        Who asks, and is paid; it has paid provider and sellers by then.
    days : sequence of DsoDay
        What it has planned.
    planner : DayPlanner
    terms : ServiceTerms

    Notes
    -----
    E18, E26. The operator gains and loses nothing by it: the caller owes what the provider gets for wear and
    energy, and sellers for a call, less the price that the energy would have had at the head. Trade in the
    pool changes what prosumers draw from the operator, called for or not; that is its own business, as is
    the carbon of the head.
    """

    def __init__(
        self, operator: HeadCustomer, days: Sequence[DsoDay], planner: DayPlanner, terms: ServiceTerms
    ) -> None:
        self._operator, self._horizon, self._terms = operator, operator.horizon, terms
        self._days, self._limits = days, ServiceLimits(planner, terms.bus)
        self._world, self._replicas = operator.world, operator.grid.replicas
        self._commands, self._caller = Commands(self._horizon), ""
        self._offers: dict[int, dict[str, Nomination | PoolOffer]] = {}
        n_period = self._horizon.n_period
        self._charge_mw, self._discharge_mw, self._withheld_mw, self._price_per_mwh = np.zeros((4, n_period))
        self._pool_mw, self._told_mw = np.full((2, n_period), np.nan)
        self._billed_money = np.zeros((3, n_period))
        self._read = 0

    @classmethod
    def at(
        cls,
        operator: HeadCustomer,
        days: Sequence[DsoDay],
        planner: DayPlanner,
        terms: ServiceTerms | None,
    ) -> ServiceRelay | None:
        """The relay that an operator mounts; None where there is nothing to pass on."""
        if terms is None:
            return None
        relay = cls(operator, days, planner, terms)
        operator.mount(relay)
        return relay

    # What it hears on the feeder.

    @on(PoolOffer)
    def take_pool_offer(self, offer: PoolOffer, sender: str) -> None:
        """Keep what the desk expects of the pool."""
        self._keep(offer, sender)

    @on(Nomination)
    def take_nomination(self, nomination: Nomination, sender: str) -> Receipt:
        """Keep what a prosumer will have or need, where there is no desk."""
        self._keep(nomination, sender)
        return Receipt()

    def _keep(self, told: Nomination | PoolOffer, sender: str) -> None:
        offers = self._offers.setdefault(told.period, {})
        offers[sender] = told
        self._told_mw[told.period] = sum(offers[name].deficit_mw for name in sorted(offers))

    def deviation_mw(self, period: int, day: DsoDay) -> float:
        """By how much those who have told what they lack will draw more than planned before any trade, MW.

        A desk tells the sum of all; without one, who has told nothing is taken to keep to the plan.
        """
        offers, (_, step) = self._offers.get(period, {}), self._horizon.place(period)
        if not offers:
            return 0.0
        told_all = self._terms.desk in offers
        planned = (mw[step] for name, mw in day.served_mw.items() if told_all or name in offers)
        return float(self._told_mw[period] - sum(planned))

    # What the system above asks and says.

    @on(ServiceRequest)
    def find_out(self, request: ServiceRequest, sender: str) -> None:
        """Ask the provider, and tell then what can be called for."""
        self._world.clock.process(self._answer(request.period, self._operator.asked))

    def _answer(self, period: int, asked: Asked) -> Generator[Any, Any, None]:
        status, provider = StorageStatus(period, 0.0, 0.0, 0.0), self._terms.provider
        if provider is not None:
            question = self._operator.ask({provider: StatusRequest(period)}, ANSWER_TIMEOUT_S, RESEND_S)
            if (yield from question.answered()):
                return
            status = question.replies[provider]
        offer = self._offers.get(period, {}).get(self._terms.desk or "")
        expected = offer.expected_mw if isinstance(offer, PoolOffer) else 0.0
        surplus, deficit = (offer.surplus_mw, offer.deficit_mw) if offer else (0.0, 0.0)
        values = (status.e_mwh, status.charge_mw, status.discharge_mw, surplus, deficit, expected)
        told = ServiceStatus(period, *(self._replicas * value for value in values))
        self._operator.reply(asked, told)

    @on(ServiceCall)
    def take_call(self, call: ServiceCall, sender: str) -> Receipt:
        """Tell provider and desk of one replica its part; they are told again until the period begins.

        What the grid does not carry with what was planned is withheld.
        """
        if (ahead := self._commands.take(call)) is not None:
            self._caller, part = sender, 1.0 / self._replicas
            orders: dict[str, Any] = {}
            if self._terms.provider is not None:
                carried = part * self._carried(ahead, part * (call.charge_mw - call.discharge_mw))
                charge, discharge = series(carried * call.charge_mw), series(carried * call.discharge_mw)
                price = series(call.price_per_mwh)
                orders[self._terms.provider] = StorageCommand(
                    call.issue, call.period, charge, discharge, price_per_mwh=price
                )
            if self._terms.desk is not None:
                change = self._pool_mw[call.period] = part * call.pool_change_mw
                orders[self._terms.desk] = PoolCall(call.period, float(change), call.pool_fee_per_mwh)
            self._world.clock.process(self._pass_on(call.period, ahead, orders))
        return Receipt()

    def _carried(self, ahead: slice, drawn_mw: Array) -> Array:
        """Share of what one storage is called to draw that the grid carries, in each period ahead."""
        places = [self._horizon.place(period) for period in range(ahead.start, ahead.stop)]
        steps = np.array([step for _, step in places])
        shares = self._limits.shares(self._days[places[0][0]], steps, drawn_mw)
        self._withheld_mw[ahead] = (1.0 - shares) * np.abs(drawn_mw)
        return shares

    def _pass_on(self, period: int, ahead: slice, orders: Mapping[str, Any]) -> Generator[Any, Any, None]:
        """Send orders; the price counts from when the provider has them."""
        clock = self._world.clock
        begins_s = self._world.delivery_s + period * clock.period_s
        question = self._operator.ask(orders, max(RESEND_S, begins_s - clock.now_s), RESEND_S)
        yield from question.answered()
        provider = self._terms.provider or ""
        if provider in question.replies:
            told: StorageCommand = orders[provider]
            self._charge_mw[ahead], self._discharge_mw[ahead] = told.charge_mw, told.discharge_mw
            self._price_per_mwh[ahead] = told.price_per_mwh

    # What it settles.

    def settle(self, period: int, import_per_mwh: float, export_per_mwh: float) -> None:
        """Bill to the caller what the operator has paid for services in a period.

        Parameters
        ----------
        period : int
        import_per_mwh, export_per_mwh : float
            What energy costs, and brings, at the head.
        """
        ledger, hours, wear, energy = self._world.ledger, self._world.period_h, 0.0, 0.0
        charged, discharged = (self._metered_mw(side)[period] * hours for side in ("charge", "discharge"))
        storage = self._terms.storage
        if storage is not None:
            moved = charged * storage.efficiency_charge + discharged / storage.efficiency_discharge
            wear = self._terms.compensation_per_mwh * moved
            # What passed the head would have been more by what was given, less by what was taken.
            passed = self._operator.grid.states[period].exchange_mw * hours
            without = passed + discharged - charged
            saved = _worth(without, import_per_mwh, export_per_mwh)
            saved -= _worth(passed, import_per_mwh, export_per_mwh)
            energy = float(self._price_per_mwh[period]) * (discharged - charged) - saved
        called = ledger.paid(self._operator.name, POOL_CALL, self._read)
        self._read = len(ledger)
        self._billed_money[:, period] = wear, energy, called
        account = ServiceAccount(
            time_s=self._world.clock.now_s,
            period=period,
            caller=self._caller,
            operator=self._operator.name,
            replicas_account=self._operator.grid.named(REPLICAS),
            replicas=self._replicas,
            wear_money=wear,
            energy_money=energy,
            call_money=called,
        )
        settle_services(ledger, account)

    def _metered_mw(self, side: str) -> Array:
        """What the provider has charged or discharged in each period, MW; zeros without one."""
        meters = self._world.meters if side == "charge" else self._world.feed_in_meters
        return meters.get(self._terms.provider or "", np.zeros(self._horizon.n_period))

    # What it tells.

    def rows(self) -> Iterator[Rows]:
        """What was passed on to one replica, what its meters show, and what one replica is owed."""
        wear, energy, called = self._billed_money
        columns = {
            "charge_called_mw": self._charge_mw,
            "discharge_called_mw": self._discharge_mw,
            "withheld_mw": self._withheld_mw,
            "p_charge_mw": self._metered_mw("charge"),
            "p_discharge_mw": self._metered_mw("discharge"),
            "price_per_mwh": self._price_per_mwh,
            "pool_called_mw": self._pool_mw,
            "deficit_told_mw": self._told_mw,
            "wear_money": wear,
            "energy_money": energy,
            "call_money": called,
        }
        yield Rows("relayed_services", columns)


def _worth(passed_mwh: float, import_per_mwh: float, export_per_mwh: float) -> float:
    """What energy through the head costs, money; negative where it brings something."""
    return import_per_mwh * max(0.0, passed_mwh) - export_per_mwh * max(0.0, -passed_mwh)
