"""What a trial leaves in its sweep's folder, without secrets: the records in checkpoints, the results Ray keeps."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments._sweep.redaction import Redactor


def private_checkpoints(redactor: Redactor, *place: Any, **how: Any) -> Any:
    """A `CheckpointFolder` whose records are without secrets; what a state holds is the trainable's own business."""
    folder = private_kind()(*place, **how)
    folder.redactor = redactor
    return folder


@cache
def private_kind() -> type[Any]:
    """The class of such folders."""
    from trainables import CheckpointFolder  # here, because the driver needs none

    class PrivateCheckpointFolder(CheckpointFolder):
        redactor: Redactor

        def save(self, epoch: int, record: dict[str, Any], state: Any) -> Any:
            return super().save(epoch, self.redactor.metrics(record), state)

    return PrivateCheckpointFolder


def keep_private(session: Any, redactor: Redactor) -> None:
    """Takes secrets out of what a plain Ray function reports: Tune writes each result into files of its own."""
    theirs = session.report

    def report(metrics: Any, checkpoint: Any = None) -> None:
        theirs(redactor.metrics(metrics) if isinstance(metrics, dict) else metrics, checkpoint=checkpoint)

    session.report = report
