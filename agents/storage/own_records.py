"""An owner's own entries in the records: what its meter writes, and how it checks them by itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.merkle import MerkleTree
from gridarium.environment.records import ALLOCATED, EXECUTED, TaskEnergies
from gridarium.environment.security.authority import verify_signature
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.ledger import LedgerHead, ProofRequest, allocated
from gridarium.market.record_checks import Finding, Remembered, examine

_WAITS_S, _AGAIN_AFTER_S = 60.0, 1.0
"""How long an owner waits for proofs, and after what silence it asks again, s."""


class DayCheck(NamedTuple):
    """What an owner found of a day."""

    day: int
    remembered: int
    finding: Finding


class OwnRecords(Listener):
    """Writes what a meter has read, and checks by proofs that it stands in the records; a part of an owner.

    - `record`: what was done in a period
    - `when_checked`: have something called with what came of a day's check
    - `checks`: all that were made; `refused`: heads that the auditor had not signed

    Parameters
    ----------
    owner : GridAgent
    storage : StorageDevice
    pool : str
        Name of the platform that shows it its entries.
    auditor_key : bytes or None
        Public key that heads must be signed with; None where nobody tells any, and nothing is checked.

    Notes
    -----
    It knows the commands that it has heard, what its meter has read, and the heads that the auditor told it;
    of the records themselves it sees only what the platform shows.
    """

    def __init__(
        self, owner: GridAgent, storage: StorageDevice, pool: str, auditor_key: bytes | None = None
    ) -> None:
        self._agent, self._storage, self._pool, self._auditor_key = owner, storage, pool, auditor_key
        self._read: list[Remembered] = []
        self._told, self._heard_day = 0, -1
        self._old = LedgerHead(-1, 0, MerkleTree().root())
        self._awaited: dict[int, Callable[[bool], None]] = {}
        self.checks: list[DayCheck] = []
        self.refused: list[DayCheck] = []

    @property
    def are_checked(self) -> bool:
        """Whether there is an auditor, so that each day is checked."""
        return self._auditor_key is not None

    def record(self, period: int) -> None:
        """Let the meter write what was done in a period, and remember it."""
        world, name = self._agent.world, self._agent.name
        powers = (self._storage.charge_mw, self._storage.discharge_mw, self._storage.q_mvar)
        read = TaskEnergies(*(float(power[period]) * world.period_h for power in powers))
        world.records.write(world.clock.now_s, name, name, EXECUTED, period, **read._asdict())
        if self.are_checked:
            self._read.append(Remembered(EXECUTED, period, read))

    def when_checked(self, day: int, then: Callable[[bool], None]) -> None:
        """Call a function with whether a day was verified, as soon as that is known."""
        known = next((check.finding.is_verified for check in self.checks if check.day == day), None)
        if known is None:
            self._awaited[day] = then
        else:
            then(known)

    @on(LedgerHead)
    def take_head(self, head: LedgerHead, sender: str) -> Receipt | None:
        """Ask the platform for one's own entries in it, once for each day.

        A head that the auditor has not signed is noted and not acknowledged: the right one will come again.
        """
        if not self._is_signed(head):
            self.refused.append(DayCheck(head.day, 0, Finding(0, 0, "the head is not the auditor's")))
            return None
        if head.day > self._heard_day:
            self._heard_day = head.day
            world = self._agent.world
            world.outlast(world.clock.process(self._check(head)))
        return Receipt()

    def _check(self, head: LedgerHead) -> Generator[Any, Any, None]:
        memory = self._since_last()
        request = ProofRequest(head.day, head.size, self._old.size)
        question = self._agent.ask({self._pool: request}, _WAITS_S, _AGAIN_AFTER_S)
        silent = yield from question.answered()
        if silent:
            finding = Finding(0, 0, "the platform shows nothing")
        else:
            finding = examine(self._agent.name, head, self._old, question.replies[self._pool], memory)
        self._old = head
        self._conclude(head, memory, finding)

    def _since_last(self) -> list[Remembered]:
        """What it was told and has read since it last looked."""
        commands, self._told = self._storage.commands[self._told :], len(self._storage.commands)
        told = [
            Remembered(ALLOCATED, period, energies)
            for command in commands
            for period, energies in enumerate(allocated(command, self._agent.world.period_h), command.period)
        ]
        read, self._read = self._read, []
        return [*told, *read]

    def _is_signed(self, head: LedgerHead) -> bool:
        key, signature = self._auditor_key, head.signature
        return (
            key is not None and signature is not None and verify_signature(key, head.signed_bytes, signature)
        )

    def _conclude(self, head: LedgerHead, memory: list[Remembered], finding: Finding) -> None:
        self.checks.append(DayCheck(head.day, len(memory), finding))
        then = self._awaited.pop(head.day, None)
        if then is not None:
            then(finding.is_verified)

    def rows(self) -> Iterator[Rows]:
        """What it found of each day."""
        if not (self.checks or self.refused):
            return
        found: list[Mapping[str, ArrayLike]] = [
            {
                "day": check.day,
                "remembered": check.remembered,
                "shown": check.finding.shown,
                "proven": check.finding.proven,
                "verified": float(check.finding.is_verified),
                "fault": check.finding.fault,
            }
            for check in [*self.checks, *self.refused]
        ]
        yield Rows("record_checks", columns_of(found), by="row")
