"""What records say of green certificates, who holds them after that, and what counts energy twice."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gridarium.environment.records import Record

SMALLEST_MWH = 1e-9
"""A milliwatt-hour: what is less counts as nothing, as rounding does."""

KIND = "green certificate"
"""How records begin that are about certificates."""

_ISSUED = f"{KIND} issued"
_WORDS = re.compile(rf"{KIND}(?: (\d+))? (issued|transferred|cancelled)")


class Certificate(NamedTuple):
    """A certificate as it was issued.

    Parameters
    ----------
    number : int
        That of the record that issued it.
    storage, owner : str
        What the energy has left, and who was the first to hold the certificate.
    period : int
        Settlement period in which it left.
    mwh : float
        Green energy at the grid terminals, MWh.
    """

    number: int
    storage: str
    owner: str
    period: int
    mwh: float


class CertificateFault(NamedTuple):
    """A record of certificates that counts energy twice or from nowhere.

    Parameters
    ----------
    entry : int
        Number of the record.
    what : str
        What is wrong with it.
    """

    entry: int
    what: str


class Totals(NamedTuple):
    """Energy of all certificates, MWh: what was issued is held or cancelled."""

    issued_mwh: float
    held_mwh: float
    cancelled_mwh: float


class Act(NamedTuple):
    """Something that is done with a certificate; its number is None where it is to be issued."""

    verb: str
    number: int | None
    giver: str
    receiver: str
    period: int | None
    mwh: float

    @property
    def what(self) -> str:
        """How a record says it."""
        return " ".join(str(part) for part in (KIND, self.number, self.verb) if part is not None)


class Book:
    """Who holds how much of which certificate, after some acts; each act is checked, then taken."""

    def __init__(self) -> None:
        self.issued: dict[int, Certificate] = {}
        self.held: dict[int, dict[str, float]] = {}
        self.cancelled: dict[int, float] = {}
        self._of_period: dict[tuple[str, int], int] = {}

    def fault(self, act: Act) -> str:
        """Why an act is not possible; empty if it is."""
        if not SMALLEST_MWH <= act.mwh < math.inf:
            return f"{self._place(act)}: mwh must be in [{SMALLEST_MWH}, inf) MWh, got {act.mwh} MWh"
        if act.number is None:
            return self._fault_of_issue(act)
        certificate = self.issued.get(act.number)
        if certificate is None:
            return f"{self._place(act)}: no certificate of this number was issued"
        if act.period != certificate.period:
            needed = f"period must be {certificate.period}, that of its issue"
            return f"{self._place(act)}: {needed}, got {act.period}"
        held = self.held[act.number].get(act.giver, 0.0)
        if held < SMALLEST_MWH or act.mwh > held + SMALLEST_MWH:
            used = f"{self.cancelled[act.number]:.9g} of {certificate.mwh:.9g} MWh are cancelled"
            wanted = f"{act.giver} holds {held:.9g} MWh of it, {act.mwh:.9g} MWh cannot be {act.verb}"
            return f"{self._place(act)}: {wanted}; {used}"
        return ""

    def amount(self, act: Act) -> float:
        """Energy of a possible act, MWh: all that is held if it is as good as all."""
        if act.number is None:
            return act.mwh
        held = self.held[act.number][act.giver]
        return held if abs(held - act.mwh) <= SMALLEST_MWH else act.mwh

    def take(self, act: Act, entry: int) -> None:
        """Take a possible act, written as an entry of the records."""
        mwh = self.amount(act)
        if act.number is None:
            assert act.period is not None
            self.issued[entry] = Certificate(entry, act.giver, act.receiver, act.period, mwh)
            self.held[entry], self.cancelled[entry] = {act.receiver: mwh}, 0.0
            self._of_period[act.giver, act.period] = entry
            return
        holders = self.held[act.number]
        holders[act.giver] -= mwh
        if act.verb == "cancelled":
            self.cancelled[act.number] += mwh
        else:
            holders[act.receiver] = holders.get(act.receiver, 0.0) + mwh

    def _fault_of_issue(self, act: Act) -> str:
        if act.period is None:
            return f"{self._place(act)}: the period in which the energy has left must be given"
        before = self._of_period.get((act.giver, act.period))
        if before is None:
            return ""
        already = f"certificate {before} over {self.issued[before].mwh:.9g} MWh has been issued for it"
        return f"{self._place(act)}: {already}, another over {act.mwh:.9g} MWh cannot be"

    def _place(self, act: Act) -> str:
        if act.number is None:
            return f"{KIND} of storage {act.giver}, period {act.period}"
        return f"{KIND} {act.number}"


def double_counting(records: Iterable[Record]) -> list[CertificateFault]:
    """Find whatever counts energy twice, from the records alone.

    Parameters
    ----------
    records : iterable of Record
        All records in their order, as `records_of` reads them from a table; other kinds are passed over.

    Returns
    -------
    list of CertificateFault
        Second certificates of a storage and period, and what was handed on or cancelled by somebody who did
        not hold it, or no more. What is at fault does not count for what comes after it.
    """
    return read_into(Book(), records)


def unfounded(
    records: Iterable[Record], green_out_mwh: Mapping[tuple[str, int], float]
) -> list[CertificateFault]:
    """Find certificates over more green energy than has left the storage.

    Parameters
    ----------
    records : iterable of Record
    green_out_mwh : mapping
        Green energy that has left, at the grid terminals, MWh, by storage and period; where one is missing,
        none has.

    Returns
    -------
    list of CertificateFault
    """
    faults = []
    for record in records:
        if record.what == _ISSUED and record.period is not None:
            left = green_out_mwh.get((record.writer, record.period), 0.0)
            if not record.discharge_mwh <= left + SMALLEST_MWH:
                place = f"{KIND} {record.entry}, storage {record.writer}, period {record.period}"
                what = f"{place}: issued over {record.discharge_mwh:.9g} MWh, {left:.9g} MWh green have left"
                faults.append(CertificateFault(record.entry, what))
    return faults


def read_into(book: Book, records: Iterable[Record]) -> list[CertificateFault]:
    """Take what records say of certificates into a book, and tell what cannot be."""
    faults = []
    for record in records:
        if not record.what.startswith(KIND):
            continue
        act = _act_of(record)
        fault = book.fault(act) if act is not None else f"{record.what!r} is nothing done with a certificate"
        if fault:
            faults.append(CertificateFault(record.entry, fault))
        elif act is not None:
            book.take(act, record.entry)
    return faults


def _act_of(record: Record) -> Act | None:
    """What a record of certificates says; None if that is nothing."""
    found = _WORDS.fullmatch(record.what)
    if found is None or (found[2] == "issued") != (found[1] is None):
        return None
    number = None if found[1] is None else int(found[1])
    return Act(found[2], number, record.writer, record.owner, record.period, record.discharge_mwh)
