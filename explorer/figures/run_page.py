"""A run as one HTML file that needs no server: charts, settings, notes and the last word, with plotly.js in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from typing import Any

from explorer.figures.format import format_count
from explorer.figures.training import plot_run
from explorer.resources import find_plotly, read_asset, read_script

SCRIPTS = ("files", "charts", "run_page")  # each uses those before it
Setting = tuple[str, str, str, str]  # group, label, value, and the default where it is another one


def write_run_page(run: dict[str, Any], settings: Sequence[Setting], records: Iterable[dict[str, Any]]) -> str:
    """One HTML file about a run; `run` has its facts under the names of `training.summary`. Raises `OSError`."""
    title = f"{run['variant']} on {run['data']}"
    figures = _choose_charts(plot_run(records), run["settings"]["schedule"] == "range")
    data = json.dumps({"name": run["id"], "figures": figures}, ensure_ascii=False).replace("</", "<\\/")
    style = read_asset("css/standalone_run.css")
    plotly = find_plotly().read_text(encoding="utf-8").replace("</script", "<\\/script")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body><header><h1>{escape(run['variant'])}</h1>{_describe(run)}</header>"
        f"<main>{''.join(map(_frame, figures.items()))}</main>{_write_settings(settings)}"
        f"<script>{plotly}</script>"
        f'<script type="application/json" id="run">{data}</script>'
        f'<script type="module">\n{"".join(map(read_script, SCRIPTS))}</script></body></html>\n'
    )


def _choose_charts(figures: dict[str, Any], range_test: bool) -> dict[str, Any]:
    """Those with points; the loss against the learning rate says something of a range test alone."""
    filled = {id: each for id, each in figures.items() if any(len(trace.get("x", ())) for trace in each["data"])}
    return {id: figure for id, figure in filled.items() if range_test or id != "range"}


def _frame(item: tuple[str, dict[str, Any]]) -> str:
    id, figure = item
    title, words = figure["layout"]["title"]["text"], figure["layout"].get("meta", {}).get("words", "")
    caption = f"<figcaption>{escape(words)}</figcaption>" if words else ""
    return f'<figure><div data-chart="{escape(id)}" role="img" aria-label="{escape(title)}"></div>{caption}</figure>'


def _describe(run: dict[str, Any]) -> str:
    created = datetime.fromtimestamp(run["created"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = [
        ("Data", run["data"]),
        ("State", run["state"]),
        ("Begun", created),
        ("Step", format_count(run["step"])),
        ("Held-out accuracy", _share(run["accuracy"])),
        ("Test accuracy", _share(run["test_accuracy"])),
        ("Recipe", run["recipe"]),
        ("Trained as", run["trained"] if run["trained"] != run["variant"] else ""),
        ("Tags", ", ".join(run["tags"])),
        ("Run", run["id"]),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts if value != "")
    message = f'<p class="last">{escape(run["message"])}</p>' if run["message"] else ""
    note = f'<p class="note">{escape(run["note"])}</p>' if run["note"] else ""
    return f"{message}<dl>{rows}</dl>{note}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _write_settings(settings: Sequence[Setting]) -> str:
    """All settings by group; what is not the default is set in bold, the default beside it."""
    tables = []
    for group, rows in groupby(settings, key=lambda row: row[0]):
        lines = "".join(map(_write_setting, rows))
        tables.append(f"<table><caption>{escape(group)}</caption><tbody>{lines}</tbody></table>")
    return f'<section><h2>Settings</h2><div class="settings">{"".join(tables)}</div></section>'


def _write_setting(row: Setting) -> str:
    _, label, value, usual = (escape(cell) for cell in row)
    shown = f"<b>{value or '–'}</b> <small>usually {usual}</small>" if usual else value or "–"
    return f'<tr><th scope="row">{label}</th><td>{shown}</td></tr>'
