"""The records of a ledger: one frozen value per kind of line.

Times: `at` is wall-clock time (seconds since 1970, for people), `t` the seconds since the driver started by its
monotonic clock (for durations, which a clock that is set back must not make negative). Order is the order of lines.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import lru_cache
from types import UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

SCHEMA = 3
"""Version of the record format; a reader reads this one and all before it, and refuses a newer one."""

FINAL_ENDINGS = ("completed", "stopped", "diverged", "out_of_memory", "error", "timed_out", "lost")
SUCCESSES = ("completed", "stopped")

LIMITS = ("target", "patience_trials", "num_trials")
"""Fields of an experiment that a resumed sweep may be given anew."""
LIMIT_REASONS = ("target", "no improvement")
"""Why a driver ends when one of them is reached."""


@dataclass(frozen=True, kw_only=True)
class SweepOpened:
    """First line: what the sweep asks. Everything that shows or resumes it starts here."""

    kind: ClassVar[str] = "sweep"
    schema: int
    name: str
    question: str
    source: dict[str, str]
    """Where the experiment came from: `kind` (`shipped`, `file`, `python`), `name`, `path`."""
    overrides: dict[str, Any]
    """What the command line changed, by the names of `Experiment`'s fields and `set`."""
    asks: dict[str, Any]
    """The experiment in JSON: trainable, metric, mode, space, search, scheduler, trials, epochs, resources, seed."""
    versions: dict[str, str]
    code: dict[str, str] | None = None
    """File to the digest of what the trainable is made of; None where an older version wrote the sweep."""
    learned: list[dict[str, Any]] = field(default_factory=list)
    """What the searcher is told of earlier sweeps, one each: `sweep`, the folder as it was given; `trials`, those that
    fit, each with `trial`, `config`, `values` (epoch, as text, to the metric) and `ending`; `refused`, why the others
    do not fit to their numbers. Copied, for those folders may be gone tomorrow."""
    derived: dict[str, Any] | None = None
    """What a sweep made of another one does with its configurations; its `kind` is `confirmation`, `refit`, `replay`
    or `noise` (of a replay). The other one is the sweep in the folder above. None for a sweep of its own."""
    at: float


@dataclass(frozen=True, kw_only=True)
class DriverStarted:
    """A driver took the sweep over: trials that were running are interrupted from here on."""

    kind: ClassVar[str] = "driver"
    driver: int
    host: str
    pid: int
    data_dir: str | None = None
    """The data folder it was given, so that a resumed sweep finds it again."""
    limits: dict[str, Any] | None = None
    """`target`, `patience_trials` and `num_trials` where a resumed sweep was given others than it began with."""
    settings: dict[str, Any] | None = None
    """What else it was told, as in `RunOptions`: `keep` and `stall_timeout_s`, which the next driver should know, and
    `time_limit_s`, its own, where it has one."""
    asks: dict[str, Any] | None = None
    """What the sweep asks from here on, where that was changed and accepted; None where it is as before."""
    overrides: dict[str, Any] | None = None
    """What the command line changes of the experiment's file from here on, where that has changed."""
    versions: dict[str, str] | None = None
    """What it runs with from here on, where that has changed."""
    code: dict[str, str] | None = None
    """What the trainable is made of from here on, where that has changed."""
    schema: int = 1
    """Version of the record format that this driver writes."""
    at: float


@dataclass(frozen=True, kw_only=True)
class TrialProposed:
    """A new trial and its configuration, for ever."""

    kind: ClassVar[str] = "trial"
    trial: int
    config: dict[str, Any]
    origin: str
    made_at: int
    """The ledger's counter when the searcher was asked: what it knew."""
    bracket: int | None = None
    """The scheduler's bracket that it is in, None where there are none."""
    details: dict[str, Any] = field(default_factory=dict)
    """What made it the searcher's choice, by name: the acquisition function and its value, for example."""
    t: float


@dataclass(frozen=True, kw_only=True)
class SegmentStarted:
    """A stretch of training was handed to a process."""

    kind: ClassVar[str] = "segment"
    trial: int
    segment: int
    """From 1, counted over the life of the trial; no two stretches share one."""
    rung: dict[str, Any] | None = None
    """The comparison that promoted a held trial, as in `EpochReported`."""
    t: float


