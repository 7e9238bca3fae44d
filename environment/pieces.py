"""What a unit does within a settlement period, where that changes in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gridarium.environment.errors import GridariumError


class PieceError(GridariumError):
    """Pieces of a period that overlap or leave it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a period in which values stay as they are; times since the period began.

    Parameters
    ----------
    from_s, to_s : float
    values : tuple of float
    """

    from_s: float
    to_s: float
    values: tuple[float, ...]


class Pieces:
    """Values over one period, one piece after the other; what is ahead may be rewritten.

    - `begin`, `rewrite`: forget everything, and what is ahead of an instant
    - `add`: say what is ahead
    - `before`, `means`, `at`: what was said

    Parameters
    ----------
    period_s : float
        Length of the period, s.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._pieces: list[Piece] = []

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def begin(self) -> None:
        """Forget the period before."""
        self._pieces = []

    def before(self, since_s: float) -> list[Piece]:
        """What was before an instant."""
        past = (piece for piece in self._pieces if piece.from_s < since_s)
        return [Piece(piece.from_s, min(piece.to_s, since_s), piece.values) for piece in past]

    def rewrite(self, since_s: float) -> None:
        """Forget what is ahead of an instant."""
        self._pieces = self.before(since_s)

    def add(self, to_s: float, values: tuple[float, ...]) -> Piece:
        """Say what is next, up to an instant; values that stay the same make a piece longer.

        Raises
        ------
        PieceError
            If that instant is not within the rest of the period.
        """
        last = self._pieces[-1] if self._pieces else None
        from_s = last.to_s if last else 0.0
        if not from_s < to_s <= self.period_s:
            raise PieceError(f"pieces: to_s must be in ({from_s}, {self.period_s}] s, got {to_s} s")
        if last and last.values == values:
            from_s = self._pieces.pop().from_s
        piece = Piece(from_s, to_s, values)
        self._pieces.append(piece)
        return piece

    def share(self, piece: Piece) -> float:
        """Length of a piece, as a share of the period."""
        return (piece.to_s - piece.from_s) / self.period_s

    @property
    def means(self) -> tuple[float, ...]:
        """Means over the period."""
        if len(self._pieces) == 1:
            return self._pieces[0].values
        shares = [self.share(piece) for piece in self._pieces]
        each = zip(*(piece.values for piece in self._pieces), strict=True)
        return tuple(sum(s * v for s, v in zip(shares, values, strict=True)) for values in each)

    def at(self, since_s: float) -> tuple[float, ...]:
        """Values from an instant on.

        Raises
        ------
        PieceError
            If nothing is said of it.
        """
        for piece in self._pieces:
            if piece.from_s <= since_s < piece.to_s:
                return piece.values
        raise PieceError(f"pieces: nothing is said of {since_s} s in a period of {self.period_s} s")
