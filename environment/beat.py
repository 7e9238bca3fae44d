"""One clock event for everything that is due at the same instant, however many agents wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridarium.environment.clock import Clock, ClockError

Callback = Callable[[], None]


class Beat:
    """Calls what is due at an instant, in the order of asking, from one event of the clock.

    A timer for each agent and minute would fill the clock's queue; here an agent that has something
    to do in the next minute asks for it, and one that has not costs nothing.

    - `at`: ask to be called
    - `catch_up`: call now what is due by now

    Parameters
    ----------
    clock : Clock
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[float, list[Callback]] = {}

    def at(self, t_s: float, callback: Callback) -> None:
        """Have a callback called once at clock time `t_s`, s.

        Raises
        ------
        ClockError
            If that time is past.
        """
        waiting = self._due.get(t_s)
        if waiting is None:
            waiting = self._due[t_s] = []
            if not t_s >= self._clock.now_s:
                del self._due[t_s]
                raise ClockError(f"beat: t_s must be in [{self._clock.now_s}, inf) s, got {t_s} s")
            self._clock.env.timeout(t_s - self._clock.now_s, t_s).callbacks.append(self._ring)
        waiting.append(callback)

    def catch_up(self) -> None:
        """Call now what is due by now, the earliest first.

        `Clock.run_until` leaves what is due at its end to the next call; a meter that is read at that
        instant needs the last minute before it.
        """
        for t_s in sorted(t_s for t_s in self._due if t_s <= self._clock.now_s):
            self._call(t_s)

    def _ring(self, event: Any) -> None:
        self._call(event.value)

    def _call(self, t_s: float) -> None:
        # What is asked for this very instant meanwhile gets an event of its own.
        for callback in self._due.pop(t_s, ()):
            callback()
