"""An owner with its own proofs and the heads alone finds every alteration of its own entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from gridarium.environment.records import ALLOCATED, EXECUTED, VALUES, Record, Records, TaskEnergies
from gridarium.market.messages.ledger import LedgerHead, Proofs
from gridarium.market.record_checks import Finding, Remembered, examine

OWNERS = ("a", "b", "c")


def write(records: Records, what: str, period: int, owner: str, energies: TaskEnergies) -> None:
    records.write(3600.0 * period, "dso", owner, what, period, **energies._asdict())


def booked(n_period: int) -> Records:
    """Two days of three owners: what they were told, and did; and an alarm that none of them remembers."""
    records = Records()
    for first in (0, n_period):
        for what in (ALLOCATED, EXECUTED):
            for period in range(first, first + n_period):
                for owner in OWNERS:
                    write(records, what, period, owner, TaskEnergies(0.1 * period, 0.2, -0.1))
    records.write(0.0, "edge", "a", "alarm")
    return records


def head_of(records: Records, day: int, size: int) -> LedgerHead:
    return LedgerHead(day, size, records.tree.root(size))


def memory_of(records: Records, owner: str, old: LedgerHead, head: LedgerHead) -> list[Remembered]:
    own = records.of(owner, old.size, head.size)
    return [
        Remembered(one.what, one.period, TaskEnergies(*one.values[:3])) for one in own if one.what != "alarm"
    ]


def shown(records: Records, owner: str, old: LedgerHead, head: LedgerHead) -> Proofs:
    """What an honest platform shows."""
    own = records.of(owner, old.size, head.size)
    paths = tuple(records.tree.inclusion(one.entry, head.size) for one in own)
    return Proofs(head.day, tuple(own), paths, records.tree.consistency(old.size, head.size))


def day_of(n_period: int) -> tuple[Records, LedgerHead, LedgerHead]:
    records = booked(n_period)
    size = 2 * len(OWNERS) * n_period
    return records, head_of(records, 0, size), head_of(records, 1, len(records))


def altered(record: Record) -> Iterator[Record]:
    """A record in other words, one for each field."""
    yield record._replace(entry=record.entry + 1)
    yield record._replace(period=77)
    yield record._replace(time_ns=record.time_ns + 1)
    yield record._replace(writer="pool")
    yield record._replace(owner="b")
    yield record._replace(what=ALLOCATED if record.what == EXECUTED else EXECUTED)
    for name in ("charge_mwh", "discharge_mwh", "q_mvarh"):
        yield record._replace(**{name: np.nan_to_num(getattr(record, name)) + 1e-12})
    yield record._replace(amount_money=1.0)


def with_record(proofs: Proofs, at: int, record: Record) -> Proofs:
    return replace(proofs, records=(*proofs.records[:at], record, *proofs.records[at + 1 :]))


@pytest.fixture(scope="module")
def small() -> tuple[Records, LedgerHead, LedgerHead]:
    return day_of(4)


@pytest.fixture
def check(small: tuple[Records, LedgerHead, LedgerHead]) -> Callable[[Proofs], Finding]:
    records, old, head = small
    memory = memory_of(records, "a", old, head)
    return lambda proofs: examine("a", head, old, proofs, memory)


def test_an_honest_platform_is_believed(small: tuple[Records, LedgerHead, LedgerHead]) -> None:
    records, old, head = small
    for owner in OWNERS:
        for before in (LedgerHead(-1, 0, Records().tree.root()), old):
            memory, proofs = memory_of(records, owner, before, head), shown(records, owner, before, head)
            assert examine(owner, head, before, proofs, memory) == Finding(
                len(proofs.records), len(proofs.records), ""
            )


def test_every_altered_entry_of_a_small_ledger_is_found(
    small: tuple[Records, LedgerHead, LedgerHead], check: Callable[[Proofs], Finding]
) -> None:
    records, old, head = small
    proofs = shown(records, "a", old, head)
    assert len(proofs.records) == 9
    for at, record in enumerate(proofs.records):
        for other in altered(record):
            found = check(with_record(proofs, at, other))
            assert not found.is_verified and found.proven == 8


def test_every_entry_left_out_added_or_shown_in_place_of_another_is_found(
    small: tuple[Records, LedgerHead, LedgerHead], check: Callable[[Proofs], Finding]
) -> None:
    records, old, head = small
    proofs = shown(records, "a", old, head)
    tasks = [at for at, record in enumerate(proofs.records) if record.what != "alarm"]
    foreign = shown(records, "b", old, head)
    for at in tasks:
        keep = [other for other in range(len(proofs.records)) if other != at]
        less = replace(
            proofs,
            records=tuple(proofs.records[k] for k in keep),
            inclusion=tuple(proofs.inclusion[k] for k in keep),
        )
        assert check(less).fault.endswith("is not shown")
        twice = replace(
            proofs,
            records=(*proofs.records, proofs.records[at]),
            inclusion=(*proofs.inclusion, proofs.inclusion[at]),
        )
        assert check(twice).fault == "an entry is shown twice"
        another = replace(
            with_record(proofs, at, foreign.records[at]),
            inclusion=(*proofs.inclusion[:at], foreign.inclusion[at], *proofs.inclusion[at + 1 :]),
        )
        assert not check(another).is_verified
    assert not check(replace(proofs, inclusion=proofs.inclusion[1:])).is_verified
    assert not check(replace(proofs, records=(), inclusion=())).is_verified


def rebuilt(records: Records, change: Callable[[list[Record]], list[Record]]) -> Records:
    """A ledger written anew with other entries, each hash of it right."""
    anew = Records()
    for one in change([records.record(number) for number in range(len(records))]):
        values = dict(zip(VALUES, one.values, strict=True))
        anew.write(one.time_ns / 1e9, one.writer, one.owner, one.what, one.period, **values)
    return anew


def test_a_platform_that_writes_a_ledger_of_its_own_does_not_meet_the_head(
    small: tuple[Records, LedgerHead, LedgerHead], check: Callable[[Proofs], Finding]
) -> None:
    records, old, head = small
    for number in range(len(records)):

        def other(entries: list[Record], number: int = number) -> list[Record]:
            entries[number] = entries[number]._replace(discharge_mwh=0.19)
            return entries

        anew = rebuilt(records, other)
        # Also where only entries of others are changed: the root is another one.
        assert not check(shown(anew, "a", old, head)).is_verified


def test_an_auditor_and_platform_that_agree_on_another_ledger_are_found_by_what_owners_remember(
    small: tuple[Records, LedgerHead, LedgerHead],
) -> None:
    records, old, head = small
    memory = memory_of(records, "a", old, head)
    for record in records.of("a", until=len(records) - 1):

        def less(entries: list[Record], entry: int = record.entry) -> list[Record]:
            return [one for one in entries if one.entry != entry]

        anew = rebuilt(records, less)
        new_head = head_of(anew, 1, len(anew))
        found = examine("a", new_head, old, shown(anew, "a", old, new_head), memory)
        # What was in the old head is missed by the proof of consistency, what came later by the owner.
        said = "the records do not begin" if record.entry < old.size else "is not shown"
        assert said in found.fault


def test_alterations_of_a_large_ledger_are_found() -> None:
    records, old, head = day_of(834)
    assert len(records) > 10_000
    random = np.random.default_rng(7)
    memory, proofs = memory_of(records, "a", old, head), shown(records, "a", old, head)
    assert examine("a", head, old, proofs, memory).is_verified
    n_own = len(proofs.records)
    for at in random.integers(n_own, size=12).tolist():
        others = list(altered(proofs.records[at]))
        other = others[int(random.integers(len(others)))]
        found = examine("a", head, old, with_record(proofs, at, other), memory)
        assert found.proven == n_own - 1 and str(other.entry) in found.fault
