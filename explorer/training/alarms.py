"""Alarms: what looks wrong in a run's records, in words, and what to try. The same records give the same alarms."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from statistics import fmean, median
from typing import Any

from explorer.records import AlarmRecord, EpochRecord, Record, StepRecord, UnitsRecord, WatchRecord
from explorer.training.config import TrainConfig

PATIENCE = 3  # looks in a row, of instruments or at held-out images, before an alarm rings
QUIET = 10  # looks in a row at which all is well, before the same alarm may ring again
WINDOW = 10  # step records whose mean is taken for the loss
HISTORY = 50  # step records whose median is taken for the usual gradient

Finding = tuple[str, str, str]  # the part it counts for, the place to show, the words


class Bell:
    """One alarm. It rings for a part where it held `patience` looks in a row, and again only after `QUIET` without."""

    def __init__(self, name: str, patience: int = 1) -> None:
        self.name, self.patience = name, patience
        self._held: dict[str, int] = {}  # looks in a row at which it held, by part
        self._quiet: dict[str, int] = {}  # of parts that rang: looks in a row at which it did not

    def look(self, step: int, findings: Iterable[Finding]) -> list[AlarmRecord]:
        """What rings now, given all that holds at this look."""
        found = {part: (where, words) for part, where, words in findings}
        self._held = {part: self._held.get(part, 0) + 1 for part in found}
        quiet = {part: 0 if part in found else looks + 1 for part, looks in self._quiet.items()}
        self._quiet = {part: looks for part, looks in quiet.items() if looks < QUIET}
        rings = [part for part in found if part not in self._quiet and self._held[part] >= self.patience]
        self._quiet |= dict.fromkeys(rings, 0)
        return [AlarmRecord(step, self.name, *found[part]) for part in rings]


class Alarms:
    """Looks at a run's records as they come. `classes` are those of its data; without, nothing is told of guessing.

    ==================== =====================================================================================
    loss_not_finite      a step record's loss is no number
    loss_rises           the mean loss of ten records is over three times the lowest such mean, and over a
                         quarter of the first, ten records in a row
    loss_stays           after a tenth of the run, and twenty records, the loss is what it was
    gradient_explodes    a step's gradient is over 100 times the median of the last fifty
    gradients_vanish     gradients of the first stage's layers are under 1/1000 of the last's (medians)
    dead_units           over 40 % of an activation's channels are zero for every image
    updates_large        a step changes a layer's weights by over 10 %
    updates_small        ... by under 0.001 %, while the learning rate is over a tenth of its highest
    scales_small         over half of the norms scale by less than 0.05
    overfitting          held-out accuracy is 2 points below its best, while training accuracy rose since
    accuracy_at_chance   after a third of the run, held-out images are guessed
    ==================== =====================================================================================

    From gradients_vanish to overfitting it must hold at three looks in a row. Of several layers in one part (stem,
    stage, head) the worst is named. An alarm of a name and part comes again only after ten looks without its reason.
    """

    def __init__(self, config: TrainConfig, classes: int = 0) -> None:
        self._steps = _StepAlarms(config)
        self._watch = _WatchAlarms(config)
        self._epochs = _EpochAlarms(config, classes)
        self._off = config.schedule == "range"  # whose loss is meant to break

    def look(self, record: Record) -> list[AlarmRecord]:
        """The alarms that this record sets off, behind all records before it."""
        if self._off:
            return []
        if isinstance(record, StepRecord):
            self._watch.rate = record.learning_rate
            self._epochs.add(record)
            return self._steps.look(record)
        if isinstance(record, UnitsRecord):
            self._watch.units = record.units
        if isinstance(record, WatchRecord):
            return self._watch.look(record)
        return self._epochs.look(record) if isinstance(record, EpochRecord) else []

    def recall(self, record: Record | Mapping[str, Any]) -> None:
        """Look at a record of before, as it was or as read from its file: what rang then is not told again."""
        known = _read(record) if isinstance(record, Mapping) else record
        if known is not None:
            self.look(known)


def _read(content: Mapping[str, Any]) -> Record | None:
    """A record that alarms look at, from parsed JSON, where null is a number that was not finite; None for others."""
    kinds: tuple[Callable[..., Record], ...] = (StepRecord, EpochRecord, UnitsRecord, WatchRecord)
    kind = next((kind for kind in kinds if kind.kind == content.get("kind")), None)  # type: ignore[attr-defined]
    if kind is None:
        return None
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: math.nan if value is None else value for name, value in content.items() if name in names})
    except TypeError:  # of another version: a field is missing
        return None


class _StepAlarms:
    """Of the loss and the whole gradient."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.norms: deque[float] = deque(maxlen=HISTORY)
        self.count, self.first, self.best, self.judged = 0, math.nan, math.inf, False
        self.broken, self.rises = Bell("loss_not_finite"), Bell("loss_rises", WINDOW)
        self.stays, self.explodes = Bell("loss_stays"), Bell("gradient_explodes")

    def look(self, record: StepRecord) -> list[AlarmRecord]:
        broken = [] if math.isfinite(record.loss) else [("", "", self._say_broken())]
        alarms = self.broken.look(record.step, broken)
        if broken:
            return alarms
        alarms += self.explodes.look(record.step, self._compare_gradient(record))
        self.count += 1
        self.losses.append(record.loss)
        if len(self.losses) < WINDOW:
            return alarms
        mean = fmean(self.losses)
        self.first = mean if math.isnan(self.first) else self.first
        self.best = min(self.best, mean)
        alarms += self.rises.look(record.step, self._compare_loss(mean, record.learning_rate))
        return alarms + self._judge(record, mean)

    def _say_broken(self) -> str:
        return (
            f"The loss is no longer a number: the learning rate {self.config.peak_lr:g} is too high for this network. "
            "Try a third of it."
        )

    def _compare_loss(self, mean: float, rate: float) -> Iterable[Finding]:
        if mean > max(3 * self.best, self.first / 4):
            words = f"The loss rose from {self.best:.3g} at its best to {mean:.3g}: the learning rate, {rate:.2g} now, "
            yield "", "", words + "is too high. Try a third of it, or a warm-up."

    def _judge(self, record: StepRecord, mean: float) -> list[AlarmRecord]:
        """Once, after a tenth of the run. Weights of before may have nothing left to gain."""
        begun = max(self.config.epochs / 10, self.config.warmup)
        if self.judged or record.epoch < begun or self.count < 2 * WINDOW:
            return []
        self.judged = True
        if mean < 0.98 * self.first or self.config.weights:
            return []
        words = (
            f"The loss has not fallen since the run began: {self.first:.3g} then, {mean:.3g} now. Try a third of the "
            f"learning rate {self.config.peak_lr:g}, then three times it; a very deep plain network may need shortcuts."
        )
        return self.stays.look(record.step, [("", "", words)])

    def _compare_gradient(self, record: StepRecord) -> Iterable[Finding]:
        norm, known = record.gradient_norm, len(self.norms) >= WINDOW
        usual = median(self.norms) if known else math.inf
        if math.isfinite(norm) and norm > 0:  # with float16 an infinite one is passed over, and normal
            self.norms.append(norm)
        if math.isfinite(norm) and norm > 100 * usual:
            words = f"The gradient is {norm / usual:,.0f} times as large as usual: such a step undoes what was learnt. "
            yield "", "", words + "Try clip=1, a warm-up or a third of the learning rate."


