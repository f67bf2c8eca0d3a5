"""What the page's server answers about studies."""

import pytest

from explorer.records import write_record
from explorer.training import studies
from explorer.training.study_runs import find_study_runs
from explorer.ui import study_part
from explorer.ui.study_part import describe_going
from studied import SHOWS, SHOWS_NOT
from witness import is_one_clear_sentence

STUDY = {"name": "degradation"}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(studies, "assets", lambda: tmp_path / "assets")
    found = studies.list_results("degradation")
    for path in found.values():
        path.parent.mkdir(parents=True)
    return found


def list_functions(shared):
    makers = ("_create_reader", "_create_follower", "_create_starter", "_create_stopper")
    return [getattr(study_part, name)(shared) for name in makers]


def test_a_result_is_told_whole(places):
    read = list_functions(False)[0]
    assert read(STUDY)["result"] is None and read(STUDY)["shown"] == "" and read(STUDY)["going"] is None
    places["own"].write_text(write_record(SHOWS_NOT))
    assert read(STUDY)["shown"] == "own"
    places["recorded"].write_text(write_record(SHOWS))
    told = read({**STUDY, "which": ["own"]} | {"which": "nothing"})
    assert told["shown"] == "recorded" and told["results"] == dict.fromkeys(("recorded", "own"), "2026-01-02")
    result = told["result"]
    assert len(result["rows"]) == 8 and len(result["columns"]) == len(result["rows"][0]) == 7
    assert result["file"] == write_record(SHOWS) and len(result["figures"]) == 6
    assert read({**STUDY, "which": "own"})["result"]["findings"][0]["verdict"] == "not shown by this run"


def test_a_shared_page_starts_nothing_and_tells_nothing_of_this_machine(places):
    read, follow, start, stop = list_functions(True)
    places["own"].write_text(write_record(SHOWS_NOT))
    assert read(STUDY)["results"] == {} and read(STUDY)["going"] is None and follow(STUDY) == {"going": None}
    for refused in (start({**STUDY, "data": "digits"}), stop(STUDY)):
        assert "shared page" in refused["error"] and is_one_clear_sentence(refused["error"])
    assert find_study_runs("degradation") == []


@pytest.mark.parametrize(
    ("question", "part"),
    [({"name": "x", "data": "digits"}, "no study"), ({}, "no study"), (STUDY, "no data for a study"),
     ({**STUDY, "data": ["digits"]}, "no data for a study"), ({**STUDY, "data": "folder"}, "No folder is given"),
     ({**STUDY, "data": "folder", "folder": "/no/such\x00place"}, "no folder that can be read"),
     ({**STUDY, "data": "folder", "folder": {"a": 1}}, "no folder that can be read"), ([], "object")],
)  # fmt: skip
def test_odd_questions_are_refused_in_a_sentence(question, part):
    refused = list_functions(False)[2](question)["error"]
    assert part in refused and is_one_clear_sentence(refused)
    assert find_study_runs("degradation") == [] and describe_going(studies.DEGRADATION) is None
