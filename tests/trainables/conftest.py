"""What the tests of the trainables share: one thread."""

import torch

torch.set_num_threads(1)
