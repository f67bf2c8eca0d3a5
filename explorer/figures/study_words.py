"""What a study's numbers say beside the paper's, computed from them: findings, what weakens them, and a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from explorer.architecture.config import Shortcut
from explorer.architecture.variant import parse_variant
from explorer.figures.format import align_rows, format_si
from explorer.figures.study_paper import STEPS, find_end
from explorer.records import BlockGradients, StudyNetwork, StudyRecord

SEEN, UNCLEAR, AGAINST = "as in the paper", "not shown by this run", "not as in the paper"
VANISHED, EXPLODED = 1e-3, 30  # gradient norm of the first block, in those of the last
Errors = dict[int, float]  # by depth, in percent
COLUMNS = (
    "network", "parameters", "training error", "held-out error", "test error", "paper: training", "paper: test", "time",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the numbers say; `verdict` is `SEEN`, `UNCLEAR` or `AGAINST`."""

    verdict: str
    text: str


def find_depth(network: StudyNetwork) -> tuple[str, int]:
    """plain or residual, and how many weighted layers: two a block, stem and head."""
    architecture = parse_variant(network.variant)
    kind = "plain" if architecture.shortcut is Shortcut.NONE else "residual"
    return kind, 2 * sum(architecture.depths) + 2


def name_of(network: StudyNetwork) -> str:
    """``plain-56``, ``ResNet-56``."""
    kind, depth = find_depth(network)
    return f"{'plain' if kind == 'plain' else 'ResNet'}-{depth}"


def list_errors(record: StudyRecord, kind: str, read: Callable[[StudyNetwork], float | None]) -> Errors:
    """Errors by depth of the plain or the residual networks that came to their end."""
    found = {find_depth(each): read(each) for each in record.networks if not each.problem}
    return {depth: error for (which, depth), error in sorted(found.items()) if which == kind and error is not None}


def is_tested(record: StudyRecord) -> bool:
    """Whether all networks that came to their end were tested, on images of their own; else held-out ones must do."""
    ended = [each for each in record.networks if not each.problem]
    return record.images[2] > 0 and bool(ended) and all(each.test_error is not None for each in ended)


def list_last(record: StudyRecord, kind: str) -> Errors:
    """Test errors by depth where there are any, else held-out errors, of the plain or the residual networks."""
    tested = is_tested(record)
    return list_errors(record, kind, lambda each: each.test_error if tested else each.held_out_error)


def find_margin(record: StudyRecord, *errors: float) -> float:
    """Half of the 95 % interval, in points, of an error of `list_last`, or of a difference of two.

    The normal approximation of the binomial distribution: 1.96 √(Σ p (1 - p) / n). Networks tested on the same images
    differ by chance rather less; those trained from other seeds are not in it.
    """
    shares = (error / 100 for error in errors)
    return 196 * sqrt(sum(p * (1 - p) for p in shares) / record.images[2 if is_tested(record) else 1])


def find_trend(record: StudyRecord, errors: Errors) -> str:
    """rises, falls or unclear: from the shallowest to the deepest network, by more than chance."""
    values = list(errors.values())
    if len(values) < 2:
        return "unclear"
    change = values[-1] - values[0]
    if abs(change) <= find_margin(record, values[0], values[-1]):
        return "unclear"
    return "rises" if change > 0 else "falls"


def conclude(record: StudyRecord) -> list[str]:
    """All sentences: what was found, then what weakens it."""
    return [*(finding.text for finding in list_findings(record)), *list_caveats(record)]


def list_findings(record: StudyRecord) -> list[Finding]:
    """Whether the run shows what the paper shows, claim by claim."""
    found = [_judge_plain(record), _judge_twins(record), _judge_residual(record), _judge_gradients(record)]
    return [each for each in found if each]


def _judge_plain(record: StudyRecord) -> Finding | None:
    errors = list_errors(record, "plain", lambda each: each.training_error)
    held = list_last(record, "plain")
    if len(errors) < 2:
        return None
    trend, ours = find_trend(record, errors), _list(errors)
    papers = f"in the paper {_list_papers('plain', 'train', errors)}"
    if trend == "rises":
        text = (
            f"Plain networks train worse the deeper they are: their training error at the end rises from {ours}"
            f"{_mention_steps(errors)}; {papers}. It is the error on the very images they learn from, so it is no "
            f"overfitting: this is degradation. {_name_error(record)} error: {_list(held)}."
        )
        return Finding(SEEN, text)
    if trend == "falls":
        text = f"Plain networks train better the deeper they are here, from {ours}; {papers}: there it rises."
        return Finding(AGAINST, f"{text} This run shows no degradation.")
    text = (
        f"The training error of the plain networks at the end does not clearly depend on depth here: {ours}; {papers}"
    )
    return Finding(UNCLEAR, f"{text}. This run shows no degradation.")


def _mention_steps(errors: Errors) -> str:
    return "" if all(one < other for one, other in pairwise(errors.values())) else ", though not at every step"


