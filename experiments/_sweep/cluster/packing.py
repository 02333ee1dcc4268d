"""What travels to a cluster: the three packages and the experiment's folder, as a file that Ray unpacks on every node.

The packages lie at its root, so that they are found before any others of their names; the folder below `shipped`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.cluster.left_behind import travelling
from experiments._sweep.cluster.needs import files_of
from experiments._sweep.errors import InputError
from experiments._sweep.ray_refusals import OURS
from experiments._sweep.travelled import MANIFEST, PACKAGES, SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 100 * 2**20
"""Bytes that an experiment's folder may have: the dashboard takes no more in one piece."""
MOST = 20_000
"""Files of it."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What travels."""

    folder: Path | None
    """The experiment's folder; None where the experiment comes with the packages."""
    files: tuple[Path, ...] = ()
    """Its files that travel."""
    size: int = 0
    """Their bytes."""
    left: Mapping[str, str] = field(default_factory=dict)
    """What of it stays behind, with why: `secret`, `ignored` or `left`."""
    only_imports: bool = False
    """Whether only the experiment's file travels, with what it imports: its folder holds anything."""

    @classmethod
    def of(cls, folder: Path | None, file: Path | None) -> Parcel:
        """What of an experiment's folder travels, with the packages.

        Args:
            folder: The folder, absolute; None where the experiment comes with the packages.
            file: The experiment's file in it, where it is known.

        Raises:
            InputError: If it is too much, or cannot be read.
        """
        if folder is None or (_is_wide(folder) and file is None):
            return cls(folder=None)
        left: dict[str, str] = {}
        wide = _is_wide(folder)
        files = files_of(file) if wide and file is not None else travelling(folder, left, _OURS)
        sizes: dict[Path, int] = {}
        try:
            for each in files:
                sizes[each] = each.stat().st_size
                if len(sizes) > MOST:
                    break
        except OSError as error:
            raise InputError(f"{error.filename} cannot be read ({error.strerror}), and would travel. {_HOW}") from error
        if len(sizes) > MOST or sum(sizes.values()) > LARGEST:
            raise InputError(_too_much(folder, sizes))
        return cls(
            folder=folder,
            files=tuple(sizes),
            size=sum(sizes.values()),
            left=left,
            only_imports=wide and file is not None,
        )

    @contextlib.contextmanager
    def packed(self, **manifest: Any) -> Iterator[Path]:
        """A file with all of it, and what the manifest is to say besides, for as long as the context lasts."""
        with tempfile.TemporaryDirectory(prefix="raysweeps-") as place:
            file = Path(place) / "code.zip"
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                for each in _packages():
                    _add(packed, each.relative_to(PACKAGES).as_posix(), each)
                if self.folder is not None:
                    sent = {"folder": self.folder.name, "origin": str(self.folder), "host": socket.gethostname()}
                    manifest = {**sent, **manifest}
                    for each in self.files:
                        name = f"{SHIPPED.name}/{self.folder.name}/{each.relative_to(self.folder).as_posix()}"
                        _add(packed, name, each)
                _write(packed, f"{SHIPPED.name}/{MANIFEST}", json.dumps(manifest, sort_keys=True).encode(), 0o600)
            yield file


_OURS = tuple(PACKAGES / package for package in OURS)
_HOW = (
    "All of an experiment's folder travels: give the experiment a folder of its own, or list in .rayignore there what "
    "is not needed."
)


def _packages() -> Iterator[Path]:
    for package in OURS:
        for file in sorted((PACKAGES / package).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def _add(packed: zipfile.ZipFile, name: str, file: Path) -> None:
    _write(packed, name, file.read_bytes(), 0o700 if file.stat().st_mode & 0o100 else 0o600)


def _write(packed: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    """The same code is the same file, whenever it is packed: Ray sends and unpacks it once."""
    told = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
    told.external_attr = mode << 16
    told.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(told, content)


def _is_wide(folder: Path) -> bool:
    """Whether a folder holds anything, so that nobody means to send all of it."""
    home = Path.home().resolve()
    return folder in (home, *home.parents, Path(tempfile.gettempdir()).resolve())


def _too_much(folder: Path, sizes: dict[Path, int]) -> str:
    largest = sorted(sizes, key=lambda file: -sizes[file])[:5]
    told = ", ".join(f"{file.relative_to(folder)} ({megabytes(sizes[file])})" for file in largest)
    many = f"more than {MOST} files" if len(sizes) > MOST else f"{len(sizes)} files, {megabytes(sum(sizes.values()))}"
    return (
        f"{folder}, the experiment's folder, is too large to travel: {many}; at most {megabytes(LARGEST)} may. The "
        f"largest are {told}. {_HOW}"
    )


def megabytes(size: int) -> str:
    """`12 kB`, `3.4 MB`."""
    return f"{max(1, round(size / 1000))} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
