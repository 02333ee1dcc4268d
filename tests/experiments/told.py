"""Callbacks that remember what they are told, and sweeps that tell them."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray.tune.logger import LoggerCallback

from experiments._sweep.options import RunOptions
from experiments._sweep.registry import of_value
from experiments._sweep.start.rerunning import start_or_resume
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.lines import Lines
from tests.experiments.conftest import Made, made_up
from trainables import Checkpoints, Record


class Logger(LoggerCallback):
    """Remembers what a logger is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.over = 0

    def setup(self, stop: Any = None, num_samples: Any = None, total_num_samples: Any = None, **info: Any) -> None:
        """The sweep."""
        self.told.append(("setup", total_num_samples))

    def log_trial_start(self, trial: Any) -> None:
        """A trial."""
        assert Path(trial.local_path).is_dir() and trial.status == "RUNNING"
        self.told.append(("start", trial.number, str(trial), trial.config))

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """An epoch."""
        self.told.append(("result", trial.number, result["training_iteration"], result))
        result.clear()  # what one callback does to it is nobody else's concern

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        """An ending."""
        self.told.append(("end", trial.number, trial.status, failed))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """The driver ends."""
        self.over += 1

    def of(self, kind: str, trial: int | None = None) -> list[tuple[Any, ...]]:
        """What it was told of that kind, of one trial or of all."""
        return [each for each in self.told if each[0] == kind and trial in (None, each[1])]


def run(asked: Any, storage: Path, name: str = "mine") -> tuple[Sweep, str]:
    """The sweep of that name, begun or gone on with, and what was said."""
    said = io.StringIO()
    options = RunOptions(name=name, storage=str(storage), here=True)
    sweep = start_or_resume(of_value(asked, name), options, lambda _: [Lines(said)]).sweep
    return sweep, said.getvalue()


class Kept(Logger):
    """As `Logger`; the results stay as they were."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """An epoch."""
        self.told.append(("result", trial.number, result["training_iteration"], result))


class Broken(Kept):
    """Fails at results."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """Raises."""
        super().log_trial_result(iteration, trial, result)
        raise ConnectionError("no answer from the tracker\nand more")


class Interrupted:
    """A trainable's loop that is interrupted by Ctrl+C once."""

    def __init__(self, trial_epochs: int) -> None:
        self.left = trial_epochs

    def __call__(self, config: Made, checkpoints: Checkpoints | None) -> Iterator[Record]:
        """As `made_up`, until it is interrupted."""
        for record in made_up(config, checkpoints):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            yield record
