"""The charts of runs, by group: what can be switched on, and what each group draws.

The page gets the empty charts once and fills them from records as they arrive (assets/js/run_fill.js).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from explorer.figures.run_charts import create_answers, create_lines, create_watched
from explorer.figures.run_fill import Choice, fill_figure
from explorer.figures.run_race import AXES, MOST_RUNS, STYLES, create_race
from explorer.figures.run_rows import RunRows

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Charts behind one switch. Of `choices` (chart, word) one is shown; `instrument` is what the run must watch."""

    id: str
    title: str
    charts: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    instrument: str = ""
    on: bool = False


GROUPS = (
    Group("loss", "Loss & accuracy", ("loss", "accuracy"), on=True),
    Group("gradients", "Gradients", ("gradients", "gradient_lines", "gradient_depth"), instrument="gradients"),
    Group(
        "flow", "Shortcut against branch", ("flow_depth",),
        (("flow_ratio", "ratio"), ("flow_shortcut", "shortcut"), ("flow_branch", "branch")), "flow",
    ),
    Group(
        "residual", "F(x) against x", ("residual_depth",),
        (("residual_ratio", "ratio"), ("residual_branch", "F(x)"), ("residual_input", "x")), "residual",
    ),
    Group("updates", "Updates", ("updates", "update_lines", "updates_depth"), instrument="updates"),
    Group(
        "activations", "Activations", ("activations_depth", "dead_depth"),
        (("activations_std", "spread"), ("activations_mean", "mean"), ("activations_dead", "dead")), "activations",
    ),
    Group("norms", "Norm scales", ("norms_depth", "norms"), instrument="norms"),
    Group("rate", "Learning rate", ("learning_rate",)),
    Group("speed", "Throughput & memory", ("throughput", "memory")),
    Group("answers", "Confusion & classes", ("confusion", "classes"), instrument="answers"),
    Group("wrong", "Confidently wrong", instrument="answers"),
    Group("film", "Film", instrument="film"),
)  # fmt: skip
# of a race; charts of `choices` are drawn for each run, beside each other
RACE_GROUPS = (
    Group("error", "Error", ("training_error", "held_error"), on=True),
    Group("losses", "Loss", ("training_loss", "held_loss")),
    Group("gradients", "Gradients", choices=(("gradient_depth", ""),), instrument="gradients", on=True),
    Group("flow", "Shortcut against branch", choices=(("flow_depth", ""),), instrument="flow"),
    Group("residual", "F(x) against x", choices=(("residual_depth", ""),), instrument="residual"),
    Group("rate", "Learning rate", ("rates",)),
    Group("speed", "Throughput", ("speeds",)),
)


def create_run_charts() -> dict[str, Figure]:
    """All charts of one run, empty, with their axes and a sentence."""
    return create_lines() | create_watched() | create_answers()


def describe_charts() -> dict[str, Any]:
    """What the page needs to draw runs: empty charts, groups, axes and styles."""
    return {
        "figures": create_run_charts(),
        "groups": [asdict(group) for group in GROUPS],
        "race": create_race(),
        "race_groups": [asdict(group) for group in RACE_GROUPS],
        "axes": AXES,
        "styles": STYLES,
        "most": MOST_RUNS,
    }


def plot_run(records: Iterable[dict[str, Any]] = (), choice: Choice | None = None) -> dict[str, Figure]:
    """Draw a run's charts by id; without records they are empty, with their axes and a sentence.

    An answers record among `records` is the newest; film is no chart.
    """
    rows = RunRows(records)
    return {id: fill_figure(figure, rows, choice) for id, figure in create_run_charts().items()}
