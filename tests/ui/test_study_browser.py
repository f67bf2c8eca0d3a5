"""Studies on the page, in a real browser: a recorded result, none, one that runs, and one that is started and stopped.

The project's own result is replaced by one made by hand, or by none.
"""

import json
import shutil
from contextlib import ExitStack
from dataclasses import replace

import pytest

from explorer.architecture.variant import parse_variant
from explorer.records import FinalRecord, StepRecord, write_record
from explorer.training import studies
from explorer.training.recipes import parse_recipe
from explorer.training.runs import home
from explorer.training.studies import DEGRADATION
from explorer.training.study_runs import StudyFacts, StudyRuns, find_study_runs, keep_facts
from studied import SHOWS, SHOWS_NOT

pytestmark = pytest.mark.browser
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
DRAWN = "() => document.querySelectorAll('.rx-study-charts .rx-chart[data-points]').length"
OPEN = ".rx-study-open"
CODE = """
import sys
from pathlib import Path
from explorer.training import studies
studies.assets = lambda: Path.cwd() / "assets"  # a server runs in its home
from explorer.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def own(serve):
    """A server for which the project's results lie in its home."""
    return serve("-c", CODE)


@pytest.fixture
def places(own, monkeypatch):
    """Where the project's result and the user's own lie for that server, and here; nothing at first."""
    monkeypatch.setenv("EXPLORER_HOME", str(own.home))
    monkeypatch.setattr(studies, "assets", lambda: own.home / "assets")
    found = studies.list_results("degradation")
    for path in found.values():
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
    shutil.rmtree(home(), ignore_errors=True)
    return found


def open_study(visit, url, **options):
    page = visit(url + "?tab=train", ready=OPEN, **options)
    page.get_by_role("button", name="The degradation problem").click()
    page.locator(".rx-study-here h4").wait_for()
    return page


def wait_for_charts(page, count=6):
    page.wait_for_function(f"{DRAWN[6:]} === {count}")


def test_the_recorded_result_opens_at_once_with_text_charts_table_and_what_it_cannot_say(own, places, visit):
    places["recorded"].write_text(write_record(replace(SHOWS, note="<b>From</b> JPEG files.")))
    page = open_study(visit, own.url)
    assert "study=degradation" in page.url
    panel = page.locator(".rx-study-panel")
    wait_for_charts(page)
    words = panel.inner_text()
    for sentence in (DEGRADATION.question, DEGRADATION.method, DEGRADATION.paper, "<b>From</b> JPEG files."):
        assert sentence in words
    verdicts = page.locator(".rx-study-findings li")
    assert [item.get_attribute("data-verdict") for item in verdicts.all()] == ["✓"] * 4
    assert (
        "as in the paper" in verdicts.first.inner_text()
        and "30.0, 34.0, 41.0 and 52.0 %" in verdicts.first.inner_text()
    )
    assert "1/46" in page.locator(".rx-study-caveats").inner_text()
    rows = page.locator(".rx-study-table tbody tr")
    assert rows.count() == 8 and rows.nth(6).inner_text().split()[:1] == ["plain-56"]
    assert "54.00 %" in rows.nth(6).inner_text() and "13.23 %" in rows.nth(6).inner_text()
    assert "not the same" in page.locator(".rx-study-reading").inner_text()

    page.get_by_text("Settings, and how to repeat it").click()
    command = page.locator(".rx-study-command code").inner_text()
    assert command == "explorer study degradation --data folder:PATH --recipe he2015,epochs=4,watch=gradients"
    assert "Some <Processor>" in page.locator(".rx-study-settings dl").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the record (JSON)").click()
    assert download.value.suggested_filename == "degradation.json"
    assert json.loads(download.value.path().read_text())["note"] == "<b>From</b> JPEG files."


def test_the_link_opens_it_and_back_closes_it_and_the_keyboard_does_too(own, places, visit):
    places["recorded"].write_text(write_record(SHOWS))
    url = own.url
    page = visit(url + "?study=degradation", ready=".rx-study-findings")
    button = page.get_by_role("button", name="The degradation problem")
    assert button.get_attribute("aria-expanded") == "true"
    wait_for_charts(page)
    button.focus()
    page.keyboard.press("Enter")
    page.locator(".rx-study-panel").wait_for(state="hidden")
    assert "study=" not in page.url and button.get_attribute("aria-expanded") == "false"
    page.go_back()
    page.locator(".rx-study-panel").wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    page.get_by_role("tab", name="Build").click()
    assert "tab=build" in page.url
    page.reload()
    page.locator(".rx-build svg").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen(own, places, visit, scheme):
    places["recorded"].write_text(write_record(SHOWS_NOT))
    page = open_study(visit, own.url, width=390, color_scheme=scheme)
    wait_for_charts(page)
    assert page.evaluate(WIDER) <= 0
    marks = [item.get_attribute("data-verdict") for item in page.locator(".rx-study-findings li").all()]
    assert marks == ["–", "✗", "✗", "✓"]
    table = page.locator(".rx-study-table")
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")  # it scrolls by itself, its first column stays
    table.evaluate("box => box.scrollTo(500, 0)")
    assert table.locator("tbody th").first.evaluate("cell => cell.getBoundingClientRect().left") >= 0


