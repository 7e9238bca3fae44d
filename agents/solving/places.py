"""Where in a problem a decision, row or cone stands, in words."""

from __future__ import annotations

import numpy as np

from gridarium.agents.solving.standard_form import StandardForm
from gridarium.environment.arrays import Array


def place_of(form: StandardForm, full_name: str) -> str:
    """Period, element and constraint family of ``name[element,period]``."""
    name, _, index = full_name.partition("[")
    where = [part for part in index.rstrip("]").split(",") if part]
    period = f"period {where.pop()}, " if where and where[-1].isdigit() else ""
    labels = form.labels.get(name)
    if labels and where:
        where = [labels[int(where[0])]]
    element = f"{','.join(where)}, " if where else ""
    return f"{period}{element}constraint family {form.families.get(name, name)}: {name}"


def period_of(full_name: str) -> str:
    """Period of ``name[element,period]``, as "period 3"; empty where it has none."""
    last = full_name.partition("[")[2].rstrip("]").rpartition(",")[2]
    return f"period {last}" if last.isdigit() else ""


def largest_of(form: StandardForm, signals: Array) -> str:
    """Where the input lies that is the largest number of all, which mostly is one to look at.

    Parameters
    ----------
    form : StandardForm
    signals : ndarray, shape (n_signal,)
    """
    if not len(signals):
        return "it has no inputs"
    place = int(np.abs(signals).argmax())
    name, block = next((name, one) for name, one in form.signals.items() if one.start <= place < one.stop)
    index = np.unravel_index(place - block.start, block.shape) if block.shape else ()
    where = f", period {int(index[-1])}" if len(index) else ""
    return (
        f"of its inputs the largest is {name}{where}: {signals[place]:.4g}; look for prices, loads or "
        "ratings that are out of proportion there"
    )
