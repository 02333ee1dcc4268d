"""The question as a value: `Experiment`."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.checks.callbacks import callback_names, callback_settings
from experiments._sweep.checks.corners import corner_configurations, extremes
from experiments._sweep.checks.experiments import faults_of
from experiments._sweep.errors import InputError
from experiments._sweep.redaction import Redactor, Secrets, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from experiments._sweep.policy import Scheduler, Searcher
    from experiments._sweep.sweep import Sweep
    from search_spaces import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question: trainable x space x search x scheduler x budget.

    Everything is checked when the value is made.

    Raises:
        InputError: If anything in it cannot work, with all faults at once.
    """

    trainable: Callable[..., Any]
    """What one trial trains: one of `trainables`, or any Ray trainable function `f(config)`."""
    space: Mapping[str, Any]
    """Where to look: the trainable's hyperparameters as constants and `ray.tune` domains side by side."""
    metric: str
    """The reported value that is compared between trials, by name."""
    mode: Literal["min", "max"]
    """Whether a lower (`min`) or a higher (`max`) value is better."""
    search: Searcher | Any
    """Who proposes configurations: `Grid()`, `Random()`, `HyperOpt()`, `BayesOpt()`, or any `ray.tune` `Searcher`."""
    scheduler: Scheduler | Any
    """Who compares trials before their budget is used up: `ASHA()`, `HyperBand()`, `MedianStopping()`, or `FIFO()` for
    nobody; or any `ray.tune` `TrialScheduler`."""
    num_trials: int
    """How many configurations are tried, at least 1."""
    epochs: int
    """The budget of one trial in epochs, at least 1; schedulers take theirs from it."""
    cpus_per_trial: float = 1
    """CPU cores reserved for each trial; its threads follow."""
    gpus_per_trial: float = 0
    """GPUs reserved for each trial: 0, a fraction of one (trials then share it), or a whole number."""
    resources_per_trial: Mapping[str, float] = field(default_factory=dict)
    """Other resources of each trial, by the names that the cluster's nodes give them, above 0: `{"big_memory": 1}`."""
    seed: int = 0
    """Seed of the sweep, 0 to 2**32 - 1; suggestions and the trials' own seeds derive from it."""
    require: Callable[[Mapping[str, Any]], bool] | None = None
    """Whether a whole configuration may be tried (`lambda c: c["hidden_units"] * c["hidden_layers"] <= 1024`)."""
    start_points: Sequence[Mapping[str, Any]] = ()
    """Configurations, or parts of them, that are tried first; what is missing is drawn from the space."""
    target: float | None = None
    """The sweep ends when a trial reaches this value of the metric, or a better one; None for no target."""
    patience_trials: int | None = None
    """The sweep ends when so many trials, at least 1, ended without a better value; None for no such limit."""
    callbacks: Sequence[Any] = ()
    """Who else is told, with one run a trial: any `ray.tune` callbacks, such as `MLflowLoggerCallback()` or
    `WandbLoggerCallback()`, or functions without arguments that make them when a sweep starts. Nothing that they do
    ends a sweep."""

    def __post_init__(self) -> None:
        """Checks everything that can be known before anything starts."""
        faults = faults_of(self)
        if faults:
            raise InputError(*map(self.redactor.text, faults))

    def run(
        self,
        *,
        name: str | None = None,
        storage: str | Path = "results",
        concurrent: int | None = None,
        time_limit_s: float | None = None,
        address: str = "local",
        wait_for_nodes_s: float | None = None,
        insecure: bool = False,
        install_missing: bool = False,
        data_dir: str | Path | None = None,
        here: bool = False,
        stall_timeout_s: float | Literal["auto"] | None = "auto",
        keep: int | None = 10,
        learn_from: str | Path | Sequence[str | Path] = (),
        resume_if_exists: bool = False,
        accept_changes: bool = False,
        trust: bool = False,
        quiet: bool = False,
    ) -> Sweep:
        """Runs the experiment as a new sweep and returns it when it has ended.

        Args:
            name: Name of the sweep and its folder; by default the experiment's, numbered where it exists.
            storage: The folder that holds sweeps.
            concurrent: At most so many trials at a time; by default as many as the resources allow.
            time_limit_s: Stop at the next epochs after so many seconds; the sweep can be resumed.
            address: `local` starts Ray here; `auto` or `HOST:PORT` joins a running cluster.
            wait_for_nodes_s: How long a cluster's node that holds a trial is waited for; by default 15 min, where an
                autoscaler may bring one or one was lost.
            insecure: Join a cluster that asks for no token, where whoever reaches it can run code.
            install_missing: Have the cluster install the packages that its nodes lack.
            data_dir: The folder with the data sets, as `RAYSWEEPS_DATA`.
            here: One trial after another in this process, without Ray.
            stall_timeout_s: Seconds without a report after which a trial has `timed_out`; `auto` takes them from the
                epochs seen; None: no such limit.
            keep: Of how many leading trials the best checkpoint is kept; None keeps those of all trials.
            learn_from: An earlier sweep or several, by name or path, whose ended trials the searcher is told.
            resume_if_exists: Go on with the sweep of this name where there is one, finished or not.
            accept_changes: Then go on although the experiment, its code or what it runs on has changed.
            trust: Then go on although the sweep may be somebody else's.
            quiet: Say nothing while it runs.

        Raises:
            InputError: If something is wrong before anything starts.
        """
        from experiments._sweep.importing import being_imported
        from experiments._sweep.options import RunOptions
        from experiments._sweep.registry import of_value
        from experiments._sweep.start.rerunning import start_or_resume
        from experiments._sweep.start.starting import start_sweep
        from experiments._sweep.watching import watching

        if being_imported:  # each trial's process imports the file, and would start a sweep in its turn
            raise InputError("experiment.run() must stand below `if __name__ == '__main__':` in an experiment's file.")
        if (accept_changes or trust) and not resume_if_exists:
            raise InputError(
                "accept_changes and trust are about a sweep that is there already, and this begins a new one. Leave "
                "them out, or go on with the one that there is: resume_if_exists=True."
            )
        earlier = [learn_from] if isinstance(learn_from, str | PathLike) else learn_from
        options = RunOptions(
            name=name,
            storage=str(storage),
            concurrent=concurrent,
            time_limit_s=time_limit_s,
            address=address,
            wait_for_nodes_s=wait_for_nodes_s,
            insecure=insecure,
            install_missing=install_missing,
            data_dir=None if data_dir is None else str(data_dir),
            here=here,
            stall_timeout_s=stall_timeout_s,
            keep=keep,
            learn_from=tuple(map(str, earlier)),
            trust=trust,
        )
        found = of_value(self, name)
        watch = None if quiet else watching(found, here=here)
        if resume_if_exists:
            return start_or_resume(found, options, watch, accept_changes=accept_changes).sweep
        return start_sweep(found, options, watch).sweep

    def asks(self) -> dict[str, Any]:
        """The experiment in JSON, as the ledger's first line keeps it: without secrets."""
        from search_spaces import as_json

        hidden = self.redactor.value
        return {
            "trainable": trainable_name(self.trainable),
            "metric": self.metric,
            "mode": self.mode,
            "counts": getattr(self.trainable, "counts", "best"),
            "space": hidden(as_json(self.space)),
            "search": hidden(_value_as_json(self.search)),
            "scheduler": hidden(_value_as_json(self.scheduler)),
            "num_trials": self.num_trials,
            "epochs": self.epochs,
            "cpus_per_trial": self.cpus_per_trial,
            "gpus_per_trial": self.gpus_per_trial,
            **({"resources_per_trial": dict(self.resources_per_trial)} if self.resources_per_trial else {}),
            "seed": self.seed,
            "require": None if self.require is None else hidden(source_of(self.require)),
            "start_points": [hidden(dict(point)) for point in self.start_points],
            "target": self.target,
            "patience_trials": self.patience_trials,
            **({"callbacks": callback_names(self.callbacks)} if self.callbacks else {}),
        }

    @cached_property
    def searched(self) -> SearchSpace:
        """The space with what is required of its configurations, as searchers see it."""
        from search_spaces import SearchSpace

        return SearchSpace(self.space, self.require)

    @cached_property
    def secrets(self) -> Secrets:
        """What no record may have of it."""
        given = {"space": self.space, "callbacks": callback_settings(self.callbacks)}
        return Secrets.of(given, getattr(self.trainable, "config_type", None), self.metric)

    @cached_property
    def redactor(self) -> Redactor:
        """Takes its secrets, and those of this process's environment, out of what is recorded or shown."""
        return Redactor(self.secrets)

    @property
    def constants(self) -> Mapping[str, Any]:
        """What its trials have in common, secrets included."""
        from search_spaces import constants

        return constants(self.space)

    def whole(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A recorded configuration with its secrets, which records do not have."""
        return dict(whole(config, self.constants))

    def described(self) -> list[tuple[str, str]]:
        """Name and meaning of everything in the space, in words and without secrets."""
        from search_spaces import describe

        return describe(self.redactor.value(self.space))

    def samples(self) -> Iterator[dict[str, Any]]:
        """Configurations with which it is tried out before anything starts."""
        return corner_configurations(self)

    def takes(self, name: str) -> bool:
        """Whether the trainable's configuration has such a field; a plain Ray function takes everything."""
        config_type = getattr(self.trainable, "config_type", None)
        return config_type is None or name in config_type.model_fields

    def budget(self, config: Mapping[str, Any]) -> int:
        """The epochs of a trial with this configuration: `epochs`, unless it is searched."""
        return int(config.get("epochs", self.epochs)) if "epochs" in self.space else self.epochs

    @property
    def budgets(self) -> tuple[int, int]:
        """The fewest and the most epochs that a trial may be given: both `epochs`, unless they are searched."""
        searched = [extremes(each) for each in self.searched.dimensions if each.name == "epochs"]
        found = searched[0] if searched else [self.epochs]
        return min(found), max(found)


def trainable_name(trainable: Callable[..., Any]) -> str:
    """The trainable's name for people."""
    return str(getattr(trainable, "__name__", type(trainable).__name__))


def source_of(function: Callable[..., Any]) -> str:
    """A predicate as it is written, so that a changed one is seen; its name where the source cannot be had."""
    try:
        text = " ".join(inspect.getsource(function).split())
    except (OSError, TypeError):
        return str(getattr(function, "__qualname__", type(function).__qualname__))
    return _lambda_in(text) if getattr(function, "__name__", "") == "<lambda>" else text


def _lambda_in(text: str) -> str:
    """The first lambda in a line of source, without what stands around it."""
    begun = text[text.index("lambda") :]
    for end in range(len(begun), 0, -1):
        with contextlib.suppress(SyntaxError):
            if isinstance(ast.parse(begun[:end], mode="eval").body, ast.Lambda):
                return begun[:end].rstrip()
    return text


def _value_as_json(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):  # an object of Ray Tune's
        return {"name": type(value).__name__, "module": type(value).__module__}
    return {"name": type(value).__name__, **dataclasses.asdict(value)}
