"""Which convolutional network suits Fashion-MNIST? Four trials share a GPU; TPE proposes, ASHA prunes."""

from experiments import ASHA, Experiment, HyperOpt
from search_spaces import cnn
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={"dataset": "fashion_mnist", "model": "cnn", "mixed_precision": True, **cnn.wide()},
    metric="val_accuracy",
    mode="max",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=64,
    epochs=27,
    cpus_per_trial=1,
    gpus_per_trial=0.25,
)
