"""What travels to a cluster and what stays, where it arrives, and what is looked at first there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from experiments import InputError
from experiments._sweep import travelled
from experiments._sweep.cluster import packing
from experiments._sweep.cluster.arriving import LACKS, MARK
from experiments._sweep.cluster.joining import code_for
from experiments._sweep.cluster.needs import OWN, imported_by, needed
from experiments._sweep.cluster.packing import Parcel
from experiments._sweep.registry import file_of, from_file
from tests.experiments.resumable import EXPERIMENT

ROOT = Path(__file__).resolve().parents[2]

STAYS = {
    "secret": [
        ".env",
        ".env.local",
        "key.pem",
        "auth_token",
        "id_rsa",
        ".aws/credentials",
        "secrets.toml",
        "sub/a.key",
    ],
    "left": ["results/mine/ledger.jsonl", ".venv/pyvenv.cfg", "data/x.bin", "old/ledger.jsonl", "my_env/pyvenv.cfg"],
    "ignored": ["made.csv", "out/x.txt", "sub/big.bin", "sub/only.txt"],
    "": [".git/config", "__pycache__/a.pyc", "sub/b.pyc", ".mypy_cache/x"],
}
GOES = ["mine.py", "beside.py", "sub/__init__.py", "sub/table.csv", "keyboard.py", "run.sh"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A researcher's folder, with all that gathers in one."""
    top = tmp_path / "my project"
    for name in [*GOES, *(name for names in STAYS.values() for name in names)]:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("x = 1\n")
    (top / "mine.py").write_text(EXPERIMENT)
    (top / "run.sh").chmod(0o755)
    (top / ".gitignore").write_text("*.csv\n!sub/table.csv\nout/\n")
    (top / ".rayignore").write_text("big.bin\n")
    (top / "sub" / ".gitignore").write_text("/only.txt\n")
    (top / "linked").symlink_to(tmp_path)
    (top / "password").symlink_to(top / ".env")
    return top


def test_the_folder_travels_without_what_is_not_code(folder: Path) -> None:
    """Results, data, environments, caches, what git or Ray are told to ignore, and secrets, also through a link."""
    parcel = Parcel.of(folder, folder / "mine.py")
    went = {file.relative_to(folder).as_posix() for file in parcel.files}
    assert went == {*GOES, ".gitignore", ".rayignore", "sub/.gitignore"}
    stayed: dict[str, set[str]] = {}
    for name, why in parcel.left.items():
        stayed.setdefault(why, set()).add(name)
    secret = {".env", ".env.local", "key.pem", "auth_token", "id_rsa", ".aws/", "secrets.toml", "password", "sub/a.key"}
    assert stayed["secret"] == secret
    assert stayed["left"] == {"results/", ".venv/", "data/", "old/", "my_env/", "linked/"}
    assert stayed["ignored"] == {"made.csv", "out/", "sub/big.bin", "sub/only.txt"}


def test_what_is_packed_is_the_packages_and_the_folder_and_the_same_each_time(folder: Path) -> None:
    """Ray knows code that it has by its content."""
    parcel = Parcel.of(folder, folder / "mine.py")
    with parcel.packed(argv=["run"]) as first, parcel.packed(argv=["run"]) as second:
        assert first.read_bytes() == second.read_bytes()
        assert first.parent.stat().st_mode & 0o777 == 0o700
        with zipfile.ZipFile(first) as code:
            names = set(code.namelist())
            assert code.getinfo("shipped/my project/run.sh").external_attr >> 16 == 0o700
            assert code.getinfo("shipped/my project/mine.py").external_attr >> 16 == 0o600
    assert not first.exists() and not second.exists()
    assert {"experiments/_sweep/cluster/arriving.py", "trainables/__init__.py", "search_spaces/mlp.py"} <= names
    assert {"shipped/manifest.json", "shipped/my project/sub/table.csv"} <= names
    assert not [name for name in names if "__pycache__" in name or ".env" in name]


def test_a_folder_that_is_too_large_is_refused_with_its_largest_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In megabytes, with where to say that they are not needed."""
    (folder / "weights.bin").write_bytes(b"0" * 2_000_000)
    monkeypatch.setattr(packing, "LARGEST", 1_000_000)
    with pytest.raises(
        InputError, match=r"too large to travel: 10 files, 2.0 MB.* weights.bin \(2.0 MB\).*\.rayignore"
    ):
        Parcel.of(folder, folder / "mine.py")
    monkeypatch.setattr(packing, "MOST", 5)
    with pytest.raises(InputError, match="more than 5 files"):
        Parcel.of(folder, folder / "mine.py")


def test_of_a_home_folder_only_what_is_imported_travels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody means to send all that lies there."""
    monkeypatch.setenv("HOME", str(folder))
    (folder / "mine.py").write_text("import beside\nfrom sub import nothing\n")
    parcel = Parcel.of(folder, folder / "mine.py")
    assert parcel.only_imports
    assert {file.name for file in parcel.files} == {"mine.py", "beside.py", "__init__.py"}
    assert Parcel.of(folder, None).folder is None


