"""Each tonne is charged once, each absorbed MWh credited once: worlds that do so, and ones built not to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.evidence.world.carbon_charges import asks_twice, charged_once
from gridarium.experiments.evidence.world.carbon_credits import credited_once
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.results.records import Reading
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import PERSONAL_CARBON

Tables = dict[str, pd.DataFrame]
HOUR = 1.0
# Charges are as many near rest as at rest.
ROUGH = ("horizon_h=4", "grids.bulk.ties.rounds.tolerance=0.05")
PASSING = """
extends: ties-feeders-small
currency: cny
cases:
  supplier:
    grids:
      bulk: {carbon_policy: {scheme: ladder, charges: once}}
      r1: {prices: {carbon_price_from: supplier}}
      r2: {prices: {carbon_price_from: supplier}}
"""


def told(source: str | Path, case: str, *settings: str) -> Tables:
    built = build(load_scenario(source, settings).cases[case])
    _play(built)
    return dict(collect(case, built.world, built.sections))


def read(check: Callable[..., object], tables: Tables) -> Reading:
    (found,) = check(tables, HOUR)  # type: ignore[misc, attr-defined]
    assert isinstance(found, Reading)
    return found


@pytest.fixture(scope="module")
def windy_night(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Profiles with more wind than load in the third hour."""
    lines = profile_path("adcef-ordinary").read_text(encoding="utf-8").splitlines()
    names, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    load, wind = names.index("load_mw"), names.index("wind_mw")
    rows[2][wind] = str(float(rows[2][load]) + 0.8)
    path = tmp_path_factory.mktemp("profiles") / "windy.csv"
    text = "\n".join(",".join(row) for row in [names, *rows])
    path.write_text(text.replace("+08:00", "+00:00"), encoding="utf-8")
    return f"grids.r1.profiles={path}"


@pytest.fixture(scope="module")
def laddered() -> Tables:
    return told("ties-feeders-small", "ladder", *ROUGH)


@pytest.fixture(scope="module")
def passed_on(tmp_path_factory: pytest.TempPathFactory, windy_night: str) -> Tables:
    path = tmp_path_factory.mktemp("passing") / "passing.yaml"
    path.write_text(PASSING, encoding="utf-8")
    return told(path, "supplier", *ROUGH, windy_night, "grids.bulk.carbon_policy.quota_tco2_per_mwh=1")


@pytest.fixture(scope="module")
def doubled(windy_night: str) -> Tables:
    """A feeder that pays a ladder and trades with a carbon market, and is rewarded by both."""
    more = ("grids.r1.prices.carbon_price_per_tco2=73.65", "grids.bulk.carbon_policy.quota_tco2_per_mwh=1")
    return told("ties-feeders-small", "ladder", *ROUGH, windy_night, *more)


def test_a_ladder_alone_charges_once_and_who_is_charged_nothing_is_told(laddered: Tables) -> None:
    charged, credited = read(charged_once, laddered), read(credited_once, laddered)
    assert charged.value == 0.0 and charged.hard
    assert credited.value == 0.0 and credited.hard
    total = _all_tonnes(laddered)
    assert charged.detail == f"0 % of {total:,.0f} tCO2 charged to nobody"
    # Had the second feeder paid nothing, its import would go free: told, and no fault.
    ledger, head = laddered["ledger"], laddered["heads"].query("grid == 'r2'")
    of_r2 = ledger["account"].str.startswith("r2/") | ledger["counterparty"].str.startswith("r2/")
    freed = read(charged_once, laddered | {"ledger": ledger[~of_r2 | (ledger["purpose"] != PERSONAL_CARBON)]})
    share = 100.0 * 15 * head["carbon_t_per_h"].clip(lower=0.0).sum() / total
    assert freed.value == 0.0
    assert freed.detail == f"{share:.0f} % of {total:,.0f} tCO2 charged to nobody"


