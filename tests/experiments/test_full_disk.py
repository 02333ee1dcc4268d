"""F7, F24: a disk that is full at whatever byte, a folder that can be written no longer; and then there is room."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments import ASHA
from experiments._sweep.driving import Outcome, drive
from experiments._sweep.engine.faults import Fault
from experiments._sweep.ledger.files import LEDGER, LedgerWriter, read
from experiments._sweep.ledger.history import History
from experiments._sweep.options import RunOptions
from experiments._sweep.registry import FoundExperiment
from tests.experiments.conftest import Made, experiment, opened
from tests.experiments.crashing import Disk
from tests.experiments.test_ledger import epoch, some_records, written
from trainables import CheckpointFolder


def stateful(config: Made, checkpoints: Any) -> Iterator[dict[str, Any]]:
    """Falls; its state is a tensor. Resumable."""
    saved = checkpoints.newest()
    if saved is not None:
        yield saved.record
    for number in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        record = {"epoch": number, "loss": config.x + 1 / number}
        checkpoints.save(number, record, {"weights": torch.full((4,), float(number))})
        yield record


ASKED = experiment(stateful, num_trials=3, epochs=3, scheduler=ASHA(reduction_factor=2))
FOUND = FoundExperiment(name="made", question="Why?", source={"kind": "python", "name": "made"}, experiment=ASKED)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: whether it is full is at test, not what a lost machine leaves."""
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)


def driven(folder: Path) -> Outcome:
    """Runs the sweep in the folder, begun or not, to its end."""
    begun = (folder / LEDGER).exists() and read(folder / LEDGER)
    return drive(FOUND, folder, RunOptions(here=True, keep=1), None, None if begun else opened(ASKED))


def essence(folder: Path) -> list[Any]:
    """What the sweep found, without its segments and times."""
    return [
        (each.number, each.config, each.state, each.why, [told.metrics for told in each.epochs])
        for each in History(read(folder / LEDGER)).trials.values()
    ]


