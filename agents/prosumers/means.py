"""What the parts of a prosumer are given to act with: a voice, a clock, common rules and a manner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gridarium.agents.prosumers.journal import Journal
from gridarium.agents.prosumers.manners import Manner
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.environment.beat import Beat
from gridarium.environment.clock import Clock


@dataclass(frozen=True, slots=True)
class Means:
    """What one prosumer's selling and buying share; its parts know nothing else of it or of each other.

    Parameters
    ----------
    send : callable
        Takes a recipient and a message, and puts it on the bus in the prosumer's name.
    clock : Clock
    beat : Beat
        Common to all traders of the world.
    rules : TradeRules
        Common to the pool.
    manner : Manner
        The prosumer's own.
    is_recorded : callable
        Whether the run keeps what is said, message by message.
    journal : Journal
        What it keeps of the seller's part.
    """

    send: Callable[[str, Any], None]
    clock: Clock
    beat: Beat
    rules: TradeRules
    manner: Manner
    is_recorded: Callable[[], bool]
    journal: Journal
