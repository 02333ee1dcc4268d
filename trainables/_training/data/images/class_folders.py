"""A folder of class folders: which images are in it, which class and which part each is of, and what is wrong with it.

Without torch, because it is asked before a sweep starts; what it finds is what `torchvision.datasets.ImageFolder` does.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""How the name of an image ends, in small or capital letters: torchvision's list."""

_PARTS = ("train", "val", "test")
_SHOWN = 10
_LAYOUTS = "FOLDER/<class>/<image>, or FOLDER/train/<class>/<image> and FOLDER/test/<class>/<image>"


@dataclass(frozen=True, kw_only=True)
class ClassFolders:
    """The images of a folder."""

    classes: tuple[str, ...]
    """Names of the classes, sorted; a class is its place here."""

    images: dict[str, list[tuple[str, int]]]
    """Path and class of each image, sorted by path in each class: of the parts "train", "val" (where it is there) and
    "test"; or of one part "all" that is still to be split."""

    faults: tuple[str, ...]
    """What is wrong, one sentence each; empty when the folder can be used."""

    @property
    def paths(self) -> list[Path]:
        """Every image of every part, sorted by its path as text."""
        return [Path(path) for path in sorted(path for images in self.images.values() for path, _ in images)]


def class_folders(folder: Path) -> ClassFolders:
    """Return the images of FOLDER/<class>, or of FOLDER/{train,val,test}/<class>; folders that begin with . are not."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        return ClassFolders(classes=(), images={}, faults=(f"{folder} {what}; it takes {_LAYOUTS}",))
    of_folder = _subfolders(folder)
    parts = [part for part in _PARTS if part in of_folder and _subfolders(folder / part)]
    has_parts = "train" in parts and ("test" in parts or set(of_folder) <= set(_PARTS))
    if not has_parts:
        classes = tuple(of_folder)
        images, faults = _images(folder, classes, allowed=classes)
        at_least = _too_few(folder, classes, images, least=3, why="one for each of training, validation and test")
        return ClassFolders(
            classes=classes, images={"all": images}, faults=(*_too_few_classes(folder, classes), *faults, *at_least)
        )
    classes = tuple(_subfolders(folder / "train"))
    found, faults = {}, list(_too_few_classes(folder / "train", classes))
    for part in parts:
        found[part], of_part = _images(folder / part, tuple(_subfolders(folder / part)), allowed=classes)
        faults += of_part
    least, why = (1, "to learn from") if "val" in parts else (2, "one for training and one for validation")
    faults += _too_few(folder / "train", classes, found["train"], least=least, why=why)
    if "test" not in parts:
        hint = " If it is val/, rename that; validation images are then split from train/" if "val" in parts else ""
        faults.append(f"{folder} has train/ but no test/<class>/<image>, the part that `confirm` needs.{hint}")
    return ClassFolders(classes=classes, images=found, faults=tuple(faults))


def _subfolders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as there:
        return sorted(entry.name for entry in there if entry.is_dir() and not entry.name.startswith("."))


def _images(
    folder: Path, found: tuple[str, ...], *, allowed: tuple[str, ...]
) -> tuple[list[tuple[str, int]], list[str]]:
    """Return the images of the class folders that are allowed, and the faults of those that are not or are empty."""
    images: list[tuple[str, int]] = []
    unknown, empty = [name for name in found if name not in allowed], []
    for name in found:
        if name in allowed:
            paths = _image_paths(folder / name)
            images += [(path, allowed.index(name)) for path in paths]
            empty += [] if paths else [name]
    faults = []
    if empty:
        faults.append(
            f"{folder} has class folders without images: {_listed(empty)}; an image's name ends in "
            f"{', '.join(EXTENSIONS)}; remove them or fill them"
        )
    if unknown:
        near = difflib.get_close_matches(unknown[0], allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        common = "classes" if len(unknown) < len(found) else "only classes"
        faults.append(
            f"{folder} has {common} that train/ has not: {_listed(unknown)}; train/ has {_listed(allowed)}.{hint}"
        )
    return images, faults


def _image_paths(folder: Path) -> list[str]:
    """Return the images below a folder, in the order of torchvision's `make_dataset`."""
    paths = []
    for root, _, names in sorted(os.walk(folder, followlinks=True)):
        paths += [os.path.join(root, name) for name in sorted(names) if name.lower().endswith(EXTENSIONS)]  # noqa: PTH118
    return paths


def _too_few_classes(folder: Path, classes: tuple[str, ...]) -> list[str]:
    if not classes:
        return [f"{folder} has no class folders; it takes {_LAYOUTS}"]
    if len(classes) == 1:
        return [f"{folder} has one class folder, {classes[0]!r}; a classifier takes two or more: {_LAYOUTS}"]
    return []


def _too_few(
    folder: Path, classes: tuple[str, ...], images: list[tuple[str, int]], *, least: int, why: str
) -> list[str]:
    counts = [0] * len(classes)
    for _, label in images:
        counts[label] += 1
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if 0 < count < least]
    return (
        [f"{folder} has classes with too few images: {_listed(few)}; each takes {least} or more, {why}"] if few else []
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
