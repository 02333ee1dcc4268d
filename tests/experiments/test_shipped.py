"""Every experiment of the folder runs, at a tiny size; a new one is tested by being there."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.registry import find, shipped

NAMES = [listing.name for listing in shipped()]


@pytest.mark.usefixtures("small_mnist", "small_cifar10")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_the_end_at_a_tiny_size(name: str, tmp_path: Path) -> None:
    """Two trials of two epochs, in this process, on data in its real file format."""
    storage = tmp_path / "sweeps"
    assert main(["run", name, "--here", "--trials", "2", "--epochs", "2", "--storage", str(storage)]) == 0
    sweep = open_sweep(name, storage=storage)
    assert [trial.ending in ("completed", "stopped") for trial in sweep.trials] == [True, True]
    assert sweep.best.checkpoint is not None


@pytest.mark.parametrize("name", NAMES)
def test_its_question_is_one_sentence(name: str) -> None:
    """`sweep list` prints it: short, and with an end."""
    question = find(name).question
    assert question
    assert len(question) <= 100
    assert question[-1] in ".?"


@pytest.mark.parametrize("listing", shipped(), ids=NAMES)
def test_it_is_one_short_file_with_one_value(listing: object) -> None:
    """At most 40 lines, imports and one assignment: an experiment is a value, not a script."""
    path: Path = listing.path  # type: ignore[attr-defined]
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    body = ast.parse(text).body[1:]
    assert {type(node) for node in body} <= {ast.Import, ast.ImportFrom, ast.Assign}


def test_a_variant_is_a_replaced_field() -> None:
    """`dataclasses.replace` gives another experiment, checked like the first."""
    base = find("digits_mlp").experiment
    more = replace(base, num_trials=256)
    assert (more.num_trials, base.num_trials) == (256, 64)
