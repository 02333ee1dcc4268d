"""One segment in a trial's own process: what Ray is given as its trainable.

The process loads the trainable, continues from the trial's newest checkpoint, reports an epoch at a time, and turns an
exception into a report, so that the evidence travels as plain text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.engine.deciding.measurements import as_told
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.leaving import LEAVE, Leaves, mark_of_leaving
from experiments._sweep.engine.private import keep_private, private_checkpoints
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.redaction import Redactor, Secrets, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THREAD_TIMEOUT_S = "30"
"""How long a trial's teardown may take before its process counts as lost."""


@dataclass(frozen=True, kw_only=True)
class TrainableSource:
    """How a trial's process gets the trainable: from the experiment's file, or as a pickled object.

    A file is imported again under its private name with its folder at hand, so that modules beside it are found; by
    value they would not be.
    """

    path: str | None
    trainable: Callable[..., Any] | None
    refit_until: int | None = None
    """Where the trainable trains on training and validation rows together: its last epoch."""

    def load(self) -> Callable[..., Any]:
        """The trainable."""
        trainable = self.trainable
        if self.path is not None:
            from experiments._sweep.registry import from_file

            trainable = from_file(Path(self.path)).experiment.trainable
        assert trainable is not None  # noqa: S101 - one of the two is set
        return trainable if self.refit_until is None else trainable.refitting(self.refit_until)  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What is the same for all trials of a driver."""

    source: TrainableSource
    sweep: str
    """The sweep's folder, absolute."""
    working_directory: str
    """Where the sweep was started: relative paths in a trainable mean the same as there."""
    data_dir: str | None
    """The data folder, where it was given."""
    metric: str
    mode: Literal["min", "max"]
    secrets: Secrets = field(default_factory=Secrets)
    """What nothing that a trial leaves behind may have. They travel in memory, never in Tune's own configuration."""
    constants: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the trials have in common: where a recorded configuration gets its secrets back."""

    @property
    def redactor(self) -> Redactor:
        """Takes the sweep's secrets out of what a trial's process leaves or says."""
        return Redactor(self.secrets)


def run_segment(config: dict[str, Any], workplace: Workplace) -> None:
    """Trains the segment that `config` describes; the engine's Ray trainable."""
    from ray import tune

    fault = _trained(config, workplace)
    if fault is not None:  # nothing holds the exception any more, nor what its frames held
        tune.report(fault.as_report())
        raise RuntimeError("this process is not used again")


run_segment.__mixins__ = (Leaves,)  # type: ignore[attr-defined]


def _trained(config: dict[str, Any], workplace: Workplace) -> Fault | None:
    from ray import tune
    from ray.train._internal.session import get_session

    folder = trial_folder(Path(workplace.sweep), config["trial"])
    try:
        settle_in(workplace, gpus=tune.get_context().get_trial_resources().required_resources.get("GPU") or 0)
        config = {**config, "config": whole(config["config"], workplace.constants)}
        trainable = workplace.source.load()
        with LEAVE.after_this_epoch(get_session(), mark_of_leaving(folder, config["segment"])):
            if hasattr(trainable, "epochs"):
                _run_epochs(trainable, config, workplace)
            else:
                _run_function(trainable, config, workplace)
    except Exception as error:  # noqa: BLE001 - whatever a trainable raises is evidence, told to the driver
        return Fault.of(error, workplace.redactor.text)
    return None


def settle_in(workplace: Workplace, *, gpus: float) -> None:
    """Makes the process, which may have trained other trials, the place that a trial expects."""
    if Path(workplace.working_directory).is_dir():
        os.chdir(workplace.working_directory)
    if workplace.data_dir:
        os.environ["RAYSWEEPS_DATA"] = workplace.data_dir
    if not gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a trial without a GPU must not take one that is there
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = THREAD_TIMEOUT_S  # read here when the process is used again
    os.umask(0o077)  # a cluster that was joined may have another one; checkpoints are for this user alone


def _run_epochs(trainable: Any, config: dict[str, Any], workplace: Workplace) -> None:
    from trainables import report_epochs

    without_secrets = workplace.redactor.metrics

    def told(record: Any) -> dict[str, Any]:
        return as_told(without_secrets(record) if isinstance(record, dict) else record)

    report_epochs(trainable, config["config"], checkpoints_of(config, workplace), told=told)


def checkpoints_of(config: dict[str, Any], workplace: Workplace) -> Any:
    """The folder where this segment finds and leaves checkpoints."""
    return private_checkpoints(
        workplace.redactor,
        trial_folder(Path(workplace.sweep), config["trial"]),
        segment=config["segment"],
        until=config["epochs_known"] + 1,
        metric=workplace.metric,
        mode=workplace.mode,
    )


def _run_function(trainable: Callable[..., Any], config: dict[str, Any], workplace: Workplace) -> None:
    """A plain Ray function: it finds its newest reported checkpoint through `tune.get_checkpoint()`, as ever."""
    from ray import tune
    from ray.train._internal.session import get_session

    if config["checkpoint"] is not None:
        folder = str(Path(workplace.sweep) / config["checkpoint"])
        get_session().loaded_checkpoint = tune.Checkpoint.from_directory(folder)
    keep_private(get_session(), workplace.redactor)
    trainable(config["config"])
