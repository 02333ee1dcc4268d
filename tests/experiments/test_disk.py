"""What a sweep takes on the disk: foretold, refused where it cannot fit, seen at the first checkpoint elsewhere."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import tune

from experiments import FIFO, Experiment, HyperBand, Random
from experiments._sweep.command_line import main
from experiments._sweep.disk import EPOCH_BYTES, disk_lines, estimated, size
from experiments._sweep.options import RunOptions
from tests.experiments.conftest import experiment
from trainables import image_classifier

HERE = RunOptions(here=True)


def digits(**changes: Any) -> Experiment:
    """A sweep of networks of several sizes."""
    space = {"hidden_layers": tune.randint(1, 4), "hidden_units": tune.choice([16, 512, 64]), "lr": 1e-3}
    asked: dict[str, Any] = {"trainable": image_classifier, "space": space, "metric": "val_loss", "mode": "min"}
    return Experiment(**{**asked, "search": Random(), "scheduler": FIFO(), "num_trials": 64, "epochs": 27, **changes})


def full(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """So much is free, everywhere."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))


def test_the_largest_and_the_smallest_configuration_are_found() -> None:
    """By all searched values together, not one at a time; what `require` does not allow is none."""
    found = estimated(digits(), HERE)
    largest = image_classifier.bytes_of({"hidden_layers": 3, "hidden_units": 512})
    smallest = image_classifier.bytes_of({"hidden_layers": 1, "hidden_units": 16})
    assert found is not None and (found.checkpoint, found.smallest) == (largest, smallest)
    narrow = estimated(digits(require=lambda config: config["hidden_units"] < 500), HERE)
    assert narrow is not None
    assert narrow.checkpoint == image_classifier.bytes_of({"hidden_layers": 3, "hidden_units": 64})


@pytest.mark.parametrize(
    ("changes", "options", "checkpoints"),
    [
        ({}, {}, 1 * 4 + 10),
        ({}, {"keep": 3}, 1 * 4 + 3),
        ({"num_trials": 5}, {}, 1 * 4 + 5),
        ({}, {"keep": None}, 1 * 4 + 64 * 3),
        ({"scheduler": HyperBand()}, {}, 1 * 4 + 63 * 3 + 10),
        ({}, {"here": False, "address": "head:6379", "concurrent": 8}, 8 * 4 + 10),
        ({}, {"here": False, "address": "auto"}, 64 * 4 + 10),
    ],
)
def test_what_may_be_there_at_a_time_is_counted(
    changes: dict[str, Any], options: dict[str, Any], checkpoints: int
) -> None:
    """Running trials with one that is being written, held ones, and the leading ones of those that have ended."""
    asked = digits(**changes)
    found = estimated(asked, RunOptions(**{"here": True, **options}))
    assert found is not None
    assert found.most == found.checkpoint * checkpoints + EPOCH_BYTES * asked.num_trials * 27


def test_show_says_what_it_takes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a line for people and in bytes for programs."""
    full(monkeypatch, 60 * 10**9)
    assert main(["show", "digits_mlp", "--here"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("disk")]
    assert line.endswith("each at most, and 5.2 MB of records; 60 GB free")
    assert "the best checkpoint of 10 trials and those of 1 running" in line
    assert main(["show", "digits_mlp", "--here", "--keep", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["disk_bytes"] < 100 * 10**6 and told["disk_free_bytes"] == 60 * 10**9


def test_show_says_that_it_is_not_known() -> None:
    """A trainable of one's own that does not tell."""
    assert estimated(experiment(), HERE) is None
    (line,) = disk_lines(None, Path())
    assert line.startswith("not known before the first checkpoint is there; ")


def test_f7_a_sweep_that_cannot_fit_is_refused_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3 with both numbers and what to do; nothing was written."""
    monkeypatch.chdir(tmp_path)
    full(monkeypatch, 20_000)
    assert main(["run", "digits_mlp", "--here"]) == 3
    said = capsys.readouterr().err
    assert "takes at least" in said and "20 kB are free" in said and "--keep" in said and "--storage" in said
    assert list(tmp_path.iterdir()) == []
    assert main(["show", "digits_mlp", "--here"]) == 0
    assert "It may not fit. Keep fewer checkpoints (--keep)" in capsys.readouterr().out


def test_the_first_checkpoint_tells_where_nothing_else_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, with its size and what follows from it."""
    experiment(num_trials=3).run(name="mine", storage=tmp_path, here=True)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "disk: " in line]
    assert "a checkpoint has" in line and "at most" in line and "free" in line


def test_bytes_in_words() -> None:
    """Three digits at most."""
    told = {0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 31_400: "31 kB", 999_600: "1.0 MB", 1_230_000_000: "1.2 GB"}
    assert {count: size(count) for count in told} == told