def test_without_a_result_it_says_so_and_offers_to_run_it(own, places, visit):
    page = open_study(visit, own.url)
    assert "No result is recorded yet" in page.locator(".rx-study-none").inner_text()
    assert "explorer study degradation --data cifar10" in page.locator(".rx-study-none").inner_text()
    assert page.locator(".rx-study-findings").count() == 0
    assert "50 minutes" in page.get_by_label("Size", exact=True).inner_text()
    page.locator(".rx-study-here").get_by_label("Data", exact=True).select_option("folder")
    page.get_by_role("button", name="Run the study").click()
    page.locator(".rx-study .rx-refusal").filter(has_text="No folder is given").wait_for()
    page.get_by_label("Folder", exact=True).fill("/no/such/folder")
    page.get_by_role("button", name="Run the study").click()
    page.locator(".rx-study .rx-refusal").filter(has_text="no folder that can be read").wait_for()
    assert find_study_runs("degradation") == []


def test_a_damaged_result_is_a_sentence(own, places, visit):
    places["recorded"].write_text('{"kind": "study"}')
    page = visit(own.url + "?study=degradation", ready=".rx-study-panel .rx-refusal")
    assert "can't be read" in page.locator(".rx-study-panel .rx-refusal").inner_text()
    places["recorded"].write_text(write_record(SHOWS))
    page.get_by_role("button", name="Try again").click()
    page.locator(".rx-study-findings").wait_for()


def test_a_shared_page_shows_the_projects_result_alone(serve, visit):
    shared = serve("-c", f"import explorer.ui.serve\nexplorer.ui.serve.LOOPBACK = ()\n{CODE}")
    for folder, record in (("assets/studies", SHOWS), ("studies", SHOWS_NOT)):
        (shared.home / folder).mkdir(parents=True)
        (shared.home / folder / "degradation.json").write_text(write_record(record))
    page = open_study(visit, shared.url)
    assert page.locator(".rx-study-choice").count() == 0
    assert page.get_by_role("button", name="Run the study").count() == 0
    assert "Not on a shared page" in page.locator(".rx-study-here").inner_text()


def test_ones_own_result_stands_beside_the_projects(own, places, visit):
    places["recorded"].write_text(write_record(SHOWS))
    places["own"].write_text(write_record(SHOWS_NOT))
    page = open_study(visit, own.url)
    assert "better than its plain twin at every depth" in page.locator(".rx-study-findings").inner_text()
    page.get_by_role("button", name="Made on this machine").click()
    page.locator(".rx-study-findings li").filter(has_text="worse than its plain twin").wait_for()
    assert page.get_by_role("button", name="Made on this machine").get_attribute("aria-pressed") == "true"
    wait_for_charts(page)


def begin_study(stack):
    """A study half way, its runs held as a worker holds them."""
    from explorer.training.runs import create_run

    facts = StudyFacts("degradation", "0123456789abcdef", False, "digits", "", (1618, 179, 0), 48)
    going = StudyRuns(facts, home())
    keep_facts(going)
    for variant, run in zip(DEGRADATION.variants, going.runs, strict=True):
        create_run(parse_variant(variant), "digits", (1, 32, 32), 10, parse_recipe(DEGRADATION.small), run.folder)
        run.greet_worker()
        stack.enter_context(run.lock())
        run.records_path.write_text(write_record(StepRecord(24, 2.0, 1.0, 0.5, 0.1, 100.0)) + "\n")
    return going


def test_a_study_that_runs_is_followed_to_its_end(own, places, visit):
    with ExitStack() as stack:
        going = begin_study(stack)
        page = open_study(visit, own.url)
        page.locator(".rx-study-here [role=status]").filter(has_text="Running: 50 %").wait_for()
        assert page.locator(".rx-study-here [role=progressbar]").get_attribute("aria-valuenow") == "50"
        link = page.get_by_role("link", name="Watch its curves live").get_attribute("href")
        assert "race=0123456789abcdef" in link and "study=" not in link and "tab=train" in link
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Stopping…").wait_for()
        assert all(run.is_asked_to_stop() for run in going.runs)
        for run in going.runs:
            with open(run.records_path, "a", encoding="utf-8") as file:
                file.write(write_record(FinalRecord(48, "finished", "Finished.")) + "\n")
        places["own"].write_text(write_record(SHOWS))
    page.locator(".rx-study-findings").wait_for()
    page.get_by_role("button", name="Run the study").wait_for()


def test_it_is_started_stopped_and_goes_on(own, places, visit):
    page = open_study(visit, own.url)
    page.locator(".rx-study-here").get_by_label("Data", exact=True).select_option("digits")
    page.get_by_role("button", name="Run the study").click()
    words = page.locator(".rx-study-here [role=status]")
    words.filter(has_text="Running: ").wait_for(timeout=120_000)
    going = find_study_runs("degradation")[0]
    assert len(list(home().iterdir())) == 8 and going.facts.data == "digits"
    page.get_by_role("button", name="Stop", exact=True).click()
    words.filter(has_text="Stopped: ").wait_for(timeout=180_000)
    assert going.state() == "stopped"
    page.get_by_role("button", name="Begin another").click()
    assert page.get_by_role("button", name="Run the study").is_visible()
    page.reload()
    words.filter(has_text="Stopped: ").wait_for()
    page.get_by_role("button", name="Go on").click()
    words.filter(has_text="Running: ").wait_for(timeout=120_000)
    assert find_study_runs("degradation")[0].facts == going.facts and len(find_study_runs("degradation")) == 1
