"""Model E in cases of its own: size of the tank, reputation, many prosumers, starts of units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.experiments.claims.kinds import Evidence, Finding, directional
from gridarium.experiments.names.formatting import number
from gridarium.experiments.results.records import Claim

_PAPER = "paper of model E, "
_TANKS = ("none", "small", "default")
_FORGIVEN, _REMEMBERED = "defaults-forgiven", "defaults-remembered"
_DESK, _NO_DESK = "many-prosumers", "many-decentralised"
_DERATED = "derated-unit"
_SIZES = "assumed sizes of prosumers and of what they default on"


def _by_tank(evidence: Evidence) -> Finding:
    shown, falls = [], True
    for tank in _TANKS:
        cases = f"tank-{tank}-capture", f"tank-{tank}-shared-storage"
        before, after = (evidence.metric("emission_tco2", case) for case in cases)
        change = 100.0 * evidence.change("emission_tco2", cases[1], cases[0])
        shown.append(f"{tank}: {number(before)} to {number(after)} ({change:+.1f} %)")
        falls = falls and change < -1e-4
    reason = "a tank does for a unit what the storage does, so that less is left to save the larger it is"
    return Finding("; ".join(shown), falls, reason)


def _reputation(evidence: Evidence) -> Finding:
    shown, falls = [], True
    for name, what in (
        ("p2p_of_defaulters_mwh", "sold by sellers that fail"),
        ("p2p_undelivered_mwh", "missing"),
    ):
        before, after = (evidence.metric(name, case) for case in (_FORGIVEN, _REMEMBERED))
        shown.append(f"{what} {number(before)} to {number(after)} MWh")
        falls = falls and after < before
    return Finding(
        "; ".join(shown), falls, "who sends half of what it has sold is asked for less and introduced last"
    )


def _decentral(evidence: Evidence) -> Finding:
    names = ("p2p_mwh", "p2p_welfare_money", "p2p_efficiency_percent")
    with_desk, without = ([evidence.metric(name, case) for name in names] for case in (_DESK, _NO_DESK))
    shown = [
        f"{number(energy)} MWh, welfare {number(welfare)} {evidence.study.currency_code}, {efficiency:.0f} %"
        for energy, welfare, efficiency in (with_desk, without)
    ]
    reason = "thirty prosumers; the eight nearest are of one's own place, where most lack or spare together"
    return Finding(f"{shown[0]} with a desk; {shown[1]} without", without[1] >= with_desk[1], reason)


def _starts(evidence: Evidence) -> Finding:
    units = evidence.of("units", _DERATED).sort_values(["agent", "period"])
    on = units.groupby("agent")["on"].agg(lambda states: int(np.abs(np.diff(states.astype(int))).sum()))
    switched = ", ".join(f"{name} {count} times" for name, count in on.items() if count)
    cost = evidence.metric("start_stop_money", _DERATED)
    shown = f"{switched or 'nobody'}, {number(cost)} {evidence.study.currency_code}"
    return Finding(shown, cost > 0.0, "a unit of 70 instead of 100 MW makes the third start for the peak")


CASE_CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    directional(
        "E-emission-tank",
        f"{_PAPER}comparison of scenarios",
        "shared storage lowers the emission, 1,067 to 571 t (-46.5 %); the size of the solvent tank is "
        "missing, so it is varied",
        "falls with every tank",
        _by_tank,
        [f"tank-{tank}-{case}" for tank in _TANKS for case in ("capture", "shared-storage")],
        rests_on="assumed unit sizes, costs, loads and wind",
    ),
    directional(
        "E-reputation",
        f"{_PAPER}equation (13)",
        "importers choose exporters by their reputation; how it is learned is not stated",
        "less is bought from sellers that fail, and less is missing",
        _reputation,
        [_FORGIVEN, _REMEMBERED],
        rests_on=_SIZES,
    ),
    directional(
        "E-decentralised",
        f"{_PAPER}limits and future work",
        "for many users central information management should be replaced",
        "no less welfare without a desk",
        _decentral,
        [_DESK, _NO_DESK],
        rests_on=_SIZES,
    ),
    directional(
        "E-commitment",
        f"{_PAPER}equation (14)",
        "the day before, units are started and stopped at a cost",
        "a unit starts and stops",
        _starts,
        [_DERATED],
        rests_on="assumed unit sizes, costs, loads and wind",
    ),
)
