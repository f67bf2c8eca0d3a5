"""Measurements made by hand, in round numbers."""

from explorer.records import Environment, MeasuredMemory, MeasuredPass, Measurement, PartTime, Spread

ENVIRONMENT = Environment(
    "cpu", "Some <Processor>", "2.9.0", "3.12.1", "Linux x86_64", 4, "float32", 0.5, "2026-01-02T03:04:05+00:00"
)


def around(median, count=5):
    return Spread(median, median * 0.9, median * 1.2, count)


FORWARD = MeasuredPass(
    mode="forward",
    macs=1000,
    total=around(0.020),
    instrumented=around(0.022),
    parts=(PartTime("stem", 100, around(0.010), 0.010), PartTime("layer1.0", 900, around(0.010), 0.010)),
    outside={},
    memory=MeasuredMemory(2_000_000, 2_000_000, None, None, "tensors"),
)
TRAIN = MeasuredPass(
    mode="train",
    macs=2900,
    total=around(0.080),
    instrumented=around(0.076),
    parts=(PartTime("stem", 200, around(0.016), 0.010, 0.006), PartTime("layer1.0", 2700, around(0.056), 0.020, 0.036)),
    outside={"loss": around(0.002), "optimizer": around(0.006)},
    memory=MeasuredMemory(5_500_000, 5_000_000, 3_000_000, 3_000_000, "tensors"),
)
BOTH = Measurement("resnet8,classes=2", 4, 10.0, 3.5, ENVIRONMENT, (FORWARD, TRAIN))
ONE = Measurement("resnet8,classes=2", 4, 10.0, 3.5, ENVIRONMENT, (TRAIN,))
