"""One trial: a process of its own runs the altered code, and says what fell."""

from __future__ import annotations

import builtins
import gc
import importlib
import json
import os
import pickle
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.message_bus import MessageBus
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.guarded import STRICT
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.schema.scenario import Scenario
from gridarium.experiments.verification.run_folder import verify_content
from sabotage.places import ROOT, Place, altered_source
from sabotage.worlds import RUNS

MOST_CPU_S = 60
"""After which a run counts as one that does not end."""
SAME = 1e-6
"""Largest difference, relative to the largest value of a column, that changes nothing: problems are solved to
about as much, so that a result says no more digits than these, and no certificate asks for more."""
LEAST = {"_mw": 1e-6, "_mvar": 1e-6, "_tco2": 1e-6, "_t_per_h": 1e-6, "_money": 1e-4}
"""Differences that change nothing in columns of these units, however small what stands there is: a watt,
which bills round away as well, and a gram; a hundredth of a cent, which is nobody's bill."""
RESTING = (("storages", "p_charge_mw"), ("storages", "p_discharge_mw"), ("buses", "p_charge_mw"))
AT_REST_MW = 1e-5
"""Columns of storages, and what solvers leave in one that rests; no certificate of a plan asks for less."""
UNTOLD = {
    "ledger": {"entry", "hash"},
    "records": {"entry", "hash"},
    "dispatch": {"q_mvar"},
    "branches": {"q_from_mvar", "q_to_mvar"},
    "days": {"rounds"},
}
"""Columns of no result of their own, by table: numbers and hashes of a chain follow from what is in it, and
each run checks its own chains; how reactive power is shared among inverters is free where nobody pays for it,
and what it does to currents and voltages, which are in these tables too, counts; and how many rounds a day
took is a way to its result."""
ANY_ORDER = {
    "offers": ["period", "time", "agent", "buyer", "round", "move"],
    "ledger": ["period", "time", "purpose", "account", "counterparty"],
}
"""Tables of which the order of rows says nothing that their columns do not: of offers to several buyers in
one minute, where a message that was lost is said again later, so that the others come first; of both sides
of a payment, of which the one that pays comes first."""
FACTOR = "factor_metered_tco2_per_mwh"
"""Column of heads, of what has passed them."""
AMOUNT = "amount_money"
"""Column of payments, which are left out of a table where they come to nothing."""
TEXT = "content"
"""Column of messages, word for word, in which numbers are as good as in any other column."""

WAYS = {"messages", "letters", "rounds", "traffic"}
"""Tables of how a result was come by: where they alone differ, every stated result is right."""


class Lived(NamedTuple):
    """What a run leaves: tables and metrics, and which certificates, invariants and checks fail."""

    tables: dict[str, pd.DataFrame]
    metrics: dict[str, float]
    failed: frozenset[str]
    messages: int
    open: Mapping[tuple[str, str], Any] = {}
    """By table and column, how far the run itself leaves numbers open, all or row by row: rounds come to rest
    within a tolerance, and this much apart from those that go on until they are ten times as near; two runs
    that are each as far from there are twice as far from each other. Any of equally good plans may be
    found."""


def lived(scenario: Scenario) -> tuple[BuiltWorld, dict[str, pd.DataFrame]]:
    """A world at its end, and its tables."""
    built = build(scenario)
    built.world.bus.record = True
    _play(built)
    return built, collect("only", built.world, built.sections)


def outcome(run: str) -> Lived:
    """Run, certify and verify."""
    scenario = RUNS[run].load()
    built, tables = lived(scenario)
    currency = scenario.currency_code
    certificates = certify("only", built.world, built.sections, tables, currency)
    failed = {f"{_kind_of(one)}: {one.name}" for one in certificates if not one.passed}
    failed |= {f"verify: {name}" for name in _verified(scenario, tables, certificates, built)}
    metrics = summarise(tables, [grid.name for grid in built.world.grids], built.world.period_h, STRICT)
    return Lived(tables, metrics, frozenset(failed), built.world.bus.sent)


def _kind_of(certificate: Any) -> str:
    if certificate.is_invariant:
        return "invariant"
    return "certificate" if certificate.hard else "soft certificate"


def _verified(scenario: Scenario, tables: Any, certificates: Any, built: BuiltWorld) -> Iterator[str]:
    heads = {name: ledger.heads._asdict() for name, ledger in built.world.ledgers.items()}
    manifest = {"ledgers": {"only": heads}, "currency": scenario.currency_code}
    whole = {
        name: rows if "case" in rows else rows.assign(case="only")
        for name, rows in tables.items()
        if len(rows)
    }
    run = Result(
        scenario=scenario.model_dump(mode="json"),
        manifest=manifest,
        summary={"only": {}},
        certificates=certificates,
        claims=[],
        tables=whole,
    )
    for check in verify_content(run):
        if not check.passed:
            yield check.subject


