"""Certificates on record: judged as their tolerances say, and worked out anew where tables allow."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.recomputed import RECOMPUTED
from gridarium.experiments.verification.run_tables import GridTables, grids

_SAME = 1e-6
"""Of a value, relative to it."""
_OF_TOLERANCE = 1e-2
"""Of a value, as a share of its tolerance: sums of roundings depend on their order."""

_CHECKED_ELSEWHERE = {
    "ledger chain": "ledger",
    "carbon flow": "carbon flow",
    "carbon of the tree": "carbon flow",
    "seam energy": "seam energy",
    "seam carbon": "seam carbon",
    "head paid once": "seam money",
    "green balance": "green labels",
    "green share inside": "green labels",
    "double counting": "green certificates",
    "unfounded certificates": "green certificates",
    "storage energy": "storages",
    "payments": "line trades",
}
"""Certificates whose statement a check of another name makes from the tables."""

_SOLVED = "an agent's problem would have to be solved anew"
_BENCHMARK = "its benchmark is a problem of its own, solved after the run"
_GAME = "values of coalitions are dispatches, which would have to be solved anew"
_PLAN = "what an operator has planned is its own, and tables tell what was carried out"
_POOL = "ratings, tasks and rules of pools are sections of a scenario, which only its parts can read"
_OWNER = "schedules of owners would have to be solved anew, by storage and day"
_MINUTES = "weather of each minute is drawn from streams of the world, and what a seller heard is in no table"
_WORDS = "what agents said is known word for word only while their world is there"
_FILE = "what file a network is read from is not part of a folder, and the feeder of the world is gone"
_PROFILES = "profiles are files beside a folder, and what agents heard of them is in no table"
_USERS = "profiles and flexibility of users are sections of a scenario, which only its parts can read"
_NETWORK = "loads are spread as those of the network's file, which only parts of a scenario can read"
_PLANTS = "plants, their storages and their budget are sections of a scenario, which only its parts can read"
_REASONS = {
    "loads at buses": _NETWORK,
    "reactive power at buses": _NETWORK,
    "costs of plans": _PLANTS,
    "reports of payments": _PLANTS,
    "days of regions": _PLANTS,
    "indicator of response": _PLANTS,
    "pulls of plants": _PLAN,
    "carbon of regions told": _NETWORK,
    "values by plants": _GAME,
    "returns of capacity": _GAME,
    "numbers told twice": "profiles are read by parts of a scenario alone",
    "prosumer energy": _MINUTES,
    "prosumer nominations": _MINUTES,
    "prosumer minutes": _MINUTES,
    "offers as there was": _MINUTES,
    "sent as there was": _MINUTES,
    "shares of supply": _MINUTES,
    "supplies shared": _MINUTES,
    "values of supply": _MINUTES,
    "grants kept back": _WORDS,
    "grants kept": _MINUTES,
    "prices by answers": _MINUTES,
    "volumes as stated": _MINUTES,
    "offers of the pool": _MINUTES,
    "limits of the desk": _MINUTES,
    "words in time": _WORDS,
    "bids as worth": _WORDS,
    "grants told": _WORDS,
    "grants in force": _WORDS,
    "reports told": _WORDS,
    "introductions": _WORDS,
    "rounds played": _WORDS,
    "units as told": _WORDS,
    "loads as told": _WORDS,
    "load and wind drawn": "errors of forecasts are drawn from streams of the world",
    "payments of devices": "prices of units, loads and storage are sections that its parts alone can read",
    "limits told": _WORDS,
    "declared as planned": _PLAN,
    "outlooks of the operator": _PLAN,
    "orders as planned": _PLAN,
    "best matching": _BENCHMARK,
    "loads of users": _USERS,
    "rooms of users": _USERS,
    "cost of users": _USERS,
    "moves of users": _USERS,
    "value of loads": _USERS,
    "discomfort told": _USERS,
    "offers left": _MINUTES,
    "network of the file": _FILE,
    "plan at the head": _PLAN,
    "plans told": _PLAN,
    "cost of perfect information": _BENCHMARK,
    "pools told": _PLAN,
    "terms as they are": _PROFILES,
    "power there was": _PROFILES,
    "planned nodal carbon": _PLAN,
    "prices of regions": _USERS,
    "quarters seen": _PLAN,
    "quarters decided": _PLAN,
    "prices of quarters": _PLAN,
    "limits of the operator's plans": _PLAN,
    "cost of the operator's plans": _PLAN,
    "best plans of the operator": _PLAN,
    "streams by name": "streams of random numbers are of the world, which is gone",
    "carbon prices": "what carbon was priced by in the last round is in no table",
    "carbon priced by answers": "what carbon was priced by in the last round is in no table",
    "abatement shared": _GAME,
    "value of the pool": _GAME,
    "split of the pool": _GAME,
    "coalitions of the pool": _GAME,
    "sub-pools of the pool": _GAME,
    "announcements of the pool": _GAME,
    "scores of the pool": _POOL,
    "members of the pool": _POOL,
    "joining of the pool": _POOL,
    "owner regret": _OWNER,
    "owner ties": _OWNER,
    "stored carbon": "batteries of the scenario are sections that its parts alone can read",
    "owner earnings": _OWNER,
    "equal schedules": _OWNER,
    "payments of owners": _POOL,
    "planned storage end": _PLAN,
    "planned limits": _PLAN,
    "planned power flow": _PLAN,
    "planned cost": _PLAN,
    "best plan": _PLAN,
    "marginal prices": _PLAN,
    "units that run": _PLAN,
    "totals of plans": _PLAN,
    "balance of plans": _PLAN,
    "price of a supplier's step": _PLAN,
    "price as called for": _PLAN,
    "own carbon in the price": _PLAN,
    "forecast at the head": _PLAN,
    "system as told": _PLAN,
    "orders carried out": _PLAN,
    "units told": _PLAN,
    "abatement told": _SOLVED,
    "factors told": _PLAN,
    "distance told": _PLAN,
    "credits told": _PLAN,
    "follower regret": _SOLVED,
    "leader regret": _SOLVED,
    "regret of regions": _SOLVED,
    "regret of plants": _SOLVED,
    "commitment": _SOLVED,
    "tap gap": _SOLVED,
    "rest of plants": _SOLVED,
    "convergence": "the answers to another signal would have to be asked for",
    "perfect information": _BENCHMARK,
    "cost of uncertainty": _BENCHMARK,
    "bound of plans": _BENCHMARK,
    "gap of plans": _BENCHMARK,
    "relaxed optimum": _BENCHMARK,
    "gap of savings": _BENCHMARK,
    "benchmark of plans": _BENCHMARK,
    "label overstated": _BENCHMARK,
    "matching bound": _BENCHMARK,
    "welfare lost": _BENCHMARK,
    "core violation": _GAME,
    "payments of the pool": _GAME,
    "shares of the pool": _GAME,
    "credit cause": "the day without the surplus is another power flow",
}
"""Why a certificate is not worked out anew, by how its name begins."""
_OTHER = "verify has no reference of its own for it"


def certificates(run: Result, case: str) -> Iterator[Check]:
    """Each certificate of a case: whether it is judged rightly, and its value where tables determine it."""
    found = [one for one in run.certificates if one.case == case]
    wrong = [one.name for one in found if one.passed != (one.value <= one.tolerance)]
    said = f"{', '.join(wrong)}: passed is not what value and tolerance say" if wrong else ""
    yield Check(
        case, "certificates judged", not wrong, said or f"{len(found):,}, each by value and tolerance"
    )
    by_grid, same, left = {grid.name: grid for grid in grids(run, case)}, 0, dict[str, list[str]]()
    for one in found:
        name, grid = _parts(one, by_grid)
        if name in _CHECKED_ELSEWHERE:
            left.setdefault(f"see {_CHECKED_ELSEWHERE[name]}", []).append(one.name)
            continue
        value = _value(name, grid)
        if value is None:
            left.setdefault(_reason(name), []).append(one.name)
        elif _agree(value, one):
            same += 1
        else:
            told = f"{one.value:.9g} on record, {value:.9g} from the tables"
            yield Check(case, f"certificate {one.name}", False, told)
    yield Check(case, "certificates recomputed", True, f"{same:,} of {len(found):,} agree with their tables")
    for reason, names in left.items():
        yield Check(case, "certificates not recomputed", True, f"{reason}: {', '.join(names)}")


def _parts(one: Certificate, by_grid: dict[str, GridTables]) -> tuple[str, GridTables | None]:
    """Name of a certificate without its grid, and the grid."""
    prefix, _, name = one.name.rpartition(": ")
    return (name, by_grid[prefix]) if prefix in by_grid else (one.name, by_grid.get(""))


def _value(name: str, grid: GridTables | None) -> float | None:
    """What tables say of a certificate; None where they do not."""
    if name not in RECOMPUTED or grid is None:
        return None
    # Where units depart from the plan, certificates are about the periods in which they do not.
    if grid.section.get("incidents") or grid.section.get("edge"):
        return None
    return RECOMPUTED[name](grid)


def _agree(value: float, one: Certificate) -> bool:
    if math.isnan(value) or math.isnan(one.value):
        return math.isnan(value) and math.isnan(one.value)
    allowed = _SAME * abs(one.value) + _OF_TOLERANCE * one.tolerance + 1e-9
    return abs(value - one.value) <= allowed


def _reason(name: str) -> str:
    return next((reason for begins, reason in _REASONS.items() if name.startswith(begins)), _OTHER)
