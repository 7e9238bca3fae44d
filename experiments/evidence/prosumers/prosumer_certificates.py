"""Certificates of prosumers' own things: batteries, lines, service, what is owed for energy not sent.

Ratings, lengths, losses and prices are taken from the scenario, and formulas written out once more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import line_km
from gridarium.experiments.parts.lines import LINES
from gridarium.experiments.parts.prosumers import prosumers_of
from gridarium.experiments.parts.supply import REAL_TIME as MARKET
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import DEFAULT, REAL_TIME

_ROUNDING_MWH, _CENT = 1e-6, 1e-6
_LOSS = 1e-9


def own_things(known: GridEvidence) -> Iterator[Reading]:
    """Batteries and service of prosumers."""
    own = known.tables.get("prosumers")
    if own is None:
        return
    errors = [_battery_error_mwh(known, str(name), rows) for name, rows in own.groupby("agent", sort=False)]
    yield Reading(
        "prosumer batteries", max(errors), _ROUNDING_MWH, "MWh", True,
        "largest error of the energy in a prosumer's battery, or step outside its band and power, by what it "
        "charged and discharged (E6)",
    )  # fmt: skip
    drawn = rows_of(known.tables, "dispatch", "prosumer").groupby(["agent", "period"])["p_demand_mw"].sum()
    served = own.groupby(["agent", "period"])["drawn_mwh"].sum()
    gap = (served - known.world.period_h * drawn.reindex(served.index)).abs().max()
    owed = served.groupby("agent").sum() * MARKET.of(known.scenario).price_per_mwh
    paid = -_booked(known, REAL_TIME).reindex(owed.index, fill_value=0.0)
    yield Reading(
        "prosumer service", max(float(gap), float(((paid - owed).abs() / np.maximum(owed, 1.0)).max())),
        _ROUNDING_MWH, "", True,
        "what a prosumer paid for energy that the system served, against what it drew at the real-time "
        "price, relative; or by how many MWh its balance and its meter are apart",
    )  # fmt: skip


def _battery_error_mwh(known: GridEvidence, name: str, rows: pd.DataFrame) -> float:
    battery = prosumers_of(known.scenario)[name].battery
    charge, discharge, energy = (
        rows[column].to_numpy(dtype=float) for column in ("charged_mwh", "discharged_mwh", "e_mwh")
    )
    if battery is None:
        return float(np.abs([charge, discharge, energy]).max())
    # What comes and goes within one period passes the battery by.
    through = np.minimum(charge, discharge)
    charge, discharge, size = charge - through, discharge - through, battery.e_max_mwh
    moved = battery.efficiency_charge * charge - discharge / battery.efficiency_discharge
    error = np.abs(battery.soc_initial * size + np.cumsum(moved) - energy)
    outside = np.maximum(battery.soc_min * size - energy, energy - battery.soc_max * size)
    faster = np.maximum(charge, discharge) - battery.p_max_mw * known.world.period_h
    return float(max(0.0, error.max(), outside.max(), faster.max()))


def _booked(known: GridEvidence, purpose: str) -> pd.Series[float]:
    """Received less paid for a purpose by account."""
    ledger = known.tables["ledger"]
    return ledger[ledger["purpose"] == purpose].groupby("account")["amount_money"].sum()


def lines(known: GridEvidence) -> Iterator[Reading]:
    """Losses of leased lines, and what sellers owe for what they did not send."""
    made, section = rows_of(known.tables, "trades", "prosumer"), LINES.of(known.scenario)
    if made.empty or section is None:
        return
    pairs = made[["seller", "buyer"]].drop_duplicates().itertuples(index=False)
    km = {(seller, buyer): line_km(known, seller, buyer) for seller, buyer in pairs}
    length = np.array([km[pair] for pair in zip(made["seller"], made["buyer"], strict=True)])
    sent, arrived = made["sent_mwh"].to_numpy(dtype=float), made["delivered_mwh"].to_numpy(dtype=float)
    lost = np.abs(arrived - sent * (1.0 - section.loss_per_km * length)).max()
    yield Reading(
        "line losses", float(lost), _LOSS, "MWh", True,
        "largest difference in a minute of what arrived over a line and what was sent less the losses of its "
        "length",
    )  # fmt: skip
    if (made["outcome"] == "outage").any():
        # What a line held up is nobody's fault, and trades do not tell it from what was not sent.
        return
    owed, paid = made.assign(owed=_owed_money(known, made)), known.tables["ledger"]
    paid = paid[paid["purpose"] == DEFAULT].assign(amount=lambda rows: rows["amount_money"].abs())
    gap = 0.0
    # A prosumer may owe as a seller and be owed as a buyer, even in one period.
    for side, rows in (
        ("seller", paid[paid["amount_money"] < 0.0]),
        ("buyer", paid[paid["amount_money"] > 0.0]),
    ):
        due = owed.groupby([side, "period"])["owed"].sum().rename_axis(["account", "period"])
        got = rows.groupby(["account", "period"])["amount"].sum()
        gap = max(gap, float(due.sub(got, fill_value=0.0).abs().max()))
    yield Reading(
        "energy not sent", gap, _CENT, "money", True,
        "largest difference of what a seller paid or a buyer got in a period for energy sold and not sent, "
        "and the real-time price less that of the trade (E12)",
    )  # fmt: skip


def _owed_money(known: GridEvidence, made: pd.DataFrame) -> Array:
    missing = (made["contracted_mwh"] - made["delivered_mwh"]).to_numpy(dtype=float)
    missing = np.where(missing > 1e-9 * made["contracted_mwh"].to_numpy(dtype=float), missing, 0.0)
    dearer = MARKET.of(known.scenario).price_per_mwh - made["price_per_mwh"].to_numpy(dtype=float)
    return np.asarray(missing * np.maximum(dearer, 0.0))
