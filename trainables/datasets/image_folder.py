"""Any folder of class folders: FOLDER/<class>/<image>, or FOLDER/{train,val,test}/<class>/<image>; val is optional.

Images are RGB, or greyscale where all of them are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.data.images.class_folders import class_folders

if TYPE_CHECKING:
    from pathlib import Path

VALIDATION_FRACTION = 0.2
"""Share of the development images that a trial is validated on, where there is no folder `val`."""

_TEST_FRACTION, _TEST_SEED = 0.2, 20_260_101
"""Where there is no folder `test`: a fixed, stratified fifth is the test part."""

Images = list[tuple[str, int]]
"""Paths, and the class of each."""


def read(folder: Path) -> tuple[tuple[str, ...], dict[str, Images]]:
    """Return the names of the classes, and the images of "development", "validation" and "test".

    The validation part is empty where it has no folder of its own: it is then split from the development part.

    Raises:
        FileNotFoundError: The folder cannot be used; says everything that is wrong with it.
    """
    found = class_folders(folder)
    if found.faults:
        raise FileNotFoundError("\n".join(f"image_folder: {fault}" for fault in found.faults))
    if "all" not in found.images:
        train, val, test = (found.images.get(part, []) for part in ("train", "val", "test"))
        return found.classes, {"development": train, "validation": val, "test": test}
    import numpy as np

    from trainables._training.data.splits import stratified_split

    images = found.images["all"]
    labels = np.array([label for _, label in images], dtype=np.int64)
    kept, held_out = stratified_split(labels, held_out=_TEST_FRACTION, seed=_TEST_SEED)
    return found.classes, {
        "development": [images[row] for row in kept],
        "validation": [],
        "test": [images[row] for row in held_out],
    }
