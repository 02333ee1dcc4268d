"""Security, row by row of its checklist, as far as one machine shows it.

Elsewhere: S4 in tests/on_ray (what listens), S8 and S17 where sweeps of others are resumed, S10 where checkpoints are
tidied up, S12 in test_hostile_strings, S14 in test_redaction and tests/on_ray, S22 beside the data sets.
"""

import ast
import io
import json
import os
import pickle
import secrets
import stat
import subprocess
import sys
import tomllib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorboard
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import InputError, open_sweep
from experiments._sweep.command_line import boarding, main
from experiments._sweep.engine.on_ray.entry import tokens
from experiments._sweep.engine.on_ray.entry.session import _environment, _init
from experiments._sweep.engine.on_ray.entry.tokens import close_token_file, token_fault, token_settings
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.names import new_folder
from experiments._sweep.redaction import REDACTED, Redactor
from experiments._sweep.views.tensorboard import Curves
from trainables import CheckpointFolder

ROOT = Path(__file__).resolve().parent.parent

EXPERIMENT = '''"""What is x?"""

import torch
from pydantic import BaseModel
from ray import tune
from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        saved.state()
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        record = {"epoch": epoch, "loss": config.x + epoch}
        checkpoints.save(epoch, record, {"weights": torch.zeros(3)})
        yield record


experiment = Experiment(
    trainable=Trainable(name="made_up", config_type=Config, train=train, metrics={"loss": "rises"}),
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=3,
    epochs=2,
)
'''

