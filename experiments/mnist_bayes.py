"""Learning rate and batch size of an MLP on MNIST: a Gaussian process proposes, HyperBand prunes."""

from experiments import BayesOpt, HyperBand, replace
from experiments.mnist_random import experiment as mnist_random

experiment = replace(mnist_random, search=BayesOpt(), scheduler=HyperBand(), num_trials=17, epochs=9)
