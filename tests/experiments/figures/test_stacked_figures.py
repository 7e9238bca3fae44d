"""The world of several grids, and the time line of a run, from tables that are made up."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.figures.day_events import INCIDENTS, Window, events_of, windows_of
from gridarium.experiments.figures.stacked_world import nodes_of
from gridarium.experiments.figures.style import svg_bytes
from gridarium.experiments.figures.timeline import timeline_drawings, timeline_figure
from gridarium.experiments.figures.world_map import world_drawings, world_figure
from gridarium.experiments.results.result import Result

OPENS_S = 7200.0
MESSAGES = (
    (0.0, "bulk/ties", "bulk/coal", "ForecastRequest"),
    (10.0, "bulk/ties", "r/dso", "TariffSignal"),
    (20.0, "r/dso", "r/home", "TariffSignal"),
    (20.1, "r/home", "r/dso", "LoadPlan"),
    (30.0, "r/dso", "bulk/ties", "LoadPlan"),
    (OPENS_S + 5400.0, "r/edge", "r/spare", "Takeover"),
    (OPENS_S + 5400.3, "r/spare", "r/edge", "Active"),
    (OPENS_S + 5430.0, "r/spare", "r/edge", "Telemetry"),
    (OPENS_S + 9000.0, "bulk/ties", "bulk/coal", "StatusRequest"),
)


def _heads() -> pd.DataFrame:
    shared = {"agent": "ties", "kind": "ties", "period": 0}
    return pd.DataFrame(
        [
            {**shared, "grid": "bulk", "above": "", "p_metered_mw": 1.0, "carbon_t_per_h": 0.8},
            {
                **shared,
                "grid": "r",
                "agent": "dso",
                "kind": "dso",
                "above": "bulk",
                "p_metered_mw": 3.0,
                "carbon_t_per_h": 1.5,
            },
            {
                **shared,
                "grid": "r",
                "agent": "dso",
                "kind": "dso",
                "above": "bulk",
                "p_metered_mw": -1.0,
                "carbon_t_per_h": -0.5,
            },
        ]
    )


@pytest.fixture
def result() -> Result:
    """A system over four equal feeders, three hours long, in periods of half an hour."""
    sent = pd.DataFrame(MESSAGES, columns=["sent_s", "sender", "recipient", "topic"])
    paid = (
        ("r/dso", "bulk/ties", 50.0),
        ("r/replicas", "bulk/ties", 150.0),
        ("bulk/ties", "bulk/upstream-market", 7.0),
    )
    ledger = [
        {"account": account, "counterparty": other, "amount_money": amount}
        for payer, receiver, money in paid
        for account, other, amount in ((payer, receiver, -money), (receiver, payer, money))
    ]
    kinds = (
        ("bulk", "ties", "ties"),
        ("bulk", "coal", "thermal"),
        ("r", "dso", "dso"),
        ("r", "home", "consumer"),
    )
    stands = [
        {"grid": grid, "agent": agent, "kind": kind, "period": period}
        for grid, agent, kind in kinds
        for period in range(6)
    ]
    unit = {"grid": "r", "agent": "gas", "kind": "gas_turbine"}
    units = [{**unit, "emission_gross_tco2_per_h": 3.0, "absorbed_tco2_per_h": 1.0}] * 2
    failure = {
        "unit": "battery",
        "cause": "failure",
        "failed_s": 5400.0,
        "active_s": 5400.4,
        "back_s": np.nan,
    }
    tables: dict[str, Any] = {
        "messages": sent.assign(delivered_s=sent["sent_s"] + 0.05),
        "traffic": pd.DataFrame({"messages": [len(sent)], "delivery_s": [OPENS_S]}),
        "ledger": pd.DataFrame(ledger),
        "heads": _heads(),
        "dispatch": pd.DataFrame(stands),
        "units": pd.DataFrame(units),
        "failovers": pd.DataFrame([failure]),
    }
    tables = {name: rows.assign(case="base") for name, rows in tables.items()}
    grids = {"r": {"under": "bulk", "replicas": 4}, "bulk": {}}
    tree = {"period_h": 0.5, "currency": "cny", "grids": grids, "cases": {"base": {}}}
    return Result({"base": {}}, [], [], tree, {}, tables)


def test_what_passes_a_seam_is_that_of_all_replicas(result: Result) -> None:
    bulk, feeder = nodes_of(result, "base")
    assert (bulk.name, bulk.above, feeder.name, feeder.above, feeder.copies) == ("bulk", "", "r", "bulk", 4)
    assert feeder.seam.import_mwh == pytest.approx(4 * 0.5 * 3.0)
    assert feeder.seam.export_mwh == pytest.approx(4 * 0.5 * 1.0)
    assert feeder.seam.carbon_tco2 == pytest.approx(4 * 0.5 * 1.0)
    assert (feeder.seam.money, bulk.seam.money) == (200.0, 7.0)
    assert (feeder.seam.signals, feeder.seam.answers) == (1, 1)
    assert (bulk.messages, feeder.messages) == (2, 5)
    assert feeder.own_tco2 == pytest.approx(2.0)
    assert bulk.kinds == {"TIES": 1, "thermal": 1}
    # Who tells nothing of itself goes by its name.
    assert feeder.kinds == {"DSO": 1, "consumer": 1, "edge": 1, "spare": 1}


def test_a_world_of_one_grid_is_not_drawn(result: Result) -> None:
    alone = Result(result.summary, [], [], {"period_h": 0.5, "cases": {"base": {}}}, {}, result.tables)
    assert list(world_drawings(alone)) == []


def _texts(figure: Any) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_boxes_and_lines_say_what_is_known(result: Result) -> None:
    (drawing,) = world_drawings(result)
    assert drawing.name == "world-base"
    texts = _texts(drawing.figure)
    assert "r: 4 equal grids" in texts
    assert "↓ 6 MWh\n   2 tCO₂\n↓ 1 message" in texts
    assert "↑ 200 CNY\n↑ 2 MWh\n↑ 1 message" in texts


def test_boxes_do_not_overlap(result: Result) -> None:
    bulk, feeder = nodes_of(result, "base")
    feeders = [replace(feeder, name=f"r{number}") for number in range(3)]
    figure = world_figure([bulk, *feeders])
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    texts = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for place, one in enumerate(texts) for other in texts[:place])
    for patch, text in zip(figure.axes[0].patches, ("bulk", "r0", "r1", "r2"), strict=True):
        title = next(one for one in figure.axes[0].texts if one.get_text().startswith(text))
        assert patch.get_window_extent().contains(*title.get_window_extent().min)


def test_events_are_in_seconds_of_delivery_by_grid(result: Result) -> None:
    events = events_of(result.tables, ["bulk", "r"])
    messages = events[events["what"] != INCIDENTS]
    assert list(messages["time_s"][:2]) == [-OPENS_S, 10.0 - OPENS_S]
    assert dict(messages["lane"].value_counts()) == {"r": 6, "bulk": 3}
    assert list(messages["what"][:4]) == ["forecasts", "tariffs", "tariffs", "tariffs"]
    incidents = events[events["what"] == INCIDENTS]
    assert list(incidents["topic"]) == ["battery: failure", "standby delivers"]
    assert list(incidents["time_s"]) == [5400.0, 5400.4]


def test_windows_close_in_on_a_takeover(result: Result) -> None:
    day, hour, minute, second = windows_of(events_of(result.tables, ["bulk", "r"]), 10800.0)
    assert (day, hour) == (Window(0.0, 10800.0), Window(3600.0, 7200.0))
    assert (minute.start_s, minute.length_s) == (5385.0, 60.0)
    assert second.start_s <= 5400.0 < 5400.4 < second.end_s
    assert second.length_s == pytest.approx(1.0)


def test_windows_end_where_all_happens_at_once() -> None:
    times = [0.0, 900.0, 1800.0, 1800.0, 7200.0]
    events = pd.DataFrame({"time_s": times, "what": "status", "topic": "StatusRequest"})
    assert windows_of(events, 10800.0) == [Window(0.0, 10800.0), Window(0.0, 3600.0)]


def test_the_time_line_has_a_panel_for_each_stretch_and_no_word_on_fonts(
    result: Result, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        (drawing,) = timeline_drawings(result)
        drawn = svg_bytes(drawing.figure)
    assert [axes.get_title(loc="left") for axes in drawing.figure.axes] == [
        "before delivery: 5 messages from 2.0 h ahead on",
        "delivery",
        "an hour of it, from 01:00:00 on",
        "a minute of it, from 01:29:45 on",
        "a second of it, from 01:29:59.800 on",
    ]
    assert {"Takeover", "Active"} <= _texts(drawing.figure)
    assert not [record for record in caplog.records if "font" in record.name]
    events = events_of(result.tables, ["bulk", "r"])
    assert svg_bytes(timeline_figure(events, ["bulk", "r"], 10800.0)) == drawn


def test_a_word_on_fonts_is_swallowed_only_while_a_figure_is_drawn(result: Result) -> None:
    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    for drawing in world_drawings(result):
        svg_bytes(drawing.figure)
    assert logger.level == before
