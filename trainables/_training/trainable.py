"""A trainable: a configuration type and a function that trains it, one record per epoch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from trainables._training.checkpoint_files import ChangedDataError
from trainables._training.checkpoints import open_checkpoint
from trainables._training.configuration import ConfigurationError, configured
from trainables._training.refitting import reported_without_validation, until, without_validation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from trainables._training.checkpoints import Saved
    from trainables._training.deployed import Deployed

Record = dict[str, Any]
"""The metrics of one epoch: numbers by name, and `epoch`, counted from 1."""

Config = TypeVar("Config", bound=BaseModel)


class SavedEpoch(Protocol):
    """A checkpoint as a training function sees it."""

    @property
    def record(self) -> Record:
        """The record of the checkpoint's epoch."""

    def state(self, map_location: Any = "cpu") -> Any:
        """What was saved, with its tensors on `map_location`."""


class Checkpoints(Protocol):
    """Where a training function keeps its checkpoints; `CheckpointFolder` is one."""

    data: str | None
    """Digest of the data that are trained on: kept with each checkpoint; to continue from one of other data fails."""

    def newest(self) -> SavedEpoch | None:
        """Return the checkpoint to continue from, if there is one."""

    def save(self, epoch: int, record: Record, state: Any) -> object:
        """Keep the record and the state at the end of an epoch."""