Sweep = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of Ray's authentication is set, and nobody's home folder is looked into."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an experiment in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(vars(module).get("__file__")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Runs a command: its exit code, and all that it says."""
    assert place.is_dir()

    def command(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


def test_s1_a_local_start_has_authentication_and_no_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Ray's defaults become; switched off in the environment, it is refused."""
    asked: dict[str, Any] = {}

    class FakeRay:
        @staticmethod
        def init(**options: Any) -> None:
            asked.update(options)

    with _environment(token_settings("local")):
        _init(FakeRay, "local")
        assert os.environ.get("RAY_AUTH_MODE", "token") == "token" and len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert asked["include_dashboard"] is False and asked["address"] == "local"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert "RAY_AUTH_MODE=disabled is set in the environment" in token_fault("local")


def test_s2_a_cluster_without_a_token_is_not_joined(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where authentication is switched off; the message says how a token is made."""
    code, said = sweep("run", "mine.py", "--address", "10.0.0.1:6379")
    assert code == 2 and "would be joined without a token" in said and "ray get-auth-token --generate" in said
    assert token_fault("auto", insecure=True) == "", "said in so many words"
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    code, said = sweep("run", "mine.py", "--address", "auto")
    assert code == 2 and "would be joined without a token" in said


def test_s3_the_token_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local cluster's is made anew and in no file; a kept one that others can read is closed, and never shown."""
    made = token_settings("local")["RAY_AUTH_TOKEN"]
    assert len(made) == 64 and list(Path.home().iterdir()) == []
    kept = Path.home() / ".ray" / "auth_token"
    for folder in (kept.parent, kept.parent.parent):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    kept.write_text(secrets.token_hex(32))
    kept.chmod(0o644)
    assert token_settings("local") == {"RAY_AUTH_TOKEN": made}, "everybody knows the kept one"
    assert token_fault("auto") == "", "it is our own: it is closed before it is used"
    assert f"others could read the token in {kept} until now" in close_token_file()
    assert kept.stat().st_mode & 0o777 == 0o600 and close_token_file() == ""
    assert token_settings("local") == {}
    given = kept.rename(kept.with_name("given"))
    given.chmod(0o640)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(given))
    monkeypatch.setattr(os, "getuid", lambda: given.stat().st_uid + 1)
    assert token_fault("auto").endswith(f"Have its owner do: chmod 600 {given}")
    given.parent.chmod(0o700)
    assert token_fault("auto") == "", "nobody comes to it"
    monkeypatch.setenv("RAY_AUTH_TOKEN", made)
    assert Redactor().text(f"no: {made}") == f"no: {REDACTED}"
    assert tokens._token_of_this_process() == made


def test_s5_a_sweep_is_private(sweep: Sweep, place: Path) -> None:
    """Every file of it, curves included, whatever the umask is: folders 0700, files 0600."""
    before = os.umask(0o022)
    try:
        assert sweep("run", "mine.py", "--here")[0] == 0
        modes_are_private(place / "results" / "mine")
        assert sweep("board", "nothing")[0] == 2
        assert os.umask(0o022) == 0o022, "the umask is the user's again"
    finally:
        os.umask(before)


def modes_are_private(folder: Path) -> None:
    """Asserts that nobody else may read or enter anything."""
    found = [folder, *folder.rglob("*")]
    assert {"events", "ledger", "checkpoint", "state"} <= {path.name.partition(".")[0] for path in found}
    open_to_others = [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


class Trap:
    """A pickle that runs code when it is read."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> Any:
        return open, (str(self.sprung), "w")


def booby_trapped(folder: Path, sprung: Path) -> None:
    """Puts a trap in the place of every kind of file that a sweep, Ray or Python may have in a folder."""
    trap = pickle.dumps(Trap(sprung))
    code = f"open({str(sprung)!r}, 'w')\n"
    driver = folder / "ray" / "driver-1"
    (driver / "0000-001").mkdir(parents=True)
    for name in ("tuner.pkl", "trainable.pkl", "searcher-state-1.pkl", "search_gen_state-1.json", "0000-001/error.pkl"):
        (driver / name).write_bytes(trap)
    (driver / "0000-001" / "params.pkl").write_bytes(trap)
    blob = json.dumps({"_type": "CLOUDPICKLE_FALLBACK", "value": trap.hex()})
    for name in ("experiment_state-1.json", "basic-variant-state-1.json", "0000-001/result.json"):
        (driver / name).write_text(blob)
    for name in ("experiment_state-1.json", "tuner.pkl", "checkpoint.pkl", "answer.json", "config.json"):
        (folder / name).write_bytes(trap)
    for name in (
        "__init__",
        "conftest",
        "sitecustomize",
        "usercustomize",
        "mine",
        "experiments",
        "torch",
        "ray",
        "json",
    ):
        (folder / f"{name}.py").write_text(code)
    (folder / "trap.pth").write_text(f"import os; {code}")
    (folder / "lease.json").write_bytes(trap)
    for events in (folder / "tensorboard").rglob("events*"):
        events.write_bytes(trap)
    for state in folder.rglob("state.pt"):
        state.write_bytes(trap)
    for manifest in folder.glob("trials/0002/**/checkpoint.json"):
        manifest.write_bytes(trap)


def test_s6_showing_a_sweep_runs_nothing_of_it(sweep: Sweep, place: Path) -> None:
    """A trap in every file: nothing that only shows springs one, in this process or from within the folder itself."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    (place / "mine.py").unlink()
    folder, sprung = place / "results" / "mine", place / "sprung"
    booby_trapped(folder, sprung)
    for command in (["trials"], ["trials", "--json"], ["trials", "mine", "0"], ["best"], ["best", "--json"], ["list"]):
        code, said = sweep(*command)
        assert code == 0, (command, said)
    found = open_sweep("mine")
    assert len(found.frame()) == 3 and found.confirmed is None
    Curves(folder).redraw(found.history)
    assert not sprung.exists()
    command = [str(Path(sys.executable).parent / "sweep"), "trials", str(folder)]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert not sprung.exists()
    with pytest.raises(FileNotFoundError):  # the trap works
        pickle.loads(pickle.dumps(Trap(place / "nowhere" / "sprung")))  # noqa: S301


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
def test_s7_weights_are_read_without_their_code(tmp_path: Path) -> None:
    """A checkpoint whose checksums are right and whose state is a trap is an error and not an execution."""
    sprung = tmp_path / "sprung"
    buffer = io.BytesIO()
    torch.save({"weights": Trap(sprung)}, buffer)
    checkpoints = CheckpointFolder(tmp_path / "0000")
    for content in (buffer.getvalue(), pickle.dumps(Trap(sprung))):
        folder = checkpoints.save(1, {"epoch": 1}, {"weights": torch.zeros(1)})
        (folder / "state.pt").write_bytes(content)
        redo_manifest(folder)
        saved = CheckpointFolder(tmp_path / "0000").newest()
        assert saved is not None, "its checksums are right"
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            saved.state()
        assert not sprung.exists()
        sprung.unlink(missing_ok=True)


def redo_manifest(folder: Path) -> None:
    """Makes the manifest say what is there, as whoever may write the folder can."""
    from trainables._training.checkpoint_files import _sha256, canonical, describe

    body = json.loads((folder / "checkpoint.json").read_text())
    body["state"] = describe((folder / "state.pt").read_bytes())
    del body["sha256"]
    body["sha256"] = _sha256(canonical(body).encode())
    (folder / "checkpoint.json").write_text(json.dumps(body))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["..", ".", "/", "~", "a", "\\", "\0", "-", "é", "con", ":"]), max_size=6).map("".join))
def test_s9_no_name_leaves_the_storage(name: str) -> None:
    """Whatever is allowed is one folder in the storage folder."""
    storage = Path("/nowhere/results")
    try:
        folder = new_folder(storage, name, "experiment")
    except InputError:
        return
    assert folder.resolve().parent == storage.resolve()


