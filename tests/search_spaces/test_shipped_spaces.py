"""Every function of every shipped space module gives a sound space: a new one is tested by being there."""

import importlib
import inspect
import itertools
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import search_spaces
import trainables
from search_spaces import SearchSpace, as_json, space_faults

MADE_FOR = {"tabular": "tabular_mlp", "forest": "random_forest"}
"""Trainable of a module's spaces; of all others it is the image classifier."""

MODULES = [module.name for module in pkgutil.iter_modules(search_spaces.__path__) if not module.name.startswith("_")]
SPACES = {
    f"{name}.{function.__name__}": function
    for name in MODULES
    for module in [importlib.import_module(f"search_spaces.{name}")]
    for _, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not function.__name__.startswith("_")
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_shipped_space_is_sound_fresh_and_documented(space: Callable[[], dict[str, Any]]) -> None:
    """No faults; a change to what it returned changes nothing for the next caller; a docstring tells units and why."""
    first = space()
    assert space_faults(first) == []
    assert SearchSpace(first).dimensions
    before = as_json(space())
    first["lr"] = None
    assert as_json(space()) == before
    assert space.__doc__


@pytest.mark.parametrize("name", SPACES)
def test_every_end_of_a_shipped_space_is_a_configuration(name: str) -> None:
    """Each choice, smallest and largest value is one that the trainable takes, beside the others' first and last."""
    module, _, _ = name.partition(".")
    made_for = trainables.image_classifier if module not in MADE_FOR else getattr(trainables, MADE_FOR[module])
    trainable = replace(made_for, check=None)  # whether the data is there is not the space's business
    space = SPACES[name]()
    searched = SearchSpace(space)
    ends = {each.path: each.categories or (each.lower, each.upper) for each in searched.dimensions}
    for dimension in searched.dimensions:
        for value, end in itertools.product(ends[dimension.path], (0, -1)):
            chosen = {path: values[end] for path, values in ends.items()} | {dimension.path: value}
            config = searched.configuration(chosen | dict(dimension.when))
            assert trainable.faults(config) == [], config


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_listed(name: str) -> None:
    """A module of spaces is found by its name in the package."""
    assert name in search_spaces.__all__
    assert getattr(search_spaces, name).__doc__


def test_names_are_imported_only_when_used() -> None:
    """`import search_spaces` loads neither Ray nor torch nor numpy; every public name is there when asked for."""
    code = (
        "import sys, search_spaces; assert not {'ray', 'torch', 'numpy'} & set(sys.modules);"
        "[getattr(search_spaces, name) for name in search_spaces.__all__]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    """A misspelled name raises AttributeError that lists the public names."""
    with pytest.raises(AttributeError, match="has no attribute 'mlpp'; it has: Dimension, SearchSpace"):
        _ = search_spaces.mlpp  # type: ignore[attr-defined]
