"""What was said on a bus, message by message, with what became of it."""

from __future__ import annotations

import pandas as pd

from gridarium.environment.links import Envelope

LOG_COLUMNS = ["sent_s", "delivered_s", "sender", "recipient", "topic", "outcome"]


class MessageLog:
    """Messages in the order in which they were settled.

    - `words`: each message word for word, with its outcome
    - `note`: keeps one more
    - `table`: all as rows
    """

    def __init__(self) -> None:
        self.words: list[tuple[Envelope, str]] = []

    def note(self, envelope: Envelope, outcome: str) -> None:
        """Keep a message."""
        self.words.append((envelope, outcome))

    def table(self) -> pd.DataFrame:
        """Return a row for each message.

        Returns
        -------
        DataFrame
            Columns sent_s, delivered_s (nan when lost), sender, recipient, topic, outcome (delivered, lost,
            duplicate, "refused: REASON").
        """
        rows = [
            (one.sent_s, one.delivered_s, one.sender, one.recipient, one.topic, outcome)
            for one, outcome in self.words
        ]
        return pd.DataFrame(rows, columns=LOG_COLUMNS).astype({"sent_s": float, "delivered_s": float})