def differing(
    before: Mapping[str, pd.DataFrame],
    after: Mapping[str, pd.DataFrame],
    left_open: Mapping[tuple[str, str], Any] = MappingProxyType({}),
) -> list[str]:
    """Tables that are not the same, by more than what is left open of their columns."""
    names = sorted({*before, *after})
    return [
        name
        for name in names
        if name not in before or name not in after or _differ(name, before[name], after[name], left_open)
    ]


def _differ(
    name: str, one: pd.DataFrame, other: pd.DataFrame, left_open: Mapping[tuple[str, str], Any]
) -> bool:
    one, other = _told(name, one), _told(name, other)
    if len(one) != len(other) or list(one.columns) != list(other.columns):
        return True
    return any(
        _column_differs(column, one[column], other[column], left_open.get((name, column), 0.0))
        for column in one.columns
    )


def _left_open(run: str, tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], Any]:
    """How far a run leaves its numbers open: by its rounds, by equally good plans, and what solvers leave in
    storages that rest."""
    found: dict[tuple[str, str], Any] = dict.fromkeys(RESTING, AT_REST_MW)
    if RUNS[run].closer:
        _, closer = lived(RUNS[run].load(*RUNS[run].closer))
        for place, differences in apart(tables, closer).items():
            found[place] = max(float(np.nanmax(differences, initial=0.0)), found.get(place, 0.0))
    for setting in RUNS[run].aside:
        _, aside = lived(RUNS[run].load(setting))
        for place, differences in apart(tables, aside).items():
            found[place] = np.maximum(differences, found.get(place, 0.0))
    return found


def apart(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], Any]:
    """Twice the difference of each number, by table and column, shape (n_row,); of tables of one shape."""
    found = {}
    for name in one.keys() & other.keys():
        ours, theirs = _told(name, one[name]), _told(name, other[name])
        for column in ours.columns if len(ours) == len(theirs) else ():
            if column in theirs and ours[column].dtype.kind == theirs[column].dtype.kind == "f":
                difference = np.abs(ours[column].to_numpy() - theirs[column].to_numpy())
                found[name, column] = 2.0 * np.nan_to_num(difference)
    return found


def _told(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """What of a table says something: without its chain, and without payments of next to nothing."""
    told = table[[column for column in table.columns if column not in UNTOLD.get(name, ())]]
    if name in ANY_ORDER:
        told = told.sort_values(ANY_ORDER[name], kind="stable")
    if name == "heads":
        # Nothing has a carbon factor.
        taken = told["p_metered_mw"].abs() > AT_REST_MW
        told = told.assign(**{FACTOR: told[FACTOR].where(taken)})
    if AMOUNT in told and len(told):
        size = told[AMOUNT].abs()
        told = told[size > SAME * float(size.max())]
    return told


def _column_differs(name: str, one: pd.Series[Any], other: pd.Series[Any], left_open: Any) -> bool:
    if one.dtype.kind in "fc" and other.dtype.kind in "fc":
        least = max((floor for unit, floor in LEAST.items() if name.endswith(unit)), default=0.0)
        return _numbers_differ(one.to_numpy(), other.to_numpy(), np.maximum(least, left_open))
    if name == TEXT:
        return any(_words_differ(json.loads(a), json.loads(b)) for a, b in zip(one, other, strict=True))
    return one.tolist() != other.tolist() and not one.reset_index(drop=True).equals(
        other.reset_index(drop=True)
    )


def _numbers_differ(one: Any, other: Any, least: Any) -> bool:
    scale = max(float(np.nanmax(np.abs(one), initial=0.0)), 1e-3) if np.isfinite(one).any() else 1.0
    missing = np.isnan(one)
    # What there is in one alone differs; infinite limits are the same.
    if not np.array_equal(missing, np.isnan(other)):
        return True
    same = (one == other) | missing
    most = np.broadcast_to(np.maximum(SAME * scale, least), np.shape(one))[~same]
    # Not "above": what is infinite in one alone is nan or infinitely far.
    return not np.all(np.abs(one[~same] - other[~same]) <= most)


def _words_differ(one: Any, other: Any) -> bool:
    """Whether two messages differ, numbers by as much as in a column."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() != other.keys() or any(_words_differ(one[key], other[key]) for key in one)
    numbers = [np.asarray(value, dtype=object) for value in (one, other)]
    if all(array.size and all(_is_number(item) for item in array.ravel()) for array in numbers):
        first, second = (np.asarray(array, dtype=float) for array in numbers)
        return first.shape != second.shape or _numbers_differ(first, second, 0.0)
    return bool(one != other)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def moved_by(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By which share of its size each metric has moved; 1 where it has come or gone."""
    found = {}
    for name in {*before, *after}:
        one, other = before.get(name, np.nan), after.get(name, np.nan)
        if one != other and not (np.isnan(one) and np.isnan(other)):
            share = abs(one - other) / max(abs(one), abs(other), 1e-3)
            found[name] = 1.0 if np.isnan(share) else float(share)
    return found


def alter(place: Place) -> None:
    """Give the functions of a place the altered code, in this process."""
    # Agents are imported when somebody asks for them.
    importlib.import_module(_module_of(place))
    before: dict[str, Any] = {}
    builtins.__stale__ = lambda value: (before.get("value", value), before.__setitem__("value", value))[0]  # type: ignore[attr-defined]
    live = _live(place)
    assert live, f"{place.path}: {place.function} is nowhere"
    code = _code_of(compile(altered_source(place), live[0].__code__.co_filename, "exec"), place.function)
    for one in live:
        one.__code__ = code


def _live(place: Place) -> list[types.FunctionType]:
    """Every function that a place may mean: the one of its name, or all whose name was given to another."""
    holder: Any = sys.modules[_module_of(place)]
    *scopes, name = place.function.split(".")
    for scope in scopes:
        holder = getattr(holder, scope)
    named = vars(holder).get(name)
    if isinstance(named, property | cached_property):
        named = named.fget if isinstance(named, property) else named.func
    if (
        isinstance(named, types.FunctionType)
        and named.__qualname__ == place.function
        and _is_of(named, place)
    ):
        return [named]
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, types.FunctionType) and one.__qualname__ == place.function and _is_of(one, place)
    ]


