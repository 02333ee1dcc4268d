"""Learning rate, depth and batch size of an MLP on digits: what does a Gaussian process find?"""

from experiments import BayesOpt, replace
from experiments.digits_random import experiment as digits_random

experiment = replace(digits_random, search=BayesOpt())
