"""Concession with time: by hand, and what holds for all exponents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.market.concession import ask_in_round, bid_in_round, conceded


@pytest.mark.parametrize(("exponent", "halfway"), [(1.0, 0.5), (0.5, 0.25), (2.0, 0.5**0.5)])
def test_who_holds_out_has_conceded_less_halfway(exponent: float, halfway: float) -> None:
    assert conceded(0.5, exponent) == pytest.approx(halfway)
    assert (conceded(0.0, exponent), conceded(1.0, exponent)) == (0.0, 1.0)


def test_a_single_round_is_an_ask_to_take_or_to_leave() -> None:
    assert ask_in_round(160.0, 40.0, 0, 1, 1.0) == 160.0
    assert bid_in_round(20.0, 280.0, 0, 1, 1.0) == 280.0


@given(
    exponent=st.floats(0.02, 50.0),
    rounds=st.integers(1, 30),
    reservation=st.floats(0.0, 200.0),
    room=st.floats(1.0, 300.0),
)
def test_both_move_one_way_and_only_the_buyer_gets_to_its_limit(
    exponent: float, rounds: int, reservation: float, room: float
) -> None:
    asks = [
        ask_in_round(reservation + room, reservation, number, rounds, exponent) for number in range(rounds)
    ]
    bids = [
        bid_in_round(reservation, reservation + room, number, rounds, exponent) for number in range(rounds)
    ]
    assert asks == sorted(asks, reverse=True) and bids == sorted(bids)
    assert asks[0] == reservation + room
    # The last answer is the buyer's: no ask ever says what the seller's cost is, up to the last digit.
    assert asks[-1] >= reservation and (exponent > 5.0 or asks[-1] > reservation)
    assert bids[-1] == pytest.approx(reservation + room)
