"""A run saved as a page: opened from the disk, without a server."""

import math

from explorer.architecture.variant import parse_variant
from explorer.exports import export_run
from explorer.records import EpochRecord, FinalRecord, StepRecord
from explorer.training.config import TrainConfig
from explorer.training.notes import Notes, write_notes
from explorer.training.runs import RecordWriter, Run, create_run

HOSTILE = '</script><img src=x onerror="document.title = 1">'


def make_page(folder):
    """Loss falls from 2 to 1 over ten steps, one of them not finite; its note is hostile."""
    config = TrainConfig(seed=3, lr=0.2)
    run = Run(create_run(parse_variant("resnet8,width=4"), "digits", (1, 32, 32), 10, config, folder / "run").folder)
    (run.folder / "starting").unlink()
    writer = RecordWriter(run)
    for step in range(1, 11):
        loss = math.nan if step == 5 else 2 - step / 10
        writer.write(StepRecord(step, step / 10, loss, step / 20, 0.1, 700.0, 3.0, 10**8))
    writer.write(EpochRecord(10, 1, 1.5, 0.5))
    writer.write(FinalRecord(10, "finished", "Finished after 10 of 10 steps.", 0.45))
    writer.close()
    write_notes(run.folder, Notes(HOSTILE, ("first try",)))
    name, content = export_run(run, "html")
    (folder / name).write_bytes(content)
    return (folder / name).as_uri()


LOSS = """() => {
  const [training, held] = document.querySelector("[data-chart=loss]").data;
  return [[...training.x], [...training.y], [...held.x], [...held.y]];
}"""


def test_a_saved_run_shows_charts_settings_and_notes(visit, tmp_path):
    page = visit(make_page(tmp_path), ready="[data-chart=loss] .main-svg")
    assert page.title() == "resnet8,width=4 on digits"
    assert page.locator(".last").inner_text() == "Finished after 10 of 10 steps."
    assert page.locator(".note").inner_text() == HOSTILE
    x, y, held_x, held_y = page.evaluate(LOSS)
    assert x == list(range(1, 11)) and y == [None if step == 5 else 2 - step / 10 for step in x]
    assert (held_x, held_y) == ([10], [1.5])
    texts = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert texts.items() >= {"State": "finished", "Test accuracy": "45.00%", "Tags": "first try", "Step": "10"}.items()
    row = page.locator("tr", has=page.get_by_role("rowheader", name="Seed", exact=True))
    assert row.locator("td").inner_text() == "3 usually 0"
    assert page.locator("[data-chart=gradients]").count() == 0  # nothing was recorded of it


def test_it_fits_a_narrow_screen_and_follows_the_dark(visit, tmp_path):
    page = visit(make_page(tmp_path), width=390, ready="[data-chart=loss] .main-svg", color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    colour = "() => document.querySelector('[data-chart=loss]').layout.font.color"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => ({colour})() !== light", arg=light)
