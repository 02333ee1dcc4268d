"""Coordinates on the unit interval: there and back, with the probabilities of Tune's own samplers."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

from experiments.searchers._unit import decode, encode
from search_spaces import SearchSpace


def _ranges() -> st.SearchStrategy[Any]:
    """Ranges of every kind with bounds of every size."""
    whole = st.integers(1, 200)
    return st.one_of(
        st.builds(lambda low, span: tune.uniform(low, low + span), st.floats(-1e6, 1e6), st.floats(0.1, 1e6)),
        st.builds(lambda low, ratio: tune.loguniform(low, low * ratio), st.floats(1e-12, 1e3), st.floats(1.1, 1e9)),
        st.builds(lambda low, n, q: tune.quniform(low * q, (low + n) * q, q), whole, whole, st.floats(1e-3, 10)),
        st.builds(lambda low, n, q: tune.qloguniform(low * q, (low + n) * q, q), whole, whole, st.floats(1e-3, 10)),
        st.builds(tune.randn, st.floats(-10, 10), st.floats(0.1, 10)),
        st.builds(tune.qrandn, st.floats(-10, 10), st.floats(0.1, 10), st.floats(0.1, 3)),
        st.builds(lambda low, n: tune.randint(low, low + n), st.integers(-(2**40), 2**40), whole),
        st.builds(lambda low, n, q: tune.qrandint(low, low + n + q, q), whole, whole, st.integers(2, 50)),
        st.builds(lambda low, n: tune.lograndint(low, low + n), whole, whole),
        st.builds(lambda low, n, q: tune.qlograndint(low, low + n + q, q), whole, whole, st.integers(2, 50)),
        st.lists(st.none() | st.booleans() | whole | st.text(max_size=3) | st.lists(whole, max_size=2), min_size=1).map(
            lambda values: tune.choice([*values, "last"])
        ),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(domain=_ranges(), unit=st.floats(0, 1, exclude_max=True))
def test_coordinates_go_there_and_back(domain: Any, unit: float) -> None:
    """The centre of a value's cell decodes to the value."""
    (dimension,) = SearchSpace({"x": domain}).dimensions
    if not dimension.categories:
        value = decode(dimension, unit)
        assert dimension.contains(value)
        assert decode(dimension, encode(dimension, value)) == pytest.approx(value, rel=1e-6, abs=1e-6)


COUNTABLE = {
    "randint": tune.randint(0, 4),
    "qrandint": tune.qrandint(0, 18, 10),
    "qrandint inside": tune.qrandint(5, 45, 20),
    "lograndint": tune.lograndint(1, 8),
    "qlograndint": tune.qlograndint(1, 40, 8),
    "quniform": tune.quniform(0, 1, 0.25),
    "qloguniform": tune.qloguniform(0.5, 4, 0.5),
    "qrandn": tune.qrandn(1, 2, 1),
}


@pytest.mark.parametrize("domain", COUNTABLE.values(), ids=COUNTABLE)
def test_coordinates_have_the_probabilities_of_tune(domain: Any) -> None:
    """Equally spaced coordinates give each value as often as Tune's own sampler does (hyperopt's integers do not)."""
    (dimension,) = SearchSpace({"x": domain}).dimensions
    n, rng = 20_000, np.random.default_rng(0)
    ours = Counter(decode(dimension, (index + 0.5) / n) for index in range(n))
    tunes = Counter(dimension.settle(value) for value in domain.sample(size=n, random_state=rng))
    assert max(abs(ours[value] - tunes[value]) / n for value in ours | tunes) < 0.015
