"""What of an experiment's folder does not travel: results, data, environments, caches, and what looks like a secret."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORTHLESS = (
    *(".git", ".hg", ".svn", ".jj", ".idea", ".vscode", "__pycache__", ".ipynb_checkpoints", ".hypothesis"),
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".cache", ".eggs", "*.egg-info", ".DS_Store", "*.py[co]", "*.swp"),
)
"""Nobody misses these: they are left behind without a word."""
LEFT = (
    *(".venv", "venv", ".tox", ".nox", "node_modules", "site-packages"),
    *("results", "data", "wandb", "mlruns", "lightning_logs", "tb_logs"),
)
"""Folders that are results, data or environments. Data lie where `--data-dir` or RAYSWEEPS_DATA of the cluster says."""
SECRET = (
    *(".env", ".env.*", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.gpg", "*.asc"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "auth_token*", "*.token", ".netrc", ".pypirc", ".npmrc"),
    *("credentials", "credentials.*", "*service_account*.json", "secrets.*", ".aws", ".ssh", ".kube", ".ray", ".gnupg"),
)
LEDGER = "ledger.jsonl"
"""A folder that has it is a sweep."""


def travelling(top: Path, left: dict[str, str], but: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files below `top` that travel, sorted; links to folders are not followed.

    Args:
        top: The folder.
        left: Gets what stays behind, by its path within `top`, with `secret`, `ignored` or `left` for why.
        but: Folders within that travel by themselves.
    """
    yield from _walk(top, top, _ignoring_above(top), left, but)


def _walk(folder: Path, top: Path, ignoring: list[Any], left: dict[str, str], but: tuple[Path, ...]) -> Iterator[Path]:
    ignoring = [*ignoring, *_ignoring(folder, ".gitignore", ".rayignore")]
    for each in sorted(folder.iterdir()):
        name = each.relative_to(top).as_posix()
        is_folder = each.is_dir()
        why = _why_left(each, is_folder, ignoring, but)
        if why == "worthless":
            continue
        if why:
            left[f"{name}/" if is_folder else name] = why
        elif is_folder and not each.is_symlink():
            yield from _walk(each, top, ignoring, left, but)
        elif each.is_file():
            yield each


def _why_left(path: Path, is_folder: bool, ignoring: list[Any], but: tuple[Path, ...]) -> str:
    names = {path.name.lower(), path.resolve().name.lower()}  # a link to a secret is one
    if _is_any(names, WORTHLESS):
        return "worthless"
    if _is_any(names, SECRET):
        return "secret"
    if is_folder and (path.is_symlink() or (path / "pyvenv.cfg").is_file() or (path / LEDGER).is_file()):
        return "left"
    if is_folder and (_is_any(names, LEFT) or path in but):
        return "left"
    if any(ignored(path, is_folder) for ignored in ignoring):
        return "ignored"
    return ""


def _is_any(names: set[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _ignoring_above(top: Path) -> list[Any]:
    """What the .gitignore files above a folder say, up to the top of its repository."""
    repository = next((each for each in top.parents if (each / ".git").exists()), None)
    if repository is None or (top / ".git").exists():
        return []
    between = [each for each in top.parents if each.is_relative_to(repository)]
    return [ignoring for each in reversed(between) for ignoring in _ignoring(each, ".gitignore")]


def _ignoring(folder: Path, *files: str) -> Iterator[Any]:
    """What the files say that git and Ray take such lists from."""
    for file in files:
        if (folder / file).is_file():
            from ray._private.thirdparty.pathspec import PathSpec

            lines = (folder / file).read_text(encoding="utf-8", errors="replace").splitlines()
            spec = PathSpec.from_lines("gitwildmatch", lines)

            def ignored(path: Path, is_folder: bool, spec: Any = spec) -> bool:
                return bool(spec.match_file(path.relative_to(folder).as_posix() + "/" * is_folder))

            yield ignored