def _module_of(place: Place) -> str:
    return f"gridarium.{place.path.removesuffix('.py').replace('/', '.')}"


def _is_of(function: types.FunctionType, place: Place) -> bool:
    return Path(function.__code__.co_filename).resolve() == ROOT / place.path


def _code_of(module: types.CodeType, name: str) -> types.CodeType:
    """The code of a function within that of its module; of several of one name the last."""
    code = module
    for part in name.split("."):
        code = [one for one in code.co_consts if isinstance(one, types.CodeType) and one.co_name == part][-1]
    return code


def lose(number: int) -> None:
    """Let the message of this number not arrive, though it is counted as delivered."""
    count, deliver = iter(range(sys.maxsize)), MessageBus._deliver

    def silent(self: MessageBus, event: Any) -> None:
        if next(count) != number:
            deliver(self, event)
            return
        envelope, receivers = event.value, self._receivers
        self._receivers = {**receivers, envelope.recipient: lambda _: None}
        try:
            deliver(self, event)
        finally:
            self._receivers = receivers

    MessageBus._deliver = silent  # type: ignore[method-assign]


def in_a_process(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What work returns in a process forked for it; how it ended if it did not return."""
    reads, writes = os.pipe()
    # What the child does not look at, it need not copy.
    gc.freeze()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _quiet()
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S + 1))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        begun = time.process_time()
        try:
            found = work()
        # Whatever broken code does is a result.
        except BaseException as error:  # noqa: BLE001
            found = {"result": "error", "said": f"{type(error).__name__}: {error}"[:200]}
        found["cpu_s"] = round(time.process_time() - begun, 2)
        with os.fdopen(writes, "w") as pipe:
            json.dump(found, pipe)
            pipe.flush()
        os._exit(0)
    gc.unfreeze()
    os.close(writes)
    with os.fdopen(reads) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"result": "error", "said": "did not end", "cpu_s": MOST_CPU_S}


def _quiet() -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)


def baseline(run: str, folder: Path) -> dict[str, Any]:
    """Run what nobody has altered, in a process of its own; its tables are kept in the folder."""
    return in_a_process(lambda: begin(run, folder))


def begin(run: str, folder: Path) -> dict[str, Any]:
    """Run what nobody has altered in this process; what it has kept in mind no later trial works out anew.

    That saves time where it is known which certificate falls, and may hide what is altered where it is not.
    """
    found = outcome(run)
    (folder / f"{run}.pickle").write_bytes(pickle.dumps(found._replace(open=_left_open(run, found.tables))))
    return {"result": "done", "failed": sorted(found.failed), "messages": found.messages}


def attempt(place: Place, run: str, folder: Path) -> dict[str, Any]:
    """What becomes of a run when a place is altered.

    Returns
    -------
    dict
        `result` is "caught" where something falls that had not before, "missed" where results differ and
        nothing falls, "nothing" where no result differs, "error" where the run does not come to its end.
    """

    def work() -> dict[str, Any]:
        if place.kind == "lost":
            lose(place.node)
        else:
            alter(place)
        found = outcome(run)
        before: Lived = pickle.loads((folder / f"{run}.pickle").read_bytes())
        fell = sorted(found.failed - before.failed)
        changed = differing(before.tables, found.tables, before.open)
        result = "caught" if fell else "missed" if set(changed) - WAYS else "nothing"
        moved = moved_by(before.metrics, found.metrics)
        largest = sorted(moved, key=moved.__getitem__, reverse=True)[:3]
        return {
            "result": result,
            "fell": fell,
            "apart": changed,
            "moved": {name: float(f"{moved[name]:.3g}") for name in largest},
        }

    return in_a_process(work)
