"""Sweeps in an object store through the command line, without Ray: run, read, resumed elsewhere, refused in words."""

import contextlib
import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from experiments._sweep import names
from experiments._sweep.ledger import lease as plain
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.records import DriverStarted, EpochReported, TrialEnded, TrialProposed
from experiments._sweep.store.copies import known
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from tests.experiments.resumable import Place
from tests.experiments.store.s3 import REPOSITORY, Server

BLOCKING = (
    "        checkpoints.save(",
    """        import os, time
        while epoch == 2 and config.x < 0.1 and not os.path.exists(os.environ["STOP_AT"]):
            time.sleep(0.01)
        checkpoints.save(""",
)
"""The trial whose x is smallest, the third one, waits within its second epoch."""


class Dead(BaseException):
    """The driver is gone: nothing that it does from now on has an effect."""


class Dying:
    """Ends a process after so many changes of the store: nothing that it does from then on has an effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self._left, self.dead = at, False
        self._call = Objects._call
        monkeypatch.setattr(Objects, "_call", lambda *given: self.asked(*given))  # noqa: PLW0108 - a method would not be bound
        for name in ("put", "create", "remove"):
            real = getattr(Objects, name)
            monkeypatch.setattr(Objects, name, lambda *given, real=real: self.changed(real, *given))

    def asked(self, *given: Any) -> Any:
        """One call, of a process that lives."""
        if self.dead:
            self.die()
        return self._call(*given)

    def changed(self, real: Callable[..., Any], *given: Any) -> Any:
        """One change."""
        done = real(*given)
        self._left -= 1
        if not self._left:
            self.dead = True
            self.die()
        return done

    def die(self) -> NoReturn:
        """Ends the thread that is in here: the others end at their next call."""
        if threading.current_thread() is threading.main_thread():
            raise Dead
        raise OSError(errno.EIO, "the driver is gone")


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    """Be another machine, which has nothing but the store's address and the code."""
    monkeypatch.setenv("RAYSWEEPS_STORES", str(folder / name))
    monkeypatch.setattr(plain, "this_machine", lambda: name)


def records(url: str) -> list[object]:
    """What the store's ledger says, read without this package's copies."""
    objects = Objects(f"{url}/ledger")
    path = Path("ledger-as-stored.jsonl")
    path.write_bytes(b"".join(objects.get(key) for key in objects.keys()))  # noqa: SIM118 - no dict
    return [entry.record for entry in read(path)]


def facts(url: str) -> tuple[list[Any], list[Any], list[Any]]:
    """Configurations, epochs and endings, each as it was recorded: one that was recorded twice is there twice."""
    found = records(url)
    proposed = [(each.trial, each.config) for each in found if isinstance(each, TrialProposed)]
    epochs = sorted((e.trial, e.epoch, e.metrics["loss"]) for e in found if isinstance(e, EpochReported))
    ended = sorted(
        (each.trial, each.ending)
        for each in found
        if isinstance(each, TrialEnded) or (isinstance(each, EpochReported) and each.ending)
    )
    return proposed, epochs, ended


def test_a_sweep_is_run_and_read_by_its_address(resumable: Place, url: str) -> None:
    """Every command that takes a name or a path takes an address; what is printed can be given again."""
    code, out, err = resumable.sweep("run", "mine.py", "--here", "--storage", url)
    assert code == 0, err
    assert f"sweep {url}/mine\n" in out and f"sweep trials {url}/mine" in out
    for given in ([f"{url}/mine"], ["mine", "--storage", url], ["--storage", url]):
        code, out, err = resumable.sweep("trials", *given, "--json")
        assert [trial["ending"] for trial in json.loads(out)] == ["completed"] * 4, err
    assert "has finished" in resumable.sweep("resume", f"{url}/mine")[1]
    assert resumable.sweep("run", "mine.py", "--here", "--storage", url)[0] == 0
    assert Objects(url).folders() == ["mine", "mine-2"]
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--storage", url, "--name", "mine")
    assert code == 2 and f"To continue it: sweep resume {url}/mine." in err
    assert f"folder     {url}/mine-3\n" in resumable.sweep("show", "mine.py", "--storage", url)[1]
    resumable.write(("num_trials=4", "num_trials=5"), ('mode="min"', 'mode="max"'))
    code, _, err = resumable.sweep("resume", f"{url}/mine", "--here", "--trials", "5")
    assert code == 2 and err.rstrip().endswith(f"--learn-from {url}/mine"), err
    code, _, err = resumable.sweep("trials", f"{url}/mime")
    assert code == 2 and f"no sweep 'mime' in {url}: there are mine, mine-2. Did you mean 'mine'?" in err


