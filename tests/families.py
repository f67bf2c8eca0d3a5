"""One network of every family and form, for tests that look at each closely; counts are tested on all names."""

FAMILIES = (
    "resnet18", "resnet50", "resnet152", "resnet50d", "resnet50t", "resnetv2_50d", "resnext50_32x4d", "wide_resnet50_2",
    "seresnet50", "ecaresnet50d", "resnetaa50d", "resnetblur50", "resnet50_gn", "densenet121", "plain34",
    "resnet20", "resnet110", "resnet1202", "resnet164bn", "preresnet20", "preresnet1001", "wrn28_10", "resnext29_8x64d",
    "sepreresnet20", "densenet40_k12", "densenet100_k12_bc",
)  # fmt: skip
