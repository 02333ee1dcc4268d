"""A shared folder whose file system has no locks, as some network file systems are mounted."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from experiments._sweep.ledger.files import LEDGER, LedgerWriter, read
from experiments._sweep.ledger.lease import Lease, SweepInUseError
from experiments._sweep.ledger.records import SegmentStarted, TrialEnded
from tests.experiments.resumable import Place


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP])
def _no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    code = request.param

    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    for name in ("flock", "lockf", "fcntl"):
        monkeypatch.setattr(fcntl, name, refused)


pytestmark = pytest.mark.usefixtures("_no_locks")


def test_a_sweep_runs_and_is_gone_on_with(resumable: Place) -> None:
    """Nothing of it needs a lock: it is run, cut, and ended by another driver."""
    resumable.run()
    whole = [entry.record for entry in read(resumable.ledger) if isinstance(entry.record, TrialEnded)]
    resumable.cut(8)
    code, out, err = resumable.sweep("resume", "mine", "--here")
    assert code == 0, out + err
    assert len(resumable.drivers) == 2
    assert [entry.record for entry in read(resumable.ledger) if isinstance(entry.record, TrialEnded)] == whole


def test_a_second_driver_is_refused(resumable: Place) -> None:
    """The lease is a file that is created once: it says who is there, without a lock."""
    resumable.run()
    lease = Lease(resumable.ledger.parent)
    lease.take()
    with pytest.raises(SweepInUseError, match="is being written by process"):
        Lease(resumable.ledger.parent).take()
    code, _, err = resumable.sweep("resume", "mine", "--here")
    assert code == 3 and "is being written by process" in err
    lease.release()


def test_a_driver_that_was_overtaken_stops(tmp_path: Path) -> None:
    """The size of the ledger tells that another one has written; the records of both are not mixed."""
    first, second = LedgerWriter(tmp_path / LEDGER), LedgerWriter(tmp_path / LEDGER)
    second.append([SegmentStarted(trial=0, segment=1, t=0.0)])
    assert first.overtaken
    with pytest.raises(OSError, match="another driver has written to it"):
        first.append([SegmentStarted(trial=1, segment=1, t=0.0)])
    assert len(read(tmp_path / LEDGER)) == 1
    first.close()
    second.close()
