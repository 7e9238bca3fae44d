"""A second opinion on who was not heard: the same run on perfect links, and what became of the messages."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gridarium.environment.errors import GridariumError, UnheardError
from gridarium.environment.message_bus import MessageBus
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import check_case

PERFECT = {
    "latency_s": 0.0,
    "latency_jitter_s": 0.0,
    "loss": 0.0,
    "duplication": 0.0,
    "reordering": 0.0,
    "outages": [],
    "links": [],
}
"""What makes all links instant and lossless."""


def unheard(tree: Tree, error: UnheardError, is_fine: Callable[[Tree], bool]) -> tuple[bool, str]:
    """Whether links alone have kept an agent from being answered; and the word on it.

    Parameters
    ----------
    tree : dict
        Of the case that ended so.
    error : UnheardError
    is_fine : callable
        Whether a case ends well.

    Notes
    -----
    Two things must be so. The case ends well where all links are perfect. And when it is run again with a
    log, it ends at the same silence, and to or from each that was silent a message was lost, or comes late.
    """
    links = tree["communication"]
    if links == {**links, **PERFECT}:
        return False, "all links are perfect"
    if not is_fine({**tree, "communication": {**links, **PERFECT}}):
        return False, "on perfect links it does not end well either"
    again, bus, now_s = _logged(tree)
    if str(again) != str(error):
        return False, f"when run again it ended otherwise: {again}"
    heard = [name for name in error.silent if not _failed(bus, error.waits, name, now_s)]
    if heard:
        return False, f"nothing between {error.waits} and {', '.join(heard)} was lost or late"
    return True, "on perfect links it ends well; with these, messages of each were lost or late"


def _logged(tree: Tree) -> tuple[GridariumError | None, MessageBus, float]:
    """How the case ends when it is run with a log of messages, its bus, and when that is, s."""
    case, faults = check_case(tree)
    if case is None:
        raise GridariumError(f"a valid case is not when read again: {faults[0]}")
    world, ended = build(case).world, None
    world.bus.record = True
    try:
        while world.running:
            world.step()
    except GridariumError as error:
        ended = error
    return ended, world.bus, world.clock.now_s


def _failed(bus: MessageBus, waits: str, silent: str, now_s: float) -> bool:
    """Whether a message between two was lost, has come only now, or may be on its way still."""
    log = bus.log()
    between = log[_way(log, waits, silent) | _way(log, silent, waits)]
    is_late = bool((between["delivered_s"] >= now_s).any())
    return is_late or bool((between["outcome"] == "lost").any()) or bus.last_arrival_s > now_s


def _way(log: pd.DataFrame, sender: str, recipient: str) -> pd.Series:
    return (log["sender"] == sender) & (log["recipient"] == recipient)
