"""`sweep run --resume-if-exists`, one command that may be given again and again; and who may have a lease when."""

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import HyperOpt, InputError, open_sweep
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.signals import Drain
from experiments._sweep.ledger import lease, waiting
from experiments._sweep.ledger.files import LEDGER, LedgerWriter, read
from experiments._sweep.ledger.lease import LEASE, STALE_S, Holder
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.names import existing_folder
from experiments._sweep.start import rerunning
from tests.experiments.conftest import Driven, driver, experiment
from tests.experiments.resumable import Place
from tests.experiments.test_lease import ABROAD, OURS, held, write

AGAIN = ("run", "mine.py", "--here", "--resume-if-exists")


def test_the_same_command_begins_goes_on_and_ends(resumable: Place) -> None:
    """Cut anywhere it goes on; finished it says so and ends as the sweep ended; one sweep, each epoch once."""
    assert resumable.sweep(*AGAIN)[0] == 0
    whole = open_sweep("mine").trials
    for lines in (8, 5, 3, 2, 1):
        resumable.cut(lines)
        code, out, err = resumable.sweep(*AGAIN)
        assert code == 0, out + err
        assert [(t.config, t.records) for t in open_sweep("mine").trials] == [(t.config, t.records) for t in whole]
    before = resumable.ledger.read_bytes()
    code, out, _ = resumable.sweep(*AGAIN)
    assert code == 0 and "mine has finished: nothing is left to do." in out and "best: trial" in out
    assert resumable.ledger.read_bytes() == before
    assert [path.name for path in (resumable.folder / "results").iterdir()] == ["mine"]


def test_a_sweep_that_failed_ends_again_with_1(resumable: Place) -> None:
    """A retry must not take a failure for a success."""
    resumable.write(("config.x + 1 / epoch", 'float("nan")'))
    assert resumable.sweep(*AGAIN)[0] == 1
    assert resumable.sweep(*AGAIN)[0] == 1


def test_more_trials_extend_and_fewer_take_nothing_back(resumable: Place) -> None:
    """Also where `sweep resume` has extended it meanwhile: the command's own number stays a lower bound."""
    assert resumable.sweep(*AGAIN, "--trials", "2")[0] == 0
    assert resumable.sweep(*AGAIN, "--trials", "3")[0] == 0 and len(open_sweep("mine").trials) == 3
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+3", "--target", "0.0001")[0] == 0
    code, out, _ = resumable.sweep(*AGAIN, "--trials", "3")
    assert code == 0 and "nothing is left to do" in out and len(open_sweep("mine").trials) == 6
    assert resumable.sweep(*AGAIN, "--trials", "7")[0] == 0 and len(open_sweep("mine").trials) == 7
    assert resumable.drivers[-1].limits == {"num_trials": 7, "target": 0.0001}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--epochs", "5"), "epochs has changed since the sweep began: 3 then, 5 now"),
        (("--seed", "1"), "--learn-from"),
        (("--set", "y=0.5"), 'space.y: then nothing, now {"constant": 0.5}'),
    ],
    ids=["epochs", "seed", "set"],
)
def test_a_finished_sweep_does_not_answer_another_question(resumable: Place, given: tuple[str, ...], said: str) -> None:
    """Its winner would be taken for that of the command; what may change within a sweep passes with `--yes`."""
    resumable.run()
    before = resumable.ledger.read_bytes()
    code, out, err = resumable.sweep(*AGAIN, *given)
    assert code == 2 and said in err and "has finished" not in out
    assert resumable.sweep(*AGAIN, *given, "--yes")[0] == (0 if "--set" in given else 2)
    assert resumable.ledger.read_bytes() == before


def test_what_the_newest_driver_was_told_holds(resumable: Place) -> None:
    """A retry that says nothing of `--keep` must not remove what somebody asked to be kept."""
    resumable.run("--stall-timeout", "none")
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1", "--keep", "all")[0] == 0
    assert resumable.sweep(*AGAIN, "--trials", "6")[0] == 0
    assert resumable.drivers[-1].settings == {"keep": None, "stall_timeout_s": "auto"}  # nothing stalls with --here
    assert resumable.sweep(*AGAIN, "--trials", "7", "--keep", "2")[0] == 0
    assert (resumable.drivers[-1].settings or {})["keep"] == 2