def files(folder: Path) -> dict[Path, bytes]:
    """Every file below the folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_f7_full_at_every_byte_of_a_checkpoint_nothing_is_left_of_it(tmp_path: Path) -> None:
    """Those before it stay byte for byte and are what one goes on from; with room again it is saved."""
    checkpoints = CheckpointFolder(tmp_path / "trial", keep=2)
    state = {"weights": torch.zeros(2)}
    for number in (1, 2):
        checkpoints.save(number, {"epoch": number, "loss": 0.5}, state)
    before, room = files(tmp_path), 0
    while True:
        with Disk(tmp_path, room).there():
            error = met(lambda: checkpoints.save(3, {"epoch": 3, "loss": 0.25}, state))
        if error is None:
            break
        assert error.errno == errno.ENOSPC
        assert files(tmp_path) == before
        newest = CheckpointFolder(tmp_path / "trial").newest()
        assert newest is not None and newest.epoch == 2
        room += 1
    assert room > 1000
    newest = CheckpointFolder(tmp_path / "trial").newest()
    assert newest is not None and newest.epoch == 3 and newest.state() is not None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_f7_full_at_every_byte_of_a_line_the_ledger_is_as_it_was(tmp_path: Path, code: int) -> None:
    """Byte for byte, whether the disk is full, failing or read-only; the next line is written where it belongs."""
    path = written(tmp_path, some_records()[:4])
    before, room = path.read_bytes(), 0
    writer = LedgerWriter(path)
    while True:
        with Disk(tmp_path, room, code=code).there():
            error = met(lambda: writer.append([epoch(0, 1, 0.5), epoch(0, 2, 0.25)]))
        if error is None:
            break
        assert error.errno == code
        assert path.read_bytes() == before
        room += 1
    writer.close()
    assert room == len(path.read_bytes()) - len(before) > 200
    assert len(read(path)) == 6


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "cannot be written")],
    ids=["f7-full", "f24-read-only", "f24-denied"],
)
def test_f7_and_f24_a_sweep_ends_with_exit_3_in_words_and_goes_on_when_it_can(
    tmp_path: Path, code: int, said: str
) -> None:
    """Wherever it happens: what was recorded stays, and resumed it is the same sweep, each epoch once."""
    whole = tmp_path / "whole"
    whole.mkdir()
    with Disk(whole, sys.maxsize).there() as disk:
        assert driven(whole).code == 0
    begun = len(b"".join((whole / LEDGER).read_bytes().splitlines(keepends=True)[:2]))
    told = []
    for room in range(begun + 100, disk.written - 500, 331 if code == errno.ENOSPC else 2999):
        folder = tmp_path / str(room)
        folder.mkdir()
        with Disk(folder, room, code=code).there():
            outcome = driven(folder)
        assert (outcome.code, outcome.reason) == (3, "fault"), room
        assert said in outcome.why and "then resume" in outcome.why, room
        before = (folder / LEDGER).read_bytes()
        assert before.endswith(b"\n")
        assert driven(folder).code == 0, room
        assert (folder / LEDGER).read_bytes().startswith(before)
        assert essence(folder) == essence(whole), room
        told.append(outcome.why)
    assert len(set(told)) > 1  # met while saving and while recording


def test_f7_a_sweep_that_cannot_even_begin_leaves_nothing(tmp_path: Path) -> None:
    """A folder with an empty ledger would be taken for the newest sweep."""
    for room in (0, 300):
        with Disk(tmp_path, room).there(), pytest.raises(OSError, match="No space left"):
            ASKED.run(name="none", storage=tmp_path, here=True, quiet=True)
        assert list(tmp_path.iterdir()) == []


def test_f24_whose_fault_an_error_of_the_disk_is() -> None:
    """Of a trainable's own files it is the trial's; of a full disk, and of our checkpoints, the storage's."""
    assert not raised(lambda: Path("/nowhere/mine.csv").read_text()).storage
    assert not raised(lambda: fails(errno.EACCES)).storage
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
        assert raised(lambda code=code: fails(code)).storage
    denied = raised(lambda: CheckpointFolder("/proc/none").save(1, {"epoch": 1}, None))
    assert denied.storage and denied.ending == "error"


def fails(code: int) -> None:
    """Raises an error of the disk."""
    raise OSError(code, os.strerror(code))


def raised(call: Callable[[], Any]) -> Fault:
    """The fault of what a call raises."""
    error = met(call)
    assert error is not None
    return Fault.of(error)


def met(call: Callable[[], Any]) -> OSError | None:
    """The error of the disk that a call met, None where it met none."""
    try:
        call()
    except OSError as error:
        return error
    return None


MOUNTED = """
import shutil, sys
from pathlib import Path
from tests.experiments.test_full_disk import driven, essence
folder, filler = Path("sweep"), Path("filler")
folder.mkdir(exist_ok=True)
whole = Path(sys.argv[1]); whole.mkdir()
assert driven(whole).code == 0
with filler.open("wb", buffering=0) as file:  # what is left is not enough for the sweep
    free = shutil.disk_usage(".").free
    file.write(bytes(free - 24576))
outcome = driven(folder)
assert (outcome.code, outcome.reason) == (3, "fault") and "the disk is full" in outcome.why, outcome
filler.unlink()
assert driven(folder).code == 0 and essence(folder) == essence(whole)
print("went on")
"""


def test_f7_a_real_disk_that_is_full(tmp_path: Path) -> None:
    """A file system of a megabyte: exit code 3 in words, and the same sweep once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m tmpfs {disk}"
    try_it = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True, check=False)
    if try_it.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {try_it.stderr.strip()}")
    command = f'{mount} && cd {disk} && exec "$0" -c "$1" "$2"'
    repository = str(Path(__file__).resolve().parents[2])
    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, sys.executable, MOUNTED, str(tmp_path / "whole")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": repository},
    )
    assert ran.stdout.endswith("went on\n"), ran.stderr