def _judge_twins(record: StudyRecord) -> Finding | None:
    plain, residual = (list_last(record, kind) for kind in ("plain", "residual"))
    depths = [depth for depth in plain if depth in residual]
    if not depths:
        return None
    gains = {depth: plain[depth] - residual[depth] for depth in depths}
    sure = [d for d in depths if abs(gains[d]) > find_margin(record, plain[d], residual[d])]
    better, worse = [d for d in sure if gains[d] > 0], [d for d in sure if gains[d] < 0]
    text = _tell_gains(depths, better, worse)
    there = _paper("plain", "test", gains), _paper("residual", "test", gains)
    papers = {depth: there[0][depth] - there[1][depth] for depth in there[0] if depth in there[1]}
    text += f" {_name_error(record)} error, plain less residual: {_list_gains(gains, plain)}; {_name_papers(record)} "
    words = _list_gains(papers, there[0])
    text += f"{words.partition(' at ')[0] if list(papers) == depths else words}."
    verdict = SEEN if better == depths else AGAINST if worse else UNCLEAR
    return Finding(verdict, text)


def _tell_gains(depths: Sequence[int], better: Sequence[int], worse: Sequence[int]) -> str:
    if list(better) == list(depths):
        return "With shortcuts a network is better than its plain twin at every depth, with the same parameters."
    unclear = [d for d in depths if d not in better and d not in worse]
    parts = [(better, "better than"), (worse, "worse than"), (unclear, "not clearly different from")]
    words = [f"{word} its plain twin at {_join(which)} layers" for which, word in parts if which]
    return f"With shortcuts a network is {', '.join(words)}."


def _judge_residual(record: StudyRecord) -> Finding | None:
    errors, name = list_last(record, "residual"), _name_error(record).lower()
    if len(errors) < 2:
        return None
    trend, ours = find_trend(record, errors), _list(errors)
    papers = f"{_name_papers(record)} {_list_papers('residual', 'test', errors)}"
    if trend == "falls":
        return Finding(SEEN, f"With shortcuts, deeper is better: the {name} error falls from {ours}; {papers}.")
    if trend == "rises":
        text = f"With shortcuts, deeper is worse here: the {name} error rises from {ours}; {papers}: there it falls."
        return Finding(AGAINST, f"{text}{_tell_slower(record)}")
    text = f"That deeper is better with shortcuts is not to be seen here: {name} error {ours}; {papers}."
    return Finding(UNCLEAR, f"{text}{_tell_slower(record)}")


def _name_error(record: StudyRecord) -> str:
    return "Test" if is_tested(record) else "Held-out"


def _name_papers(record: StudyRecord) -> str:
    return "in the paper" if is_tested(record) else "in the paper, on test images,"


def _tell_slower(record: StudyRecord) -> str:
    if record.steps >= STEPS // 2:
        return ""
    return f" After {record.steps:,} of {STEPS:,} steps deeper networks have not had the time to use their depth."


def _judge_gradients(record: StudyRecord) -> Finding | None:
    """The paper's words: batch norm keeps gradients at healthy norms, so it is not that they vanish (section 4.1)."""
    plain, twin = _find_deepest(record, "plain"), _find_deepest(record, "residual")
    if plain is None or plain.gradients is None:
        return None
    ratios = _compare_ends(plain.gradients)
    looks = " and ".join(f"{_write(r)} at step {at:,}" for r, at in zip(ratios, plain.gradients.steps, strict=True))
    words = f"in {name_of(plain)} the first block's norm over the last one's is {looks}"
    if twin and twin.gradients:
        words += f" ({name_of(twin)}: {' and '.join(map(_write, _compare_ends(twin.gradients)))})"
    if min(ratios) < VANISHED:
        text = "Gradients all but vanish on their way to the input, which the paper did not see (section 4.1)"
        return Finding(AGAINST, f"{text}: {words}.")
    text = f"It is not that gradients vanish, as the paper says too (section 4.1): {words}."
    if max(ratios) > EXPLODED:
        text += " They rather grow on their way to the input, as is known of batch norm without shortcuts (Yang et al. "
        text += "2019, arXiv:1902.08129)."
    return Finding(SEEN, text)


def _compare_ends(seen: BlockGradients) -> list[float]:
    """How many times the last block's gradient norm the first block has, at both looks; stem and head are no blocks."""
    inner = [index for index, name in enumerate(seen.blocks) if name not in ("stem", "head")]
    return [norms[inner[0]] / (norms[inner[-1]] or 1.0) if inner else 1.0 for norms in (seen.first, seen.last)]


def _write(ratio: float) -> str:
    """``1/20``, ``2.5``."""
    return f"1/{1 / ratio:,.0f}" if 0 < ratio <= 0.5 else f"{ratio:,.{0 if ratio >= 10 else 1}f}"


