"""Certificates that an operator is handed for green discharge: checked, cancelled, and paid once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.distribution.contract import OperatorContract
from gridarium.environment.arrays import Array
from gridarium.environment.errors import LedgerError
from gridarium.market.certificate_book import SMALLEST_MWH, Certificate
from gridarium.market.green_certificates import certificates_of
from gridarium.market.messages.cleanness import GreenDelivery
from gridarium.market.messages.commands import Receipt
from gridarium.market.pool_settlement import settle_cleanness


class GreenDeliveries(Listener):
    """Takes certificates of each period until its day is closed; a part that the operator mounts.

    - `has_delivered`, `arrival`: whether all plants have, for a period, and when the next delivery comes
    - `close`: take no more of some periods
    - `cancelled_mwh`, `paid_money`: by plant, of shape (n_region, n_period)

    What is paid for is green energy that was used in its region: certificates that the operator holds, of a
    storage of the plant in that region, over no more than its meter has counted, and of all plants together
    no more than the load. The first delivery of a plant and period counts; what is in it and cannot be paid
    for is recorded.

    Parameters
    ----------
    operator : GridAgent
    contract : OperatorContract
    price_per_mwh : callable
        Nodal carbon price of a region, by its place in the contract, in a settlement period, as posted last.
    """

    def __init__(
        self, operator: GridAgent, contract: OperatorContract, price_per_mwh: Callable[[int, int], float]
    ) -> None:
        self._operator, self._contract, self._price_per_mwh = operator, contract, price_per_mwh
        self._world = world = operator.world
        self._certificates = certificates_of(world)
        self._row = {region.name: row for row, region in enumerate(contract.regions)}
        shape = (len(contract.regions), world.n_period)
        self.cancelled_mwh = {name: np.zeros(shape) for name in contract.plants}
        self.paid_money = {name: np.zeros(shape) for name in contract.plants}
        self._heard: set[tuple[str, int]] = set()
        self._recorded: set[tuple[str, str]] = set()
        self._first_open = 0
        self.arrival = world.clock.env.event()

    def has_delivered(self, period: int) -> bool:
        """Whether each plant has handed over what it has of a period."""
        return all((name, period) in self._heard for name in self._contract.plants)

    def close(self, periods: slice) -> None:
        """Take no more of these periods and of those before them."""
        self._first_open = max(self._first_open, periods.stop)

    def total_mwh(self) -> Array:
        """Energy of all certificates that were cancelled, shape (n_region, n_period)."""
        shape = (len(self._row), self._world.n_period)
        return np.asarray(np.sum([np.zeros(shape), *self.cancelled_mwh.values()], axis=0))

    @on(GreenDelivery)
    def take(self, delivery: GreenDelivery, sender: str) -> Receipt:
        """Cancel and pay for the certificates of a delivery that count; a copy of it changes nothing."""
        period, fault = delivery.period, ""
        if (sender, period) in self._heard:
            return Receipt()
        if sender not in self._contract.plants:
            fault = "comes from no plant of this feeder"
        elif not 0 <= period < self._world.periods_done:
            fault = "comes before the period has been metered"
        elif period < self._first_open:
            fault = "comes after the day has been closed"
        if fault:
            if delivery.certificates:
                self._record(sender, None, f"delivery of period {period}: {fault}")
            return Receipt()
        self._heard.add((sender, period))
        arrived, self.arrival = self.arrival, self._world.clock.env.event()
        arrived.succeed()
        for region, number in delivery.certificates:
            self._take_one(sender, period, region, number)
        return Receipt()

    def _take_one(self, plant: str, period: int, region: str, number: int) -> None:
        try:
            certificate = self._certificates.certificate(number)
        except LedgerError as error:
            self._record(plant, period, str(error))
            return
        held = self._certificates.held_mwh(number, self._operator.name)
        if fault := self._fault(certificate, plant, period, region, held):
            self._record(plant, period, f"certificate {number}: {fault}")
            return
        row, world = self._row[region], self._world
        load_mwh = float(world.meters[self._contract.regions[row].load][period]) * world.period_h
        used_mwh = min(held, load_mwh - sum(float(used[row, period]) for used in self.cancelled_mwh.values()))
        if used_mwh < SMALLEST_MWH:
            return
        now_s, money = world.clock.now_s, self._price_per_mwh(row, period) * used_mwh
        self._certificates.cancel(now_s, number, self._operator.name, used_mwh)
        self.cancelled_mwh[plant][row, period] += used_mwh
        self.paid_money[plant][row, period] += money
        settle_cleanness(world.ledger, now_s, period, self._operator.name, plant, money)

    def _fault(self, certificate: Certificate, plant: str, period: int, region: str, held_mwh: float) -> str:
        """Why a certificate does not count; empty if it does."""
        storage = self._contract.plants[plant].storages.get(certificate.storage)
        if storage is None:
            return f"{certificate.storage} is no storage of {plant}"
        if storage.region != region:
            return f"{certificate.storage} stands in {storage.region}, not in {region}"
        if certificate.period != period:
            return f"is of period {certificate.period}"
        if held_mwh < SMALLEST_MWH:
            used = certificate.mwh - held_mwh
            return f"is not held by {self._operator.name}, or used up: {used:.9g} MWh of it are elsewhere"
        fed_in = self._world.feed_in_meters.get(certificate.storage)
        metered_mwh = 0.0 if fed_in is None else float(fed_in[period]) * self._world.period_h
        if certificate.mwh > metered_mwh + SMALLEST_MWH:
            return f"is over {certificate.mwh:.9g} MWh, {metered_mwh:.9g} MWh were metered"
        return ""

    def _record(self, plant: str, period: int | None, what: str) -> None:
        """Record what is not paid for, once however often it comes."""
        if (plant, what) not in self._recorded:
            self._recorded.add((plant, what))
            now_s, own = self._world.clock.now_s, self._operator.name
            self._world.records.write(now_s, own, plant, f"not paid for: {what}", period)
