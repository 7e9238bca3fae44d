"""What a feeder has registered with the system above to be called for within a day."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.storage import StorageRatings


@dataclass(frozen=True, slots=True)
class FeederServices:
    """The services of a feeder, those of all its replicas together.

    Parameters
    ----------
    storage : StorageRatings or None
        Of the storage provider on it; None without one.
    compensation_per_mwh : float
        What the provider gets for wear, money per MWh in or out inside the storage.
    has_desk : bool
        Whether prosumers on it trade by a desk that can be called.
    """

    storage: StorageRatings | None
    compensation_per_mwh: float
    has_desk: bool
