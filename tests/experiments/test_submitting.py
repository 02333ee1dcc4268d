"""Submitting over HTTP: what is refused before anything starts, what is sent, how it is followed and let go."""

import asyncio
import io
import json
import os
import signal
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import InputError
from experiments._sweep.cluster import dashboard as dashboards
from experiments._sweep.cluster import following, submitting
from experiments._sweep.cluster.arriving import LACKS, MARK
from experiments._sweep.command_line.again import said_again
from experiments._sweep.command_line.parser import parse
from tests.experiments.dashboard import BEGUN, TOKEN, Dashboard, sent, serving
from tests.experiments.resumable import Place

GO_ON = "go on with: sweep resume --address {} /s/mine\n"


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    """A cluster whose token is at hand."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setattr(following, "PAUSE_S", 0.01)
    there = Dashboard()
    with serving(there):
        yield there


class Sent:
    """The command `sweep run mine.py`, given for a cluster."""

    def __init__(self, place: Place, there: Dashboard) -> None:
        self._place, self._there = place, there

    def __call__(self, *more: str) -> tuple[int, str, str]:
        """Give the command with more options; the exit code, and what was printed."""
        return self._place.sweep("run", "mine.py", "--address", self._there.url, "--storage", "/s", *more)


@pytest.fixture
def run(resumable: Place, dashboard: Dashboard) -> Sent:
    """Give the function that submits."""
    return Sent(resumable, dashboard)


def test_a_sweep_is_sent_followed_and_its_exit_code_handed_on(run: Sent, dashboard: Dashboard) -> None:
    """The driver's lines are shown, its advice gets the address, Ray's own lines do not appear."""
    dashboard.ends = [("FAILED", 3, "Job entrypoint command failed with exit code 3")]
    code, out, err = run("--trials", "7", "--set", "y=0.25", "--name", "named")
    assert code == 3 and not err
    assert out.splitlines()[0].startswith(f"cluster {dashboard.url}: Ray ")
    assert "Running entrypoint" not in out
    assert out.endswith(f"mine: a question\nsweep /s/mine\n{GO_ON.format(dashboard.url)}")
    (job,), (environment,) = dashboard.jobs, sent(dashboard)
    assert str(job["submission_id"]).startswith("sweep-named-")
    assert job["entrypoint"] == "exec python -m experiments._sweep.cluster.arriving", "no shell sees what is asked"
    told = manifest(dashboard)
    options = ["--trials=7", "--set=y=0.25", "--address=auto", "--storage=/s", "--name=named"]
    assert told["argv"] == ["run", "./mine.py", *options]
    assert told["needs"]["pydantic"].startswith("pydantic==") and "experiments" not in told["needs"]
    assert environment["env_vars"] == {"RAY_JOB_STOP_WAIT_TIME_S": "45"}, "nothing else of the environment travels"
    assert TOKEN not in json.dumps(job) + json.dumps(told)


def manifest(there: Dashboard) -> Any:
    """What the newest package says is to be done."""
    with zipfile.ZipFile(io.BytesIO(list(there.packages.values())[-1])) as code:
        return json.loads(code.read("shipped/manifest.json"))


def test_the_token_goes_only_to_who_asks_for_one(run: Sent, dashboard: Dashboard) -> None:
    """The first knock comes without it."""
    assert run()[0] == 0
    assert dashboard.asked[0] == ("/api/version", None)
    assert {given for path, given in dashboard.asked[1:]} == {f"Bearer {TOKEN}"}


def test_s2_a_cluster_that_lets_everybody_in_is_refused(run: Sent, dashboard: Dashboard) -> None:
    """Unless it is used in so many words."""
    dashboard.token = None
    code, _, err = run()
    assert code == 2 and "lets everybody in without a token" in err and "--insecure" in err
    assert not dashboard.packages and not dashboard.jobs
    assert run("--insecure")[0] == 0
    assert {given for _, given in dashboard.asked} == {None}


def test_a_wrong_token_and_none_are_told_apart(
    run: Sent, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both with the place where one was looked for."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", "somebody-elses")
    code, _, err = run()
    assert code == 2 and "does not take the token from RAY_AUTH_TOKEN" in err and "somebody-elses" not in err
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere/token")
    code, _, err = run()
    assert code == 2 and "asks for a token, and /nowhere/token cannot be read (No such file or directory)" in err
    assert not dashboard.jobs


def test_s3_a_token_that_others_can_read_is_taken_from_them(
    run: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o644)
    for each in token.parents[:2]:
        each.chmod(0o755)
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    code, out, _ = run()
    assert code == 0 and "others could read the token" in out and TOKEN not in out
    assert token.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("address", "encrypted"),
    [
        ("http://head:8265", False),
        ("https://head:8265", True),
        ("http://127.0.0.1:8265", True),
        ("http://localhost:1", True),
        ("http://[::1]:8265", True),
        ("http://10.0.0.1:8265", False),
    ],
)
def test_a_token_is_not_sent_in_the_clear_without_a_word(address: str, encrypted: bool) -> None:
    """What stays on the machine, or is encrypted, needs none."""
    assert dashboards.is_encrypted(address) == encrypted


def test_other_versions_are_refused_before_anything_is_sent(run: Sent, dashboard: Dashboard) -> None:
    """Ray in all three numbers, Python in two; both at once."""
    dashboard.ray, dashboard.python = "2.59.1", "3.9.18"
    code, _, err = run()
    assert code == 2 and len(err.splitlines()) == 2
    assert "has Ray 2.59.1, and here is Ray " in err and "has Python 3.9.18, and here is Python " in err
    assert not dashboard.packages and not dashboard.jobs


def test_what_is_no_dashboard_is_refused(run: Sent, dashboard: Dashboard) -> None:
    """Exit code 2 where something else answers, 3 where nobody does."""
    dashboard.ray, there = "", dashboard.url
    dashboard.url = f"{there}/elsewhere"
    code, _, err = run()
    assert code == 2 and "is no Ray dashboard (HTTP 404)" in err
    dashboard.url = "http://127.0.0.1:1"
    code, _, err = run()
    assert code == 3 and "nobody answers at http://127.0.0.1:1 (Connection refused)" in err


def test_everything_wrong_is_said_at_once_and_nobody_is_asked(resumable: Place, dashboard: Dashboard) -> None:
    """Paths of this machine mean nothing there."""
    wrong = ["--here", "--data-dir=d", "--learn-from=a/b", "--name=CON", "--trials=x", "--keep=0"]
    code, _, err = resumable.sweep("run", "mine.py", *wrong, "--address", dashboard.url)
    assert code == 2 and "num_trials must be" in err and "--keep must be" in err and "--here runs" in err
    assert "--storage: 'results' is a folder here" in err and "--data-dir: 'd' is a path" in err
    assert "--learn-from: 'a/b' is a path here" in err and "--name: 'CON'" in err
    code, _, err = resumable.sweep("resume", "x/mine", "--address", dashboard.url, "--storage", "s4://b")
    assert code == 2 and "s4://b is no storage" in err and "'x/mine' is a path here" in err
    assert not dashboard.asked


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://head:10001", "with Ray's own client the sweep would end with this process"),
        ("ray://head:10001", "submit the sweep to its dashboard: http(s)://HEAD:8265"),
        ("http://me:secret@head:8265", "must not have a user or a password"),
        ("http://head:8265/#/jobs", "is that of a page"),
        ("http://", "is not an address"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_by_name(resumable: Place, address: str, said: str) -> None:
    """With what to use instead."""
    code, _, err = resumable.sweep("run", "mine.py", "--address", address, "--storage", "/s")
    assert code == 2 and said in err and "secret" not in err


def test_from_python_nothing_is_submitted(resumable: Place) -> None:
    """A sweep that runs elsewhere gives no `Sweep` to go on with."""
    from experiments._sweep.registry import find

    with pytest.raises(InputError, match="only the command line does that"):
        find(str(resumable.folder / "mine.py")).experiment.run(address="http://head:8265")
    assert not (resumable.folder / "results").exists()


def test_a_lost_connection_is_made_anew_and_no_line_is_lost_or_repeated(run: Sent, dashboard: Dashboard) -> None:
    """Wherever it was cut, also within a line."""
    dashboard.pieces = [BEGUN[:10], BEGUN[10:] + "one\ntw", "o\n", "", "three\nfour"]
    dashboard.cuts = [1, 2, 2, 3, 0]
    code, out, _ = run()
    assert code == 0 and out.endswith("\none\ntwo\nthree\nfour\n") and not dashboard.cuts


def test_a_cluster_that_does_not_answer_any_more_is_left_after_a_while(
    run: Sent, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, and what to do; one that has forgotten the job is another one."""
    with monkeypatch.context() as patched:
        patched.setattr(following, "PATIENCE_S", 0.05)
        patched.setattr("experiments._sweep.cluster.jobs.Jobs.info", lost)
        code, out, err = run()
    assert code == 3 and "the connection is lost (Connection refused); trying again" in out
    assert "has not answered for" in err
    dashboard.forgets, dashboard.cuts = True, [2]
    code, _, err = run()
    assert code == 3 and "does not know the job" in err


