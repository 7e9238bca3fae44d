"""Settlement: every payment of a period booked twice, so that money is conserved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import (
    CARBON,
    DEFAULT,
    EXPORT,
    FUEL,
    FUEL_SUPPLIERS,
    LINE_ENERGY,
    LINE_FEE,
    MAINTENANCE,
    PURCHASE,
    RETAIL,
    TRUE_UP,
    WEAR,
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
    price_per_mwh : float
    fuel_money, wear_money : float
    carbon_money : float
        Paid by the carbon market; negative where the DSO pays.
    carbon_market : str
        Its account.
    """

    time_s: float
    period: int
    load_mwh: Mapping[str, float]
    price_per_mwh: float
    fuel_money: float
    wear_money: float
    carbon_money: float
    carbon_market: str


def settle_period(ledger: Ledger, operator: str, account: PeriodAccount) -> None:
    """Book one period: consumers, suppliers and carbon market against the operator."""

    def book(payer: str, payee: str, amount_money: float, purpose: str) -> None:
        if amount_money:
            ledger.book(account.time_s, payer, payee, amount_money, purpose, account.period)

    for consumer, energy in account.load_mwh.items():
        book(consumer, operator, account.price_per_mwh * energy, RETAIL)
    book(operator, FUEL_SUPPLIERS, account.fuel_money, FUEL)
    book(operator, MAINTENANCE, account.wear_money, WEAR)
    book(account.carbon_market, operator, account.carbon_money, CARBON)


def settle_true_up(
    ledger: Ledger,
    operator: str,
    carbon_market: str,
    time_s: float,
    period: int,
    energy_mwh: Mapping[str, float],
    excess_money: float,
    carbon_money: float,
) -> None:
    """Book what the day leaves open.

    Parameters
    ----------
    energy_mwh : mapping of str to float
        Energy of the day by consumer; the excess is shared by it.
    excess_money : float
        What the discounts cost beyond the carbon revenue (equation C8); nothing is due below zero.
    carbon_money : float
        What the carbon market still owes, because emission was metered after it was planned.
    """
    if carbon_money:
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
