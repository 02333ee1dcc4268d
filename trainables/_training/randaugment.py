"""RandAugment of a batch on any device: torchvision's own changes, drawn anew for each image."""

from __future__ import annotations

import torch
from torchvision.transforms import v2


class RandAugmentBatch(v2.RandAugment):  # type: ignore[misc] # torchvision is shipped without types
    """torchvision's RandAugment, which draws the same changes for all it is given, with draws for each image.

    There are 14 changes, 9 of them in two directions. Images of the same draw are changed together: at most 22 calls
    for a batch of any size, so that it pays on a GPU too.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return uint8 images (rows, 1 or 3 channels, height, width), each changed `num_ops` times."""
        for _ in range(self.num_ops):
            images = self._each_changed_once(images)
        return images

    def _each_changed_once(self, images: torch.Tensor) -> torch.Tensor:
        names = list(self._AUGMENTATION_SPACE)
        drawn = torch.randint(len(names), (len(images),))
        is_negative = torch.rand(len(images)) <= 0.5
        result = images.clone()
        for place, name in enumerate(names):
            magnitudes, has_directions = self._AUGMENTATION_SPACE[name]
            strengths = magnitudes(self.num_magnitude_bins, *images.shape[-2:])
            strength = 0.0 if strengths is None else float(strengths[self.magnitude])
            for sign in (1, -1) if has_directions else (1,):
                chosen = (drawn == place) & (is_negative == (sign < 0)) if has_directions else drawn == place
                if name == "Identity" or not chosen.any():
                    continue
                rows = chosen.nonzero().squeeze(1).to(images.device)
                result[rows] = self._apply_image_or_video_transform(
                    images[rows], name, sign * strength, interpolation=self.interpolation, fill=self._fill
                )
        return result
