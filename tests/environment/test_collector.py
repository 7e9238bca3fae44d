from __future__ import annotations

import gc

import pytest

from gridarium.environment.collector import rare_collections


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), rare_collections(spare_existing=True):
        assert gc.get_threshold()[0] > before[0]
        assert gc.get_freeze_count() > 0
        raise KeyError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
