"""Which recipe suits a ResNet-18 on CIFAR-10? Four trials share a GPU; TPE proposes, ASHA prunes."""

from experiments import ASHA, Experiment, HyperOpt
from search_spaces import augmentation, resnet
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "cifar10",
        "model": "resnet18",
        "mixed_precision": True,
        **resnet.narrow(),
        **augmentation.narrow(),
    },
    metric="val_accuracy",
    mode="max",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=2, reduction_factor=3),
    num_trials=32,
    epochs=30,
    cpus_per_trial=1,
    gpus_per_trial=0.25,
)
