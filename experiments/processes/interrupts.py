"""Ctrl-C, heard once: what is put down after the first one is not cut short by a second."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """From beginning to end of a run the first ctrl-C interrupts; later ones do so only when asked for again.

    Where another handler than Python's own is set, or in another thread than the main one, nothing changes.
    """

    def __init__(self) -> None:
        self._is_open = True
        self._is_ours = False

    def __enter__(self) -> Self:
        self._is_ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._is_ours:
            signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._is_open:
            self._is_open = False
            raise KeyboardInterrupt

    def open(self) -> None:
        """Let the next ctrl-C interrupt again."""
        self._is_open = True

    def close(self) -> None:
        """Let no ctrl-C interrupt what comes next."""
        self._is_open = False
