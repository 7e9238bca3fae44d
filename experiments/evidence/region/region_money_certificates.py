"""Certificates of what regional systems asked of their users: loads, rooms, cost and discomfort by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_MONEY, LEAST_MW, share_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.members import member_names
from gridarium.experiments.parts.regions import REGIONS
from gridarium.experiments.parts.regions import Region as Section
from gridarium.experiments.results.records import Reading

_CUT, _SHIFT, _ROOMS = 0.40, 0.35, 0.25
"""Parts of curtailment, of shifting and of room temperature in dissatisfaction (32)."""
_ASKED = ("cut_mw", "in_mw", "out_mw", "turned_down_mw", "drift_degc")
_SAME = 1e-6


def users(known: GridEvidence) -> Iterator[Reading]:
    """What was asked of users on each day, and what that cost and was worth."""
    regions = known.of(Region)
    if not regions:
        return
    sections = _sections(known)
    days = [
        (sections[known.grid.local(region.name)], day) for region in regions for day in _days(known, region)
    ]
    yield Reading(
        "loads of users", max(_off_load(day) for _, day in days), _SAME, "", True,
        "largest difference of a regional system's planned load, and its base load less what is cut, what "
        "leaves and what rooms do without, plus what arrives, relative to its peak (D12)",
    )  # fmt: skip
    yield Reading(
        "rooms of users", max(_off_rooms(section, day) for section, day in days), 1e-5, "degC",
        plays_exactly(known),
        "largest difference of the drift of rooms, and what was left of it and came up where heating was "
        "turned down, and of its distance from 0 at the end of the day (D16)",
    )  # fmt: skip
    yield Reading(
        "cost of users", max(_off_money(section, day) for section, day in days), _SAME, "", True,
        "largest difference of a day's response cost, discomfort or satisfaction, and the same by prices and "
        "limits of the scenario on what was asked, relative to the larger cost (D11, (32))",
    )  # fmt: skip


def _sections(known: GridEvidence) -> dict[str, Section]:
    """What the scenario says of each regional system, by its name."""
    return {
        name: section
        for kind, section in REGIONS.of(known.scenario).items()
        for name in member_names(kind, section.count)
    }


class _Day:
    """A day of a regional system in settlement periods, with its row of `satisfaction`.

    Parameters
    ----------
    rows : DataFrame
        Base and planned load, and what was asked, of its periods.
    told : Series
    peak_mw, daily_mwh : float
        Largest base load of all days, and energy of the mean one.
    step_h, period_h : float
        A step holds over periods.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        told: pd.Series[float],
        peak_mw: float,
        daily_mwh: float,
        step_h: float,
        period_h: float,
    ) -> None:
        self.told, self.peak_mw, self.daily_mwh = told, peak_mw or 1.0, daily_mwh
        self.step_h, self.period_h = step_h, period_h
        self.base_mw, self.plan_mw = (rows[name].to_numpy(dtype=float) for name in ("p_base_mw", "p_plan_mw"))
        self.cut_mw, self.in_mw, self.out_mw, self.down_mw, self.drift_degc = (
            rows[name].to_numpy(dtype=float) for name in _ASKED
        )


def _days(known: GridEvidence, region: Region) -> Iterator[_Day]:
    name, horizon = known.grid.local(region.name), region.horizon
    loads, asked, told = (
        known.tables[table][known.tables[table]["agent"] == name]
        for table in ("loads", "responses", "satisfaction")
    )
    rows = loads.set_index("period")[["p_base_mw", "p_plan_mw"]].join(asked.set_index("period")[[*_ASKED]])
    base = rows["p_base_mw"].to_numpy(dtype=float)
    daily_mwh = float(base.sum()) * known.world.period_h / horizon.n_day
    for number in range(horizon.n_day):
        yield _Day(
            rows.iloc[horizon.periods(number)],
            told[told["day"] == number].iloc[0],
            float(base.max()),
            daily_mwh,
            horizon.step_h,
            known.world.period_h,
        )


def _off_load(day: _Day) -> float:
    net = day.base_mw - day.cut_mw + day.in_mw - day.out_mw - day.down_mw
    return share_of(float(np.abs(day.plan_mw - net).max()), day.peak_mw, LEAST_MW)


def _off_rooms(section: Section, day: _Day) -> float:
    """T_t = m T_t-1 + d turned down over what can be turned down at the peak, step by step."""
    rooms, held = section.comfort, round(day.step_h / day.period_h)
    if rooms is None:
        return float(np.abs([day.down_mw, day.drift_degc]).max())
    drift, worst = 0.0, 0.0
    for down, told in zip(day.down_mw[::held], day.drift_degc[::held], strict=True):
        part = down / (rooms.load_share * day.peak_mw)
        drift = rooms.memory**day.step_h * drift + rooms.drift_degc_per_h * day.step_h * part
        worst = max(worst, abs(float(told) - drift), abs(drift) - rooms.band_degc)
    return max(worst, abs(drift))


def _off_money(section: Section, day: _Day) -> float:
    moved, hours = day.in_mw + day.out_mw, day.period_h
    response = hours * float(
        np.sum(section.cut_cost_per_mwh * day.cut_mw)
        + np.sum(section.shift_cost_per_mwh * moved)
        + section.count * np.sum(section.cut_cost_per_mw2h * day.cut_mw**2)
        + section.count * np.sum(section.shift_cost_per_mw2h * moved**2)
    )
    weight = section.dissatisfaction_weight
    worth = weight / (1.0 - weight) * section.reference_price_per_mwh * day.daily_mwh
    unease = _unease(section, day, moved)
    scale = max(response, worth * unease)
    return max(
        share_of(abs(float(day.told["response_money"]) - response), scale, LEAST_MONEY),
        share_of(abs(float(day.told["discomfort_money"]) - worth * unease), scale, LEAST_MONEY),
        abs(1.0 - float(day.told["satisfaction"]) - unease),
    )


def _unease(section: Section, day: _Day, moved_mw: Array) -> float:
    """Means of squares of what is asked, each relative to the most at the peak (32)."""
    found = 0.0
    for part, asked, most in (
        (_CUT, day.cut_mw, section.cut_share * day.peak_mw),
        (_SHIFT, moved_mw, section.shift_share * day.peak_mw),
        (_ROOMS, day.drift_degc, section.comfort.band_degc if section.comfort else 0.0),
    ):
        if most > 0.0:
            found += part * float(np.dot(asked, asked)) / len(asked) / most**2
    return found
