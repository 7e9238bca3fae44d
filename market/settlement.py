"""Settlement: every payment of a period booked twice, so that money is conserved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.ledger import Ledger

UPSTREAM = "upstream-market"
CARBON_MARKET = "carbon-market"
SUPPLIERS = "fuel-and-maintenance"

RETAIL, PURCHASE, EXPORT, FUEL, WEAR, CARBON, TRUE_UP = (
    "retail energy",
    "wholesale energy",
    "exported energy",
    "turbine fuel",
    "storage wear",
    "carbon reduction",
    "carbon budget true-up",
)


@dataclass(frozen=True)
class PeriodAccount:
    """What the DSO settles for one period.

    Parameters
    ----------
    time_s : float
    period : int
    load_mwh : mapping of str to float
        Metered energy of each consumer.
    price_cny_per_mwh : float
    import_mwh, wholesale_cny_per_mwh : float
    export_mwh, export_cny_per_mwh : float
    fuel_cny, wear_cny : float
    carbon_cny : float
        Paid by the carbon market; negative where the DSO pays.
    """

    time_s: float
    period: int
    load_mwh: Mapping[str, float]
    price_cny_per_mwh: float
    import_mwh: float
    wholesale_cny_per_mwh: float
    export_mwh: float
    export_cny_per_mwh: float
    fuel_cny: float
    wear_cny: float
    carbon_cny: float


def settle_period(ledger: Ledger, operator: str, account: PeriodAccount) -> None:
    """Book one period: consumers, upstream market, suppliers and carbon market against the operator."""

    def book(payer: str, payee: str, amount_cny: float, purpose: str) -> None:
        if amount_cny:
            ledger.book(account.time_s, payer, payee, amount_cny, purpose, account.period)

    for consumer, energy in account.load_mwh.items():
        book(consumer, operator, account.price_cny_per_mwh * energy, RETAIL)
    book(operator, UPSTREAM, account.wholesale_cny_per_mwh * account.import_mwh, PURCHASE)
    book(UPSTREAM, operator, account.export_cny_per_mwh * account.export_mwh, EXPORT)
    book(operator, SUPPLIERS, account.fuel_cny, FUEL)
    book(operator, SUPPLIERS, account.wear_cny, WEAR)
    book(CARBON_MARKET, operator, account.carbon_cny, CARBON)


def settle_true_up(
    ledger: Ledger,
    operator: str,
    time_s: float,
    period: int,
    energy_mwh: Mapping[str, float],
    excess_cny: float,
    carbon_cny: float,
) -> None:
    """Book what the day leaves open.

    Parameters
    ----------
    energy_mwh : mapping of str to float
        Energy of the day by consumer; the excess is shared by it.
    excess_cny : float
        What the discounts cost beyond the carbon revenue (equation C8); nothing is due below zero.
    carbon_cny : float
        What the carbon market still owes, because emission was metered after it was planned.
    """
    if carbon_cny:
        ledger.book(time_s, CARBON_MARKET, operator, carbon_cny, CARBON, period)
    total = sum(energy_mwh.values())
    if excess_cny <= 0.0 or total <= 0.0:
        return
    for consumer, energy in energy_mwh.items():
        ledger.book(time_s, consumer, operator, excess_cny * (energy / total), TRUE_UP, period)
