"""Augmentation of a batch equals torchvision's change of each image, with draws of its own for each image."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

from trainables import augmentation
from trainables._training.augmentation import cropped, flipped, rotated
from trainables._training.randaugment import RandAugmentBatch

SHAPES = [(7, 1, 8, 8), (7, 3, 12, 9), (7, 4, 9, 16)]
EVERYTHING = {"random_crop": 2, "horizontal_flip": 0.5, "rotation": 20.0, "randaugment_ops": 2}

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_change = pytest.mark.parametrize(
    "options", [{name: value} for name, value in EVERYTHING.items()] + [EVERYTHING], ids=str
)


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return random uint8 images (rows, channels, height, width)."""
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def augmented(batch: torch.Tensor, options: dict[str, Any], *, seed: int = 0) -> torch.Tensor:
    """Return an augmented batch; torch's global random state is as it was."""
    change = augmentation(**options)
    assert change is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return change.to(torch.device("cpu"))(batch)


@shapes
def test_crop_equals_torchvisions(shape: tuple[int, ...]) -> None:
    """Each image is the window of its padded self that torchvision cuts at the same offset."""
    batch, (height, width) = images(*shape), shape[-2:]
    offsets = torch.randint(0, 7, (shape[0], 2), generator=torch.Generator().manual_seed(1))
    got = cropped(batch, offsets, padding=3)
    for image, (top, left), result in zip(batch, offsets.tolist(), got, strict=True):
        assert torch.equal(result, functional.crop(functional.pad(image, [3]), top, left, height, width))


@shapes
def test_flip_equals_torchvisions(shape: tuple[int, ...]) -> None:
    """The chosen images are mirrored as torchvision mirrors them, the others are as they were."""
    batch, chosen = images(*shape), torch.arange(shape[0]) % 3 == 0
    for image, is_chosen, result in zip(batch, chosen, flipped(batch, chosen), strict=True):
        assert torch.equal(result, functional.horizontal_flip(image) if is_chosen else image)


@shapes
def test_rotation_equals_torchvisions(shape: tuple[int, ...]) -> None:
    """Each image is turned by its own angle as torchvision turns it, to one gray level."""
    batch, degrees = images(*shape), torch.tensor([-180.0, -31.0, -0.5, 0.0, 10.0, 45.0, 90.0])
    for image, angle, result in zip(batch, degrees.tolist(), rotated(batch, degrees), strict=True):
        expected = functional.rotate(image, angle, interpolation=InterpolationMode.BILINEAR)
        assert (result.int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_randaugment_equals_torchvisions(channels: int, magnitude: int) -> None:
    """One change of one image is bit for bit torchvision's RandAugment under the same random state."""
    batch = images(1, channels, 12, 10)
    ours, theirs = (kind(num_ops=1, magnitude=magnitude) for kind in (RandAugmentBatch, v2.RandAugment))
    with torch.random.fork_rng(devices=[]):
        for seed in range(60):  # 23 different changes
            results = []
            for change in (ours, theirs):
                torch.manual_seed(seed)
                results.append(change(batch))
            assert torch.equal(*results)


def test_randaugment_draws_for_each_image() -> None:
    """An image of a batch is changed as it is alone: equal images have as many results as there are changes."""
    image = images(1, 3, 12, 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        many = RandAugmentBatch(num_ops=1, magnitude=20)(image.expand(400, -1, -1, -1))
        single = set()
        for seed in range(400):
            torch.manual_seed(seed)
            single.add(v2.RandAugment(num_ops=1, magnitude=20)(image).numpy().tobytes())
    batched = {result.numpy().tobytes() for result in many}
    assert batched == single
    assert len(batched) >= 20


def test_shares_of_what_is_drawn() -> None:
    """Offsets of windows are uniform over all places, and as many images are mirrored as asked for."""
    # one bright pixel tells where the window was cut, and a dark left half whether it was mirrored
    batch = torch.zeros(9000, 1, 5, 5, dtype=torch.uint8)
    batch[:, :, 2, 2] = 255
    places = augmented(batch, {"random_crop": 1})[:, 0].flatten(1).argmax(1)
    counts = torch.bincount(places, minlength=25).reshape(5, 5)
    assert counts.sum() == counts[1:4, 1:4].sum() == 9000
    assert (counts[1:4, 1:4] - 1000).abs().max() < 5 * (9000 * 1 / 9 * 8 / 9) ** 0.5
    batch[:, :, 2, 4] = 100
    mirrored = (augmented(batch, {"horizontal_flip": 0.3})[:, 0, 2, 0] == 100).double().mean()
    assert abs(float(mirrored) - 0.3) < 5 * (0.3 * 0.7 / 9000) ** 0.5


def test_angles_lie_in_both_directions() -> None:
    """Angles are spread evenly between minus and plus the largest one."""
    batch = torch.zeros(2000, 1, 41, 41, dtype=torch.uint8)
    batch[:, :, 20, 40] = 255
    batch[:, :, 20, 39] = 255
    brightness = augmented(batch, {"rotation": 60.0})[:, 0].double()
    rows = (brightness.sum(2) * torch.arange(41)).sum(1) / brightness.sum((1, 2))
    angles = torch.rad2deg(torch.asin((20 - rows) / 19.5))
    assert angles.abs().max() < 63
    assert abs(float(angles.mean())) < 5 * 60 / 3**0.5 / 2000**0.5
    assert abs(float(angles.std()) - 60 / 3**0.5) < 2


@each_change
def test_seed_decides(options: dict[str, Any]) -> None:
    """The same random state gives the same images, another one gives others, and the input stays as it was."""
    batch = images(16, 3, 12, 12)
    before = batch.clone()
    first, again, other = (augmented(batch, options, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(batch, before)
    assert first.shape == batch.shape
    assert first.dtype == batch.dtype
    assert not torch.equal(first, batch)


@each_change
def test_batches_of_one(options: dict[str, Any]) -> None:
    """A batch of one image, one pixel high, goes through."""
    assert augmented(images(1, 1, 1, 5), options).shape == (1, 1, 1, 5)


def test_off_is_none() -> None:
    """Without any change there is none, whatever the magnitude of changes that are not made."""
    assert augmentation() is None
    assert augmentation(randaugment_magnitude=3) is None


@pytest.mark.parametrize(("options", "is_loaded"), [({"rotation": 9.0}, False), ({"randaugment_ops": 1}, True)])
def test_torchvision_is_loaded_where_it_is_needed(options: dict[str, Any], is_loaded: bool) -> None:
    """Only RandAugment pays for importing torchvision."""
    program = (
        "import sys, torch; from trainables import augmentation; "
        f"augmentation(**{options})(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)); "
        f"assert ('torchvision' in sys.modules) is {is_loaded}"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
