"""What is refused in a space, and in which words."""

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune
from ray.tune.search.sample import Domain, Float

from search_spaces import SearchSpace, space_faults

ITSELF: dict[str, Any] = {"lr": tune.uniform(0, 1)}
ITSELF["again"] = ITSELF

BAD_RANGES = {
    "uniform(1, 0)": (
        tune.uniform(1, 0),
        "space.x: the lower bound 1 is not below the upper bound 0 in uniform(1, 0). Swap them: tune.uniform(0, 1).",
    ),
    "loguniform(1, 1e-3)": (
        tune.loguniform(1, 1e-3),
        (
            "space.x: the lower bound 1 is not below the upper bound 1e-3 in loguniform(1, 1e-3). "
            "Swap them: tune.loguniform(1e-3, 1)."
        ),
    ),
    "lograndint(8, 2)": (tune.lograndint(8, 2), "Swap them: tune.lograndint(2, 8)."),
    "quniform(1, 0, 0.5)": (tune.quniform(1, 0, 0.5), "Swap them: tune.quniform(0, 1, 0.5)."),
    "uniform(2, 2)": (
        tune.uniform(2, 2),
        "space.x: no values to choose from: both bounds of uniform(2, 2) are 2. Write the constant instead.",
    ),
    "randint(5, 5)": (tune.randint(5, 5), "no values to choose from: both bounds of randint(5, 5) are 5."),
    "qrandint(5, 9, 10)": (
        tune.qrandint(5, 9, 10),
        "space.x: no values to choose from: no multiple of 10 lies in qrandint(5, 9, 10). The nearest are 0 and 10.",
    ),
    "randint(0.5, 3)": (
        tune.randint(0.5, 3),
        "space.x: lower must be a whole number, got 0.5 in randint(0.5, 3).",
    ),
    "randint('1', 3)": (tune.randint("1", 3), "space.x: lower must be a finite number, got '1' in randint('1', 3)."),
    "randint(0, inf)": (tune.randint(0, float("inf")), "space.x: upper must be a finite number, got inf"),
    "randint(0, 2**70)": (tune.randint(0, 2**70), "space.x: upper must be a number of at most 64 bits"),
    "qrandint(0, 10, 0)": (tune.qrandint(0, 10, 0), "space.x: q must be above 0, got 0 in qrandint(0, 10, 0)."),
    "qrandint(0, 10, 2.5)": (tune.qrandint(0, 10, 2.5), "space.x: q must be a whole number, got 2.5"),
    "quniform(0, 1, -0.5)": (tune.quniform(0, 1, -0.5), "space.x: q must be above 0, got -0.5"),
    "randn(nan, 1)": (tune.randn(float("nan"), 1), "space.x: mean must be a finite number, got nan in randn(nan, 1)."),
    "randn(0, inf)": (tune.randn(0, float("inf")), "space.x: sd must be a finite number, got inf"),
    "bounded normal": (Float(0.5, 1).normal(0, 1), "space.x: a normal distribution with bounds cannot be sampled."),
    "too far apart": (tune.uniform(-1e308, 1e308), "are too far apart for a float."),
    "own kind": (type("Mine", (Domain,), {"default_sampler_cls": object})(), "Mine is a kind of range that is not kn"),
    "choice([])": (tune.choice([]), "space.x: no values to choose from: choice([]) is empty."),
    "choice('adam')": (
        tune.choice("adam"),
        (
            'space.x: expected a list, got the string "adam". Did you mean ["adam"]? '
            "(Single characters that are meant as such: list them in ascending order.)"
        ),
    ),
    "grid_search('abc')": (
        {"grid_search": "abc"},
        'space.x: expected a list, got the string "abc". Did you mean ["abc"]?',
    ),
    "grid_search([])": (tune.grid_search([]), "space.x: no values to choose from: grid_search([]) is empty."),
    "grid_search(3)": ({"grid_search": 3}, "space.x: expected a list of values, got 3."),
    "choice of nan": (tune.choice([1.0, float("nan")]), "space.x[1]: nan is given where a finite number is needed."),
    "choice of objects": (tune.choice([1, object()]), "space.x[1]: an object of type object cannot be written into"),
    "a bad range in a branch": (
        tune.choice([{"name": "adam"}, {"name": "sgd", "inner": {"momentum": tune.uniform(1, 0)}}]),
        "space.x[1].inner.momentum: the lower bound 1 is not below the upper bound 0 in uniform(1, 0).",
    ),
    "a bad range as an option": (
        tune.choice([tune.uniform(0, 1), tune.lograndint(8, 2)]),
        "space.x[1]: the lower bound 8 is not below the upper bound 2 in lograndint(8, 2).",
    ),
    "a bad constant in a branch": (
        tune.choice([{"lr": tune.uniform(0, 1), "seed": float("nan")}]),
        "space.x[0].seed: nan is given where a finite number is needed.",
    ),
    "a bad key in a branch": (
        tune.choice([{"a.b": tune.uniform(0, 1)}]),
        "space.x[0]: the key 'a.b' contains '.'; dots, slashes and control characters are not allowed.",
    ),
    "a bad range in a list in a branch": (
        tune.choice([{"lr": tune.uniform(0, 1), "layers": [64, tune.lograndint(8, 2)]}]),
        "space.x[0].layers.1: the lower bound 8 is not below the upper bound 2 in lograndint(8, 2).",
    ),
    "branches in a grid": (
        {"grid_search": [{"lr": tune.uniform(0, 1)}, {}]},
        "space.x[0]: grid_search cannot choose between ranges. Use tune.choice for branches.",
    ),
}

