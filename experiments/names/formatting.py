"""Numbers and names as a reader sees them, in the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping

MONEY = "money"
"""Stands in a unit for the currency, whose code takes its place where people read it."""

_UNITS = {
    "_tco2_per_mwh": "tCO2/MWh",
    "_mwh_per_tco2": "MWh/tCO2",
    "_mw_per_h": "MW/h",
    "_degc_per_h": "degC/h",
    "_t_per_h": "tCO2/h",
    "_per_tco2": "money/tCO2",
    "_per_mwh_per_mw": "money/MWh per MW",
    "_per_km_mwh": "money/(km MWh)",
    "_per_mw2h": "money/(MW² h)",
    "_per_t2": "money h/tCO2²",
    "_per_mwh2": "money/MWh²",
    "_per_mwh": "money/MWh",
    "_per_kwh": "money/kWh",
    "_per_mvarh": "money/Mvarh",
    "_per_h": "money/h",
    "_per_km": "1/km",
    "_tco2": "tCO2",
    "_money": "money",
    "_mwh": "MWh",
    "_mvar": "Mvar",
    "_mva": "MVA",
    "_mw": "MW",
    "_pu": "p.u.",
    "_kv": "kV",
    "_km": "km",
    "_degc": "degC",
    "_percent": "%",
    "_per_s": "1/s",
    "_ms": "ms",
    "_us": "us",
    "_s": "s",
    "_h": "h",
}
_ACRONYMS = ("ac", "dso", "esp", "lcr", "p2p", "pv", "soc", "ties", "vpp")


def split_unit(name: str, currency: str = MONEY) -> tuple[str, str]:
    """Return a field's name in words and the unit that it carries, "" if it carries none.

    Parameters
    ----------
    name : str
        Of a field, a metric or a column.
    currency : str
        What the unit calls money: a code such as CNY.

    >>> split_unit("dso_net_revenue_money", "CNY")
    ('DSO net revenue', 'CNY')
    """
    for ending, unit in _UNITS.items():
        if name.endswith(ending) and len(name) > len(ending):
            return _words(name.removesuffix(ending)), unit_in(unit, currency)
    return _words(name), ""


def unit_in(unit: str, currency: str) -> str:
    """Return a unit with the currency's code in the place of money.

    >>> unit_in("money/MWh", "CNY")
    'CNY/MWh'
    """
    return unit.replace(MONEY, currency)


def is_money(name: str) -> bool:
    """Tell by its unit whether the number of this name is an amount, a price or a cost.

    >>> [is_money(name) for name in ("wear_cost_per_mwh", "bill_money", "ramp_mw_per_h", "grid_tco2_per_mwh")]
    [True, True, False, False]
    """
    return MONEY in split_unit(name)[1]


def currency_code(tree: Mapping[str, object]) -> str:
    """Return the code of a scenario's currency as people read it, "money" if the tree names none."""
    currency = tree.get("currency")
    return str(currency).upper() if currency else MONEY


def _words(name: str) -> str:
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


def signed(value: float) -> str:
    """Return a difference with its sign.

    >>> signed(42500.0), signed(-0.5), signed(0.0)
    ('+42,500', '-0.5000', '0')
    """
    return f"+{number(value)}" if value > 0 else number(value)


def label(name: str, currency: str = MONEY) -> str:
    """Return a field's name in words with its unit in brackets, money in the currency of this code."""
    words, unit = split_unit(name, currency)
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


Summary = Mapping[str, Mapping[str, float]]


def side_by_side(summary: Summary) -> list[Summary]:
    """Return the tables in which a summary is shown, each metrics by column.

    The grids of a world stand side by side, each in all its cases; what is of no single grid follows. A world
    of one grid has its cases side by side.

    >>> side_by_side({"base": {"r1.loss_mwh": 1.0, "r2.loss_mwh": 2.0, "messages": 3.0}})
    [{'r1': {'loss_mwh': 1.0}, 'r2': {'loss_mwh': 2.0}}, {'base': {'messages': 3.0}}]
    """
    grids = dict.fromkeys(name.partition(".")[0] for name in metric_names(summary) if "." in name)
    of_grids = {
        grid if len(summary) == 1 else f"{grid}-{case}": {
            name.removeprefix(f"{grid}."): value
            for name, value in metrics.items()
            if name.startswith(f"{grid}.")
        }
        for grid in grids
        for case, metrics in summary.items()
    }
    of_world = {
        case: {name: value for name, value in metrics.items() if "." not in name}
        for case, metrics in summary.items()
    }
    return [each for each in (of_grids, of_world) if any(each.values())]
