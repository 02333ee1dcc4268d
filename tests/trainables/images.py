"""Writes small folders of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def write_images(folder: Path, *, other: str | None = None, seed: int = 0, size: int = 8, **rows: int) -> Path:
    """Write FOLDER/PART/CLASS/NN.png: random RGB images of two classes, one dark, one bright; return the folder.

    Args:
        folder: Is made.
        other: The part whose images are drawn from `seed`; those of all others are always the same.
        seed: See `other`.
        size: Pixels a side.
        rows: Images of each class, by part.
    """
    for number, (part, count) in enumerate(rows.items()):
        chance = np.random.default_rng((number, seed if part == other else 0))
        for label, (low, high) in {"bright": (100, 256), "dark": (0, 160)}.items():
            (folder / part / label).mkdir(parents=True)
            for row in range(count):
                pixels = chance.integers(low, high, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{row:02d}.png")
    return folder
