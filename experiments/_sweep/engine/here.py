"""A sweep in this process: one trial after another, without Ray, so that breakpoints and profilers work."""

from __future__ import annotations

import bdb
import os
import socket
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.segment import checkpoints_of
from experiments._sweep.store.patience import patience_s

if TYPE_CHECKING:
    from experiments._sweep.engine.deciding.assignments import Segment
    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.engine.segment import Workplace
    from experiments._sweep.engine.signals import Drain


def run_here(conductor: Conductor, workplace: Workplace, *, drain: Drain) -> None:
    """Runs the sweep; Ctrl+C stops at the next epoch, a second one at once.

    A trial gets as many threads as it would have on Ray: its CPU share.
    """
    from trainables import limit_threads

    limit_threads(conductor.experiment.cpus_per_trial)
    while True:
        drain.look(conductor)
        segment = conductor.next_segment()
        if segment == "done" or segment == "wait":  # noqa: PLR1714 - narrows the type
            return
        _train(conductor, segment, workplace, drain)


def _train(conductor: Conductor, segment: Segment, workplace: Workplace, drain: Drain) -> None:
    payload = {"trial": segment.trial, "segment": segment.number, "epochs_known": segment.epochs_known}
    with checkpoints_of(payload, workplace, lambda: patience_s(hurried=drain.hurried)) as checkpoints:
        _run(conductor, segment, checkpoints, drain)


def _run(conductor: Conductor, segment: Segment, checkpoints: Any, drain: Drain) -> None:
    trainable, config = conductor.experiment.trainable, conductor.experiment.whole(segment.config)
    records, worker = None, f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            records = records or iter(trainable.epochs(config, checkpoints))  # type: ignore[attr-defined]
            record = next(records, None)
        except bdb.BdbQuit:
            conductor.stop("interrupted", "the debugger was quit")
            conductor.cut("the debugger was quit")
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a trainable raises is evidence
            drain.look(conductor)  # where it was asked to end, no store was waited for
            conductor.failed(segment.trial, segment.number, Fault.of(error, conductor.experiment.redactor.text))
            return
        if record is None:
            conductor.returned(segment.trial, segment.number)
            return
        drain.look(conductor)
        if not conductor.report(segment.trial, segment.number, record, worker=worker):
            return
        conductor.journal.tick()
