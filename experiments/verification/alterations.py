"""Bytes of a run folder altered one at a time, to see whether each is named with its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from gridarium.experiments.results.checksums import LISTING, files_of
from gridarium.experiments.results.manifest import DIGEST, MANIFEST
from gridarium.experiments.verification.files import files

Altered = Callable[[], AbstractContextManager[None]]
"""What alters a byte as long as it lasts."""


def altered_bytes(folder: Path, count: int, seed: int, first: int = 0) -> Iterator[tuple[str, Altered]]:
    """Draw bytes to alter, each file as often as any other, whatever its size.

    Parameters
    ----------
    folder : Path
        Stays as it is; a byte is altered while what is yielded for it is entered.
    count : int
        How many.
    seed : int
    first : int
        The draw to begin with; each has a stream of its own.

    Yields
    ------
    name : str
        Path of the file in the folder.
    altered : callable
        Returns a context in which a byte of the file is another one.
    """
    names = sorted(name for name in [*files_of(folder), MANIFEST, DIGEST, LISTING] if _size(folder / name))
    for draw in range(first, first + count):
        random = np.random.default_rng([seed, draw])
        name = names[draw % len(names)]
        place, other = int(random.integers(_size(folder / name))), int(random.integers(1, 256))
        yield name, partial(_altered, folder / name, place, other)


def is_named(folder: Path, name: str) -> bool:
    """Whether the check of files names one file, and no other."""
    return {one.subject for one in files(folder) if not one.passed} == {name}


@contextmanager
def _altered(path: Path, place: int, other: int) -> Iterator[None]:
    """Alter a byte of a file, and put it back."""
    content = path.read_bytes()
    path.write_bytes(content[:place] + bytes([content[place] ^ other]) + content[place + 1 :])
    try:
        yield
    finally:
        path.write_bytes(content)


def _size(path: Path) -> int:
    return path.stat().st_size
