"""A trainable: a configuration type and a function that trains it, one record per epoch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from trainables._training.checkpoint_files import ChangedDataError
from trainables._training.configuration import ConfigurationError, configured

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

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

    counts: Literal["best", "last"] = "best"
    """Which record stands for a trial: its best, or its last, where each is an estimate from all epochs so far."""

    max_gpus: int = 1
    """GPUs that one trial can use, at most."""

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

    def __call__(self, config: Mapping[str, Any]) -> None:
        """Train inside a Ray trial: report each epoch with a checkpoint, continue from Ray's checkpoint."""
        from trainables._training.ray_edge import train_in_ray

        train_in_ray(self, config)
