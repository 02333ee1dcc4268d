"""A folder of class folders as a data set: its layouts, and what is wrong with it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import trainables
from trainables import load_images, missing_data
from trainables._training.data.cache import content
from trainables._training.data.images.class_folders import class_folders
from trainables._training.data.images.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder of data sets."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    return tmp_path


def _write(
    write: Callable[..., None], folder: Path, rows: int = 10, classes: Sequence[str] = "ab", **options: Any
) -> None:
    for number, name in enumerate(classes):
        write(folder / name, rows=rows, seed=len(folder.name) + number, **options)


def test_files_are_those_of_torchvision(root: Path, image_files: Callable[..., None]) -> None:
    """Images in folders below a class folder and names in capitals count, other files do not: as in ImageFolder."""
    from torchvision.datasets import ImageFolder

    _write(image_files, root / "set", classes="abc")
    image_files(root / "set" / "a" / "deeper" / "still", rows=2)
    image_files(root / "set" / "a" / "B", rows=2)
    (root / "set" / "b" / "00.png").rename(root / "set" / "b" / "Z.PNG")
    (root / "set" / "b" / "notes.txt").write_text("not an image")
    (root / "set" / "readme.md").write_text("not a class")
    found, usual = class_folders(root / "set"), ImageFolder(str(root / "set"))
    assert found.images == {"all": usual.samples}
    assert list(found.classes) == usual.classes
    assert found.faults == ()


@pytest.mark.parametrize("with_val", [True, False])
def test_parts_with_folders_of_their_own(with_val: bool, root: Path, image_files: Callable[..., None]) -> None:
    """train, test and, where it is there, val are used as they are; without val it is split from train."""
    for part, rows in (("train", 10), ("val", 3), ("test", 4)):
        if part != "val" or with_val:
            _write(image_files, root / "set" / part, rows=rows)
    data = load_images("image_folder", folder="set")
    test = trainables.test_images("image_folder", folder="set")
    assert (len(data.training), len(data.validation)) == ((20, 6) if with_val else (16, 4))
    assert len(test) == 8
    if with_val:
        other = load_images("image_folder", folder="set", split_seed=1)
        assert torch.equal(other.validation.rows, data.validation.rows)  # type: ignore[attr-defined] # Examples


def test_absolute_folder(root: Path, image_files: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is relative to that of the data sets, or absolute."""
    _write(image_files, root / "set")
    monkeypatch.setenv("RAYSWEEPS_DATA", "/nowhere")
    assert missing_data("image_folder", root / "set") == []
    assert len(load_images("image_folder", folder=str(root / "set")).training) == 12


@pytest.mark.parametrize(("modes", "channels"), [(("L", "1"), 1), (("L", "RGB"), 3), (("P", "P"), 3)])
def test_channels(modes: tuple[str, str], channels: int, root: Path, image_files: Callable[..., None]) -> None:
    """Images are greyscale when all of them are, the test part's included, and RGB otherwise."""
    for name, mode in zip("ab", modes, strict=True):
        image_files(root / "set" / name, rows=10, mode=mode)
    assert load_images("image_folder", folder="set").input_shape == (channels, 8, 9)


def test_different_sizes_need_an_image_size(root: Path, image_files: Callable[..., None]) -> None:
    """Without `image_size` different sizes are refused with examples of them and of what to set; with it they fit."""
    image_files(root / "set" / "a", rows=5)
    image_files(root / "set" / "b", rows=5, size=(20, 30))
    with pytest.raises(ValueError, match=r"2 different sizes, such as 9x8 \(.*a/00.png\) and 20x30 .*image_size=64"):
        load_images("image_folder", folder="set")
    assert load_images("image_folder", folder="set", image_size=6).input_shape == (3, 6, 6)


def test_broken_images_are_all_named(root: Path, image_files: Callable[..., None]) -> None:
    """Files that are no images, and images that are cut, are named, ten at most, in one error."""
    _write(image_files, root / "set", rows=20)
    for name in ("00", "01"):
        (root / "set" / "a" / f"{name}.png").write_bytes(b"no image")
    cut = root / "set" / "b" / "03.png"
    cut.write_bytes(cut.read_bytes()[:100])
    with pytest.raises(ValueError, match="3 images cannot be read") as caught:
        load_images("image_folder", folder="set")
    for name in ("a/00.png", "a/01.png", "b/03.png"):
        assert str(root / "set" / name) in str(caught.value)
    for path in (root / "set" / "a").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"21 images cannot be read.*; and 11 more; they must be whole"):
        load_images("image_folder", folder="set")


