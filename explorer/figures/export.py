"""The graph as a file: SVG, DOT, what Graphviz makes of it (PNG, PDF), or a page that stands alone."""

from __future__ import annotations

import json
from html import escape

from explorer.architecture.plan import Plan
from explorer.architecture.variant import format_variant
from explorer.errors import VariantError
from explorer.figures.dot import render_dot, write_dot
from explorer.figures.graph import STYLE, describe_graph, draw_view
from explorer.figures.outline import View, format_view, list_units, outline_plan
from explorer.figures.scene import Level
from explorer.figures.table import describe_totals
from explorer.resources import read_asset, read_script

FORMATS = ("svg", "png", "pdf", "dot", "html")
SCRIPTS = ("stack", "graph", "standalone")  # each uses those before it
MAX_MEMBERS = 300  # dense blocks that a page takes along one by one


def export_graph(plan: Plan, view: Level | View, file_format: str) -> bytes:
    """Write the graph as the content of a file of one of `FORMATS`.

    Raises `VariantError` for another format, and for too many boxes where Graphviz lays them out.
    """
    view = view if isinstance(view, View) else View(view)
    if file_format == "svg":
        svg = draw_view(plan, view).replace("<g>", f"<style>{STYLE}</style><g>", 1)
        return ('<?xml version="1.0" encoding="UTF-8"?>\n' + svg + "\n").encode()
    if file_format == "html":
        return write_page(plan, view).encode()
    if file_format not in FORMATS:
        raise VariantError(f"“{file_format[:20]}” is no format for a graph: use {', '.join(FORMATS)}.")
    dot = write_dot(list(list_units(outline_plan(plan), view)))
    return dot.encode() if file_format == "dot" else render_dot(dot, file_format)


def write_page(plan: Plan, view: View) -> str:
    """One HTML file with graph, data and script in it, which asks nobody for anything."""
    whole = sum(len(stage.blocks) for stage in plan.stages) <= MAX_MEMBERS
    graph = describe_graph(plan, View(fold=False) if whole else view)
    data = json.dumps({"graph": graph, "view": format_view(view)}, ensure_ascii=False).replace("</", "<\\/")
    style = STYLE + read_asset("css/standalone.css")
    name, totals = escape(format_variant(plan.architecture)), escape(describe_totals(plan))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body><header><h1>{name}</h1><p>{totals}</p></header><main></main>"
        f'<script type="application/json" id="network">{data}</script>'
        f'<script type="module">\n{"".join(map(read_script, SCRIPTS))}</script></body></html>\n'
    )
