"""A run's directory made by hand, as a worker would write it, with numbers that follow from step and place alone."""

import base64
import io
import json
from dataclasses import replace

from PIL import Image

from explorer.architecture.variant import parse_variant
from explorer.records import (
    AlarmRecord,
    Answers,
    EpochRecord,
    FilmRecord,
    FinalRecord,
    StepRecord,
    UnitsRecord,
    WatchRecord,
    WrongAnswer,
    write_record,
)
from explorer.training.recipes import parse_recipe
from explorer.training.runs import RecordWriter, Run, create_run

CLASSES = ("cat", "dog", "cat")  # two of one name, as folders of images may have
LAYERS = ("stem.conv1", *(f"layer{s}.0.branch.conv{c}" for s in (1, 2, 3) for c in (1, 2)), "head.fc")
BLOCKS = tuple(f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1))
ACTS = tuple(f"layer{stage}.0.branch.act1" for stage in (1, 2, 3))
UNITS = {
    "gradient_norm": LAYERS,
    "update_ratio": LAYERS,
    "gradient_shortcut": BLOCKS,
    "gradient_branch": BLOCKS,
    "branch_norm": BLOCKS,
    "input_norm": BLOCKS,
    "activation_mean": ACTS,
    "activation_std": ACTS,
    "dead": ACTS,
    "norm_scale": ACTS,
}


def draw_png(shade, size=(8, 8)):
    """A picture of one shade of grey as base64."""
    buffer = io.BytesIO()
    Image.new("L", size, shade).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def watch(step, plain=False):
    """What the instruments say at a step: smaller towards the input, where nothing shortens the way."""
    values = {}
    for place, (quantity, names) in enumerate(UNITS.items()):
        slope = 0.2 if plain else 0.9
        values[quantity] = tuple((place + 1) * slope ** (len(names) - at) / step for at in range(len(names)))
    values["dead"] = tuple(at / 10 for at in range(len(ACTS)))
    if plain:
        values["gradient_shortcut"] = (0.0,) * len(BLOCKS)
    return WatchRecord(step, step / 50, values)


def tell(steps, plain=False, every=5, per_epoch=50):
    """All records up to a step: one of training every few steps, a look every ten, an epoch every fifty."""
    yield UnitsRecord(UNITS)
    for step in range(1, steps + 1):
        if step % 10 == 0:
            yield watch(step, plain)
        if step % every == 0:
            loss = 2 / (1 + step / 50)
            accuracy = 1 - loss / 2.2
            yield StepRecord(step, step / per_epoch, loss, accuracy, 0.1 * step, 500.0 + step, 1 / step, 10**9)
        if step == 40:
            yield AlarmRecord(step, "dead", ACTS[0], "44 % of its units are dead. Try a lower learning rate.")
        if step % per_epoch == 0:
            yield EpochRecord(step, step // per_epoch, 2.2 / (1 + step / 50), 0.1 + step / 1000)


def answer(step, epoch=1):
    """Answers in which the second class is the worst."""
    wrong = WrongAnswer(7, "dog", "cat", 0.97, draw_png(90))
    return Answers(step, epoch, CLASSES, ((8, 1, 1), (4, 5, 1), (0, 1, 9)), (wrong, replace(wrong, index=8)))


def shoot(step):
    """A frame whose shade tells its step."""
    return FilmRecord(step, "layer1.0", (4, 8, 8), 2, draw_png(step, (16, 16)))


def rows(records):
    """Records as they are read."""
    return [json.loads(write_record(record)) for record in records]


def make_run(home, name, steps=100, variant="resnet8", recipe="epochs=4", final="finished", race="", old=()):
    """A run with everything that a worker writes. `old` lines of JSON go first; without `final` it ended in silence."""
    plain = "shortcut=none" in variant
    config = parse_recipe(recipe)
    run = create_run(
        parse_variant(variant), "digits", (1, 32, 32), 3, config, home / "runs" / name, race=race, recipe=recipe
    )
    run.greet_worker()
    with open(run.records_path, "w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in old)
    append(run, list(tell(steps, plain)) if steps else [])
    append(run, [shoot(step) for step in range(20, steps + 1, 20)], "film.jsonl")
    if steps >= 50:
        run.answers_path.write_text(write_record(answer(steps)), encoding="utf-8")
    if final:
        append(
            run,
            [
                FinalRecord(
                    steps, final, f"{final.capitalize()} after {steps} steps.", 0.875 if final == "finished" else None
                )
            ],
        )
    return run


def append(run: Run, records, name="records.jsonl"):
    """What a worker does."""
    writer = RecordWriter(run, name)
    for record in records:
        writer.write(record)
    writer.close()
