"""Where in a problem a decision, row or cone stands, in words."""

from __future__ import annotations

from gridarium.agents.solving.standard_form import StandardForm


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
