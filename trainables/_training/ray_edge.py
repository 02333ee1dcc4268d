"""The one file of the trainables that knows Ray."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from ray import tune

from trainables._training.checkpoints import CheckpointFolder
from trainables._training.threads import limit_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from trainables._training.trainable import Checkpoints, Trainable


def report_epochs(
    trainable: Trainable[Any],
    config: Mapping[str, Any] | BaseModel,
    checkpoints: Checkpoints | None,
    *,
    told: Callable[[Any], dict[str, Any]] = dict,
) -> None:
    """Train inside a Ray trial and report each record; the checkpoints are the caller's, Ray gets none.

    The record of the checkpoint that training continues from is reported again. Returns when the budget is trained;
    Ray stops a trial earlier by raising SystemExit out of the report. `told` makes of a record what Ray is given.
    """
    _use_cpus_of_trial()
    records = iter(trainable.epochs(config, checkpoints))
    while True:
        try:
            record = next(records, None)
        except SystemExit as error:  # otherwise it would look as if Ray had stopped the trial
            message = f"the trainable called sys.exit({error.code!r})"
            raise RuntimeError(message) from error
        if record is None:
            return
        tune.report(told(record))


def train_in_ray(trainable: Trainable[Any], config: Mapping[str, Any]) -> None:
    """Train inside a trial of bare Ray: report each epoch with its checkpoint, continue from Ray's.

    The record of the checkpoint that training continues from is not reported again: Ray has it.
    """
    _use_cpus_of_trial()
    with tempfile.TemporaryDirectory(prefix="raysweeps-") as folder:
        start = tune.get_checkpoint()
        if start is not None:
            start.to_directory(folder)
        checkpoints = CheckpointFolder(folder, keep=1)  # Ray copies the whole folder, so it holds one epoch
        continued_from = checkpoints.newest()
        for record in trainable.epochs(config, checkpoints):
            saved = checkpoints.newest()
            if continued_from is None or record["epoch"] > continued_from.epoch:
                is_own = saved is not None and saved.epoch == record["epoch"]
                tune.report(record, checkpoint=tune.Checkpoint.from_directory(folder) if is_own else None)


def _use_cpus_of_trial() -> None:
    limit_threads(tune.get_context().get_trial_resources().head_cpus)