def test_s9_a_link_is_no_new_sweep(tmp_path: Path) -> None:
    """A link in the storage folder is never written through."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "mine").symlink_to(tmp_path)
    with pytest.raises(InputError):
        new_folder(tmp_path / "storage", "mine", "experiment")
    assert new_folder(tmp_path / "storage", None, "mine").name == "mine-2"


def test_s15_the_environment_is_not_recorded(sweep: Sweep, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions of named packages are, and nothing else: no variable, no `git diff`, no list of what is installed."""
    monkeypatch.setenv("HARMLESS_BUT_MINE", "canary-of-the-environment")
    monkeypatch.setattr(sys, "argv", ["sweep", "canary-of-the-arguments"])
    assert sweep("run", "mine.py", "--here")[0] == 0
    files = [path for path in (place / "results").rglob("*") if path.is_file()]
    assert [path for path in files if b"canary-of-the" in path.read_bytes()] == []
    versions = open_sweep().history.versions
    assert set(versions) <= {
        *("python", "raysweeps", "ray", "torch", "torchvision", "hyperopt", "bayesian-optimization", "scikit-learn"),
        *("numpy", "scipy"),
    }


def test_s16_no_command_is_made_of_strings() -> None:
    """No shell anywhere, and the linter's rules against it are on."""
    faults = []
    for file in [
        path for folder in ("experiments", "trainables", "search_spaces") for path in ROOT.glob(f"{folder}/**/*.py")
    ]:
        for node in ast.walk(ast.parse(file.read_text())):
            text = ast.unparse(node) if isinstance(node, ast.Call) else ""
            if (
                text.startswith(("os.system(", "os.popen(", "subprocess.getoutput(", "eval(", "exec("))
                or "shell=True" in text
            ):
                faults.append(f"{file}: {text}")
    assert faults == []
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert rules["select"] == ["ALL"] and not [rule for rule in rules["ignore"] if rule.startswith("S")]


def test_s19_the_board_listens_on_loopback_only(sweep: Sweep, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no option that would change it."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    given: list[list[str]] = []

    class FakeServer:
        def configure(self, argv: list[str]) -> None:
            given.append(argv)

        def launch(self) -> str:
            return "http://127.0.0.1:1/"

    fake = types.SimpleNamespace(TensorBoard=FakeServer, TensorBoardServerException=RuntimeError)
    monkeypatch.setattr(tensorboard, "program", fake, raising=False)
    boarding.served([open_sweep()])
    (argv,) = given
    assert argv[argv.index("--host") + 1] == "127.0.0.1" and "--bind_all" not in argv
    code, said = sweep("board", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert code == 2 and "unrecognized arguments: --host" in said
    assert place.is_dir()


def test_s20_dependencies_are_pinned() -> None:
    """Ray to the minor version whose internals were read, torch above the one that ran code of weights."""
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = {need.partition(">")[0]: need for need in needs}
    assert named["ray[tune]"] == "ray[tune]>=2.60,<2.61" and named["torch"].startswith("torch>=2.")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.partition(";")[0].strip().split("==") for line in lines if "==" in line.partition(";")[0])
    assert pins["ray"].startswith("2.60.") and "certifi" in pins
    assert tuple(map(int, pins["torch"].split("+")[0].split(".")[:2])) >= (2, 6)


def test_s21_the_threat_model_is_written_down() -> None:
    """With the way to report, and the one thing not to do."""
    text = (ROOT / "SECURITY.md").read_text()
    for words in (
        "Report a vulnerability",
        "do not open other people's experiment directories",
        "<redacted>",
        "--trust",
    ):
        assert words in text, words


def test_s22_no_data_set_is_fetched_inside_a_trial() -> None:
    """Only the functions called `fetch` download, and only the command calls them."""
    downloading = set()
    for file in (ROOT / "trainables").rglob("*.py"):
        for function in [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]:
            text = ast.unparse(function)
            if "download=True" in text or "download_if_missing=True" in text or "urlopen" in text:
                downloading.add(function.name)
            if ".fetch(" in text:
                assert function.name in {"fetch", "_fetch"}, file
    assert downloading == {"fetch"}


def test_the_ledger_stays_readable_after_the_traps(sweep: Sweep, place: Path) -> None:
    """A ledger that is a pickle is refused with its line, and not run."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    sprung = place / "sprung"
    (place / "results" / "mine" / LEDGER).write_bytes(pickle.dumps(Trap(sprung)) + b"\n{}\n")
    code, said = sweep("trials")
    assert code == 3 and "its checksum does not match" in said
    assert not sprung.exists()
