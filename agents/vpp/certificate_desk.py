"""Green certificates of a virtual power plant: for what its storages report, handed to its operator."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.market.certificate_book import SMALLEST_MWH
from gridarium.market.green_certificates import certificates_of
from gridarium.market.messages.cleanness import GreenDelivery
from gridarium.market.messages.status import StorageStatus


class CertificateDesk(Listener):
    """Hears what storages did, and has what left them as green certified; a part that the plant mounts.

    What is not reported in time is not certified.

    - `deliver`: a process that closes a period
    - `newest`: the newest state of each storage; `certified_mwh`: by owner and period

    Parameters
    ----------
    plant : GridAgent
    regions : mapping of str to str
        Region of each owner.
    operator : str
        Who is given the certificates.
    waits_s, again_after_s : float
        How long reports of a period are awaited, and after what silence the operator is told again.
    """

    def __init__(
        self,
        plant: GridAgent,
        regions: Mapping[str, str],
        operator: str,
        waits_s: float,
        again_after_s: float,
    ) -> None:
        self._plant, self._regions, self._operator = plant, regions, operator
        self._waits_s, self._again_after_s = waits_s, again_after_s
        self._certificates = certificates_of(plant.world)
        self._reports: dict[int, dict[str, StorageStatus]] = {}
        self._delivered, self._arrival = 0, plant.world.clock.env.event()
        self.newest: dict[str, StorageStatus] = {}
        self.certified_mwh: dict[tuple[str, int], float] = {}

    @on(StorageStatus)
    def hear(self, status: StorageStatus, sender: str) -> None:
        """Keep a report; the first of a storage and period counts, while the period is open."""
        if sender not in self._regions:
            return
        if status.period > self._delivered:
            self._reports.setdefault(status.period - 1, {}).setdefault(sender, status)
        if sender not in self.newest or status.period > self.newest[sender].period:
            self.newest[sender] = status
        arrived, self._arrival = self._arrival, self._plant.world.clock.env.event()
        arrived.succeed()

    def deliver(self, period: int) -> Generator[Any, Any, None]:
        """Wait for all reports of a period, certify them, and hand all certificates to the operator."""
        plant, clock = self._plant, self._plant.world.clock
        until_s = clock.now_s + self._waits_s
        while self._regions.keys() - self._reports.get(period, {}).keys() and clock.now_s < until_s:
            yield self._arrival | clock.wait_until(until_s)
        reports, self._delivered = self._reports.pop(period, {}), period + 1
        handed = []
        for owner, region in self._regions.items():
            left_mwh = reports[owner].green_discharge_mwh if owner in reports else None
            if left_mwh is None or left_mwh < SMALLEST_MWH:
                continue
            number = self._certificates.issue(clock.now_s, owner, plant.name, period, left_mwh)
            self._certificates.transfer(clock.now_s, number, plant.name, self._operator, left_mwh)
            self.certified_mwh[owner, period] = left_mwh
            handed.append((region, number))
        delivery = {self._operator: GreenDelivery(period, tuple(handed))}
        yield from plant.ask(delivery, self._waits_s, self._again_after_s).answered()