@dataclass(frozen=True, kw_only=True)
class EpochReported:
    """A result, what was decided on it and, where it ended the trial, the ending: one line."""

    kind: ClassVar[str] = "epoch"
    trial: int
    segment: int
    epoch: int
    metrics: dict[str, Any]
    action: str
    """`continue`, `hold` or `stop`."""
    ending: str | None = None
    why: str = ""
    rung: dict[str, Any] | None = None
    """Where trials were compared: `epoch`, `rank`, `of`, `cutoff` (in the metric's own sign), `ahead` (trial numbers,
    the best first, at most three) and, where there are brackets, `bracket`."""
    checkpoint: str | None = None
    """For plain Ray functions: the checkpoint reported with this result, relative to the sweep's folder."""
    worker: str | None = None
    """Who trains, `HOST:PID`, with the first epoch of each segment; None with the others, and before format 3."""
    t: float


@dataclass(frozen=True, kw_only=True)
class SegmentInterrupted:
    """A stretch ended without ending its trial; another one goes on from the newest checkpoint."""

    kind: ClassVar[str] = "interruption"
    trial: int
    segment: int
    cause: str
    """`drained` (stopped at a report), `cut` (stopped within an epoch), `lost` (its process died), `node` (its node
    died), `preempted` (its process was told to leave), `out_of_memory`, or `fault` (of the engine or of the disk)."""
    why: str = ""
    t: float


@dataclass(frozen=True, kw_only=True)
class TrialEnded:
    """An ending that came without a result."""

    kind: ClassVar[str] = "ending"
    trial: int
    ending: str
    why: str
    traceback: str = ""
    rung: dict[str, Any] | None = None
    """The comparison that stopped a held trial, as in `EpochReported`."""
    t: float


@dataclass(frozen=True, kw_only=True)
class TestSplitUsed:
    """A confirmation is about to measure on the test split: written into the ledger of the sweep that it confirms."""

    kind: ClassVar[str] = "look"
    look: int
    """Which use of the test split this is, from 1."""
    confirmation: str
    """The confirmation's folder, in the sweep's own."""
    at: float


@dataclass(frozen=True, kw_only=True)
class TestMeasured:
    """What a trial of a confirmation scores on the test split, at its best epoch."""

    kind: ClassVar[str] = "test"
    trial: int
    epoch: int
    """The epoch of the checkpoint that was measured, from 1."""
    metrics: dict[str, float]
    t: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a confirmation or a replay has found."""

    kind: ClassVar[str] = "answer"
    answer: dict[str, Any]
    t: float


@dataclass(frozen=True, kw_only=True)
class DriverEnded:
    """A driver let go of the sweep in good order."""

    kind: ClassVar[str] = "end"
    driver: int
    reason: str
    """`finished`, `target`, `no improvement`, `time limit`, `interrupted`, `failed` or `fault`."""
    why: str = ""
    """What happened, in words; with `finished`, why there are fewer trials than were asked for, empty where not."""
    t: float
    at: float


Record = (
    SweepOpened
    | DriverStarted
    | TrialProposed
    | SegmentStarted
    | EpochReported
    | SegmentInterrupted
    | TrialEnded
    | TestSplitUsed
    | TestMeasured
    | Answered
    | DriverEnded
)

KINDS: dict[str, type[Record]] = {kind.kind: kind for kind in get_args(Record)}


def to_json(record: Record) -> dict[str, Any]:
    """The record as a JSON object, its kind first; fields at their default are left out."""
    body: dict[str, Any] = {"kind": record.kind}
    kind: Any = type(record)
    for name, default in _defaults(kind):
        value = getattr(record, name)
        if default is dataclasses.MISSING or value != default:
            body[name] = value
    return body


@lru_cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a kind with their defaults; kept, for every record asks."""
    return tuple(
        (each.name, each.default if each.default_factory is dataclasses.MISSING else each.default_factory())
        for each in dataclasses.fields(kind)
    )


def from_json(body: dict[str, Any]) -> Record:
    """The record of a JSON object.

    Raises:
        ValueError: If the kind is unknown or the fields are not those of its kind.
    """
    fields = dict(body)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"unknown kind of record {kind!r}")
    known: Any = KINDS[kind]
    types = _types(known)
    for name, value in fields.items():
        if name in types and not isinstance(value, types[name]):
            raise ValueError(f"{kind}.{name} is of type {type(value).__name__}")
    try:
        return known(**fields)  # type: ignore[no-any-return]
    except TypeError as error:
        raise ValueError(str(error)) from error


@lru_cache
def _types(kind: Any) -> dict[str, tuple[type, ...]]:
    """What the fields of a kind are, as `isinstance` takes it."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        each = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        kinds = tuple(get_origin(one) or one for one in each)
        found[name] = (*kinds, int) if float in kinds else kinds
    return found


@dataclass(frozen=True)
class Entry:
    """A record and its place in the ledger."""

    n: int
    """The counter: the line's number, from 0."""
    record: Record = field(repr=True)
