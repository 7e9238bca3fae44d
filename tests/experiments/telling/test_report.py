"""report.html: one self-contained page whose numbers come from the files."""

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gridarium.experiments.results.folder import write_run
from gridarium.experiments.results.result import RunFolderError, read_run
from gridarium.experiments.telling.report import build_report

Make = Callable[..., dict[str, Any]]

VOID = {"meta", "br", "img", "link", "path", "use", "rect"}


class Outline(HTMLParser):
    """Collects text, tags and ids, and checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def run(tmp_path: Path, make: Make) -> Path:
    result = write_run(tmp_path / "run", **make(("tou", "adcef"), 24, 4), finish=build_report)
    assert result.path is not None
    return result.path


def outline(page: Path) -> Outline:
    parser = Outline()
    parser.feed(page.read_text(encoding="utf-8"))
    assert parser.open == []
    return parser


def test_the_page_is_whole_and_stands_alone(run: Path) -> None:
    page = outline(run / "report.html")
    assert "script" not in page.tags
    assert page.tags.count("svg") == 7
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    text = (run / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)
    assert not re.search(r"url\(['\"]?https?:", text)


def test_numbers_come_from_the_files(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["tou"]["emission_tco2"] = 777.77
    (run / "summary.json").write_text(json.dumps(summary))
    words = outline(build_report(run)).words
    assert "777.77" in words
    assert "emission (tCO2)" in words


def test_money_is_shown_in_the_currency_of_the_scenario(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["tou"]["dso_net_revenue_money"] = 777.77
    (run / "summary.json").write_text(json.dumps(summary))
    assert "DSO net revenue (CNY)" in outline(build_report(run)).words
    svgs = "".join(file.read_text(encoding="utf-8") for file in (run / "figures").glob("*.svg"))
    assert "(CNY/MWh)" in svgs
    assert "(money" not in svgs


def test_grids_of_a_world_are_columns_of_the_summary(run: Path) -> None:
    summary = {"base": {"bulk.loss_mwh": 1.25, "r1.loss_mwh": 2.5, "messages": 777.0}}
    (run / "summary.json").write_text(json.dumps(summary))
    text = build_report(run).read_text(encoding="utf-8")
    summary_part = text[text.index("<h2>Summary") :].partition("</section>")[0]
    head, *rows = re.findall(r"<tr>(.*?)</tr>", summary_part)
    assert re.findall(r">([^<]+)<", head) == ["bulk", "r1"]
    assert [re.findall(r">([^<]+)<", row) for row in rows] == [
        ["loss (MWh)", "1.2500", "2.5000"],
        ["base"],
        ["messages", "777"],
    ]


def test_text_is_escaped(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "Supply equals &lt;demand&gt;." in text
    assert "It does &amp; how." in text


def test_failed_certificates_are_shown(tmp_path: Path, make: Make) -> None:
    made = make(("tou", "adcef"))
    good = made["certificates"][1]
    made["certificates"][1] = dataclasses.replace(good, value=2.5, passed=False)
    write_run(tmp_path / "run", **made, finish=build_report)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "1 of 2 certificates passed, 1 hard and 0 soft failed" in text
    assert '<td class="number bad">2.5000 ✗</td>' in text


def test_what_belongs_to_one_case_stands_in_its_column(tmp_path: Path, make: Make) -> None:
    made = make(("tou", "adcef"))
    ends = ("ended after 1 round", "ended after 9 rounds")
    made["certificates"] = [
        dataclasses.replace(one, detail=end) for one, end in zip(made["certificates"], ends, strict=True)
    ]
    write_run(tmp_path / "run", **made, finish=build_report)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    row = text[text.index("energy balance") :].partition("</tr>")[0]
    meaning, first, second = (row.index(part) for part in ("Supply equals", *ends))
    assert meaning < first < row.index("</td>", first) < second
    assert text.count("Supply equals") == 1


def test_rebuilding_gives_the_same_page_and_takes_old_figures_away(run: Path) -> None:
    page = (run / "report.html").read_bytes()
    figures = {file.name: file.read_bytes() for file in (run / "figures").iterdir()}
    (run / "figures" / "old.svg").write_text("<svg/>")
    (run / "report.html").unlink()
    assert build_report(run) == run / "report.html"
    assert (run / "report.html").read_bytes() == page
    assert {file.name: file.read_bytes() for file in (run / "figures").iterdir()} == figures


def test_rebuilding_finishes_an_unfinished_run(tmp_path: Path, make: Make) -> None:
    def fail(folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_run(tmp_path / "run", **make(), finish=fail)
    build_report(tmp_path / "run")
    assert read_run(tmp_path / "run").manifest["status"] == "finished"


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        build_report(tmp_path)