def _find_deepest(record: StudyRecord, kind: str) -> StudyNetwork | None:
    found = [(find_depth(each)[1], each) for each in record.networks if find_depth(each)[0] == kind]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def list_caveats(record: StudyRecord) -> list[str]:
    """What the run can't say, and why."""
    caveats = [f"{name_of(each)} did not come to its end: {each.problem}" for each in record.networks if each.problem]
    if record.steps < 0.9 * STEPS:
        caveats.append(
            f"Each network took {record.steps:,} steps, the paper's {STEPS:,}: 1/{STEPS / record.steps:.0f} of them. "
            "All are far from their end: errors are high, and only large differences mean something."
        )
    if record.data == "digits":
        caveats.append("The images are handwritten digits, not CIFAR-10: the paper's numbers are of another task.")
    if not is_tested(record):
        caveats.append(
            f"Our errors are of {record.images[1]:,} held-out images, which were not trained on; the paper's, of "
            "CIFAR-10's 10,000 test images."
        )
    if record.note:
        caveats.append(record.note)
    last = [error for kind in ("plain", "residual") for error in list_last(record, kind).values()]
    if last:
        caveats.append(_describe_chance(record, last))
    return caveats


def _describe_chance(record: StudyRecord, errors: Sequence[float]) -> str:
    count = record.images[2 if is_tested(record) else 1]
    widest = max(errors, key=lambda error: error * (100 - error))
    return (
        f"One seed each: with {count:,} {_name_error(record).lower()} images an error is good to ±"
        f"{find_margin(record, widest):.1f} points (95 %, binomial), so a difference below about "
        f"{find_margin(record, widest, widest):.1f} points means nothing; another seed may move it as much again."
    )


def _paper(kind: str, curve: str, like: Mapping[int, float]) -> Errors:
    ends = {depth: find_end(kind, depth, curve) for depth in like}
    return {depth: end for depth, end in ends.items() if end is not None}


def _list_papers(kind: str, curve: str, ours: Errors) -> str:
    """The paper's errors at the same depths, which are then not said again."""
    papers = _paper(kind, curve, ours)
    return _list(papers).partition(" at ")[0] if list(papers) == list(ours) else _list(papers)


def _list(errors: Errors) -> str:
    """``45.1, 48.3 and 63.0 % at 20, 32 and 56 layers``."""
    if not errors:
        return "none of these"
    values = [f"{error:.{_count_digits(errors)}f}" for error in errors.values()]
    return f"{_join(values)} % at {_join(errors)} layers"


def _list_gains(gains: Errors, errors: Errors) -> str:
    """``+3.0 and −9.5 points at 20 and 56 layers``, as exact as the errors that they are differences of."""
    if not gains:
        return "none of these"
    values = [f"{gain:+.{_count_digits(errors)}f}".replace("-", "−") for gain in gains.values()]
    return f"{_join(values)} points at {_join(gains)} layers"


def _count_digits(errors: Errors) -> int:
    return 1 if max(errors.values()) >= 20 else 2


def _join(words: Sequence[object] | Mapping[int, float]) -> str:
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def list_rows(record: StudyRecord) -> list[tuple[str, ...]]:
    """The table, a row a network under `COLUMNS`; empty where there is no number."""
    return [_describe(each) for each in record.networks]


def _describe(network: StudyNetwork) -> tuple[str, ...]:
    kind, depth = find_depth(network)
    errors = network.training_error, network.held_out_error, network.test_error
    papers = (find_end(kind, depth, curve) for curve in ("train", "test"))
    shown = (f"{error:.2f} %" if error is not None else "" for error in (*errors, *papers))
    return (name_of(network), format_si(network.params).strip(), *shown, f"{network.seconds / 60:.1f} min")


def format_study(record: StudyRecord) -> str:
    """Table and sentences as text; columns without a number are left out."""
    rows = [COLUMNS, *list_rows(record)]
    kept = [index for index in range(len(COLUMNS)) if any(row[index] for row in rows[1:])]
    lines = align_rows([[row[index] for index in kept] for row in rows], range(1, len(kept)))
    findings = [f"[{finding.verdict}] {finding.text}" for finding in list_findings(record)]
    return "\n".join([*lines, "", *findings, "", *list_caveats(record)]) + "\n"


def list_settings(record: StudyRecord) -> list[tuple[str, str]]:
    """What it was done with, name by name."""
    machine, (train, held_out, test) = record.environment, record.images
    counts = f"{train:,} to train on, {held_out:,} held out" + (f", {test:,} to test on" if test else "")
    threads = f", {machine.threads} threads" if machine.device == "cpu" else ""
    return [
        ("recipe", record.recipe),
        ("data", f"{record.data}: {counts}"),
        ("steps", f"{record.steps:,} of each network"),
        ("seed", str(record.seed)),
        (
            "machine",
            f"{machine.device}: {machine.name}{threads}; {machine.dtype}; torch {machine.torch}, {machine.system}",
        ),
        (
            "time",
            f"{sum(each.seconds for each in record.networks) / 60:.0f} min of training steps, all networks together",
        ),
        ("date", f"{machine.date[:16].replace('T', ' ')} UTC"),
    ]
