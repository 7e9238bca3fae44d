"""What the paper of model E states about trade among prosumers: its example of 15 minutes (Table III)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.claims.kinds import (
    RECOMPUTED,
    Evidence,
    Finding,
    directional,
    exact,
    incomparable,
)
from gridarium.experiments.evidence.grid_evidence import rows_of
from gridarium.experiments.papers import net_zero_example as paper
from gridarium.experiments.results.records import Claim

_LOG = ("shared-storage", "concession-log", "declared-nash-log")
_QUADRATIC = ("declared-nash-quadratic",)
_FEWEST = 3
_BEND = "K ln(1 + p) bends, and the band cuts it off at the real-time price"
_LEARNED = "what sellers have learned and where offers meet sets the price, whatever the minute's energy"
_STRAY = "who needs less than was offered still pays the price of the offer"


def _at(place: str) -> str:
    return f"paper of model E, {place}"


def _revenue(evidence: Evidence) -> Claim:
    revenue = float(np.sum(paper.VOLUME_KWH * paper.PRICE_PER_KWH))
    return exact(
        "E-example-price",
        _at("Table III"),
        "the 15 minutes of the example earn 79.73 USD, 0.1117 USD/kWh in the mean",
        "79.73, 0.1117",
        f"{revenue:.2f}, {revenue / paper.VOLUME_KWH.sum():.4f}",
        "from the printed minutes",
        RECOMPUTED,
    )


def _sales(evidence: Evidence, case: str) -> pd.DataFrame:
    """Energy that prosumers have sold over leased lines, minute by minute."""
    rows = rows_of(evidence.tables, "trades", "prosumer")
    return rows[rows["case"] == case] if len(rows) else rows


def _minutes(evidence: Evidence, case: str) -> tuple[Array, Array]:
    """Energy, kWh, and price, money/kWh, of each minute of the quarters in which the two trade alone.

    What a buyer has from others changes what it bargains about.
    """
    rows = _sales(evidence, case)
    if rows.empty:
        return np.empty(0), np.empty(0)
    rows = rows[rows["buyer"] == paper.BUYER]
    sellers = rows.groupby("period")["seller"].transform("nunique")
    rows = rows[(rows["seller"] == paper.SELLER) & (sellers == 1)]
    return (rows["delivered_mwh"] * 1e3).to_numpy(), (rows["price_per_mwh"] / 1e3).to_numpy()


_Measure = Callable[[str, Evidence], Finding]


def _in_case(
    cases: tuple[str, ...], measure: _Measure, id_: str, statement: str, expected: str
) -> Callable[[Evidence], Claim]:
    """A claim on the first of some cases that was run and in which the two prosumers traded."""

    def judged(evidence: Evidence) -> Claim:
        for case in cases:
            if evidence.has(case) and len(_minutes(evidence, case)[0]) >= _FEWEST:
                claim = directional(
                    id_,
                    _at("Table III"),
                    statement,
                    expected,
                    partial(measure, case),
                    rests_on="assumed loads and panels of prosumers",
                )
                return claim(evidence)
        reason = f"needs trade from {paper.SELLER} to {paper.BUYER} in the case {' or '.join(cases)}"
        return incomparable(id_, _at("Table III"), statement, expected, reason)(evidence)

    return judged


def _price_falls(case: str, evidence: Evidence) -> Finding:
    volume, price = _minutes(evidence, case)
    rank = float(pd.Series(volume).corr(pd.Series(price), method="spearman"))
    return Finding(
        f"rank correlation {rank:.2f}",
        rank < -0.5,
        f"{len(volume)} minutes of {case}; the paper's own 41 kWh at 0.15 and 47 kWh at 0.16 break the rule",
    )


def _below_market(case: str, evidence: Evidence) -> Finding:
    _, price = _minutes(evidence, case)
    unit = f"{evidence.study.currency_code}/kWh"
    market = evidence.study.cases[case].model_dump()["real_time_market"]["price_per_mwh"] / 1e3
    return Finding(
        f"{price.min():.3f} to {price.max():.3f} {unit}",
        bool(price.max() <= market + 1e-9),
        f"the band ends at the real-time price of {market:g} {unit}, which is assumed",
    )


def _why(case: str, evidence: Evidence) -> str:
    """Why prices leave the line."""
    if evidence.study.cases[case].model_dump()["trading"]["rule"] != "declared-nash":
        return _LEARNED
    return _BEND if case in _LOG else _STRAY


def _nearly_linear(case: str, evidence: Evidence) -> Finding:
    volume, price = _minutes(evidence, case)
    slope, intercept, r2 = paper.line_through(volume, price)
    return Finding(
        f"{intercept:.3f} {slope:+.4f} p, R2 {r2:.3f}",
        slope < 0.0 and r2 >= 0.95,
        f"{len(volume)} minutes of {case}; {_why(case, evidence)}",
    )


def _hours_of_trade(case: str, evidence: Evidence) -> Finding:
    rows = _sales(evidence, case)
    hour = pd.DatetimeIndex(rows["time"]).hour
    share = float(rows["delivered_mwh"][(hour >= 8) & (hour < 18)].sum() / rows["delivered_mwh"].sum())
    return Finding(f"{100.0 * share:.0f} % of the energy", share > 0.5, "the paper's own example is at 7:00")


_LINEAR = "the price is almost linear in the energy of the minute, 0.2837 - 0.0029 p USD/kWh with R2 0.987"

POOL_CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    _revenue,
    _in_case(
        _LOG,
        _price_falls,
        "E-price-volume",
        "the more energy in a minute, the lower its price",
        "falls with energy",
    ),
    _in_case(
        _LOG,
        _below_market,
        "E-price-band",
        "prices between prosumers do not exceed the real-time price",
        "0.08 to 0.28 USD/kWh",
    ),
    _in_case(
        _LOG,
        _nearly_linear,
        "E-price-linear-log",
        f"{_LINEAR}; with the paper's logarithmic utility",
        "R2 >= 0.95",
    ),
    _in_case(
        _QUADRATIC,
        _nearly_linear,
        "E-price-linear-quadratic",
        f"{_LINEAR}; with a quadratic utility",
        "R2 >= 0.95",
    ),
    _in_case(
        _LOG,
        _hours_of_trade,
        "E-hours",
        "prosumers trade mostly between 8 and 18 h",
        "> 50 % of the energy",
    ),
    incomparable(
        "E-example-energy",
        _at("Table III"),
        "prosumer 1 sells 716 kWh to prosumer 3 from 7:00 to 7:15",
        "716 kWh",
        "the table's minutes sum to 714 kWh; prosumers' loads and panels are missing",
    ),
)
