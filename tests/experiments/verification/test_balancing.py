"""Balancing energy by the price of the scenario: what is paid or told otherwise is seen from a folder."""

from __future__ import annotations

import pytest
from support.ries_small import known_of_night

from gridarium.experiments.verification.balancing import off_balancing
from gridarium.experiments.verification.run_tables import GridTables
from gridarium.market.accounts import PURCHASE


def of_folder() -> GridTables:
    known = known_of_night("full")
    tables = {name: known.tables[name].copy() for name in ("heads", "ledger", "buses")}
    return GridTables("", {"real_time_market": {"price_per_mwh": 300.0}}, 1.0, tables)


def test_honest_payments_and_prices_hold() -> None:
    assert off_balancing(of_folder()) < 1e-9


def test_a_payment_and_a_price_that_are_others_are_seen() -> None:
    grid = of_folder()
    grid.tables["ledger"].loc[grid.tables["ledger"]["purpose"] == PURCHASE, "amount_money"] *= 1.01
    assert off_balancing(grid) == pytest.approx(0.01)
    grid = of_folder()
    grid.tables["heads"]["export_price_per_mwh"] += 0.01
    assert off_balancing(grid) > 1.0