def test_a_sweep_that_was_removed_from_the_store_is_gone_here_too(resumable: Place, url: str, s3: Server) -> None:
    """The working copy is no second truth: it is put aside, and the name is free again."""
    assert resumable.sweep("run", "mine.py", "--here", "--storage", url)[0] == 0
    assert resumable.sweep("run", "mine.py", "--here", "--storage", url)[0] == 0
    s3.faults(wipe=True)
    code, _, err = resumable.sweep("resume", f"{url}/mine-2", "--here")
    assert code == 2 and f"there is no sweep 'mine-2' in {url}" in err
    code, _, err = resumable.sweep("trials", "--storage", url)
    assert code == 2 and f"there is no sweep in {url}" in err
    assert resumable.sweep("run", "mine.py", "--here", "--storage", url)[0] == 0
    assert Objects(url).folders() == ["mine"]


def test_a_sweep_that_begins_while_others_look_stays(url: str, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """What the store was asked for before it had the name puts nothing aside."""
    storage, real = copies_of(url), Objects.folders

    def folders(objects: Objects) -> list[str]:
        found = real(objects)
        objects.put("mine/begun.json", b"")
        (storage / "mine").mkdir()
        return found

    monkeypatch.setattr(Objects, "folders", folders)
    known(storage)
    assert (storage / "mine").is_dir()


def test_two_commands_cannot_take_one_name(resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that another machine took a moment ago, after the look at which there are, is passed over."""
    Objects(url).put("mine/begun.json", b"another machine")
    real, looked = names.known, []

    def looks(storage: Path) -> None:
        if looked:
            real(storage)
        looked.append(storage)

    monkeypatch.setattr(names, "known", looks)
    assert resumable.sweep("run", "mine.py", "--here", "--storage", url)[0] == 0
    assert Objects(url).at("mine-2").has("ledger/") and not Objects(url).at("mine").has("ledger/")


@pytest.mark.parametrize("first", [1, 3])
def test_f6_a_driver_that_dies_after_any_change_is_gone_on_with(
    resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: int
) -> None:
    """Whatever it had written last, another machine ends the sweep: no trial twice, no epoch twice or missing."""
    run = ("run", "mine.py", "--here", "--trials", "2", "--epochs", "2", "--storage", url, "--name")
    assert resumable.sweep(*run, "whole")[0] == 0
    whole, change, died = facts(f"{url}/whole"), first, True
    while died:
        name = f"cut{change}"
        elsewhere(monkeypatch, tmp_path, "first")
        with monkeypatch.context() as patch:
            dying = Dying(patch, change)
            with contextlib.suppress(Dead):
                resumable.sweep(*run, name)
            died = dying.dead
        begun = Objects(url).at(name).has("ledger/")
        before = facts(f"{url}/{name}") if begun else ([], [], [])
        if change % 4:  # else on the same machine, whose working copy is still there
            elsewhere(monkeypatch, tmp_path, f"second{change}")
        again = ("resume", f"{url}/{name}", "--take-over", "--trust", "--here") if begun else (*run, f"{name}b")
        code, out, err = resumable.sweep(*again)
        assert code == 0, (change, out, err)
        then = facts(f"{url}/{name}{'' if begun else 'b'}")
        assert then == whole, change
        assert all(each in now for was, now in zip(before, then, strict=True) for each in was), change
        change += 5
    assert change > 10


def when_third_trial_begins(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
    """Have something happen in mid-sweep, once."""
    real, seen = Objects.create, []

    def create(objects: Objects, key: str, content: bytes) -> bool:
        if b'"kind":"trial","trial":2' in content and not seen:
            seen.append(key)
            call()
        return real(objects, key, content)

    monkeypatch.setattr(Objects, "create", create)


def test_f23_throttling_latency_and_an_outage_lose_nothing(
    resumable: Place, url: str, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With slow answers, every fifth call refused and the store away for a while, the sweep ends as any other."""
    monkeypatch.setattr("experiments._sweep.store.patience._FIRST_S", 0.02)
    bad: dict[str, Any] = {"latency_s": 0.01, "slow_down": 0.2}
    s3.faults(**bad)
    back = threading.Timer(0.6, s3.faults, kwargs=bad)
    when_third_trial_begins(monkeypatch, lambda: (s3.faults(away=True), back.start()))
    code, out, err = resumable.sweep("run", "mine.py", "--here", "--trials", "3", "--epochs", "2", "--storage", url)
    back.join()
    s3.faults()
    assert code == 0, out + err
    here = copies_of(url) / "mine" / LEDGER
    assert len(records(f"{url}/mine")) == len(read(here))
    _, epochs, ended = facts(f"{url}/mine")
    assert [each[:2] for each in epochs] == [(trial, epoch) for trial in range(3) for epoch in (1, 2)]
    assert ended == [(trial, "completed") for trial in range(3)]


def test_f23_an_outage_that_does_not_end_can_be_gone_on_with(
    resumable: Place, url: str, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep ends with 3 and says where the rest is; afterwards it goes on, and no epoch is there twice."""
    monkeypatch.setattr("experiments._sweep.store.patience.PATIENCE_S", 0.5)
    monkeypatch.setattr("experiments._sweep.store.lease.BEAT_S", 0.2)
    monkeypatch.setattr("experiments._sweep.engine.tidying_store.CUT_SHORT_S", 0.2)
    when_third_trial_begins(monkeypatch, lambda: s3.faults(away=True))
    code, out, _ = resumable.sweep("run", "mine.py", "--here", "--storage", url)
    assert code == 3 and "did not answer for" in out and f"go on with: sweep resume {url}/mine" in out
    s3.faults()
    again = ("resume", f"{url}/mine", "--here", "--take-over")  # this process, whose lease is left there, lives on
    code, out, err = resumable.sweep(*again)
    assert code == 0, out + err
    _, epochs, ended = facts(f"{url}/mine")
    assert [each[:2] for each in epochs] == [(trial, epoch) for trial in range(4) for epoch in (1, 2, 3)]
    assert len(ended) == 4


def test_f6_a_driver_killed_by_sigkill_is_gone_on_with_from_the_store_alone(
    resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process dies within an epoch; another one, with another home and no working copy, ends the sweep."""
    resumable.write(BLOCKING)
    monkeypatch.setenv("STOP_AT", str(resumable.folder / "go on"))
    command = [sys.executable, "-m", "experiments", "run", "mine.py", "--here", "--storage", url]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=resumable.folder, stdout=subprocess.DEVNULL, env=environment) as driver:
        until = time.monotonic() + 50
        while not Objects(url).has("mine/ledger/00000003"):  # the third trial has begun
            assert driver.poll() is None and time.monotonic() < until
        driver.kill()
    monkeypatch.setenv("RAYSWEEPS_STORES", str(resumable.folder / "another home"))
    (resumable.folder / "go on").touch()
    code, out, err = resumable.sweep("resume", f"{url}/mine", "--here")
    assert code == 0, out + err
    _, epochs, endings = facts(f"{url}/mine")
    assert [each[:2] for each in epochs] == [(trial, epoch) for trial in range(4) for epoch in (1, 2, 3)]
    assert endings == [(trial, "completed") for trial in range(4)]


def test_a_driver_that_was_taken_over_ends_and_harms_nothing(
    resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another machine takes the sweep in mid-trial: the first driver ends with 3 at its next record."""
    real, taken = Objects._call, []

    def call(objects: Objects, key: str, what: object) -> object:
        if key == "ledger/00000002.jsonl" and not taken:
            taken.append(key)
            with monkeypatch.context() as patch:
                patch.setenv("RAYSWEEPS_STORES", str(tmp_path / "second"))
                patch.setattr(plain, "this_machine", lambda: "second")
                from experiments._sweep.command_line import main

                assert main(["resume", f"{url}/mine", "--take-over", "--trust", "--here"]) == 0
        return real(objects, key, what)  # type: ignore[arg-type]

    monkeypatch.setattr(Objects, "_call", call)
    code, out, _ = resumable.sweep("run", "mine.py", "--here", "--storage", url)
    assert taken and code == 3 and "another driver has written to it, this one stops" in out
    found = records(f"{url}/mine")
    assert sum(isinstance(each, DriverStarted) for each in found) == 2
    assert len(facts(f"{url}/mine")[2]) == 4
