"""Settlement: every payment of a period booked twice, so that money is conserved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.ledger import Ledger
from gridarium.environment.storage import TOLERANCE
from gridarium.market.accounts import (
    CARBON,
    CARBON_MARKET,
    CHARGE,
    DEFAULT,
    DEMAND_RESPONSE,
    DISCHARGE,
    EXPORT,
    FUEL,
    FUEL_SUPPLIERS,
    GENERATION,
    LINE_ENERGY,
    LINE_FEE,
    MAINTENANCE,
    PERSONAL_CARBON,
    PURCHASE,
    RETAIL,
    SERVICE_CALL,
    SERVICE_ENERGY,
    SERVICE_WEAR,
    START_STOP,
    STORAGE_COMPENSATION,
    TRUE_UP,
    WEAR,
    WEAR_COMPENSATION,
)
from gridarium.market.trade_book import MinuteTrade


@dataclass(frozen=True)
class PeriodAccount:
    """What the DSO settles for one period.

    Parameters
    ----------
    time_s : float
    period : int
    load_mwh : mapping of str to float
        Metered energy of each consumer.
    price_per_mwh : mapping of str to float
        At which each pays.
    wear_money : float
    carbon_money : float
        Paid by the carbon market; negative where the DSO pays.
    carbon_market : str or None
        Its account; None where the DSO does not trade with one.
    """

    time_s: float
    period: int
    load_mwh: Mapping[str, float]
    price_per_mwh: Mapping[str, float]
    wear_money: float
    carbon_money: float
    carbon_market: str | None


def settle_period(ledger: Ledger, operator: str, account: PeriodAccount) -> None:
    """Book one period: consumers, suppliers and carbon market against the operator."""

    def book(payer: str, payee: str, amount_money: float, purpose: str) -> None:
        if amount_money:
            ledger.book(account.time_s, payer, payee, amount_money, purpose, account.period)

    for consumer, energy in account.load_mwh.items():
        book(consumer, operator, account.price_per_mwh[consumer] * energy, RETAIL)
    book(operator, MAINTENANCE, account.wear_money, WEAR)
    if account.carbon_market is not None:
        book(account.carbon_market, operator, account.carbon_money, CARBON)


def settle_true_up(
    ledger: Ledger,
    operator: str,
    carbon_market: str | None,
    time_s: float,
    period: int,
    energy_mwh: Mapping[str, float],
    excess_money: float,
    carbon_money: float,
) -> None:
    """Book what the day leaves open.

    Parameters
    ----------
    carbon_market : str or None
        Its account; None where the operator does not trade with one.
    energy_mwh : mapping of str to float
        Energy of the day by consumer; the excess is shared by it.
    excess_money : float
        What the discounts cost beyond the carbon revenue (equation C8); nothing is due below zero.
    carbon_money : float
        What the carbon market still owes, because emission was metered after it was planned.
    """
    if carbon_money and carbon_market is not None:
        ledger.book(time_s, carbon_market, operator, carbon_money, CARBON, period)
    total = sum(energy_mwh.values())
    if excess_money <= 0.0 or total <= 0.0:
        return
    for consumer, energy in energy_mwh.items():
        ledger.book(time_s, consumer, operator, excess_money * (energy / total), TRUE_UP, period)


def settle_trade(
    ledger: Ledger,
    trade: MinuteTrade,
    time_s: float,
    period: int,
    provider: str,
    missing_mwh: float,
    price_cap_per_mwh: float,
) -> None:
    """Book a minute's trade over a leased line: energy, fee, and what a seller owes that sent too little.

    Parameters
    ----------
    trade : MinuteTrade
    time_s : float
    period : int
    provider : str
        Who leases the line.
    missing_mwh : float
        What the seller did not send, at the buyer's end; what an outage held up is nobody's fault.
    price_cap_per_mwh : float
        What it costs the buyer to replace it.

    Notes
    -----
    E8, E12: the buyer pays price x delivered, the seller fee x sent. For what it does not send the seller
    makes good the difference to the price cap.
    """
    price, paid = trade.price_per_mwh, trade.price_per_mwh * trade.delivered_mwh
    if paid > 0.0:
        ledger.book(time_s, trade.buyer, trade.seller, paid, LINE_ENERGY, period)
    if trade.fee_money > 0.0:
        ledger.book(time_s, trade.seller, provider, trade.fee_money, LINE_FEE, period)
    if missing_mwh > 0.0 and price_cap_per_mwh > price:
        owed = (price_cap_per_mwh - price) * missing_mwh
        ledger.book(time_s, trade.seller, trade.buyer, owed, DEFAULT, period)


@dataclass(frozen=True)
class HeadAccount:
    """What passed the head of a grid in one period, and at which price.

    Parameters
    ----------
    time_s : float
    period : int
    buyer, supplier : str
        The agents below and above.
    replicas_account, replicas : str, int
        Account of the equal grids behind the same place, and how many there are with this one.
    taken_mwh : float
        Of one grid; negative where it feeds back.
    import_price_per_mwh, export_price_per_mwh : float
        For what it takes and for what it feeds back.
    carbon_money : float
        What one grid owes for the carbon of what it took; negative where it is rewarded.
    carbon_collector : str
        Who is paid for that.
    """

    time_s: float
    period: int
    buyer: str
    supplier: str
    replicas_account: str
    replicas: int
    taken_mwh: float
    import_price_per_mwh: float
    export_price_per_mwh: float
    carbon_money: float = 0.0
    carbon_collector: str = CARBON_MARKET


def settle_head(ledger: Ledger, account: HeadAccount) -> None:
    """Book what a grid owes its supplier, and the same again for its replicas together."""
    imported, exported = max(0.0, account.taken_mwh), max(0.0, -account.taken_mwh)
    for payer, weight in ((account.buyer, 1), (account.replicas_account, account.replicas - 1)):
        bought = weight * account.import_price_per_mwh * imported
        sold = weight * account.export_price_per_mwh * exported
        if bought:
            ledger.book(account.time_s, payer, account.supplier, bought, PURCHASE, account.period)
        if sold:
            ledger.book(account.time_s, account.supplier, payer, sold, EXPORT, account.period)
        carbon, collector = weight * account.carbon_money, account.carbon_collector
        if carbon:
            owing, paid = (payer, collector) if carbon > 0.0 else (collector, payer)
            ledger.book(account.time_s, owing, paid, abs(carbon), PERSONAL_CARBON, account.period)


@dataclass(frozen=True)
class StorageRates:
    """What an operator pays for wear, and what wear costs the owner, money per MWh in or out inside."""

    compensation_per_mwh: float = 1.43
    degradation_cost_per_mwh: float = 1.43


@dataclass(frozen=True)
class StorageAccount:
    """What a storage did for an operator in one period.

    Parameters
    ----------
    time_s : float
    period : int
    owner, operator : str
    moved_mwh : float
        Energy in and out, inside the storage.
    charged_mwh, discharged_mwh : float
        At its terminals.
    price_per_mwh : float
        At which it trades these.
    rates : StorageRates
    """

    time_s: float
    period: int
    owner: str
    operator: str
    moved_mwh: float
    charged_mwh: float
    discharged_mwh: float
    price_per_mwh: float
    rates: StorageRates


def settle_storage(ledger: Ledger, account: StorageAccount) -> None:
    """Book compensation for wear and energy between owner and operator, and what the wear costs (E24)."""
    owner, operator, price, rates = account.owner, account.operator, account.price_per_mwh, account.rates
    for payer, payee, amount, purpose in (
        (operator, owner, rates.compensation_per_mwh * account.moved_mwh, WEAR_COMPENSATION),
        (operator, owner, price * account.discharged_mwh, DISCHARGE),
        (owner, operator, price * account.charged_mwh, CHARGE),
        (owner, MAINTENANCE, rates.degradation_cost_per_mwh * account.moved_mwh, WEAR),
    ):
        if amount:
            ledger.book(account.time_s, payer, payee, amount, purpose, account.period)


@dataclass(frozen=True)
class ServiceAccount:
    """What the operator of a feeder is owed in one period for services that it has passed on.

    Amounts are of one of several equal feeders, and positive where the caller owes them.

    Parameters
    ----------
    time_s : float
    period : int
    caller, operator : str
        Who called from above, and who passed the call on.
    replicas_account, replicas : str, int
        Account of the equal grids behind the same place, and how many there are with this one.
    wear_money : float
        What the storage provider got for wear (E24).
    energy_money : float
        What it got for energy discharged less what it paid for energy charged, less what that energy came to
        at the head: the caller trades it with the provider, and takes its price at the head back.
    call_money : float
        What sellers of the pool got beside their price for what they traded (E26).
    """

    time_s: float
    period: int
    caller: str
    operator: str
    replicas_account: str
    replicas: int
    wear_money: float
    energy_money: float
    call_money: float


def settle_services(ledger: Ledger, account: ServiceAccount) -> None:
    """Book what a caller owes for services on a feeder, and the same again for its replicas together."""
    amounts = (
        (account.wear_money, SERVICE_WEAR),
        (account.energy_money, SERVICE_ENERGY),
        (account.call_money, SERVICE_CALL),
    )
    for served, weight in ((account.operator, 1), (account.replicas_account, account.replicas - 1)):
        for money, purpose in amounts:
            owed = weight * money
            if owed:
                payer, payee = (account.caller, served) if owed > 0.0 else (served, account.caller)
                ledger.book(account.time_s, payer, payee, abs(owed), purpose, account.period)


def settle_wear(ledger: Ledger, time_s: float, period: int, owner: str, wear_money: float) -> None:
    """Book what an owner pays for the wear of a storage that it has scheduled itself."""
    if wear_money:
        ledger.book(time_s, owner, MAINTENANCE, wear_money, WEAR, period)


def settle_storage_compensation(
    ledger: Ledger, time_s: float, period: int, operator: str, owed_money: Mapping[str, float]
) -> None:
    """Book what an operator owes owners for a day on which it has commanded their storages.

    Parameters
    ----------
    owed_money : mapping of str to float
        By owner: what it would have earned by itself, less what it has earned; nothing is due below zero.
    """
    for owner, money in owed_money.items():
        if money > 0.0:
            ledger.book(time_s, operator, owner, money, STORAGE_COMPENSATION, period)


@dataclass(frozen=True)
class UnitAccount:
    """What a generating unit spent in one period.

    Parameters
    ----------
    time_s : float
    period : int
    unit : str
    operator : str or None
        Who pays its costs; None where it bears them itself.
    fuel_money, start_stop_money : float
    carbon_money : float
        Owed to the carbon market; negative where that pays.
    """

    time_s: float
    period: int
    unit: str
    operator: str | None
    fuel_money: float
    start_stop_money: float = 0.0
    carbon_money: float = 0.0


def settle_unit(ledger: Ledger, account: UnitAccount) -> None:
    """Book what a unit owes for fuel, starts, stops and carbon, and the same from its payer (E20, E21)."""
    costs = (
        (account.start_stop_money, FUEL_SUPPLIERS, START_STOP),
        (account.fuel_money, FUEL_SUPPLIERS, FUEL),
        (account.carbon_money, CARBON_MARKET, CARBON),
    )
    for amount, payee, purpose in costs:
        if amount:
            ledger.book(account.time_s, account.unit, payee, amount, purpose, account.period)
    total = sum(amount for amount, _, _ in costs)
    if total and account.operator is not None:
        ledger.book(account.time_s, account.operator, account.unit, total, GENERATION, account.period)


def settle_shift(
    ledger: Ledger,
    time_s: float,
    period: int,
    load: str,
    operator: str,
    shifted_mwh: float,
    compensation_per_mwh: float,
) -> None:
    """Book what an operator owes a load for the energy by which it moved it off its base (E25)."""
    if shifted_mwh > TOLERANCE:
        ledger.book(time_s, operator, load, compensation_per_mwh * shifted_mwh, DEMAND_RESPONSE, period)
