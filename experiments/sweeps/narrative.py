"""What a study says, in sentences: effects, changes and differences that are told apart from nothing.

All numbers are those of the statistics. An interval is one of 95 %, of differences on the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gridarium.experiments.names.formatting import MONEY, label, signed
from gridarium.experiments.sweeps.factorial import BETWEEN
from gridarium.experiments.sweeps.intervals import CONFIDENCE
from gridarium.experiments.telling.narrative import Sentence

Record = Mapping[str, Any]

_MOST_METRICS, _MOST_TERMS = 3, 4


def study_narrative(
    statistics: Mapping[str, Any], metrics: Sequence[str], currency: str = MONEY
) -> list[Sentence]:
    """Return what the tables `factorial`, `effects`, `changes` and `comparisons` say of the first metrics.

    Parameters
    ----------
    statistics : mapping
        Content of statistics.json.
    metrics : sequence of str
        In the order in which they matter.
    currency : str
        Code of the currency.
    """
    told: list[Sentence] = []
    for table, tell in _TABLES.items():
        rows: Sequence[Record] = statistics.get(table, [])
        known = [name for name in metrics if any(row["metric"] == name for row in rows)]
        for metric in known[:_MOST_METRICS]:
            own = [row for row in rows if row["metric"] == metric]
            told += [Sentence(label(metric, currency), text) for text in tell(own)]
    return told


def _factorial(rows: Sequence[Record]) -> Iterator[str]:
    for own in _by_case(rows):
        mains = [row for row in own if row["order"] == 1]
        yield f"Main effects{_of(own)}: {_listed(mains, _factors)}."
        higher = [row for row in own if row["order"] > 1]
        clear = [row for row in higher if _is_clear(row, "effect")]
        text = f"{len(clear)} of {len(higher)} interactions have an interval without 0 (by chance "
        text += f"{(1.0 - CONFIDENCE) * len(higher):.2g})"
        if clear:
            text += f": {_listed(clear, _factors)}"
        shares = [0.0, 0.0, 0.0]
        for row in own:
            shares[min(row["order"], 3) - 1] += row["variation_share"] or 0.0
        parts = ", ".join(
            f"{name} {share:.1%}"
            for name, share in zip(("main effects", "interactions of two", "of more"), shares, strict=True)
        )
        yield f"{text}. Of the variation among the combinations: {parts}."


def _levels(rows: Sequence[Record]) -> Iterator[str]:
    if not any(isinstance(row["value"], str) for row in rows):
        return
    for own in _by_case(rows):
        name = f"Against {own[0]['against']}{_of(own)}"
        ordered = sorted(own, key=lambda row: -abs(row["mean_difference"] or 0.0))
        yield f"{name}: {_listed(ordered, lambda row: str(row['value']), 'mean_difference')}."


def _changes(rows: Sequence[Record]) -> Iterator[str]:
    places = [key for key in rows[0] if key not in _OF_CHANGES]

    def name(row: Record) -> str:
        return ", ".join(f"{label(place)} {row[place]}" for place in places)

    for own in _by_case(rows):
        ordered = sorted(own, key=lambda row: -abs(row["mean_difference"] or 0.0))
        yield f"Against the first point{_of(own)}: {_listed(ordered, name, 'mean_difference')}."


def _comparisons(rows: Sequence[Record]) -> Iterator[str]:
    for row in rows:
        if row["mean_difference"] is not None and row["mean_difference"] != 0.0:
            text = f"{row['first']} less {row['second']}: {_amount(row, 'mean_difference')} in the mean"
            yield f"{text} of {row['n']} draws."


_OF_CHANGES = ("point", "case", "metric", "n", "mean_difference", "low", "high", "p_t", "p_t_holm")
_TABLES: dict[str, Callable[[Sequence[Record]], Iterator[str]]] = {
    "factorial": _factorial,
    "effects": _levels,
    "changes": _changes,
    "comparisons": _comparisons,
}


def _by_case(rows: Sequence[Record]) -> Iterator[list[Record]]:
    for case in dict.fromkeys(row["case"] for row in rows):
        yield [row for row in rows if row["case"] == case]


def _of(rows: Sequence[Record]) -> str:
    n = rows[0]["n"]
    return f" in {rows[0]['case']}, " + (f"mean of {n} draws" if n != 1 else "a single draw")


def _factors(row: Record) -> str:
    return BETWEEN.join(filter(None, (row["factor"], row["other"])))


def _listed(rows: Sequence[Record], name: Callable[[Record], str], field: str = "effect") -> str:
    """Those that are told apart from 0, and how many are not."""
    clear = [row for row in rows if _is_clear(row, field)]
    told = [f"{name(row)} {_amount(row, field)}" for row in clear[:_MOST_TERMS]]
    if len(clear) > _MOST_TERMS:
        told.append(f"{len(clear) - _MOST_TERMS} more")
    if len(clear) < len(rows):
        told.append(f"{len(rows) - len(clear)} of {len(rows)} not told apart from 0")
    return ", ".join(told)


def _amount(row: Record, field: str) -> str:
    """A difference with its interval and, where it is known, its share of the mean."""
    text = signed(row[field])
    if row.get("low") is not None and row.get("high") is not None:
        text += f" [{signed(row['low'])}, {signed(row['high'])}]"
    share = row.get("effect_percent")
    return f"{text} ({share:+.2f} %)" if share is not None else text


def _is_clear(row: Record, field: str) -> bool:
    if row[field] is None or row["low"] is None or row["high"] is None:
        return False
    return bool(row["low"] * row["high"] > 0.0)
