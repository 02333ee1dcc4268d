"""Every function of every shipped space module gives a sound space: a new one is tested by being there."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import search_spaces
from search_spaces import as_json, dimensions, space_faults

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
    assert dimensions(first)
    before = as_json(space())
    first["lr"] = None
    assert as_json(space()) == before
    assert space.__doc__


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_shipped_space_names_fields_of_the_image_classifier(space: Callable[[], dict[str, Any]]) -> None:
    """The keys are those of the trainable that the spaces are made for."""
    fields = "hidden_layers hidden_units activation dropout optimizer lr momentum weight_decay batch_size"
    assert set(space()) <= set(fields.split())


def test_names_are_imported_only_when_used() -> None:
    """`import search_spaces` loads neither Ray nor torch nor numpy; every public name is there when asked for."""
    code = (
        "import sys, search_spaces; assert not {'ray', 'torch', 'numpy'} & set(sys.modules);"
        "[getattr(search_spaces, name) for name in search_spaces.__all__]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    """A misspelled name raises AttributeError that lists the public names."""
    with pytest.raises(AttributeError, match="has no attribute 'mlpp'; it has: Dimension, as_json"):
        _ = search_spaces.mlpp  # type: ignore[attr-defined]
