"""Green certificates against tokens that are counted one by one: each is issued, held and used once."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import LedgerError
from gridarium.environment.green_label import LabelledSchedule, replay_label
from gridarium.environment.hash_chain import first_break
from gridarium.environment.ledger_tables import record_links, records_of
from gridarium.environment.records import EXECUTED, RECORDS, Record, Records
from gridarium.environment.storage import StorageRatings
from gridarium.market.certificate_book import Totals, double_counting, unfounded
from gridarium.market.green_certificates import GreenCertificates

START = pd.Timestamp("2025-06-21", tz="Asia/Shanghai")


def register() -> tuple[Records, GreenCertificates]:
    records = Records(START)
    return records, GreenCertificates(records)


def test_a_certificate_is_issued_handed_on_in_parts_and_used_up() -> None:
    records, register_ = register()
    records.write(0.0, "dso", "r1/storage", "executed", 3, discharge_mwh=0.5)
    number = register_.issue(3600.0, "r1/storage", "r1/vpp", 3, 0.35)
    assert register_.certificate(number) == (1, "r1/storage", "r1/vpp", 3, 0.35)
    register_.transfer(7200.0, number, "r1/vpp", "operator", 0.2)
    register_.cancel(7200.0, number, "operator", 0.2)
    register_.cancel(7200.0, number, "r1/vpp", 0.1)
    assert register_.held_mwh(number, "operator") == 0.0
    assert register_.holdings("r1/vpp") == {number: pytest.approx(0.05)}
    assert register_.totals == pytest.approx(Totals(0.35, 0.05, 0.3))
    # What rounding has left is cancelled with the rest.
    register_.cancel(7200.0, number, "r1/vpp", 0.05)
    assert register_.held_mwh(number, "r1/vpp") == 0.0 and register_.holdings("r1/vpp") == {}
    assert register_.totals == pytest.approx(Totals(0.35, 0.0, 0.35))
    assert double_counting(records_of(records.table())) == []
    records.verify()


def test_what_counts_twice_is_refused_by_an_error_that_names_it() -> None:
    records, register_ = register()
    number = register_.issue(0.0, "r1/storage", "vpp", 3, 0.35)
    for call, message in (
        (
            lambda: register_.issue(0.0, "r1/storage", "other", 3, 0.1),
            "green certificate of storage r1/storage, period 3: certificate 0 over 0.35 MWh has been issued",
        ),
        (lambda: register_.cancel(0.0, number, "vpp", 0.36), "vpp holds 0.35 MWh of it, 0.36 MWh cannot be"),
        (lambda: register_.cancel(0.0, number, "other", 0.1), "other holds 0 MWh of it, 0.1 MWh cannot be"),
        (
            lambda: register_.cancel(0.0, number, "other", 1e-9),
            "other holds 0 MWh of it, 1e-09 MWh cannot be",
        ),
        (lambda: register_.transfer(0.0, number, "other", "vpp", 0.1), "cannot be transferred"),
        (lambda: register_.cancel(0.0, 7, "vpp", 0.1), "green certificate 7: no certificate of this number"),
        (
            lambda: register_.issue(0.0, "r1/storage", "vpp", 4, 0.0),
            r"mwh must be in \[1e-09, inf\) MWh, got 0",
        ),
        (lambda: register_.cancel(0.0, number, "vpp", -0.1), "mwh must be in"),
        (lambda: register_.cancel(0.0, number, "vpp", np.nan), "mwh must be in"),
    ):
        with pytest.raises(LedgerError, match=message):
            call()
    assert len(records) == 1
    register_.cancel(0.0, number, "vpp", 0.35)
    with pytest.raises(
        LedgerError,
        match=r"0: vpp holds 0 MWh of it, 0\.35 MWh cannot be cancelled; 0\.35 of 0\.35 MWh are cancelled",
    ):
        register_.cancel(0.0, number, "vpp", 0.35)
    with pytest.raises(LedgerError, match="vpp holds 0 MWh of it, 1e-09 MWh cannot be cancelled"):
        register_.cancel(0.0, number, "vpp", 1e-9)
    assert len(records) == 2


# Tokens: a certificate of 2 MWh is two things, each in one pocket, that are moved one by one.

Step = tuple[str, ...]
STEPS: tuple[Step, ...] = (
    ("issue", "s", "a", "2"),
    ("issue", "s", "b", "1"),
    ("issue", "z", "b", "1"),
    *(("move", number, giver, n) for number in "01" for giver in "ab" for n in "12"),
    *(("use", number, holder, n) for number in "01" for holder in "ab" for n in "12"),
)


class Tokens:
    """Each MWh as a thing of its own."""

    def __init__(self) -> None:
        self.pockets: dict[str, list[tuple[str, int]]] = {"a": [], "b": []}
        self.used: list[tuple[str, int]] = []
        self.numbers: dict[str, str] = {}

    def can(self, step: Step) -> bool:
        if step[0] == "issue":
            return step[1] not in self.numbers.values()
        _, number, holder, n = step
        return sum(name == number for name, _ in self.pockets[holder]) >= int(n)

    def do(self, step: Step, entry: int) -> None:
        if step[0] == "issue":
            self.numbers[str(entry)] = step[1]
            self.pockets[step[2]] += [(str(entry), piece) for piece in range(int(step[3]))]
            return
        kind, number, holder, n = step
        for _ in range(int(n)):
            token = next(token for token in self.pockets[holder] if token[0] == number)
            self.pockets[holder].remove(token)
            (self.used if kind == "use" else self.pockets["b" if holder == "a" else "a"]).append(token)


def written(step: Step, entry: int) -> Record:
    """A record that says a step, whether it is possible or not."""
    head, energy = (entry, 5, 0), float(step[-1])
    if step[0] == "issue":
        return Record(*head, step[1], step[2], "green certificate issued", discharge_mwh=energy)
    verb = "transferred" if step[0] == "move" else "cancelled"
    receiver = step[2] if step[0] == "use" else "b" if step[2] == "a" else "a"
    return Record(*head, step[2], receiver, f"green certificate {step[1]} {verb}", discharge_mwh=energy)


def done(register_: GreenCertificates, step: Step) -> None:
    if step[0] == "issue":
        register_.issue(0.0, step[1], step[2], 5, float(step[3]))
    elif step[0] == "move":
        register_.transfer(0.0, int(step[1]), step[2], "b" if step[2] == "a" else "a", float(step[3]))
    else:
        register_.cancel(0.0, int(step[1]), step[2], float(step[3]))


def against_tokens(steps: tuple[Step, ...]) -> None:
    """Whatever tokens cannot do is found in the records, and nothing else."""
    tokens, wrong = Tokens(), []
    for entry, step in enumerate(steps):
        if tokens.can(step):
            tokens.do(step, entry)
        else:
            wrong.append(entry)
    records = [written(step, entry) for entry, step in enumerate(steps)]
    assert [fault.entry for fault in double_counting(records)] == wrong


def test_every_series_of_three_records_is_judged_as_tokens_do() -> None:
    series = list(product(STEPS, repeat=3))
    assert len(series) == 19**3
    for steps in series:
        against_tokens(steps)


many = st.lists(st.sampled_from(STEPS), min_size=4, max_size=25).map(tuple)


@settings(max_examples=150)
@given(steps=many)
def test_long_series_are_judged_as_tokens_do(steps: tuple[Step, ...]) -> None:
    against_tokens(steps)


@settings(max_examples=100)
@given(steps=many)
def test_the_register_lets_pass_what_tokens_can_do(steps: tuple[Step, ...]) -> None:
    (records, register_), tokens = register(), Tokens()
    for step in steps:
        if tokens.can(step):
            tokens.do(step, len(records))
            done(register_, step)
        else:
            with pytest.raises(LedgerError, match="green certificate"):
                done(register_, step)
    for holder, pocket in tokens.pockets.items():
        counted = Counter(int(number) for number, _ in pocket)
        assert register_.holdings(holder) == dict(counted)
    assert register_.totals.cancelled_mwh == len(tokens.used)
    assert double_counting(map(records.record, range(len(records)))) == []
    assert register_.faults == ()


def test_what_is_copied_or_altered_in_a_table_is_found() -> None:
    records, register_ = register()
    first = register_.issue(0.0, "s", "a", 5, 2.0)
    register_.issue(0.0, "s", "a", 6, 1.0)
    register_.transfer(1.0, first, "a", "b", 1.5)
    register_.cancel(2.0, first, "b", 1.5)
    table = records.table()
    for row in range(4):
        twice = pd.concat([table, table.iloc[[row]]], ignore_index=True)
        found = double_counting(records_of(twice))
        assert [fault.entry for fault in found] == [row]
        assert ("has been issued" if row < 2 else "cannot be") in found[0].what
    for column, value in (("discharge_mwh", 2.1), ("period", 6), ("what", "green certificate lost")):
        altered = table.copy()
        altered.loc[3, column] = value
        assert [fault.entry for fault in double_counting(records_of(altered))] == [3]
        # The chain of hashes finds it, too.
        assert first_break(record_links(altered), RECORDS, 4) is not None
    altered = table.astype({"period": "Int64"})
    altered.loc[1, "period"] = pd.NA
    assert "the period in which" in double_counting(records_of(altered))[0].what


def test_a_record_written_past_the_register_counts_only_if_it_can_be() -> None:
    records, register_ = register()
    register_.issue(0.0, "s", "a", 5, 2.0)
    records.write(0.0, "a", "b", "green certificate 0 transferred", 5, discharge_mwh=0.5)
    records.write(0.0, "b", "b", "green certificate 0 cancelled", 5, discharge_mwh=0.75)
    assert register_.holdings("b") == {0: 0.5}
    assert [fault.entry for fault in register_.faults] == [2]
    assert GreenCertificates(records).holdings("a") == {0: 1.5}


def test_certificates_over_more_than_has_left_are_found() -> None:
    """The labels of a schedule tell what has left; certificates of exactly that are founded."""
    storage = StorageRatings("s", 1.0, 1.0, 0.0, 1.0, 0.2, 0.95, 0.95, 1.0)
    powers = np.array([0.5, 0.0, 0.0]), np.array([0.0, 0.3, 0.2])
    labels = replay_label(storage, LabelledSchedule(*powers, np.full(3, 0.6), 1.0), 0.0)
    left = {("s", hour): mwh for hour, mwh in enumerate(labels.out_mwh.tolist())}
    records, register_ = register()
    for hour in (1, 2):
        register_.issue(0.0, "s", "vpp", hour, left["s", hour])
    records.write(0.0, "s", "s", EXECUTED, 2, discharge_mwh=9.0)
    entries = list(map(records.record, range(len(records))))
    assert unfounded(entries, left) == []
    found = unfounded(entries, {**left, ("s", 2): left["s", 2] - 0.01})
    assert [fault.entry for fault in found] == [1] and "storage s, period 2: issued over" in found[0].what
    assert [fault.entry for fault in unfounded(entries, {})] == [0, 1]