class _WatchAlarms:
    """Of what the instruments see."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.units: dict[str, tuple[str, ...]] = {}
        self.rate = 0.0
        self.rules = {
            Bell("gradients_vanish", PATIENCE): self._find_vanishing,
            Bell("dead_units", PATIENCE): self._find_dead,
            Bell("updates_large", PATIENCE): self._find_large,
            Bell("updates_small", PATIENCE): self._find_small,
            Bell("scales_small", PATIENCE): self._find_scales,
        }

    def look(self, record: WatchRecord) -> list[AlarmRecord]:
        seen = {
            quantity: {name: value for name, value in zip(self.units.get(quantity, ()), values, strict=False)
                       if value is not None and math.isfinite(value)}
            for quantity, values in record.values.items()
        }  # fmt: skip
        return [alarm for bell, find in self.rules.items() for alarm in bell.look(record.step, find(seen))]

    def _find_vanishing(self, seen: dict[str, dict[str, float]]) -> Iterable[Finding]:
        stages = {part: norms for part, norms in _group(seen.get("gradient_norm", {})).items() if _is_stage(part)}
        if len(stages) < 2:
            return
        (first, early), *_, (last, late) = ((part, median(norms.values())) for part, norms in stages.items())
        if early < late / 1000:
            words = (
                f"Gradients vanish in {_say(first)}: {early:.2g} a layer, against {late:.2g} in {_say(last)}, so "
                "that it hardly learns. "
            )
            yield first, first, words + "Try shortcuts, batch norm, or fewer blocks."

    def _find_dead(self, seen: dict[str, dict[str, float]]) -> Iterable[Finding]:
        for part, name, share, others in _find_worst(seen.get("dead", {}), lambda share: share > 0.4):
            words = (
                f"{share:.0%} of the channels of {name} are zero for every image, and learn nothing. {others}Try a "
                "third of the learning rate, batch norm, or act=leaky_relu."
            )
            yield part, name, words

    def _find_large(self, seen: dict[str, dict[str, float]]) -> Iterable[Finding]:
        for part, name, ratio, others in _find_worst(seen.get("update_ratio", {}), lambda ratio: ratio > 0.1):
            words = f"One step changes the weights of {name} by {ratio:.0%} of their size; 0.1 % is usual. "
            yield part, name, words + others + "Try a third of the learning rate, or a warm-up."

    def _find_small(self, seen: dict[str, dict[str, float]]) -> Iterable[Finding]:
        """Not where it is meant: at the ends of a schedule, or where parts learn at a share of the rate."""
        if self.rate < self.config.peak_lr / 10 or self.config.stage_lr < 1:
            return
        ratios = {name: -ratio for name, ratio in seen.get("update_ratio", {}).items() if ratio > 0}  # 0: zero weights
        for part, name, ratio, others in _find_worst(ratios, lambda ratio: ratio > -1e-5):
            words = f"A step changes the weights of {name} by only {-ratio:.1g} of their size: it hardly learns. "
            yield part, name, words + others + "Try three times the learning rate."

    def _find_scales(self, seen: dict[str, dict[str, float]]) -> Iterable[Finding]:
        scales = seen.get("norm_scale", {}).values()
        small = sum(scale < 0.05 for scale in scales)
        if 2 * small > len(scales):
            words = f"{small} of {len(scales)} norms scale by less than 0.05: their branches add next to nothing. "
            yield "", "", words + "Try less weight decay, or decay_norms=no."


class _EpochAlarms:
    """Of accuracy on images held out."""

    def __init__(self, config: TrainConfig, classes: int) -> None:
        self.config, self.classes = config, classes
        self.trained: list[float] = []  # accuracies of the step records of this epoch
        self.best, self.best_epoch, self.trained_then = -1.0, 0, 0.0
        self.overfits, self.guesses = Bell("overfitting", PATIENCE), Bell("accuracy_at_chance")

    def add(self, record: StepRecord) -> None:
        self.trained.append(record.accuracy)

    def look(self, record: EpochRecord) -> list[AlarmRecord]:
        trained = fmean(self.trained) if self.trained else 0.0
        self.trained = []
        if record.accuracy > self.best:
            self.best, self.best_epoch, self.trained_then = record.accuracy, record.epoch, trained
        alarms = self.overfits.look(record.step, self._compare(record.accuracy, trained))
        return alarms + self.guesses.look(record.step, self._compare_with_chance(record))

    def _compare(self, accuracy: float, trained: float) -> Iterable[Finding]:
        fell, rose = accuracy < self.best - 0.02, trained > self.trained_then + 0.005
        if fell and rose and trained > accuracy + 0.05:
            words = (
                f"Held-out accuracy fell from {self.best:.1%} after epoch {self.best_epoch} to {accuracy:.1%}, while "
                f"training accuracy rose to {trained:.1%}: the images are learnt by heart. Try more augmentation, more "
                "weight decay, or fewer epochs."
            )
            yield "", "", words

    def _compare_with_chance(self, record: EpochRecord) -> Iterable[Finding]:
        if not self.classes or record.epoch < self.config.epochs / 3:
            return
        chance = 1 / self.classes
        if record.accuracy <= min(1.5 * chance, chance + 0.05):
            words = (
                f"Held-out accuracy is {record.accuracy:.1%}, no better than guessing among {self.classes} classes. If "
                "training accuracy is as low, try another learning rate; if not, see whether the images held out are "
                "of the same kind as the others."
            )
            yield "", "", words


def _group(values: dict[str, float]) -> dict[str, dict[str, float]]:
    """By part: stem, layer1, layer2, ..., head."""
    parts: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        parts.setdefault(name.partition(".")[0], {})[name] = value
    return parts


def _find_worst(values: dict[str, float], is_bad: Callable[[float], bool]) -> Iterable[tuple[str, str, float, str]]:
    """For each part with something bad: the part, the name of the highest value, the value, words on the others."""
    for part, group in _group(values).items():
        bad = {name: value for name, value in group.items() if is_bad(value)}
        if bad:
            worst = max(bad, key=lambda name: bad[name])
            others = f"So it is with {len(bad) - 1} more in {_say(part)}. " if len(bad) > 1 else ""
            yield part, worst, bad[worst], others


def _is_stage(part: str) -> bool:
    return part.startswith("layer")


def _say(part: str) -> str:
    """``layer2`` is stage 2."""
    return f"stage {part.removeprefix('layer')}" if _is_stage(part) else f"the {part}"
