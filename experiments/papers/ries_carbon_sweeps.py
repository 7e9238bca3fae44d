"""What the paper of model D states about its own parameters: claims on the cases of ries-parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from gridarium.experiments.claims.kinds import Evidence, Finding, Measure, directional
from gridarium.experiments.results.records import Claim

ASSUMED = "assumed units, costs, quotas and loads, on a copper plate: the paper's tables are missing"
_AT = "Sustainability 2025, 17(22), 10095, section 5"
_BASE, _UNTOUCHED = "none", "untouched"
_PRICES = tuple(f"price-{price:03d}" for price in (20, 40, 60, 80, 100))
_RESPONSES = tuple(f"response-{share:02d}" for share in (5, 10, 15, 20, 25, 30))
_RENEWABLES = tuple(f"renewable-{share}" for share in (20, 30, 40, 50, 60))
_LOADINGS = ("loading-110", "loading-120")
_STORAGES = tuple(f"storage-{size:03d}" for size in (50, 120, 200, 280, 350, 500))
_BEST_STORAGES = ("storage-200", "storage-280", "storage-350")


def _level(case: str) -> str:
    return case.partition("-")[2].lstrip("0")


def _changes(evidence: Evidence, metric: str, cases: Sequence[str], reference: str = _BASE) -> list[float]:
    """Change of a metric of the bulk grid in each case against a reference, percent."""
    return [100.0 * evidence.change(f"bulk.{metric}", case, reference) for case in cases]


def _shown(cases: Sequence[str], values: Sequence[float], form: str) -> str:
    pairs = zip(cases, values, strict=True)
    return "; ".join(f"{_level(case)}: {value:{form}}" for case, value in pairs)


def _falls(values: Sequence[float]) -> bool:
    return all(after < before for before, after in pairwise(values))


def _price_emission(evidence: Evidence) -> Finding:
    changes = _changes(evidence, "emission_tco2", _PRICES)
    reason = "percent by price, against no price for regional systems"
    return Finding(_shown(_PRICES, changes, "+.1f"), changes[0] < 0.0 and _falls(changes), reason)


def _price_cost(evidence: Evidence) -> Finding:
    changes = _changes(evidence, "ties_cost_money", _PRICES)
    rises = _falls([-change for change in changes])
    reason = "percent by price, against the TIES's own price of 30 and none for regional systems"
    return Finding(_shown(_PRICES, changes, "+.1f"), rises and changes[0] < 0.0 < changes[-1], reason)


def _response_cost(evidence: Evidence) -> Finding:
    changes = _changes(evidence, "ties_cost_money", _RESPONSES, _UNTOUCHED)
    reason = "percent by share of the load, against no response and no price; called linear and saturating"
    return Finding(_shown(_RESPONSES, changes, "+.1f"), changes[0] < 0.0 and _falls(changes), reason)


def _response_satisfaction(evidence: Evidence) -> Finding:
    values = [evidence.metric("bulk.satisfaction", case) for case in _RESPONSES]
    return Finding(_shown(_RESPONSES, values, ".4f"), _falls(values), "by share of the load, percent")


def _renewable_use(evidence: Evidence) -> Finding:
    values = [100.0 * evidence.metric("bulk.renewable_used_share", case) for case in _RENEWABLES]
    reason = "percent by share of the load; departures below the TIES's trigger are spilled at any share"
    return Finding(_shown(_RENEWABLES, values, ".1f"), all(85.0 <= value <= 99.9 for value in values), reason)


def _loading(evidence: Evidence) -> Finding:
    feasible = [_is_feasible(evidence, case) for case in _LOADINGS]
    told = zip(_LOADINGS, feasible, strict=True)
    shown = "; ".join(f"{_level(case)} %: {'feasible' if good else 'not feasible'}" for case, good in told)
    reason = "every hard certificate passes; units, imports and storages reach beyond a peak of 360 MW"
    return Finding(shown, feasible == [True, False], reason)


def _is_feasible(evidence: Evidence, case: str) -> bool:
    own = [one for one in evidence.certificates if one.case == case]
    return bool(own) and all(one.passed for one in own if one.hard)


def _storage_size(evidence: Evidence) -> Finding:
    costs = [evidence.metric("bulk.resource_cost_money", case) for case in _STORAGES]
    best = _STORAGES[costs.index(min(costs))]
    spread = 100.0 * (max(costs) - min(costs)) / min(costs)
    reason = f"resource cost by MWh, {spread:.2f} % apart; what a MWh costs to build is not stated"
    return Finding(_shown(_STORAGES, costs, ",.0f"), best in _BEST_STORAGES, reason)


def _claim(
    id_: str, statement: str, expected: str, measure: Measure, cases: Sequence[str]
) -> Callable[[Evidence], Claim]:
    return directional(id_, _AT, statement, expected, measure, cases, rests_on=ASSUMED)


SWEEP_CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (
    _claim(
        "D-price-emission", "a carbon price from 20 to 100 USD/t cuts emission by 8 to 32 %",
        "falls with the price", _price_emission, (_BASE, *_PRICES),
    ),
    _claim(
        "D-price-cost", "a carbon price from 20 to 100 USD/t changes cost by -5 to +12 %",
        "rises from below 0 to above", _price_cost, (_BASE, *_PRICES),
    ),
    _claim(
        "D-response-cost", "response of 5 to 30 % of the load cuts cost by 18 to 35 %",
        "falls with response", _response_cost, (_UNTOUCHED, *_RESPONSES),
    ),
    _claim(
        "D-response-satisfaction", "satisfaction falls from 0.98 to 0.88 as response rises from 5 to 30 %",
        "falls with response", _response_satisfaction, _RESPONSES,
    ),
    _claim(
        "D-renewable-use", "with renewables at 20 to 60 % of the load, 85 to 99 % of them are used",
        "85 to 99 %", _renewable_use, _RENEWABLES,
    ),
    _claim(
        "D-loading", "a day can be supplied up to 110 % of the load", "feasible at 110 %, not at 120 %",
        _loading, _LOADINGS,
    ),
    _claim(
        "D-storage-size", "the best size of the storage is 200 to 350 MWh", "least cost at 200 to 350 MWh",
        _storage_size, _STORAGES,
    ),
)  # fmt: skip