def test_the_packages_that_a_file_needs_are_found(tmp_path: Path) -> None:
    """Through files beside it, within functions; not what it can do without, nor Python's own, nor what is not here."""
    (tmp_path / "mine.py").write_text(
        "from typing import TYPE_CHECKING\nimport os, beside, trainables\nif TYPE_CHECKING:\n    import mypy\n"
        "try:\n    import hypothesis\nexcept ImportError:\n    pass\n"
        "def train():\n    import filelock.asyncio, not_there\n"
    )
    (tmp_path / "beside.py").write_text("import optuna.samplers\nimport mine\n")
    assert set(imported_by(tmp_path / "mine.py")) == {"filelock", "not_there", "optuna"}
    found = needed(tmp_path / "mine.py", store=True)
    assert found["optuna"].startswith("optuna==") and found["s3fs"].startswith("s3fs==") and "not_there" not in found
    assert found["bayes_opt"].startswith("bayesian-optimization==") and "+" not in found["torch"]


def test_what_every_sweep_needs_is_what_the_package_depends_on() -> None:
    """Save what tensorboard itself needs where curves are shown, and what a report is made with where it is read."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {text.partition(">")[0].partition("<")[0].partition("[")[0].strip() for text in project["dependencies"]}
    assert set(OWN.values()) == names - {"setuptools", "jinja2", "plotly", "optuna", "sqlalchemy"}


@pytest.fixture
def arrived(folder: Path, tmp_path: Path) -> Any:
    """Unpack what travels, as Ray does, and give what starts the driver there with its manifest."""

    def start(**manifest: Any) -> subprocess.CompletedProcess[str]:
        told = {"argv": ["list"], "install": False, "needs": {}, "python": f"3.{sys.version_info.minor}", **manifest}
        place = tmp_path / "node"
        with Parcel.of(folder, folder / "mine.py").packed(**told) as code, zipfile.ZipFile(code) as packed:
            packed.extractall(place)
        return subprocess.run(
            [sys.executable, "-m", "experiments._sweep.cluster.arriving"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_a_driver_that_arrives_does_what_was_sent(arrived: Any, folder: Path, tmp_path: Path) -> None:
    """In the folder that came along, with the packages that came along; its ledger names the sender's file."""
    done = arrived(argv=["run", "./mine.py", "--here", "--trials=1", f"--storage={tmp_path / 'store'}"])
    assert done.returncode == 0, done.stdout + done.stderr
    first = json.loads((tmp_path / "store" / "mine" / "ledger.jsonl").read_text().splitlines()[0])
    assert first["source"]["path"] == str(folder / "mine.py") and first["source"]["host"]


def test_a_driver_says_first_what_is_missing(arrived: Any) -> None:
    """All of it, with the version that is wanted and the Python that was looked at; or tells the sender, to have it."""
    done = arrived(needs={"os": "os==1", "not_a_module": "not-a-package==2.0", "mine_alone": ""}, python="3.9")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 3, done.stderr
    assert f"is {sys.executable}, Python 3." in done.stderr and "sent from Python 3.9" in done.stderr
    assert "the cluster lacks mine_alone, " in done.stderr
    assert "the cluster lacks not-a-package==2.0 (" in done.stderr and "--install-missing" in done.stderr
    done = arrived(needs={"not_a_module": "not-a-package==2.0"}, install=True)
    assert done.returncode == LACKS and done.stdout == f'{MARK}["not-a-package==2.0"]\n'


def test_a_file_that_came_along_is_found_and_trusted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path on the machine that sent it, or by its name where that has moved; the record keeps the sender's."""
    there = tmp_path / "node" / "shipped"
    there.mkdir(parents=True)
    folder.rename(there / "proj")
    told = {"folder": "proj", "origin": "/home/me/proj", "host": "laptop"}
    monkeypatch.setattr(travelled, "SHIPPED", there)
    monkeypatch.setattr("experiments._sweep.travelled.manifest", lambda: told)
    monkeypatch.setattr("experiments._sweep.registry.manifest", lambda: told)
    for path in ("/home/me/proj/mine.py", "/elsewhere/mine.py"):
        assert file_of({"kind": "file", "name": "mine", "path": path}) == there / "proj" / "mine.py"
    assert file_of({"kind": "file", "name": "x", "path": "/home/me/proj/x.py"}) == Path("/home/me/proj/x.py")
    assert travelled.arrived(Path("/home/me/proj/sub/__init__.py")) == there / "proj" / "sub" / "__init__.py"
    found = from_file(there / "proj" / "mine.py")
    assert found.source == {"kind": "file", "name": "mine", "path": "/home/me/proj/mine.py", "host": "laptop"}
    assert travelled.came_along(there / "proj" / "mine.py") and not travelled.came_along(tmp_path / "mine.py")
    assert travelled.working_directory(Path("/home/me/proj")) == there / "proj"
    assert travelled.working_directory(tmp_path) == tmp_path


def test_code_travels_to_a_cluster_that_is_joined_and_to_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local one has it; a job's driver came with it."""
    file = str(folder / "mine.py")
    with code_for("local", file, store=False, install_missing=False) as environment:
        assert environment is None
    with code_for("auto", file, store=False, install_missing=True) as environment:
        assert environment is not None and Path(environment["working_dir"]).is_file()
        packages = environment["pip"]["packages"]
    assert [each for each in packages if each.startswith("torch==")]
    assert not [each for each in packages if each.startswith("ray==")], "a node's own Ray is what runs there"
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    with code_for("auto", file, store=False, install_missing=False) as environment:
        assert environment is None
