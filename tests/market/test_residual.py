from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.market.residual import residual
from gridarium.market.utility import LogUtility, QuadraticUtility


@given(
    utility=st.one_of(
        st.builds(LogUtility, st.floats(0.1, 100.0), st.floats(1e-4, 0.1)),
        st.builds(QuadraticUtility, st.floats(10.0, 500.0), st.floats(100.0, 1e5)),
    ),
    held=st.floats(0.0, 0.05),
    more=st.floats(0.0, 0.05),
    share=st.floats(0.01, 1.0),
)
def test_a_residual_utility_is_the_rest_of_the_whole(
    utility: LogUtility | QuadraticUtility, held: float, more: float, share: float
) -> None:
    rest = residual(utility, held, share)
    whole = share * (utility.value(held + more) - utility.value(held))
    assert rest.value(more) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert rest.marginal(more) == pytest.approx(share * utility.marginal(held + more), rel=1e-9, abs=1e-9)


def test_only_known_families_have_a_residual() -> None:
    with pytest.raises(TypeError, match="QuadraticUtility or OverMarket, got object"):
        residual(object(), 1.0)  # type: ignore[arg-type]
