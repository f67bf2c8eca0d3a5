"""Results of studies made by hand, in round numbers: one that shows what the paper shows, and one that does not."""

from explorer.records import BlockGradients, StudyNetwork, StudyRecord
from measured import ENVIRONMENT

DEPTHS = (20, 32, 44, 56)
BLOCKS = ("stem", "layer1.0", "layer2.0", "layer3.0", "head")


def fall(start, end, steps, points=10):
    """A curve that falls in a straight line."""
    at = [steps * index // points for index in range(1, points + 1)]
    return tuple((step, 4 * step / steps, round(start + (end - start) * step / steps, 2)) for step in at)


def make_network(variant, training, held_out, steps=1404, **changes):
    values = {
        "variant": variant,
        "params": 270_000,
        "steps": steps,
        "seconds": 300.0,
        "training": fall(90, training, steps),
        "held_out": fall(85, held_out, steps, 4),
        "training_error": training,
        "held_out_error": held_out,
        "gradients": BlockGradients(BLOCKS, (70, steps), (4.0, 2.0, 1.0, 0.5, 2.0), (2.0, 1.0, 1.0, 0.4, 1.0)),
    }
    return StudyNetwork(**values | changes)


def make_record(plain, residual, steps=1404, **changes):
    """From (training, held-out) errors of the plain and of the residual networks, by depth."""
    pairs = zip(DEPTHS, plain, residual, strict=True)
    networks = [
        make_network(f"resnet{depth}{kind}", *errors, steps=steps)
        for depth, *both in pairs
        for kind, errors in zip((",shortcut=none", ""), both, strict=True)
    ]
    values = {
        "study": "degradation",
        "full": False,
        "recipe": "he2015,epochs=4,watch=gradients",
        "data": "folder:train",
        "note": "",
        "images": (45_000, 5_000, 0),
        "seed": 0,
        "steps": steps,
        "environment": ENVIRONMENT,
        "networks": tuple(networks),
    }
    return StudyRecord(**values | changes)


SHOWS = make_record(
    [(30.0, 31.0), (34.0, 35.0), (41.0, 43.0), (52.0, 54.0)],
    [(25.0, 28.0), (23.0, 26.0), (22.0, 25.0), (21.0, 24.0)],
)
SHOWS_NOT = make_record(
    [(40.0, 41.0), (39.0, 40.5), (40.5, 41.5), (40.2, 41.2)],
    [(40.0, 40.5), (41.0, 41.0), (43.0, 44.5), (46.0, 47.0)],
)
OPPOSITE = make_record(
    [(50.0, 51.0), (46.0, 47.0), (41.0, 43.0), (38.0, 39.0)],
    [(25.0, 28.0), (25.2, 28.2), (24.9, 27.9), (25.1, 28.1)],
)
