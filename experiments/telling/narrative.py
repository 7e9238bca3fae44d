"""What happened in a run, in sentences: carbon, who gained, which switch did it, how far from equilibrium.

All numbers are those of tables and certificates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gridarium.experiments.names.formatting import number, signed, split_unit
from gridarium.experiments.results.case_differences import listed
from gridarium.experiments.results.outcomes import OUTSIDE, Comparison, Outcome, Who, comparisons, outcomes
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import Result
from gridarium.experiments.telling.findings import SETTLED

_MOST = 4
"""Parts of a sum that a sentence names."""
_MOST_SITES = 12
"""Units whose buses a sentence tells."""
_AT_BUSES = ("gas_turbine", "thermal_unit", "renewable", "storage", "compensator")
"""Kinds of agents that stand at a bus of their own."""
_SMALL = 1e-6
"""Share of a whole that is noise of solvers."""

GAIN = (
    "A gain is what a class of agents is paid less what it pays, all replicas included, and what energy is "
    "worth to it where it tells that. Who stands for the rest of the world is left out."
)


class Sentence(NamedTuple):
    """One thing that happened.

    Parameters
    ----------
    about : str
        What it is about, in a word or two.
    text : str
    """

    about: str
    text: str


def narrative(result: Result) -> list[Sentence]:
    """Return what happened in a run."""
    found, compared = outcomes(result), comparisons(result)
    return [
        *_carbon(found, compared),
        *_money(result, compared),
        *_switches(result, compared),
        *_yardstick(result),
        *_rest(result),
        *_sites(result),
    ]


def _sites(result: Result) -> Iterator[Sentence]:
    """Where units stand, at the labels of the network's file."""
    dispatch, first = result.tables.get("dispatch"), next(iter(result.summary))
    if dispatch is None:
        return
    rows = dispatch[(dispatch["case"] == first) & (dispatch["bus"] != "") & dispatch["kind"].isin(_AT_BUSES)]
    for grid, own in rows.drop_duplicates(["grid", "agent"]).groupby(rows["grid"].astype(str), sort=False):
        told = [f"{row['agent']} at {row['bus']}" for row in own.to_dict("records")]
        rest = f" and {len(told) - _MOST_SITES} more, all in scenario.yaml" if len(told) > _MOST_SITES else ""
        where = f"In {grid}, units" if grid else "Units"
        yield Sentence("Sites", f"{where} stand at buses: {', '.join(told[:_MOST_SITES])}{rest}.")


def _carbon(found: Sequence[Outcome], compared: Sequence[Comparison]) -> Iterator[Sentence]:
    first = found[0]
    if not first.carbon_tco2:
        return
    if not compared:
        parts = _parts(first.carbon_tco2, first.total_tco2)
        text = f"{number(first.total_tco2)} tCO2{': ' if parts else ''}{parts}"
        yield Sentence("Carbon", f"{first.case} emits {text}.")
        return
    text = f"{first.case} emits {number(first.total_tco2)} tCO2"
    if len(found) <= _MOST:
        text += "".join(f", {one.other.case} {_total(one)}" for one in compared)
    else:
        least, most = min(compared, key=_change), max(compared, key=_change)
        text += f"; of {len(found)} cases least in {least.other.case}, {_total(least)}"
        text += f", most in {most.other.case}, {_total(most)}"
    yield Sentence("Carbon", f"{text}.")
    largest = max(compared, key=lambda one: abs(_change(one)))
    if _change(largest):
        where = _parts(largest.carbon_by_source, first.total_tco2, signs=True)
        yield Sentence("Where", f"{largest.other.case} against {first.case}, in tCO2: {where}.")


def _change(one: Comparison) -> float:
    """Carbon of a case beyond that of the first, without noise."""
    change = one.carbon_tco2
    return change if abs(change) > _SMALL * abs(one.first.total_tco2) else 0.0


def _gain(one: Comparison) -> float:
    """What all gain together, without noise."""
    scale = max(map(abs, one.first.money.values()), default=0.0)
    return one.total_money if abs(one.total_money) > _SMALL * scale else 0.0


def _total(one: Comparison) -> str:
    """Carbon of a case and how that differs from the first."""
    total, change, of = one.other.total_tco2, _change(one), one.first.total_tco2
    if not change:
        return f"{number(total)} (the same)"
    share = f", {change / of:+.1%}" if of else ""
    return f"{number(total)} ({signed(change)}{share})"


def _parts(parts: Mapping[Who, float], scale: float, signs: bool = False) -> str:
    """The largest parts of a sum, with whose they are."""
    shown = {who: value for who, value in parts.items() if abs(value) > _SMALL * abs(scale)}
    largest = sorted(shown.items(), key=lambda item: -abs(item[1]))
    told = [f"{signed(value) if signs else number(value)} {name_of(who)}" for who, value in largest[:_MOST]]
    rest = sum(value for _, value in largest[_MOST:])
    if len(largest) > _MOST:
        told.append(f"{signed(rest) if signs else number(rest)} elsewhere")
    return ", ".join(told)


def name_of(who: Who) -> str:
    """Return how a reader knows a class of agents."""
    kind = "from outside" if who.kind == OUTSIDE else split_unit(who.kind)[0]
    if not who.grid:
        return kind
    copies = f" (x {who.copies:,})" if who.copies > 1 else ""
    return f"{kind} {'into' if who.kind == OUTSIDE else 'of'} {who.grid}{copies}"


