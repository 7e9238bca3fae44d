"""Values that change within a period: means by hand, what is ahead rewritten, pieces that do not fit."""

import pytest

from gridarium.environment.pieces import Piece, PieceError, Pieces


def test_what_is_ahead_is_rewritten_and_what_was_stays() -> None:
    pieces = Pieces(100.0)
    pieces.add(100.0, (1.0, 0.0))
    pieces.rewrite(25.0)
    pieces.add(50.0, (3.0, 4.0))
    pieces.add(100.0, (0.0, 0.0))
    assert pieces.means == (0.25 + 0.75, 1.0)
    pieces.rewrite(40.0)
    pieces.add(100.0, (0.0, 10.0))
    assert list(pieces) == [
        Piece(0.0, 25.0, (1.0, 0.0)),
        Piece(25.0, 40.0, (3.0, 4.0)),
        Piece(40.0, 100.0, (0.0, 10.0)),
    ]
    assert [pieces.at(at) for at in (0.0, 25.0, 39.0, 40.0)] == [
        (1.0, 0.0),
        (3.0, 4.0),
        (3.0, 4.0),
        (0.0, 10.0),
    ]
    pieces.begin()
    with pytest.raises(PieceError, match=r"nothing is said of 0\.0 s"):
        pieces.at(0.0)


def test_values_that_stay_make_one_piece_with_their_very_mean() -> None:
    pieces = Pieces(3600.0)
    for to_s in (700.0, 1000.0, 3600.0):
        pieces.add(to_s, (0.1,))
    assert list(pieces) == [Piece(0.0, 3600.0, (0.1,))]
    assert pieces.means == (0.1,)


@pytest.mark.parametrize("to_s", [10.0, 5.0, 100.5])
def test_pieces_follow_each_other_within_the_period(to_s: float) -> None:
    pieces = Pieces(100.0)
    pieces.add(10.0, (1.0,))
    with pytest.raises(PieceError, match=r"to_s must be in \(10\.0, 100\.0\] s"):
        pieces.add(to_s, (2.0,))
