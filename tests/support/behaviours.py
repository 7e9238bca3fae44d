"""Behaviours as settings of scenarios write them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gridarium.experiments.names import registry


def at_default(name: str) -> str:
    """A behaviour with all that makes it depart from the exact agent, none of which does so here."""
    kind: Any = registry.load("behaviours", name)
    values = {one.name: one.default for one in fields(kind) if one.name in kind.departs_by}
    told = ", ".join(f"{each}: {'null' if value is None else value}" for each, value in values.items())
    return f"{{{name}: {{{told}}}}}"
