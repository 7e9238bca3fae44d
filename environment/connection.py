"""What the holder of a name on the message bus sends through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Connection:
    """What the holder of a name sends through; the bus writes that name on it, whatever it says.

    - `send`: hand over a payload; it arrives by the clock, never within the call

    Parameters
    ----------
    name : str
        Of its holder.
    send : callable
        The way of the bus that made it.
    """

    __slots__ = ("_send", "name")

    def __init__(
        self, name: str, send: Callable[[str, str, Any, str | None, int | None, bool], None]
    ) -> None:
        self.name, self._send = name, send

    def send(
        self,
        recipient: str,
        payload: Any,
        topic: str | None = None,
        question: int | None = None,
        answers: bool = False,
    ) -> None:
        """Send a payload on its way.

        Parameters
        ----------
        recipient : str
            A connected name.
        payload : frozen dataclass, NamedTuple, tuple or other immutable
            Handed over as it is; arrays inside should be read-only.
        topic : str, optional
            The name of the payload's type if left out.
        question : int, optional
            Number of the question that is asked or answered.
        answers : bool
            Whether it is answered.

        Raises
        ------
        MessageError
            If the recipient is unknown or the payload's type is mutable.
        """
        self._send(self.name, recipient, payload, topic, question, answers)
