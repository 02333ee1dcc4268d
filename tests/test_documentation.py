"""What the documents say is so: their code runs, their links lead somewhere, their commands exist."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(REPOSITORY.glob("*.md"))
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Every fenced block of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors that a document's headings make."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def executed(block: str) -> dict[str, Any]:
    """Run a block as a module of its own and give its names."""
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - the README of this repository
    return names


@pytest.mark.parametrize("block", blocks("python"))
def test_code_in_the_readme_imports_names_that_exist(block: str) -> None:
    """A reader who copies a block meets no ImportError."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                assert hasattr(module, alias.name) or importlib.util.find_spec(submodule), f"{submodule} is not there"


@pytest.mark.parametrize(
    "block", [block for block in blocks("python") if re.search(r"^experiment = ", block, re.MULTILINE)]
)
def test_experiments_in_the_readme_pass_their_checks(block: str) -> None:
    """An experiment checks itself when it is made, so making it is the test."""
    assert executed(block)["experiment"].num_trials > 0


@pytest.mark.parametrize("block", [block for block in blocks("python") if "= Trainable(" in block])
def test_trainables_in_the_readme_train(block: str) -> None:
    """The shortest trainable of one's own gives a record with the metrics that it promises."""
    names = executed(block)
    (trainable,) = (value for value in names.values() if isinstance(value, names["Trainable"]))
    (record,) = trainable.epochs({"lr": 0.1, "epochs": 1})
    assert set(trainable.metrics) <= set(record)


def test_the_first_example_is_the_file_it_names() -> None:
    """The README shows `experiments/digits_mlp.py` as it is."""
    assert blocks("python")[0] == (REPOSITORY / "experiments" / "digits_mlp.py").read_text(encoding="utf-8")


def test_commands_in_the_readme_exist() -> None:
    """Each `sweep WORD` and each option is one that the command line knows, and each script is there."""
    commands = set(re.findall(r"`sweep (\w+)", README))
    shown = subprocess.run(
        [sys.executable, "-m", "experiments", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert commands <= set(re.findall(r"\w+", shown.stdout))
    for script in set(re.findall(r"(?<![\w/])scripts/[\w/.]*\w", README)):
        assert (REPOSITORY / script).is_file(), f"README.md names {script}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link names a file or a folder of the repository, and an anchor a heading."""
    text = document.read_text(encoding="utf-8")
    # Code is no text: `dict[str, Any](...)` in a block is not a link.
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", prose):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), f"{document.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{document.name}: no heading for {target}"


def test_map_of_files_is_complete_and_right() -> None:
    """Every source file has its line in the README, in its own words, and no line names a file that is gone."""
    checked = subprocess.run(
        [sys.executable, "scripts/file_map.py", "--check"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_changelog_names_the_version_in_the_making() -> None:
    """The version of pyproject.toml has its section."""
    version = re.search(
        r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version
    assert f"## [{version[1]}]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_document_names_the_machine_it_was_written_on() -> None:
    """Paths of somebody's machine and addresses of package indexes do not belong in a repository."""
    foreign = re.compile(r"/(?:work|home|root|Users)/|index-url|find-links|https?://\S+/simple\b")
    for file in [*DOCUMENTS, *REPOSITORY.glob("*.t*"), *(REPOSITORY / "scripts").iterdir()]:
        if file.is_file():
            found = foreign.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.name} has {found and found[0]!r}"