@dataclass(kw_only=True, eq=False, repr=False)
class Trainable(Generic[Config]):
    """A configuration type and a function that trains it, yielding one record per epoch.

    It works in three places: in a plain loop (`for record in image_classifier.epochs(config)`), in an `Experiment`, and
    with bare Ray (`tune.Tuner(image_classifier, param_space=...)`), where each epoch is reported with a checkpoint.

    Not frozen, because `ray.tune.with_resources` writes its request into the object it is given.
    """

    name: str
    """Name in messages, in Ray and in results: letters, digits and underscores."""

    config_type: type[Config]
    """Pydantic model of the configuration; its fields are what a search space may name."""

    train: Callable[[Config, Checkpoints | None], Iterator[Record]]
    """Yields the record of each epoch. Saves each epoch before it yields it, and continues from the newest checkpoint,
    whose record it yields again first."""

    metrics: Mapping[str, str]
    """What a record may hold beside `epoch`: metric name -> one line with its unit."""

    reported: Callable[[Config], Collection[str]] | None = None
    """Those of the metrics that a configuration reports; left out, every configuration reports all of them."""

    check: Callable[[Config], list[str]] | None = None
    """Faults that can be found before anything starts, such as data that is not there. Must not import torch."""

    content: Callable[[Config], str] | None = None
    """Digest of the data of a configuration: a trial does not go on with other data than it began with."""

    checkpoint_bytes: Callable[[Config], int | None] | None = None
    """About how many bytes a checkpoint of a configuration takes, None where that is not known before one is there.
    Must not import torch."""

    counts: Literal["best", "last"] = "best"
    """Which record stands for a trial: its best, or its last, where each is an estimate from all epochs so far."""

    max_gpus: int = 1
    """GPUs that one trial can use, at most."""

    test: Callable[[Config, SavedEpoch], Mapping[str, float]] | None = None
    """Metrics of the test part, measured with what a checkpoint holds; None where there is no test part."""

    test_metrics: Mapping[str, str] = field(default_factory=dict)
    """What `test` may give: metric name -> one line with its unit. `test_loss` is the counterpart of `val_loss`."""

    untestable: Callable[[Config], list[str]] | None = None
    """Why a sound configuration has no test part to measure; empty when it has one. Must not import torch."""

    fixed_split: Callable[[Config], bool] | None = None
    """Whether the validation rows of a configuration are the same for each `split_seed`, as of rows that stay in their
    order; left out, they differ."""

    refit: Callable[[Config, int, Checkpoints | None], Iterator[Record]] | None = None
    """As `train`, but on the training and the validation rows together and until an epoch, at most the budget; its
    records have no `val_` metrics. None where that cannot be done."""

    deploy: Callable[[Config, SavedEpoch], Deployed] | None = None
    """What a checkpoint holds as a model to use elsewhere; None where that cannot be done."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", self.name):
            message = (
                f"Trainable: name is {self.name!r}; it takes letters, digits and underscores, for example 'my_mlp'"
            )
            raise ValueError(message)

    @property
    def __name__(self) -> str:
        """The name that Ray gives the trainable; without it Ray says DEFAULT."""
        return self.name

    def __repr__(self) -> str:
        return f"Trainable({self.name!r})"

    def epochs(self, config: Mapping[str, Any] | Config, checkpoints: Checkpoints | None = None) -> Iterator[Record]:
        """Train one configuration; yield one record per epoch.

        Args:
            config: A mapping of the fields, or an instance of `config_type`.
            checkpoints: Where to save each epoch and what to continue from; None keeps nothing. When it holds a
                checkpoint, the first record is that checkpoint's own, yielded again.

        Raises:
            ConfigurationError: At once, with every fault of the configuration.
            ChangedDataError: The newest checkpoint was trained on other data.
        """
        checked = configured(self.name, self.config_type, config)
        if checkpoints is not None and self.content is not None:
            checkpoints.data = self.content(checked)
        return self.train(checked, checkpoints)

    def faults(self, config: Mapping[str, Any] | Config) -> list[str]:
        """Return everything wrong with a configuration, and everything it needs that is not there; never raise."""
        try:
            checked = configured(self.name, self.config_type, config)
        except ConfigurationError as error:
            return list(error.faults)
        try:
            return self.check(checked) if self.check else []
        except Exception as error:  # noqa: BLE001 - a check that fails is a fault to show, not a traceback
            return [f"{self.name}: its own check failed with {type(error).__name__}: {error}"]

    def cannot_go_on(self, config: Mapping[str, Any] | Config, checkpoints: Checkpoints) -> list[str]:
        """Return why a sound configuration cannot continue from its newest checkpoint; empty when it can."""
        if self.content is None:
            return []
        checkpoints.data = self.content(configured(self.name, self.config_type, config))
        try:
            checkpoints.newest()
        except ChangedDataError as error:
            return [str(error)]
        return []

    def metrics_of(self, config: Mapping[str, Any] | Config) -> frozenset[str]:
        """Return the names of the metrics that a configuration reports.

        Raises:
            ConfigurationError: The configuration is faulty.
        """
        checked = configured(self.name, self.config_type, config)
        return frozenset(self.metrics if self.reported is None else self.reported(checked))

    def bytes_of(self, config: Mapping[str, Any] | Config) -> int | None:
        """Return about how many bytes a checkpoint of a configuration takes; None where that is not known.

        Raises:
            ConfigurationError: The configuration is faulty.
        """
        checked = configured(self.name, self.config_type, config)
        return None if self.checkpoint_bytes is None else self.checkpoint_bytes(checked)

    def tested(self, config: Mapping[str, Any] | Config, folder: Path) -> dict[str, float]:
        """Measure a checkpoint on the test part; asked again, it gives the same numbers to the bit.

        Args:
            config: What the checkpoint was trained with: a mapping of the fields, or an instance of `config_type`.
            folder: The checkpoint's: .../epoch-00005.

        Raises:
            ConfigurationError: With every fault of the configuration.
            ValueError: There is no test part, or the checkpoint is damaged; says what to do.
            ChangedDataError: The checkpoint was trained on other data.
        """
        untestable = self.no_test(config)
        if self.test is None or untestable:
            raise ValueError("\n".join(untestable))
        return {name: float(value) for name, value in self.test(*self._opened(config, folder)).items()}

    def no_test(self, config: Mapping[str, Any] | Config) -> list[str]:
        """Return why nothing of a sound configuration can be measured on a test part; empty when it can."""
        if self.test is None:
            return [f"{self.name} has no test part: give its Trainable a `test=` (docs/trainables.md says how)"]
        return self.untestable(configured(self.name, self.config_type, config)) if self.untestable else []

    def splits_anew(self, config: Mapping[str, Any] | Config) -> bool:
        """Return whether another `split_seed` gives a sound configuration other validation rows."""
        checked = configured(self.name, self.config_type, config)
        return "split_seed" in self.config_type.model_fields and not (self.fixed_split and self.fixed_split(checked))

    def test_metric_of(self, metric: str) -> str | None:
        """Return what a metric is on the test part, as test_loss is of best_val_loss; None where there is nothing."""
        name = f"test_{metric.removeprefix('best_').removeprefix('val_')}"
        return name if metric.removeprefix("best_").startswith("val_") and name in self.test_metrics else None

    def deployed(self, config: Mapping[str, Any] | Config, folder: Path) -> Deployed:
        """Return what a checkpoint holds as a model to use elsewhere: in the mode of evaluation, on the CPU.

        Args:
            config: What the checkpoint was trained with: a mapping of the fields, or an instance of `config_type`.
            folder: The checkpoint's: .../epoch-00005.

        Raises:
            ConfigurationError: With every fault of the configuration.
            ValueError: It cannot be used elsewhere, or the checkpoint is damaged; says what to do.
            ChangedDataError: The checkpoint was trained on other data, whose preparation would be another.
        """
        if self.deploy is None:
            message = (
                f"{self.name} has no model to give away: give its Trainable a `deploy=` (docs/trainables.md says how)"
            )
            raise ValueError(message)
        checked, saved = self._opened(config, folder)
        import torch

        with torch.random.fork_rng(devices=[]):  # a new network draws weights, which are then replaced
            return self.deploy(checked, saved)

    def refitting(self, epochs: int) -> Trainable[Config]:
        """Return this trainable as one that trains on the training and the validation rows, until an epoch.

        Its configurations are the same ones, with the budget that they had: `epochs` is where it is cut. It reports
        what needs no validation rows, and its last record stands for a trial.

        Raises:
            ValueError: The trainable has no `refit`, or there is no such epoch. When it trains: the epoch lies behind
                the budget.
        """
        if self.refit is None or epochs < 1:
            fault = "has no `refit=`" if self.refit is None else f"cannot be refitted until epoch {epochs}"
            remedy = "give its Trainable one (docs/trainables.md)" if self.refit is None else "give an epoch from 1"
            raise ValueError(f"{self.name} {fault}; {remedy}")
        return replace(
            self,
            train=partial(until, self.refit, epochs),
            metrics={name: self.metrics[name] for name in without_validation(self.metrics)},
            reported=partial(reported_without_validation, self.reported) if self.reported else None,
            counts="last",
            refit=None,
        )

    def _opened(self, config: Mapping[str, Any] | Config, folder: Path) -> tuple[Config, Saved]:
        """Return a configuration, checked, and a checkpoint of it, verified and trained on the data of now."""
        checked, saved = configured(self.name, self.config_type, config), open_checkpoint(folder)
        if self.content is not None:
            saved.refuse_other_data(self.content(checked))
        return checked, saved

    def __call__(self, config: Mapping[str, Any]) -> None:
        """Train inside a Ray trial: report each epoch with a checkpoint, continue from Ray's checkpoint."""
        from trainables._training.ray_edge import train_in_ray

        train_in_ray(self, config)