BAD_CONSTANTS = {
    "nan": (float("nan"), "space.x: nan is given where a finite number is needed."),
    "inf in a list": ([1, [float("inf")]], "space.x[1][0]: inf is given where a finite number is needed."),
    "lock": (
        threading.Lock(),
        (
            "space.x: a thread lock cannot be written into the sweep's record, which takes numbers, strings, booleans, "
            "None, lists and dicts of these. Create it inside the trainable, and give the space a name or number to "
            "create it from."
        ),
    ),
    "lambda": (lambda: None, "space.x: the function <lambda> cannot be written into the sweep's record"),
    "class": (dict, "space.x: the class dict cannot be written into"),
    "set": ({1, 2}, "space.x: an object of type set cannot be written into"),
    "tensor": (torch.zeros(3), "space.x: a tensor cannot be written into"),
    "array": (np.zeros(3), "Write a short one as a list with .tolist(); load a long one inside the trainable."),
    "path": (Path("data"), "Write it as a string: str(path)."),
    "keys in a list": ([{1: 2}], "space.x[0]: the key 1 is not a string. Write it in quotes."),
    "huge": (
        list(range(20_000)),
        "characters as JSON; at most 65536 are allowed. Give a name here, and load the value",
    ),
}

BAD_KEYS = {
    "number": (3, "space: the key 3 is not a string. Write it in quotes."),
    "empty": ("", "space: a key is the empty string. Give it a name."),
    "dot": ("a.b", "space: the key 'a.b' contains '.'; dots, slashes and control characters are not allowed."),
    "slash": ("../x", "space: the key '../x' contains '.'; dots, slashes and control characters are not allowed."),
    "newline": ("a\nb", r"space: the key 'a\nb' contains '\n'; dots, slashes and control characters are not allowed."),
    "long": ("a" * 300, "space: the key 'aaaaaaaaaaaaaaaaaaaa'... has 300 characters; at most 100 are allowed."),
}


@pytest.mark.parametrize(("value", "words"), BAD_RANGES.values(), ids=BAD_RANGES)
def test_a_range_that_cannot_work_is_refused_by_name(value: Any, words: str) -> None:
    """Ray accepts all of these and fails later, or samples nonsense; here one fault names the key and the cure."""
    (fault,) = space_faults({"lr": tune.uniform(0, 1), "x": value})
    assert words in fault


@pytest.mark.parametrize(("value", "words"), BAD_CONSTANTS.values(), ids=BAD_CONSTANTS)
def test_a_constant_that_no_record_can_hold_is_refused_by_name(value: Any, words: str) -> None:
    """What cannot be written to the ledger is named with its place and what to do instead."""
    (fault,) = space_faults({"lr": tune.uniform(0, 1), "x": value})
    assert words in fault


@pytest.mark.parametrize(("key", "words"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_no_column_can_have_is_refused(key: Any, words: str) -> None:
    """Keys become columns and parts of file names."""
    (fault,) = space_faults({"lr": tune.uniform(0, 1), key: 1})
    assert words in fault


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ([1], "space: expected a dict of names to values and ranges, got [1]."),
        (None, "space: expected a dict of names to values and ranges, got None."),
        ({"lr": 0.1, "seed": 0}, "space: nothing to search: every value is fixed (lr, seed). Give at least one"),
        ({}, "space: nothing to search: every value is fixed (the space is empty)."),
        (ITSELF, "space: nested more than 20 levels deep. Does a dict contain itself?"),
    ],
    ids=["list", "None", "constants", "empty", "itself"],
)
def test_a_space_that_is_none_is_refused(space: Any, words: str) -> None:
    """Whatever stands in the place of a space, the answer is a sentence and not a traceback."""
    (fault,) = space_faults(space)
    assert words in fault


def test_all_faults_are_told_at_once_with_their_paths() -> None:
    """Three faults in nested places give three sentences, and `SearchSpace` raises them together."""
    space = {"model": {"x": tune.uniform(1, 0)}, "o": tune.choice("adam"), "lock": threading.Lock()}
    faults = space_faults(space)
    assert [fault.partition(":")[0] for fault in faults] == ["space.model.x", "space.o", "space.lock"]
    with pytest.raises(ValueError, match=re.escape("\n".join(faults))):
        SearchSpace(space)


def test_what_ray_can_do_is_accepted() -> None:
    """Letters in order, weighted and single choices, integral floats, plain dicts in choices, grids: no fault."""
    space = {
        "letters": tune.choice(["a", "b", "c"]),
        "two": tune.choice(["m", "f"]),
        "weighted": tune.choice([16, 16, 32]),
        "single": tune.choice([None]),
        "integral": tune.randint(1, 1e3),
        "numpy": tune.choice(list(np.arange(3))),
        "equal": tune.qrandint(10, 10, 5),
        "dicts": tune.choice([{"name": "adam"}, {"name": "sgd", "momentum": 0.9}]),
        "grid": tune.grid_search([1, 2]),
        "computed": tune.sample_from(lambda config: config["integral"]),
        "nested": {"empty": {}, "none": None, "yes": True, "tuple": (1, 2)},
    }
    assert space_faults(space) == []
