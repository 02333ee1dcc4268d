"""Spaces made up by hypothesis: every kind of range, nested dicts, and branches inside branches."""

from typing import Any

from hypothesis import strategies as st
from ray import tune

CONSTANTS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["mlp", "cnn"]), st.just((1, 2)))

RANGES = st.sampled_from(
    [
        lambda: tune.uniform(-1, 2),
        lambda: tune.loguniform(1e-4, 1e-1),
        lambda: tune.quniform(0.0, 0.5, 0.1),
        lambda: tune.qloguniform(0.5, 4, 0.5),
        lambda: tune.randn(0, 1),
        lambda: tune.randint(-2, 3),
        lambda: tune.lograndint(1, 65),
        lambda: tune.qrandint(5, 45, 20),
        lambda: tune.choice([16, 32, 64]),
        lambda: tune.choice(["relu", "tanh"]),
        lambda: tune.choice([True, False, None]),
        lambda: tune.choice([[64, 32], [32], (16, 16)]),
    ]
).map(lambda make: make())

KEYS = st.sampled_from(["lr", "units", "momentum", "name"])


def _dicts(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(KEYS, items, min_size=1, max_size=3)


def _lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=3)


def _branches(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    options = st.one_of(CONSTANTS, _dicts(items), RANGES, _lists(items))
    return st.lists(options, min_size=2, max_size=3).map(tune.choice)


ITEMS = st.recursive(
    st.one_of(CONSTANTS, RANGES), lambda items: st.one_of(_dicts(items), _branches(items), _lists(items))
)

SPACES = st.tuples(RANGES, st.dictionaries(st.sampled_from(["a", "b", "c"]), ITEMS, max_size=3)).map(
    lambda parts: {"always": parts[0], **parts[1]}
)
"""Spaces without faults that hold at least one range."""
