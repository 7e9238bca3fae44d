"""Examples in docstrings of all modules are right."""

import doctest
import importlib
import pkgutil

import pytest

FLOORS = ("environment", "market", "agents", "experiments")


def _modules():
    for floor in FLOORS:
        package = importlib.import_module(f"gridarium.{floor}")
        for module in pkgutil.walk_packages(package.__path__, f"gridarium.{floor}."):
            yield module.name


@pytest.mark.parametrize("name", sorted(_modules()))
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