def _all_tonnes(tables: Tables) -> float:
    """Carbon that comes into the feeders or is made there, and what the region answers for, tCO2."""
    head, units, told = tables["heads"], tables["units"], tables["personal_carbon"]
    below, own = head[head["above"] == "bulk"], units[units["grid"] != "bulk"]
    tonnes = (below["carbon_t_per_h"].clip(lower=0.0) * below["replicas"]).sum()
    tonnes += (own["emission_gross_tco2_per_h"] * own["grid"].map({"r1": 20, "r2": 15})).sum()
    region = "grid == 'bulk' and agent == 'industrial'"
    drawn = tables["loads"].query(region).set_index("period")["p_metered_mw"]
    factor = told.query(region).set_index("period")["factor_tco2_per_mwh"]
    return float(tonnes + (drawn * factor).sum())


def test_a_ladder_that_is_passed_on_charges_and_credits_once(passed_on: Tables) -> None:
    charged = read(charged_once, passed_on)
    assert charged.value == 0.0 and charged.hard
    assert charged.detail.startswith("0 % of ")
    # The wind is absorbed, and the head is rewarded: the negative factor hands that on.
    assert passed_on["credits"]["absorbed_mw"].sum() > 0.5
    assert read(credited_once, passed_on).value == 0.0


def test_a_ladder_beside_a_carbon_market_fails(doubled: Tables) -> None:
    charged = read(charged_once, doubled)
    head = doubled["heads"].query("grid == 'r1'")
    again = 20 * head["carbon_t_per_h"].clip(lower=0.0).sum() / _all_tonnes(doubled)
    assert charged.value == pytest.approx(again, rel=1e-6)
    certificate = charged.certificate("ladder", "CNY")
    assert certificate.hard and not certificate.passed


def test_a_negative_factor_beside_a_reward_fails(doubled: Tables) -> None:
    credited = read(credited_once, doubled)
    assert credited.value > 0.1
    certificate = credited.certificate("ladder", "CNY")
    assert certificate.hard and not certificate.passed


def test_a_price_that_holds_the_carbon_of_units_beside_a_ladder_fails(laddered: Tables) -> None:
    assert (laddered["signals"].query("agent == 'ties'")["carbon_in_price_per_mwh"] == 0.0).all()
    settings = ("ties.energy_price=marginal-with-carbon", "ties.own_carbon.quota_tco2=0")
    with_carbon = told("ties-feeders-small", "ladder", *ROUGH, *(f"grids.bulk.{one}" for one in settings))
    assert read(charged_once, with_carbon).value > 0.8


def test_feeders_alone_charge_and_credit_once(windy_night: str) -> None:
    tables = told("adcef-small", "adcef", "horizon_h=4", windy_night.removeprefix("grids.r1."))
    charged, credited = read(charged_once, tables), read(credited_once, tables)
    assert charged.value == 0.0 and charged.hard
    assert charged.detail.startswith("0 % of ")
    assert credited.value == 0.0 and not credited.detail.startswith("0.0 of")


def test_a_green_payment_alone_is_one_credit(two_plants: GridEvidence) -> None:
    tables = dict(two_plants.tables)
    assert read(charged_once, tables).detail.startswith("100 % of ")
    credited = read(credited_once, tables)
    assert credited.value == 0.0 and not credited.detail.startswith("0.0 of")


@pytest.mark.parametrize(
    ("case", "settings", "twice"),
    [
        ("ladder", (), False),
        ("market", (), False),
        ("ladder", ("grids.r2.prices.carbon_price_per_tco2=10",), True),
        ("market", ("grids.bulk.carbon_policy.scheme=ladder",), True),
        ("ladder", ("grids.r2.prices.carbon_price_per_tco2=10", "grids.r2.tariff.kind=tou"), False),
    ],
)
def test_a_scenario_that_asks_for_carbon_twice_is_told_of_it_softly(
    case: str, settings: tuple[str, ...], twice: bool
) -> None:
    built = build(load_scenario("ties-feeders-small", ("horizon_h=1", *settings)).cases[case])
    assert asks_twice(built.sections) is twice


def test_what_a_scenario_does_not_ask_for_fails_the_run(doubled: Tables) -> None:
    (hard,), (soft,) = charged_once(doubled, HOUR), charged_once(doubled, HOUR, True)
    assert hard.value == soft.value > 0.05
    assert (hard.hard, soft.hard) == (True, False)
