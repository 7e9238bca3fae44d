"""Types of messages by their names, for scenarios that speak of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from gridarium.environment.alteration import is_record
from gridarium.market import messages


@cache
def message_types() -> Mapping[str, type]:
    """Every record of the vocabulary that agents share, by its name."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(messages.__path__):
        name = f"{messages.__name__}.{module.name}"
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and kind.__module__ == name and is_record(kind):
                found[kind.__name__] = kind
    return dict(sorted(found.items()))
