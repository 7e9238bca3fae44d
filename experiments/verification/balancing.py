"""What a system has paid for balancing energy, by the price of the scenario and what has passed its head."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.verification.run_tables import GridTables, numbers
from gridarium.market.accounts import PURCHASE, REAL_TIME_MARKET

_LEAST_MONEY = 1e-3


def off_balancing(grid: GridTables) -> float:
    """Largest difference of payments for balancing energy, and of prices at the head, and what is due.

    Relative to the largest of its kind.
    """
    price = grid.money_rate * float(grid.section["real_time_market"]["price_per_mwh"])
    head, market = grid.rows("heads"), grid.full(REAL_TIME_MARKET)
    bought = grid.rows("ledger", account=market, purpose=PURCHASE)
    due = price * np.maximum(grid.series(head, "p_metered_mw"), 0.0) * grid.period_h
    apart = _share(grid.series(bought, "amount_money"), due)
    told = np.array([price, 0.0])[:, None] + np.zeros(len(head))
    names = ("price_per_mwh", "export_price_per_mwh")
    return max(apart, *(_share(numbers(head, name), row) for name, row in zip(names, told, strict=True)))


def _share(told: Array, due: Array) -> float:
    size = max(float(np.abs(due).max(initial=0.0)), _LEAST_MONEY)
    return float(np.abs(told - due).max(initial=0.0)) / size
