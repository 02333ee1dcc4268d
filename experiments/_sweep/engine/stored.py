"""A segment's checkpoints where its sweep lies in a store: in scratch here, and told once they are there, whole."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.private import private_kind
from experiments._sweep.store.checkpoints import fetch, stored_of, trial_key, upload

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.redaction import Redactor
    from experiments._sweep.store.objects import Objects


def stored_checkpoints(redactor: Redactor, store: Objects, trial: int, scratch: Path, **how: Any) -> Any:
    """The `CheckpointFolder` of a segment, whose checkpoints come from the store and go there.

    Args:
        redactor: Takes secrets out of their records.
        store: The sweep's objects.
        trial: Whose checkpoints they are.
        scratch: A folder for the one that is fetched or was saved last; the process removes none from the store.
        how: `segment`, as `segment_in_store` has it, and `until`.
    """
    folder = _kind()(scratch / trial_key(trial), keep=1, **how)
    folder.redactor, folder.store, folder.trial, folder.scratch = redactor, store, trial, scratch
    return folder


@cache
def _kind() -> type[Any]:
    class StoredCheckpointFolder(private_kind()):  # type: ignore[misc]
        store: Objects
        trial: int
        scratch: Path

        def newest(self) -> Any:
            """Fetches the newest one; where that is damaged, the one before it."""
            for stored in stored_of(self.store, self.trial):
                if stored.segment <= self.segment and (self.until is None or stored.epoch <= self.until):
                    try:
                        fetch(self.store, stored, self.scratch)
                    except FileNotFoundError:  # another process has removed it since
                        continue
                    found = super().newest()
                    if found is not None:
                        return found
            return super().newest()

        def save(self, epoch: int, record: dict[str, Any], state: Any) -> Any:
            """Returns when it is in the store, whole: only then is the epoch reported."""
            folder = super().save(epoch, record, state)
            upload(self.store, self.trial, folder)
            return folder

    return StoredCheckpointFolder
