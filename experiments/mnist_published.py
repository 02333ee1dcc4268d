"""Of ten published configurations of a 784-128-10 MLP on MNIST, is the published winner the winner?"""

from experiments import replace
from experiments.mnist_random import experiment as mnist_random

PUBLISHED = [  # learning rate and batch size, as they were printed; (0.001792, 85) was chosen, by its test accuracy
    *((0.0071, 34), (0.0016, 98), (0.0061, 24), (0.0017, 94), (0.0045, 97)),
    *((0.0062, 40), (0.0075, 107), (0.0036, 94), (0.001792, 85), (0.0058, 38)),
]

experiment = replace(
    mnist_random,
    start_points=[{"lr": lr, "batch_size": batch_size} for lr, batch_size in PUBLISHED],
    num_trials=len(PUBLISHED),
)
