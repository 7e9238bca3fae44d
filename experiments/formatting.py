"""Numbers and names as a reader sees them, in the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping

_UNITS = {
    "_tco2_per_mwh": "tCO2/MWh",
    "_per_tco2": "money/tCO2",
    "_per_mwh_per_mw": "money/MWh per MW",
    "_per_km_mwh": "money/(km MWh)",
    "_per_mwh2": "money/MWh²",
    "_per_mwh": "money/MWh",
    "_tco2": "tCO2",
    "_money": "money",
    "_mwh": "MWh",
    "_mvar": "Mvar",
    "_mw": "MW",
    "_pu": "p.u.",
    "_kv": "kV",
    "_km": "km",
    "_percent": "%",
    "_per_s": "1/s",
    "_ms": "ms",
    "_us": "us",
    "_s": "s",
    "_h": "h",
}
_ACRONYMS = ("ac", "dso", "esp", "p2p", "pv", "soc")


def split_unit(name: str) -> tuple[str, str]:
    """Return a field's name in words and the unit that it carries, "" if it carries none.

    >>> split_unit("dso_net_revenue_money")
    ('DSO net revenue', 'money')
    """
    for ending, unit in _UNITS.items():
        if name.endswith(ending) and len(name) > len(ending):
            return _words(name.removesuffix(ending)), unit
    return _words(name), ""


def _words(name: str) -> str:
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


def label(name: str) -> str:
    """Return a field's name in words with its unit in brackets."""
    words, unit = split_unit(name)
    return f"{words} ({unit})" if unit else words


def number(value: object) -> str:
    """Return a number in at most nine characters, a text as it is, and a dash for nothing.

    >>> number(42500.0), number(0.000123), number(float("nan")), number(12.0)
    ('42,500', '1.23e-04', '-', '12')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-3 <= size < 1e7:
        return f"{value:.2e}"
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    digits = 4 if size < 1 else 5
    return f"{value:.{digits - 1 - math.floor(math.log10(size))}f}"


def metric_names(summary: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return every metric that any case has, in order of first appearance."""
    return list(dict.fromkeys(name for metrics in summary.values() for name in metrics))