def _money(result: Result, compared: Sequence[Comparison]) -> Iterator[Sentence]:
    """Who gains and who loses by the case that moves most."""
    told = [one for one in compared if _gains(one, 1) or _gains(one, -1)]
    if not told:
        return
    one = max(told, key=lambda each: sum(map(abs, each.gains.values())))
    currency = result.currency_code
    text = f"by {one.other.case} instead of {one.first.case}, in {currency}:"
    for sign, none in ((1, "nobody gains"), (-1, "nobody loses")):
        shown = (f"{name_of(who)} {signed(value)}{_note(one, who)}" for who, value in _gains(one, sign))
        text += f" {', '.join(shown) or none};"
    yield Sentence("Who gained", f"{text} all together {signed(_gain(one))}.")


def _gains(one: Comparison, sign: int, most: int = _MOST) -> list[tuple[Who, float]]:
    """The largest gains, or losses, of a comparison."""
    scale = max(map(abs, one.first.money.values()), default=0.0)
    return [(who, value) for who, value in one.gains.items() if sign * value > _SMALL * scale][:most]


def _note(one: Comparison, who: Who) -> str:
    return " (its bill alone)" if who in one.first.unvalued | one.other.unvalued else ""


def _switches(result: Result, compared: Sequence[Comparison]) -> Iterator[Sentence]:
    """What cases do that flip one switch of the first one."""
    single = sorted((one for one in compared if one.is_single), key=lambda one: -abs(_change(one)))
    if not single:
        for one in compared[:1]:
            text = f"no case differs from {one.first.case} in one switch alone"
            yield Sentence("Which switch", f"{text}; {one.other.case} changes {listed(one.found)}.")
        return
    told = "; ".join(
        f"{one.other.case} ({listed(one.found, most=2)}) {signed(_change(one))} tCO2, "
        f"all together {signed(_gain(one))} {result.currency_code}"
        for one in single[:_MOST]
    )
    more = f"; {len(single) - _MOST} more below" if len(single) > _MOST else ""
    first = single[0].first.case
    yield Sentence("Which switch", f"alone against {first}, by how far each moves carbon: {told}{more}.")
    yield from _together(compared, single)


def _together(compared: Sequence[Comparison], single: Sequence[Comparison]) -> Iterator[Sentence]:
    """Cases that flip several of the switches at once, against the sum of these."""
    for one in compared:
        places = {(each.place, str(each.after)) for each in one.found}
        within = [
            each
            for each in single
            if each is not one and {(item.place, str(item.after)) for item in each.found} <= places
        ]
        if len(within) > 1:
            total = sum(map(_change, within))
            names = ", ".join(each.other.case for each in within)
            yield Sentence(
                "Interaction",
                f"{one.other.case} flips {names} at once: {signed(_change(one))} tCO2, where one by one "
                f"they add up to {signed(total)}.",
            )


def _yardstick(result: Result) -> Iterator[Sentence]:
    """What the first case costs everybody, how far one plan for all is from that, and the extreme cases."""
    table = result.tables.get("central_bounds")
    if table is None:
        return
    first, *others = rows = table.to_dict("records")
    text = (
        f"{first['case']} costs everybody {number(first['outcome_money'])} {result.currency_code}, at most "
        f"{first['gap_percent']:.1f} % more than one plan for all with the units that ran; "
        f"{first['supply_gap_percent']:.1f} % with loads and losses as they were"
    )
    if others:
        least, most = (pick(rows, key=lambda row: row["outcome_money"]) for pick in (min, max))
        ends = (
            f"{one['case']} ({number(one['outcome_money'])}, {one['gap_percent']:.1f} %)"
            for one in (least, most)
        )
        text += f". Of {len(rows)} cases it costs least in {' and most in '.join(ends)}"
    yield Sentence("Yardstick", f"{text}.")


def _rest(result: Result) -> Iterator[Sentence]:
    """How many negotiations came to rest, the largest regret, and the soft certificate nearest to failure."""
    days = result.tables.get("days")
    if days is not None and "ended" in days:
        ended = days["ended"].dropna()
        rested = int((ended == SETTLED).sum())
        text = f"{rested} of {len(ended)} negotiations came to rest"
        yield Sentence("Equilibrium", f"{text}{_regret(result.certificates)}.")
    soft = [one for one in result.certificates if not one.hard]
    if soft:
        failed = sum(not one.passed for one in soft)
        worst = max(soft, key=_use)
        yield Sentence(
            "Soft certificates",
            f"{len(soft) - failed} of {len(soft)} passed; the largest gap against its tolerance is that of "
            f"{worst.name} in {worst.case}, {_measured(worst)}: {worst.meaning}.",
        )


def _regret(certificates: Sequence[Certificate]) -> str:
    found = [one for one in certificates if "regret" in one.name and not math.isnan(one.value)]
    if not found:
        return ""
    worst = max(found, key=_use)
    return f"; the largest regret is {worst.name} in {worst.case}, {_measured(worst)}"


def _use(one: Certificate) -> float:
    """How much of its tolerance a certificate uses; nan fails whatever it is."""
    if math.isnan(one.value):
        return math.inf
    if one.tolerance > 0.0:
        return one.value / one.tolerance
    return math.inf if one.value > 0.0 else 0.0


def _measured(one: Certificate) -> str:
    unit = f" {one.unit}" if one.unit else ""
    return f"{number(one.value)}{unit} (tolerance {number(one.tolerance)}{unit})"


def comparison_rows(result: Result) -> list[tuple[str, ...]]:
    """Return each case against the first: what differs, carbon, money, who gains and who loses most."""
    rows = []
    for one in comparisons(result):
        carbon = number(one.other.total_tco2), signed(_change(one))
        extremes = (_extreme(one, sign) for sign in (1, -1))
        rows.append((one.other.case, listed(one.found), *carbon, signed(_gain(one)), *extremes))
    return rows


def _extreme(one: Comparison, sign: int) -> str:
    return next((f"{name_of(who)} {signed(value)}" for who, value in _gains(one, sign, 1)), "-")
