"""Every experiment of the folder runs, at a tiny size; a new one is tested by being there."""

import ast
import contextlib
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import Experiment, InputError, open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.registry import find, shipped

NAMES = [listing.name for listing in shipped()]


def tiny(experiment: Experiment) -> list[str]:
    """The fewest trials, and epochs, from two on, that go with the experiment's space and scheduler; and no GPU."""
    for trials, epochs in itertools.product(range(2, experiment.num_trials + 1), range(2, experiment.epochs + 1)):
        with contextlib.suppress(InputError):
            replace(experiment, num_trials=trials, epochs=epochs)
            return ["--trials", str(trials), "--epochs", str(epochs), "--gpus-per-trial", "0"]
    pytest.fail("it cannot even be made as it is")


@pytest.mark.usefixtures("small_mnist", "small_fashion_mnist", "tiny_cifar10", "small_california_housing")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_the_end_at_a_tiny_size(name: str, tmp_path: Path) -> None:
    """In this process, on data in its real file format, which the test makes up where it has to be fetched."""
    storage = tmp_path / "sweeps"
    assert main(["run", name, "--here", "--storage", str(storage), *tiny(find(name).experiment)]) == 0
    sweep = open_sweep(name, storage=storage)
    assert len(sweep.trials) > 1
    assert all(trial.ending in ("completed", "stopped") for trial in sweep.trials)
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
