"""One segment in a trial's own process: what Ray is given as its trainable.

The process loads the trainable, continues from the trial's newest checkpoint, reports an epoch at a time, and turns an
exception into a report, so that the evidence travels as plain text.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.engine.deciding.measurements import as_told
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.gpu_share import hold_to_share
from experiments._sweep.engine.leaving import LEAVE, Leaves, mark_of_leaving, noting_in_store
from experiments._sweep.engine.private import keep_private, private_checkpoints
from experiments._sweep.engine.reported import reporting
from experiments._sweep.engine.stored import stored_checkpoints
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.redaction import Redactor, Secrets, whole
from experiments._sweep.store.checkpoints import segment_in_store
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import PATIENCE_S
from experiments._sweep.store.scratch import scratch
from experiments._sweep.travelled import arrived, working_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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

            trainable = from_file(arrived(Path(self.path))).experiment.trainable
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
    store: str | None = None
    """The sweep's address in an object store, where it lies in one; `sweep` is the driver's working copy then."""
    driver: int = 1
    """The driver's number."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """Module to requirement: what every node of a cluster must have for the experiment's files, besides our own."""
    installs: bool = False
    """Whether the nodes install what they lack before they do anything."""
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

    try:
        settle_in(workplace, gpus=tune.get_context().get_trial_resources().required_resources.get("GPU") or 0)
        config = {**config, "config": whole(config["config"], workplace.constants)}
        trainable = workplace.source.load()
        with LEAVE.after_this_epoch(get_session(), _mark(config, workplace)):
            if hasattr(trainable, "epochs"):
                _run_epochs(trainable, config, workplace)
            else:
                _run_function(trainable, config, workplace)
    except Exception as error:  # noqa: BLE001 - whatever a trainable raises is evidence, told to the driver
        return Fault.of(error, workplace.redactor.text)
    return None


def _mark(config: dict[str, Any], workplace: Workplace) -> Path | Callable[[], None]:
    trial, segment = config["trial"], config["segment"]
    if workplace.store is not None:
        return noting_in_store(workplace.store, trial, workplace.driver, segment)
    return mark_of_leaving(trial_folder(Path(workplace.sweep), trial), segment)


def settle_in(workplace: Workplace, *, gpus: float) -> None:
    """Makes the process, which may have trained other trials, the place that a trial expects."""
    if (place := working_directory(Path(workplace.working_directory))).is_dir():
        os.chdir(place)
    if workplace.data_dir:
        os.environ["RAYSWEEPS_DATA"] = workplace.data_dir
    if not gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a trial without a GPU must not take one that is there
    hold_to_share(gpus)
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = THREAD_TIMEOUT_S  # read here when the process is used again
    os.umask(0o077)  # a cluster that was joined may have another one; checkpoints are for this user alone


def _run_epochs(trainable: Any, config: dict[str, Any], workplace: Workplace) -> None:
    from trainables import report_epochs

    without_secrets = workplace.redactor.metrics

    def told(record: Any) -> dict[str, Any]:
        return as_told(without_secrets(record) if isinstance(record, dict) else record)

    with checkpoints_of(config, workplace) as checkpoints:
        report_epochs(trainable, config["config"], checkpoints, told=told)


@contextlib.contextmanager
def checkpoints_of(
    config: dict[str, Any], workplace: Workplace, patience_s: float | Callable[[], float] = PATIENCE_S
) -> Iterator[Any]:
    """The folder where this segment finds and leaves checkpoints while it trains; a store is waited for so long."""
    trial, until = config["trial"], config["epochs_known"] + 1
    if workplace.store is None:
        folder = trial_folder(Path(workplace.sweep), trial)
        kept = {"segment": config["segment"], "metric": workplace.metric, "mode": workplace.mode}
        yield private_checkpoints(workplace.redactor, folder, until=until, **kept)
        return
    segment = segment_in_store(workplace.driver, config["segment"])
    with scratch() as place:
        store = Objects(workplace.store, patience_s=patience_s)
        yield stored_checkpoints(workplace.redactor, store, trial, place, segment=segment, until=until)


def _run_function(trainable: Callable[..., Any], config: dict[str, Any], workplace: Workplace) -> None:
    """A plain Ray function: it finds its newest reported checkpoint through `tune.get_checkpoint()`, as ever."""
    from ray.train._internal.session import get_session

    with reporting(get_session(), config, workplace):
        keep_private(get_session(), workplace.redactor)
        trainable(config["config"])