def test_yes_and_trust_are_refused_where_nothing_is_gone_on_with(resumable: Place) -> None:
    """They would be taken for more than they do; with all other faults, and in Python as well."""
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--yes", "--trust", "--set", "nothing")
    assert code == 2 and "--yes is about a sweep that is there already" in err and "--set takes KEY=VALUE" in err
    assert "--trust is about" in err and not resumable.ledger.exists()
    for given in ({"accept_changes": True}, {"trust": True}):
        with pytest.raises(InputError, match="resume_if_exists=True"):
            experiment().run(name="new", here=True, **given)


def test_faults_of_the_arguments_are_refused_in_python_as_well(tmp_path: Path) -> None:
    """A time that is a text, and one earlier sweep without a list around it."""
    given: dict[str, Any] = {"time_limit_s": "5m", "stall_timeout_s": "5m", "learn_from": "earlier"}
    with pytest.raises(InputError) as refused:
        experiment().run(name="new", storage=tmp_path, **given)
    said = "\n".join(refused.value.faults)
    assert "--time-limit must be above 0 seconds, got '5m'" in said and "--stall-timeout must be above 0" in said
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no sweep 'earlier'"):
        experiment(search=HyperOpt()).run(name="new", storage=tmp_path, learn_from="earlier")


def test_of_two_that_begin_at_one_moment_the_slower_goes_on_with_the_sweep(
    resumable: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It saw no folder, and there is one when it makes its own: no bad input, but the sweep that is meant."""
    resumable.run()
    write(resumable.ledger.parent, OURS)
    seen = iter([None])
    monkeypatch.setattr(rerunning, "existing_folder", lambda *place: next(seen, existing_folder(*place)))
    code, _, err = resumable.sweep(*AGAIN)
    assert code == 3 and f"process {os.getpid()} on {socket.gethostname()}" in err


@pytest.mark.parametrize("left", [{}, {LEASE: '{"host": "gone"}'}, {LEDGER: ""}, {LEDGER: '{"n":0,"kind":"swe'}])
def test_a_folder_of_a_driver_lost_before_its_first_line_is_taken(resumable: Place, left: dict[str, str]) -> None:
    """Empty, with a lease, with an empty ledger or half of its first line: it is not numbered around."""
    folder = resumable.ledger.parent
    folder.mkdir(parents=True)
    for name, content in left.items():
        (folder / name).write_text(content)
        os.utime(folder / name, (time.time() - STALE_S - 5,) * 2)
    code, out, err = resumable.sweep(*AGAIN)
    assert code == 0, out + err
    assert len(open_sweep("mine").trials) == 4 and [each.name for each in folder.parent.iterdir()] == ["mine"]


def test_b20_a_name_that_exists_is_continued_only_when_asked(resumable: Place) -> None:
    """Without the option it is refused, with the command that goes on; a folder that is no sweep always is."""
    resumable.run()
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--name", "mine")
    assert code == 2 and "'mine' exists in results. To continue it: sweep resume results/mine" in err
    assert resumable.sweep(*AGAIN, "--name", "mine")[0] == 0
    (resumable.folder / "results" / "other").mkdir()
    (resumable.folder / "results" / "other" / "thesis.tex").touch()
    code, _, err = resumable.sweep(*AGAIN, "--name", "other")
    assert code == 2 and "results/other exists and is no sweep. Choose another name." in err
    code, _, err = resumable.sweep(*AGAIN, "--name", "../x", "--concurrent", "0")
    assert code == 2 and "'../x' is not a name" in err and "--concurrent" in err


def test_faults_of_a_command_that_is_given_again_do_not_blame_the_name(resumable: Place) -> None:
    """The name is that of the sweep that is meant."""
    resumable.run()
    code, _, err = resumable.sweep(*AGAIN, "--name", "mine", "--trials", "0", "--concurrent", "0")
    assert code == 2 and "--concurrent" in err and "num_trials" in err and "exists" not in err


def test_f21_a_lease_of_another_host_that_stands_still_is_waited_for(
    resumable: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod that was lost is replaced on another node: the command says that it waits, and goes on when it is stale."""
    resumable.run()
    resumable.cut(8)
    monkeypatch.setattr(waiting, "_LOOK_S", 0.05)
    write(resumable.ledger.parent, ABROAD, age_s=STALE_S - 0.6)
    code, _, err = resumable.sweep("resume", "mine", "--here")
    assert code == 3 and "process 7 on another-host" in err and "--take-over" in err
    code, out, err = resumable.sweep(*AGAIN)
    assert code == 0, out + err
    assert "process 7 on another-host has held" in out and "waiting up to 60 s to see whether it is gone" in out
    assert "taken over from process 7 on another-host, which is gone" in out


def test_f21_a_lease_of_another_host_that_moves_is_respected(resumable: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder lives: exit code 3, and nothing is written."""
    resumable.run()
    before = resumable.ledger.read_bytes()
    write(resumable.ledger.parent, ABROAD)
    beaten = replace(ABROAD, counter=10)
    monkeypatch.setattr(waiting.time, "sleep", lambda _: write(resumable.ledger.parent, beaten))
    code, _, err = resumable.sweep(*AGAIN, "--trials", "9")
    assert code == 3 and "process 7 on another-host" in err
    assert resumable.ledger.read_bytes() == before


def test_g9_a_lease_whose_age_nothing_tells_is_not_waited_for_for_ever(
    resumable: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that cannot be written it never grows stale: refused after the stated time."""
    resumable.run()
    write(resumable.ledger.parent, ABROAD, age_s=STALE_S * 9)
    now = [0.0]
    monkeypatch.setattr(lease, "_age_s", lambda _: 0.0)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    code, _, err = resumable.sweep(*AGAIN, "--trials", "9")
    assert code == 3 and "process 7 on another-host" in err
    assert STALE_S < now[0] < 2 * STALE_S


def test_f21_a_living_driver_of_this_machine_is_not_waited_for(
    resumable: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process can be seen: refused at once, by name."""
    resumable.run()
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("it waited"))
    write(resumable.ledger.parent, OURS, age_s=STALE_S + 5)
    code, _, err = resumable.sweep(*AGAIN, "--trials", "9")
    assert code == 3 and f"process {os.getpid()} on {socket.gethostname()}" in err


def test_f21_a_lease_that_is_taken_over_is_left_alone_by_its_first_holder(tmp_path: Path) -> None:
    """The second holder says whom it took it from, and keeps it when the first lets go."""
    with held(tmp_path) as first:
        second = lease.Lease(tmp_path)
        assert f"taken over from process {os.getpid()}" in second.take(over=True)
        counter = json.loads((tmp_path / LEASE).read_text())
        first._since = "another time"  # in one process the two would be one and the same holder
        first.beat()
        assert json.loads((tmp_path / LEASE).read_text()) == counter
    assert Holder(**json.loads((tmp_path / LEASE).read_text())) == replace(second.holder(), counter=0)
    second.release()


def test_f21_a_driver_that_was_taken_over_ends_though_nothing_reports(drive: Callable[..., Driven]) -> None:
    """G9: it has nothing to write while its trials are silent, and would hold their processes for ever."""
    driven, drain = drive(experiment()), Drain(None)
    assert isinstance(driven.conductor.next_segment(), Segment)
    drain.look(driven.conductor)
    assert driven.conductor.halt is None and not drain.overdue
    successor = LedgerWriter(driven.folder / LEDGER)
    successor.append([driver(2)])
    drain.look(driven.conductor)
    assert driven.conductor.halt is not None and driven.conductor.halt.reason == "fault" and drain.overdue
    assert "another driver has taken the sweep over" in driven.conductor.halt.why
    successor.close()


def test_f21_two_writers_never_mix_their_lines(tmp_path: Path) -> None:
    """Whoever writes second after a change of drivers is refused; what is there stays whole."""

    def line(epoch: int) -> EpochReported:
        return EpochReported(trial=0, segment=1, epoch=epoch, metrics={}, action="continue", t=0.0)

    first = LedgerWriter(tmp_path / LEDGER)
    first.append([line(1)])
    second = LedgerWriter(tmp_path / LEDGER)
    first.append([line(2)])
    with pytest.raises(OSError, match="another driver has written"):
        second.append([line(3)])
    third = LedgerWriter(tmp_path / LEDGER)
    third.append([line(3)])
    with pytest.raises(OSError, match="another driver has written"):
        first.append([line(4)])
    assert [entry.record for entry in read(tmp_path / LEDGER)] == [line(1), line(2), line(3)]
    for writer in (first, second, third):
        writer.close()
