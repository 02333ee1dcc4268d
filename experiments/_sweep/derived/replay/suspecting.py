"""Why a trial that was trained again is not the same: what has changed since, by evidence."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.checkpoints import newest_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.sweep import Sweep
    from trainables import Saved

PACKAGES = ("python", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "ray", "raysweeps")
"""Whose versions a trial's numbers may depend on; a searcher's library is none of them."""
MACHINE = {"device": "device", "processor": "processor", "threads": "number of threads"}
"""What a checkpoint says of the machine, in words."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """Something that may be why two runs differ."""

    kind: str
    """`data`, `version`, `device`, `processor`, `threads`, `continuation`, `code` or `nondeterminism`."""
    text: str
    """In words, within a sentence."""
    evidence: bool
    """Whether it is known to have changed; otherwise it is only not known to be the same."""


def suspects(found: FoundExperiment, then: Sweep, trial: TrialHistory, now: Sweep, epoch: int) -> list[Suspect]:
    """What may be why trial 0 of `now` differs from a trial of `then`: first what has changed, by evidence.

    Args:
        found: The experiment as it is now.
        then: The sweep that has the trial.
        trial: As it was recorded.
        now: Its replay.
        epoch: The first epoch that differs, or that only one of the two has.
    """
    again = now.history.trials[0]
    before, after = _newest(then, trial), _newest(now, again)
    certain = [
        *_data(before, after),
        *_versions(then, now, before, after),
        *_machine(before, after),
        *_continued(trial, epoch, "then"),
        *_continued(again, epoch, "now"),
        *_code(found, then.history.sweep.at),
    ]
    return certain + list(_possible(before, after, certain))


def _newest(sweep: Sweep, trial: TrialHistory) -> Saved | None:
    with newest_known(sweep.folder, [trial], ahead=0) as folder_of:
        return folder_of(trial).newest()


def _made_by(saved: Saved | None) -> dict[str, Any]:
    return (saved.made_by if saved else None) or {}


def _data(before: Saved | None, after: Saved | None) -> Iterator[Suspect]:
    digests = [saved.data for saved in (before, after) if saved is not None]
    if len(digests) == 2 and None not in digests and digests[0] != digests[1]:
        yield Suspect(kind="data", text="the data, whose files have changed since", evidence=True)


def _versions(then: Sweep, now: Sweep, before: Saved | None, after: Saved | None) -> Iterator[Suspect]:
    """Of the checkpoints where both say it: a sweep that was resumed may have gone on with other versions."""
    for name in PACKAGES:
        was, is_now = _made_by(before).get(name), _made_by(after).get(name)
        if None in (was, is_now):
            was, is_now = (sweep.history.versions.get(name) for sweep in (then, now))
        if was != is_now and was is not None:
            text = f"{name} {was} then, {f'{is_now} now' if is_now else 'not there now'}"
            yield Suspect(kind="version", text=text, evidence=True)


def _machine(before: Saved | None, after: Saved | None) -> Iterator[Suspect]:
    old, new = _made_by(before), _made_by(after)
    for name, words in MACHINE.items():
        was, is_now = old.get(name), new.get(name)
        if None not in (was, is_now) and was != is_now:
            yield Suspect(kind=name, text=f"{words} {was} then, {is_now} now", evidence=True)


def _continued(trial: TrialHistory, epoch: int, when: str) -> Iterator[Suspect]:
    """Where a trainable does not go on from a checkpoint as if it had not paused."""
    first = [segment.first_epoch for segment in trial.segments[1:] if segment.first_epoch]
    behind = [at for at in first if 1 < at <= epoch]
    if behind:
        text = f"it paused after epoch {behind[-1] - 1} {when} and went on from a checkpoint"
        yield Suspect(kind="continuation", text=text, evidence=True)


def _code(found: FoundExperiment, since: float) -> Iterator[Suspect]:
    """Files of code that were saved after the sweep had begun: the experiment's, and the trainable's."""
    function = getattr(found.experiment.trainable, "train", found.experiment.trainable)
    while isinstance(function, functools.partial):
        function = function.func
    files = [found.source.get("path")]
    with contextlib.suppress(TypeError, OSError):  # an object without source
        files.append(inspect.getsourcefile(inspect.unwrap(function)))
    for path in dict.fromkeys(Path(file) for file in files if file):
        with contextlib.suppress(OSError):  # it has moved since it was imported
            saved = path.stat().st_mtime
            if saved > since:
                day = time.strftime("%Y-%m-%d %H:%M", time.localtime(saved))
                text = f"{path.name}, which was saved after the sweep began ({day})"
                yield Suspect(kind="code", text=text, evidence=True)


def _possible(before: Saved | None, after: Saved | None, certain: list[Suspect]) -> Iterator[Suspect]:
    """What cannot be excluded."""
    kinds = {each.kind for each in certain}
    if "data" not in kinds and None in [saved and saved.data for saved in (before, after)]:
        yield Suspect(kind="data", text="other data (of which no digest was recorded)", evidence=False)
    if not _made_by(before) or not _made_by(after):
        text = "another device, processor or number of threads (which were not recorded)"
        yield Suspect(kind="device", text=text, evidence=False)
    if "code" not in kinds:
        yield Suspect(kind="code", text="other code (of the trainable, or that it imports)", evidence=False)
    device = _made_by(after).get("device", "cpu")
    where = "" if device == "cpu" else f" on {device}"
    yield Suspect(kind="nondeterminism", text=f"an operation{where} that is not deterministic", evidence=False)
