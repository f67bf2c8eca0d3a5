"""What a variant is and costs: summary, graph, diff, search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.cli.words import AsJson, Format, Variant, app, choose, expand, save
from explorer.errors import VariantError


@app.command()
def summary(
    variant: Variant,
    input: Annotated[str | None, typer.Option(help="such as 3x224x224")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="comma-separated values")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="a Markdown table")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="a LaTeX table, for the package booktabs")] = False,
    as_paper: Annotated[
        bool, typer.Option("--paper", help="the architecture table of He et al. 2015; also --markdown or --latex")
    ] = False,
    memory: Annotated[bool, typer.Option("--memory", help="FLOPs by kind, memory by batch, receptive field")] = False,
) -> None:
    """Print what a variant costs, operation by operation."""
    from explorer.figures import paper, profile, table

    formats: dict[str, tuple[bool, Any]] = {
        "--json": (as_json, table.format_json),
        "--csv": (as_csv, table.format_csv),
        "--markdown": (as_markdown, table.format_markdown),
        "--latex": (as_latex, table.format_latex),
        "--memory": (memory, profile.format_profile),
    }
    chosen = [name for name, (asked, _) in formats.items() if asked]
    if len(chosen) > 1:
        raise VariantError("More than one of --json, --csv, --markdown, --latex and --memory was given: choose one.")
    write = formats[chosen[0]][1] if chosen else table.format_text
    if as_paper:
        papers = {"": paper.format_text, "--markdown": paper.format_markdown, "--latex": paper.format_latex}
        name = chosen[0] if chosen else ""
        if name not in papers:
            raise VariantError(f"--paper is no table for {name}: leave {name} out, or take --markdown or --latex.")
        write = _for_one(papers[name])
    print(write(expand(variant, input)).rstrip("\n"))


def _for_one(write: Any) -> Any:
    return lambda plan: write([plan])


@app.command()
def graph(
    variant: Variant,
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.svg, .html, .png, .pdf or .dot")],
    level: Annotated[str, typer.Option(help="stage, block or op")] = "block",
) -> None:
    """Draw a variant's graph into a file."""
    from explorer.figures.export import export_graph
    from explorer.figures.scene import Level

    if level not in list(Level):
        raise VariantError(f"level={level[:40]} is not a level: level is stage, block or op.")
    save(output, export_graph(expand(variant), Level(level), output.suffix.removeprefix(".").lower()))


@app.command()
def diff(
    variants: Annotated[list[str], typer.Argument(help="two or more; each is compared with the first")],
    level: Annotated[str, typer.Option(help="stage, block or op")] = "op",
    format: Format = "text",
    input: Annotated[str | None, typer.Option(help="such as 3x224x224, for all of them")] = None,
) -> None:
    """Compare variants: operations added, removed and changed, and the difference in what they cost."""
    from explorer.architecture.diff import compare_plans
    from explorer.figures import diff as figure
    from explorer.figures.scene import Level

    if len(variants) < 2:
        raise VariantError("One variant is nothing to compare: name two or more, such as resnet50 resnet50d.")
    formats = {"text": figure.format_text, "markdown": figure.format_markdown, "json": figure.format_json}
    write, chosen = choose("format", format, formats), choose("level", level, {str(each): each for each in Level})
    first, *others = (expand(variant, input) for variant in variants)
    print(write([compare_plans(first, other) for other in others], chosen))


@app.command()
def search(
    max_params: Annotated[str | None, typer.Option(help="such as 5M")] = None,
    max_macs: Annotated[str | None, typer.Option(help="such as 600M or 4.1G")] = None,
    min_params: Annotated[str | None, typer.Option(help="such as 1M")] = None,
    min_macs: Annotated[str | None, typer.Option(help="such as 100M")] = None,
    depth: Annotated[str | None, typer.Option(help="weighted layers, such as 50 or 20-60")] = None,
    family: Annotated[str, typer.Option(help="imagenet, cifar or all")] = "imagenet",
    input: Annotated[str | None, typer.Option(help="such as 3x224x224; by default the family's")] = None,
    classes: Annotated[int | None, typer.Option(help="by default the family's")] = None,
    count: Annotated[int, typer.Option(help="how many variants to count")] = 20_000,
    seed: Annotated[int, typer.Option(help="of the draw; the same one finds the same variants")] = 0,
    objectives: Annotated[
        str, typer.Option(help="less params, macs and activations, more depth and width are better")
    ] = "params,macs,depth,width",
    every: Annotated[bool, typer.Option("--all", help="all that fit, not the Pareto set alone")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="rows to show; by default 30 as text, otherwise all")] = None,
    format: Annotated[str, typer.Option(help="text, json or csv")] = "text",
) -> None:
    """Find variants that fit a budget, and those among them that no other beats."""
    from explorer.architecture.search import Budget, create_space, parse_amount, parse_objectives, search_space
    from explorer.figures import search as figure

    formats = {"text": figure.format_text, "json": figure.format_json, "csv": figure.format_csv}
    write = choose("format", format, formats)
    amounts = {"max_params": max_params, "max_macs": max_macs, "min_params": min_params, "min_macs": min_macs}
    budget = Budget(**{name: parse_amount(name, text) for name, text in amounts.items() if text is not None})
    space = create_space(family, input, classes, depth)
    found = search_space(space, budget, count, seed, parse_objectives(objectives))
    print(write(found, every, 30 if limit is None and format == "text" else limit).rstrip("\n"))