def test_ctrl_c_is_heard_whatever_the_client_makes_of_it(
    run: Sent, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that is cancelled may end in an error of the client's own: the sweep is let go all the same."""

    async def lines(*_: object) -> AsyncIterator[str]:
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise RuntimeError("closed") from None
        yield ""

    dashboard.holds = True
    monkeypatch.setattr("experiments._sweep.cluster.jobs.Jobs.lines", lines)
    code, _, err = run()
    assert code == 130 and "let go" in err


def lost(*_: object) -> None:
    """As a machine answers that is there, without a dashboard."""
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_lost_driver_and_a_stopped_one_have_exit_codes(run: Sent, dashboard: Dashboard) -> None:
    """3 with how to go on, and 130."""
    dashboard.ends = [("FAILED", -9, "killed")]
    code, _, err = run()
    assert code == 3 and "its driver was ended by signal 9" in err
    assert f"Go on with: sweep resume --address {dashboard.url} /s/mine" in err
    dashboard.ends = [("STOPPED", None, "")]
    assert run()[0] == 130
    dashboard.ends = [("FAILED", None, "runtime_env setup failed: no pip")]
    code, _, err = run()
    assert code == 3 and "runtime_env setup failed: no pip" in err


def interrupted(run: Sent, after_s: float) -> tuple[int, str, str]:
    """Submit, and press Ctrl+C so long after the cluster has taken it."""
    submit = submitting.Jobs.submit

    def then_interrupt(*given: Any, **more: Any) -> None:
        submit(*given, **more)
        signal.setitimer(signal.ITIMER_REAL, after_s)

    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(submitting.Jobs, "submit", then_interrupt)
        told = run()
    signal.signal(signal.SIGALRM, before)
    return told


def test_ctrl_c_lets_go_and_says_how_to_follow_and_to_stop(run: Sent, dashboard: Dashboard) -> None:
    """The job is not touched."""
    dashboard.holds = True
    code, _, err = interrupted(run, 0.2)
    job = dashboard.jobs[0]["submission_id"]
    assert code == 130 and f"let go: the sweep goes on at {dashboard.url}" in err
    assert f"ray job logs --follow --address {dashboard.url} {job}" in err
    assert f"ray job stop --address {dashboard.url} {job}" in err
    assert not any(path.endswith("/stop") for path, _ in dashboard.asked)


def test_ctrl_c_says_so_where_nobody_knows_whether_it_goes_on(
    run: Sent, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the connection lost, what to do is told after a while, and again by Ctrl+C; so it is while it is sent."""
    dashboard.cuts, info = [2], submitting.Jobs.info
    with monkeypatch.context() as patched:
        patched.setattr(following, "TOLD_S", 0.05)
        patched.setattr(submitting.Jobs, "info", lambda *asked: info(*asked) if dashboard.cuts else lost())
        code, out, err = interrupted(run, 0.5)
    assert code == 130 and "and nobody knows here whether the sweep goes on" in err
    assert "start another cluster and go on with: sweep resume --address HTTP /s/mine" in err
    assert out.count("the connection is lost") == out.count("no answer for a minute") == 1
    with monkeypatch.context() as patched:
        patched.setattr(submitting.Jobs, "submit", interrupt)
        code, _, err = run()
    assert code == 130 and f"nobody knows here whether {dashboard.url} has it" in err


def interrupt(*_: object, **__: object) -> None:
    """Ctrl+C at this moment."""
    raise KeyboardInterrupt


def test_missing_packages_are_installed_where_that_is_asked_for(run: Sent, dashboard: Dashboard) -> None:
    """The first driver says what it lacks, the second has it."""
    dashboard.pieces = [BEGUN, f'{MARK}["optuna==5.0.0"]\n']
    dashboard.ends = [("FAILED", LACKS, ""), ("SUCCEEDED", 0, "")]
    code, out, _ = run("--install-missing")
    assert code == 0 and "the cluster lacks optuna==5.0.0: Ray installs that for this sweep" in out and MARK not in out
    first, second = sent(dashboard)
    assert "pip" not in first and second["pip"]["packages"] == ["optuna==5.0.0"]
    assert manifest(dashboard)["install"] is False, "it is not tried again and again"


def test_an_earlier_sweep_is_sent_with_the_code_that_it_names(
    resumable: Place, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can be read from here; where it cannot, the current folder goes."""
    resumable.run("--trials", "2")
    storage, there = str(resumable.folder / "results"), ("--address", dashboard.url)
    elsewhere = resumable.folder.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    monkeypatch.chdir(elsewhere)
    for command in ("resume mine", "confirm mine --json", "replay mine 1"):
        assert resumable.sweep(*command.split(), *there, "--storage", storage)[0] == 0
        assert manifest(dashboard)["origin"] == str(resumable.folder)
        assert parse(manifest(dashboard)["argv"]) == parse([*command.split(), "--address=auto", f"--storage={storage}"])
    assert resumable.sweep("resume", "/far/away", *there)[0] == 0
    assert "origin" not in manifest(dashboard), "there is no experiment in this folder"
    monkeypatch.chdir(resumable.folder)
    assert resumable.sweep("resume", "s3://bucket/far/away", *there)[0] == 0
    assert manifest(dashboard)["origin"] == str(resumable.folder)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "a b.py", "--set=x=1", "--set=y='q'", "--target=-0.5", "--learn-from", "s1", "s2", "--yes", "--seed=3"],
        ["resume", "mine", "--trials=+5", "--take-over", "--keep=all"],
        ["replay", "mine", "17", "--json", "--time-limit=2h"],
        ["confirm", "--top=2", "--refit", "--trust"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_is_said_again_as_it_was_meant(words: list[str]) -> None:
    """What is said again is understood as the first was."""
    meant = parse(words)
    assert parse(said_again(meant)) == meant


def test_without_the_extra_it_is_named(run: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    find = dashboards.importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "aiohttp" else find(name, *more)

    monkeypatch.setattr(dashboards.importlib.util, "find_spec", without)
    code, _, err = run()
    assert code == 2 and "not here: aiohttp" in err and "pip install 'raysweeps[cluster]'" in err
