"""The paper's own numbers (MPCE 2024, 12(2), 346-358): what they give, and where they contradict."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.errors import InputError
from gridarium.market.lcr import (
    PRINTED_TERMS,
    LcrTerms,
    count_actions,
    fall_share,
    idle_lcr,
    lcr,
    system_lcr,
    weighed_lcr,
    willingness_gain,
)

COST = {1: 13055.0, 2: 13564.0, 3: 14121.0}
PAID = {1: 959.0, 2: 637.0}
GREEN_MWH = {
    1: (2.7200, 1.2689, 2.6200, 1.6432, 2.3580),
    2: (1.1350, 0.4239, 1.5197, 1.2382, 1.8347),
    3: (0.1100, 0.8200, 0.1149, 0.5940, 0.0980),
}


def percent(shares: tuple[float, ...]) -> list[float]:
    return [round(100 * share, 2) for share in shares]


def test_lcr_of_both_scenarios_from_the_printed_costs() -> None:
    assert percent(lcr(COST[3], COST[1])) == [7.55, 28.93, 13.96]
    assert percent(lcr(COST[3], COST[2])) == [3.94, 62.87, 21.62]


def test_the_printed_share_of_the_operator_has_two_digits_swapped() -> None:
    printed_vpp, printed_system, printed_total = 0.0394, 0.6208, 0.2160
    assert round(weighed_lcr(printed_vpp, printed_system).total, 4) == 0.2138 != printed_total
    assert round(weighed_lcr(printed_vpp, 0.6280).total, 4) == printed_total


def test_payments_in_place_of_savings_do_not_give_the_printed_shares() -> None:
    assert percent((system_lcr(PAID[1]), system_lcr(PAID[2]))) == [36.07, 57.53]


def test_doing_nothing_scores_above_both_scenarios_where_the_bill_is_large() -> None:
    assert lcr(COST[3], COST[3]) == idle_lcr() == (0.0, 1.0, 0.3)
    assert idle_lcr().total > lcr(COST[3], COST[2]).total > lcr(COST[3], COST[1]).total
    # Below w_V / w_S * E_exp of the bill the order turns round.
    assert lcr(3499.0, 3000.0).total > idle_lcr().total > lcr(3501.0, 3000.0).total


def test_willingness_is_printed_relative_to_scenario_one() -> None:
    green = {k: sum(regions) for k, regions in GREEN_MWH.items()}
    assert [round(green[k], 4) for k in (1, 2, 3)] == [10.6101, 6.1515, 1.7369]
    gains = [willingness_gain(green[k], green[3], green[1]) for k in (1, 2)]
    assert [round(100 * gain, 1) for gain in gains] == [83.6, 41.6]
    to_the_base = [willingness_gain(green[k], green[3], green[3]) for k in (1, 2)]
    assert [round(100 * gain) for gain in to_the_base] == [511, 254]


def test_the_printed_overcompensation_is_of_savings_and_payments_fall_less() -> None:
    # 47.75 from costs rounded to 1 CNY, which leave 0.1 open.
    assert 100 * fall_share(COST[3] - COST[1], COST[3] - COST[2]) == pytest.approx(47.8, abs=0.1)
    assert round(100 * fall_share(PAID[1], PAID[2]), 1) == 33.6


def test_actions_by_hand() -> None:
    power = np.array([[0.0, 0.1, 0.2, 0.0, 1e-9, 0.3], [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]])
    assert count_actions(power).tolist() == [3, 2]
    assert count_actions(power, runs=True).tolist() == [2, 1]
    assert count_actions(power, least_mw=0.15).tolist() == [2, 2]


def test_what_has_no_meaning_is_refused() -> None:
    for wrong in ({"expected_budget_money": 0.0}, {"vpp_weight": 0.8}, {"system_weight": -0.1}):
        with pytest.raises(InputError, match=r"weight|budget"):
            LcrTerms(**wrong)
    for call in (
        lambda: lcr(0.0, 0.0),
        lambda: willingness_gain(1.0, 0.0, 0.0),
        lambda: fall_share(0.0, 0.0),
    ):
        with pytest.raises(InputError, match=r"\(0, inf\)"):
            call()
    assert LcrTerms(1500.0, 0.7, 0.3) == PRINTED_TERMS
