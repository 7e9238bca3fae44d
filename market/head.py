"""Payment at the head of a grid: each MWh is paid once, by the agent below to the one above."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.ledger import Ledger

PURCHASE, EXPORT = "energy at the head", "energy fed back"


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
    import_mwh, import_price_per_mwh : float
        Of one grid.
    export_mwh, export_price_per_mwh : float
        Of one grid.
    """

    time_s: float
    period: int
    buyer: str
    supplier: str
    replicas_account: str
    replicas: int
    import_mwh: float
    import_price_per_mwh: float
    export_mwh: float
    export_price_per_mwh: float


def settle_head(ledger: Ledger, account: HeadAccount) -> None:
    """Book what a grid owes its supplier, and the same again for its replicas together."""
    for payer, weight in ((account.buyer, 1), (account.replicas_account, account.replicas - 1)):
        bought = weight * account.import_price_per_mwh * account.import_mwh
        sold = weight * account.export_price_per_mwh * account.export_mwh
        if bought:
            ledger.book(account.time_s, payer, account.supplier, bought, PURCHASE, account.period)
        if sold:
            ledger.book(account.time_s, account.supplier, payer, sold, EXPORT, account.period)
