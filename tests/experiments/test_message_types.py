"""One name, one type of message: scenarios and logs speak of them by name."""

import importlib
import pkgutil
from collections import Counter

from gridarium.environment.alteration import is_record
from gridarium.experiments.message_types import message_types
from gridarium.market import messages


def test_no_two_messages_have_one_name() -> None:
    modules = [
        importlib.import_module(f"{messages.__name__}.{one.name}")
        for one in pkgutil.iter_modules(messages.__path__)
    ]
    names = Counter(
        kind.__name__
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and is_record(kind)
    )
    assert [name for name, count in names.items() if count > 1] == []
    assert set(message_types()) == set(names)
