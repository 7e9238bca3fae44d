"""What a registry is made of: names, where they lead, and kinds of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Something a scenario can name.

    Parameters
    ----------
    name : str
        What the scenario writes.
    target : str
        Where it lives, `package.module:Class`.
    description : str
        One line for `gridarium list`.
    """

    name: str
    target: str
    description: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Things of one kind.

    Parameters
    ----------
    field : str
        Where a scenario or a study names them.
    shipped : tuple of Entry
        Those of gridarium.
    base : str
        What all are, `package.module:Class`: a class that they are derived from, or a protocol whose methods
        they have; none where whoever uses them checks it.
    """

    field: str
    shipped: tuple[Entry, ...] = ()
    base: str = ""
