"""Checks between the sections of a scenario of model E."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.environment.errors import Fault
from gridarium.experiments.net_zero.schema import NetZeroScenario
from gridarium.experiments.scenario_checks import (
    CrossCheck,
    names_are_unique,
    profiles_fit,
    rates_are_of_others,
)

DESK, OPERATOR, PROVIDER, LOAD = "desk", "operator", "esp", "load"
"""Names of the agents that a scenario has one of."""

_NAMED = ("thermal_units", "wind_farms", "flexible_loads", "prosumers", "recorded_grids")
_OPERATED = ("thermal_units", "wind_farms", "flexible_loads", "load", "recorded_grids")


def _names_are_unique(case: NetZeroScenario) -> Iterator[Fault]:
    yield from names_are_unique(case, _NAMED)
    for section in _NAMED:
        for name in getattr(case, section):
            if name in (DESK, OPERATOR, PROVIDER, LOAD):
                yield Fault(f"{section}.{name}", name, "must be another name: an agent of every run has it")


def _system_has_operator(case: NetZeroScenario) -> Iterator[Fault]:
    if case.operator is None:
        for section in _OPERATED:
            if getattr(case, section):
                yield Fault(section, "given", "must be left out where there is no operator")
    else:
        if not case.thermal_units:
            yield Fault("thermal_units", {}, "must have a unit where there is an operator")
        if case.load is None:
            yield Fault("load", None, "must be given where there is an operator")


def _shares_fit(case: NetZeroScenario) -> Iterator[Fault]:
    total = sum(load.share for load in case.flexible_loads.values())
    if total > 1.0 + 1e-9:
        shares = {name: load.share for name, load in case.flexible_loads.items()}
        yield Fault("flexible_loads", shares, f"shares must sum to at most 1, they sum to {total:g}")


def _trade_has_lines(case: NetZeroScenario) -> Iterator[Fault]:
    if case.active_trading is None:
        return
    for section, given in (("provider", case.active_provider), ("lines", case.lines)):
        if given is None:
            yield Fault(section, None, "must be given, and active, where prosumers trade")
    if case.active_trading.band_low_price_per_mwh >= case.real_time_market.price_per_mwh:
        price = f"{case.real_time_market.price_per_mwh:g} {case.currency_code}/MWh"
        allowed = f"must be below the real-time price of {price}"
        yield Fault("trading.band_low_price_per_mwh", case.active_trading.band_low_price_per_mwh, allowed)


def _lines_join_prosumers(case: NetZeroScenario) -> Iterator[Fault]:
    if case.lines is None:
        return
    known = ", ".join(case.prosumers) or "none"
    pairs = [(one, other) for one, row in case.lines.distance_km.items() for other in row]
    places = [(f"lines.distance_km.{one}.{other}", pair) for pair in pairs for one, other in [pair]]
    places += [
        (f"lines.outages.{number}.line", (one, other))
        for number, outage in enumerate(case.lines.outages)
        for one, other in [outage.line]
    ]
    for place, (one, other) in places:
        for name in (one, other):
            if name not in case.prosumers:
                yield Fault(place, name, f"must be the name of a prosumer; there are {known}")
        if one == other:
            yield Fault(place, one, "must join two different prosumers")


CROSS_CHECKS: tuple[CrossCheck, ...] = (
    (frozenset({"currency", "exchange_rates"}), rates_are_of_others),
    (frozenset(_NAMED), _names_are_unique),
    (frozenset({"operator", *_OPERATED}), _system_has_operator),
    (frozenset({"flexible_loads"}), _shares_fit),
    (frozenset({"trading", "provider", "lines", "real_time_market", "currency"}), _trade_has_lines),
    (frozenset({"lines", "prosumers"}), _lines_join_prosumers),
    (
        frozenset({"profiles", "period_h", "load", "wind_farms", "prosumers", "recorded_grids", "start"}),
        profiles_fit,
    ),
)
"""Checks between sections, each with the sections that must be sound for it to make sense."""
