"""What a TIES tells of its plans and days: totals by hand, tables as it keeps them, balancing energy paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.ries_small import known_of_night

from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.transmission.plan_certificates import orders
from gridarium.experiments.evidence.transmission.plan_totals import totals
from gridarium.experiments.evidence.transmission.told_tables import system_told
from gridarium.market.accounts import PURCHASE, REAL_TIME_MARKET


def failed(known: GridEvidence) -> set[str]:
    found = [*totals(known), *system_told(known)]
    # What is no number has not passed.
    return {one.name for one in found if not one.value <= one.tolerance}


@pytest.mark.parametrize("case", ["full", "fixed", "pigouvian", "none"])
def test_honest_systems_hold_in_every_scheme(case: str) -> None:
    known = known_of_night(case)
    names = {one.name for one in (*totals(known), *system_told(known))}
    assert names == {"balance of plans", "totals of plans", "system as told", "balancing energy"}
    assert failed(known) == set()


@pytest.fixture
def ties() -> Iterator[Ties]:
    (found,) = known_of_night("full").of(Ties)
    plan = found.days[0].plan
    yield found
    found.days[0].plan = plan


@pytest.mark.parametrize(
    "series",
    ["loss_mw", "own_t_per_h", "emission_t_per_h", "import_mw", "reserve_short_mw", "unit_mw", "e_mwh",
     "tank_tco2"],
)  # fmt: skip
def test_a_total_that_does_not_follow_from_powers_is_seen(ties: Ties, series: str) -> None:
    plan: Any = ties.days[0].plan
    wrong = np.array(vars(plan)[series])
    wrong[..., -1] += 0.02
    ties.days[0].plan = replace(plan, **{series: wrong})
    assert "totals of plans" in failed(known_of_night("full"))


def told(table: str, column: str, kind: str) -> GridEvidence:
    """What would be known if the last entry of a column had been another."""
    known = known_of_night("full")
    changed = known.tables[table].copy()
    rows = changed.index[changed["kind"] == kind]
    changed[column] = changed[column].astype(float)
    changed.loc[rows[-1], column] += 0.01 * max(1.0, float(np.nan_to_num(changed.loc[rows[-1], column])))
    return replace(known, tables={**known.tables, table: changed})


@pytest.mark.parametrize(
    ("table", "kind", "columns"),
    [
        ("bulk_plans", "ties", ["marginal_price_per_mwh", "emission_t_per_h", "import_mw", "spill_mw",
                                "loss_mw", "reserve_up_short_mw", "reserve_down_short_mw", "moved_mw"]),
        ("signals", "ties", ["price_per_mwh", "price_below_per_mwh", "export_price_below_per_mwh",
                             "wholesale_price_per_mwh", "p_load_plan_mw", "factor_tco2_per_mwh",
                             "green_share"]),
        ("days", "ties", ["rounds", "most_rounds", "negotiations", "revisions", "level", "renewals",
                          "dispatch_cost_money", "commitment_cost_money", "commitment_best_money",
                          "emission_planned_tco2"]),
        ("personal_carbon", "follower", ["factor_tco2_per_mwh", "first_price_per_tco2", "quota_t_per_h",
                                         "p_base_mw", "p_plan_mw"]),
        ("abatement", "follower", ["shapley_tco2", "alone_tco2", "base_mwh", "plan_mwh", "personal_tco2"]),
    ],
)  # fmt: skip
def test_a_number_that_is_told_otherwise_is_seen(table: str, kind: str, columns: list[str]) -> None:
    for column in columns:
        assert failed(told(table, column, kind)) == {"system as told"}, column


def test_a_departure_from_a_plan_that_meters_do_not_show_is_seen() -> None:
    known = known_of_night("full")
    loads = known.tables["loads"].copy()
    loads.loc[loads["period"] == loads["period"].max(), "p_metered_mw"] += 5.0
    assert failed(replace(known, tables={**known.tables, "loads": loads})) == {"system as told"}


@pytest.mark.parametrize(("table", "column"), [("heads", "price_per_mwh"), ("heads", "export_price_per_mwh")])
def test_another_price_at_the_head_is_seen(table: str, column: str) -> None:
    known = known_of_night("full")
    changed: pd.DataFrame = known.tables[table].copy()
    changed[column] += 1.0
    assert failed(replace(known, tables={**known.tables, table: changed})) == {"balancing energy"}


def test_balancing_energy_that_is_paid_otherwise_is_seen() -> None:
    known = known_of_night("full")
    ledger = known.tables["ledger"].copy()
    own = ledger.index[(ledger["account"] == REAL_TIME_MARKET) & (ledger["purpose"] == PURCHASE)]
    assert len(own)
    ledger.loc[own, "amount_money"] *= 1.01
    assert failed(replace(known, tables={**known.tables, "ledger": ledger})) == {"balancing energy"}


@pytest.mark.parametrize("agent", ["gas", "pumped", "wind"])
def test_an_order_that_nobody_carries_out_is_seen(agent: str) -> None:
    known = known_of_night("full")
    (honest,) = orders(known)
    assert honest.hard and honest.value <= honest.tolerance
    dispatch = known.tables["dispatch"].copy()
    dispatch.loc[dispatch.index[dispatch["agent"] == agent][-1], "q_mvar"] += 0.01
    (wrong,) = orders(replace(known, tables={**known.tables, "dispatch": dispatch}))
    assert wrong.value == pytest.approx(0.01)


def test_powers_of_a_plan_that_do_not_balance_are_seen(ties: Ties) -> None:
    plan = ties.days[0].plan
    ties.days[0].plan = replace(plan, loss_mw=plan.loss_mw + 1e-4)
    assert "balance of plans" in failed(known_of_night("full"))