def test_palette_with_transparency(root: Path, image_files: Callable[..., None]) -> None:
    """Pillow's advice on transparent palettes is no fault of the images and not shown; the colours are as they are."""
    _write(image_files, root / "set")
    for path in (root / "set").glob("*/*.png"):
        with Image.open(path) as image:
            image.convert("P").save(path, transparency=bytes(range(16)))
    with Image.open(root / "set" / "a" / "00.png") as image, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    load_images("image_folder", folder="set")
    assert np.array_equal(decode(str(root / "set" / "a" / "00.png"), 3, None), expected)


@pytest.mark.parametrize("parts", [[""], ["train", "test"]])
def test_content_is_read_once(
    parts: list[str], root: Path, image_files: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are read once to know their content, however they are split."""
    for part in parts:
        _write(image_files, root / "set" / part)
    reads = []
    real = content._digest
    monkeypatch.setattr(content, "_digest", lambda paths: reads.append(paths) or real(paths))
    monkeypatch.setattr(content, "_TOO_YOUNG_NS", 0)
    load_images("image_folder", folder="set")
    trainables.test_images("image_folder", folder="set")
    assert len(reads) == 1


def test_deep_images_are_refused(root: Path, image_files: Callable[..., None]) -> None:
    """Images of 16 bits would lose what they show when cut to 8."""
    _write(image_files, root / "set")
    image_files(root / "set" / "a", rows=1, mode="I;16")
    with pytest.raises(ValueError, match=r"a/00.png \(mode I;16: more than 8 bits a channel"):
        load_images("image_folder", folder="set")


@pytest.mark.parametrize(
    ("folders", "rows", "said"),
    [
        ((), 5, "{set} is not there; it takes FOLDER/<class>/<image>, or FOLDER/train/<class>/<image>"),
        (("only",), 5, "{set} has one class folder, 'only'; a classifier takes two or more"),
        (("a", "b", "empty/"), 5, "{set} has class folders without images: empty; an image's name ends in .jpg"),
        (("a", "b"), 2, "{set} has classes with too few images: a (2), b (2); each takes 3 or more"),
        (("train/a", "train/b"), 5, "{set} has train/ but no test/<class>/<image>"),
        (("train/a", "train/b", "val/a"), 5, "If it is val/, rename that"),
        (("train/a", "train/b", "test/c"), 5, "{set}/test has only classes that train/ has not: c; train/ has a, b"),
        (("train/aa", "train/b", "test/a_a", "test/b"), 5, "has not: a_a; train/ has aa, b. Did you mean 'aa'?"),
        (("train/a", "train/b", "test/a"), 1, "{set}/train has classes with too few images: a (1), b (1)"),
        ((".hidden",), 5, "{set} has no class folders"),
    ],
)
def test_faults(folders: tuple[str, ...], rows: int, said: str, root: Path, image_files: Callable[..., None]) -> None:
    """A folder that cannot be used is a fault before anything starts, and the same words when it is loaded."""
    for folder in folders:
        if folder.endswith("/"):
            (root / "set" / folder).mkdir(parents=True)
        else:
            image_files(root / "set" / folder, rows=rows)
    faults = missing_data("image_folder", "set")
    assert said.format(set=root / "set") in "\n".join(faults)
    assert all(fault.startswith("image_folder: ") for fault in faults)
    with pytest.raises(FileNotFoundError) as caught:
        load_images("image_folder", folder="set")
    assert str(caught.value) == "\n".join(faults)


def test_folder_left_out(root: Path) -> None:
    """Without a folder there is nothing to load; the words say what it takes."""
    [fault] = missing_data("image_folder")
    assert fault == (
        "image_folder: folder is left out; it takes a folder of class folders, absolute or below that of the data "
        f"sets ({root}), for example folder='flowers'"
    )
    with pytest.raises(FileNotFoundError, match="folder is left out"):
        load_images("image_folder")


def test_classes_called_train_and_test(root: Path, image_files: Callable[..., None]) -> None:
    """Class folders that happen to be called train and test hold images, not class folders, and stay classes."""
    _write(image_files, root / "set", classes=["train", "plane"])
    assert class_folders(root / "set").classes == ("plane", "train")
