"""Green certificates: issued for green energy that leaves a storage, handed on, cancelled once when used."""

from __future__ import annotations

import math

from gridarium.environment.commons import Commons
from gridarium.environment.errors import LedgerError
from gridarium.environment.records import Records
from gridarium.market.certificate_book import (
    KIND,
    Act,
    Book,
    Certificate,
    CertificateFault,
    Totals,
    read_into,
)


class GreenCertificates:
    """Green certificates in the records of a world; all that is known of them stands there.

    - `issue`, `transfer`, `cancel`: write records, or refuse to
    - `certificate`, `held_mwh`, `holdings`, `totals`: read them
    - `faults`: what others have written that cannot be

    A certificate has the number of the record that issues it. There is one for a storage and period. Parts of
    it may be handed on and cancelled; what is cancelled is used up.

    Parameters
    ----------
    records : Records
        Others may write to them, too: their acts count if they are possible.

    Notes
    -----
    Of a record, `writer` is who gives (the storage, where one is issued), `owner` who holds afterwards,
    `discharge_mwh` the energy, and `period` that of the discharge.
    """

    def __init__(self, records: Records) -> None:
        self._records, self._stored, self._n_read = records, Book(), 0
        self._faults: list[CertificateFault] = []

    def issue(self, time_s: float, storage: str, owner: str, period: int, mwh: float) -> int:
        """Issue a certificate for the green energy that has left a storage in a period; return its number.

        Parameters
        ----------
        time_s : float
            Clock time, s.
        storage, owner : str
        period : int
        mwh : float
            Green energy at the grid terminals, MWh, at least `SMALLEST_MWH`.

        Raises
        ------
        LedgerError
            If there is one for this storage and period, or the energy is no amount.
        """
        return self._write(time_s, Act("issued", None, storage, owner, period, mwh))

    def transfer(self, time_s: float, number: int, giver: str, receiver: str, mwh: float) -> int:
        """Hand on a certificate, or a part of it; return the number of the record.

        Raises
        ------
        LedgerError
            If the giver holds less, or there is no such certificate.
        """
        period = self.certificate(number).period
        return self._write(time_s, Act("transferred", number, giver, receiver, period, mwh))

    def cancel(self, time_s: float, number: int, holder: str, mwh: float) -> int:
        """Cancel a certificate, or a part of it, as it is used; return the number of the record.

        Raises
        ------
        LedgerError
            If the holder holds less, as when it was cancelled before, or there is no such certificate.
        """
        period = self.certificate(number).period
        return self._write(time_s, Act("cancelled", number, holder, holder, period, mwh))

    def certificate(self, number: int) -> Certificate:
        """A certificate as it was issued; raises LedgerError if there is none of this number."""
        issued = self._book.issued
        if number not in issued:
            raise LedgerError(f"{KIND} {number}: no certificate of this number was issued")
        return issued[number]

    def held_mwh(self, number: int, holder: str) -> float:
        """What somebody holds of a certificate, MWh."""
        return self._book.held.get(number, {}).get(holder, 0.0)

    def holdings(self, holder: str) -> dict[int, float]:
        """What somebody holds, MWh, by numbers of certificates, oldest first."""
        held = {number: holders.get(holder, 0.0) for number, holders in self._book.held.items()}
        return {number: mwh for number, mwh in held.items() if mwh > 0.0}

    @property
    def totals(self) -> Totals:
        """Energy of all certificates."""
        book = self._book
        return Totals(
            math.fsum(certificate.mwh for certificate in book.issued.values()),
            math.fsum(mwh for holders in book.held.values() for mwh in holders.values()),
            math.fsum(book.cancelled.values()),
        )

    @property
    def faults(self) -> tuple[CertificateFault, ...]:
        """Records, written past this class, that cannot be and do not count."""
        self._catch_up()
        return tuple(self._faults)

    @property
    def _book(self) -> Book:
        """The book with all that has been written so far."""
        self._catch_up()
        return self._stored

    def _catch_up(self) -> None:
        n_record = len(self._records)
        new = [self._records.record(number) for number in range(self._n_read, n_record)]
        self._faults += read_into(self._stored, new)
        self._n_read = n_record

    def _write(self, time_s: float, act: Act) -> int:
        book = self._book
        if fault := book.fault(act):
            raise LedgerError(fault)
        amount = book.amount(act)
        return self._records.write(
            time_s, act.giver, act.receiver, act.what, act.period, discharge_mwh=amount
        )


def certificates_of(world: Commons) -> GreenCertificates:
    """The certificates of a world, which whoever issues, checks or cancels them shares."""
    return world.shared("green certificates", lambda: GreenCertificates(world.records))
