"""The settings of a run: what each is called, what it may be, and what it does. One table for text, page and checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.errors import RunError

GROUPS = {
    "budget": "Budget",
    "optimizer": "Optimizer",
    "schedule": "Learning rate over time",
    "augmentation": "Augmentation",
    "regularisation": "Regularisation",
    "start": "Start from weights",
    "computing": "Computing",
    "data": "Split and seed",
    "watch": "What is watched",
}
INSTRUMENTS = {
    "gradients": "gradient norm of every layer",
    "flow": "gradient through shortcut and branch, apart",
    "residual": "size of F(x) against x",
    "updates": "size of an update against its weights",
    "activations": "activations: mean, spread, dead units",
    "norms": "scale of the batch norms",
    "answers": "confusion matrix, and what is most confidently wrong",
    "film": "feature maps of one image as it learns",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind` is whole, number, choice, yes, list or text; `auto` says what None stands for, if it may be.

    `least` and `most` bound numbers; `choices` are the values of a choice, or those a list is made of.
    """

    name: str
    group: str
    label: str
    kind: str
    help: str
    least: float = 0
    most: float = 0
    choices: tuple[str, ...] = ()
    auto: str = ""

    @property
    def range(self) -> str:
        """What is allowed, in words."""
        if self.kind in ("whole", "number"):
            least, most = (f"{bound:,}" if self.kind == "whole" else f"{bound:g}" for bound in (self.least, self.most))
            return f"{self.name} goes from {least} to {most}" + (", or auto" if self.auto else "")
        if self.kind == "choice":
            return f"choose from {', '.join(self.choices)}"
        if self.kind == "list":
            return f"join any of {', '.join(self.choices)} by -, or write none"
        return "write yes or no" + (", or auto" if self.auto else "") if self.kind == "yes" else "write text"

    def check(self, value: object) -> None:
        """Raise `RunError` for a value that this setting can't have."""
        if value is None and self.auto:
            return
        _CHECKS[self.kind](self, value)

    def parse(self, text: str) -> Any:
        """Read a value from text. Raises `RunError`; what is out of range is left to `check`."""
        text = text.strip()
        if self.auto and text in ("", "auto"):
            return None
        try:
            return _PARSERS[self.kind](text)
        except (ValueError, KeyError):
            raise self.refuse(text) from None

    def format(self, value: Any) -> str:
        """Write a value as `parse` reads it."""
        if value is None:
            return "auto"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)

    def refuse(self, value: object) -> RunError:
        """The sentence for a value that is of no use here."""
        what = {"whole": "whole number", "number": "number", "yes": "yes or no", "text": "text"}.get(self.kind)
        words = f"is no {what}" if what else "is not allowed"
        return RunError(f"{self.name}={str(value)[:40]} {words}: {self.range}.")


def _check_number(setting: Setting, value: object) -> None:
    kind = int if setting.kind == "whole" else int | float
    if not isinstance(value, kind) or isinstance(value, bool):
        raise setting.refuse(value)
    if not setting.least <= value <= setting.most:  # false for nan
        raise RunError(f"{setting.name}={value} is out of range: {setting.range}.")


def _check_choice(setting: Setting, value: object) -> None:
    if value not in setting.choices:
        raise setting.refuse(value)


def _check_list(setting: Setting, value: object) -> None:
    if not isinstance(value, str) or not (value == "none" or set(value.split("-")) <= set(setting.choices)):
        raise setting.refuse(value)


def _check_kind(kind: type) -> Callable[[Setting, object], None]:
    def check(setting: Setting, value: object) -> None:
        if not isinstance(value, kind):
            raise setting.refuse(value)

    return check


_CHECKS: dict[str, Callable[[Setting, object], None]] = {
    "whole": _check_number,
    "number": _check_number,
    "choice": _check_choice,
    "list": _check_list,
    "yes": _check_kind(bool),
    "text": _check_kind(str),
}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "whole": int,
    "number": float,
    "yes": lambda text: {"yes": True, "no": False}[text.lower()],
    "choice": str,
    "list": str,
    "text": str,
}

_ALL = (
    Setting("epochs", "budget", "Epochs", "whole", "passes over the images to train on", 1, 1000),
    Setting("batch_size", "budget", "Batch size", "whole", "images of one step of the optimizer", 2, 8192),
    Setting("accumulate", "budget", "Pieces of a batch", "whole", "computed one after another, gradients added: less memory", 1, 64),
    Setting("images", "budget", "Images at most", "whole", "trained on, the first by seed; 0: all", 0, 10**8),
    Setting("optimizer", "optimizer", "Optimizer", "choice", "SGD with momentum, or AdamW", choices=("sgd", "adamw")),
    Setting("lr", "optimizer", "Learning rate", "number", "the highest of the schedule", 1e-6, 10.0,
            auto="0.1 for a batch of 64, in proportion (Goyal 2017); AdamW: 0.001, with its root"),
    Setting("momentum", "optimizer", "Momentum", "number", "of SGD; β₁ of AdamW", 0.0, 0.999),
    Setting("nesterov", "optimizer", "Nesterov", "yes", "look ahead by the momentum (SGD)"),
    Setting("weight_decay", "optimizer", "Weight decay", "number", "pulls weights to zero", 0.0, 1.0),
    Setting("decay_norms", "optimizer", "Decay norms", "yes", "weight decay on norms and biases too"),
    Setting("clip", "optimizer", "Clip gradients", "number", "largest norm of all gradients together; 0: none", 0.0, 1000.0),
    Setting("ema", "optimizer", "Averaged weights", "number", "decay of their moving average, which is what is tested and kept; 0: none", 0.0, 0.99999),
    Setting("schedule", "schedule", "Schedule", "choice", "range raises the rate until the loss breaks, to find a good one",
            choices=("one_cycle", "cosine", "multistep", "step", "constant", "range")),
    Setting("warmup", "schedule", "Warm-up", "number", "epochs in which the rate rises from nothing", 0.0, 100.0),
    Setting("milestones", "schedule", "Milestones", "text", "multistep: shares of the run after which the rate falls, such as 0.5-0.75"),
    Setting("step_epochs", "schedule", "Step", "whole", "step: epochs after which the rate falls, again and again", 1, 1000),
    Setting("gamma", "schedule", "Falls to", "number", "what the rate is multiplied with then", 0.001, 1.0),
    Setting("pad", "augmentation", "Random crop", "whole", "border in pixels; 0: none", 0, 64, auto="the data's own"),
    Setting("flip", "augmentation", "Random flip", "yes", "mirror half of the images", auto="where a mirrored image keeps its class"),
    Setting("policy", "augmentation", "Policy", "choice", "RandAugment (Cubuk 2020), TrivialAugment (Müller 2021)",
            choices=("none", "randaugment", "trivialaugment")),
    Setting("magnitude", "augmentation", "Magnitude", "whole", "of RandAugment", 0, 30),
    Setting("erasing", "augmentation", "Random erasing", "number", "share of images with a hole (Zhong 2020)", 0.0, 1.0),
    Setting("mixup", "regularisation", "Mixup", "number", "α: two images and their labels blended (Zhang 2018); 0: none", 0.0, 10.0),
    Setting("cutmix", "regularisation", "CutMix", "number", "α: a patch of another image pasted in (Yun 2019); 0: none", 0.0, 10.0),
    Setting("label_smoothing", "regularisation", "Label smoothing", "number", "share of the target given to all classes alike", 0.0, 0.9),
    Setting("weights", "start", "Weights", "text", "a bundled or torchvision name, a run or a file; empty: fresh ones"),
    Setting("freeze", "start", "Frozen parts", "whole", "from the input on: 1 the stem, 2 the first stage too ...", 0, 32),
    Setting("stage_lr", "start", "Rate of earlier parts", "number", "each part learns at this share of the next one's rate", 0.001, 1.0),
    Setting("precision", "computing", "Precision", "choice", "auto: bfloat16 where the device multiplies it",
            choices=("auto", "float32", "bfloat16", "float16")),
    Setting("channels_last", "computing", "Channels last", "yes", "memory order NHWC, which convolutions like"),
    Setting("compile", "computing", "torch.compile", "yes", "takes minutes at first, then steps are faster"),
    Setting("checkpointing", "computing", "Gradient checkpointing", "yes", "blocks are computed twice: less memory, a third slower"),
    Setting("workers", "computing", "Workers", "whole", "processes that decode images too many for memory", 0, 64),
    Setting("device", "computing", "Device", "text", "auto, cpu, cuda, cuda:1 or mps"),
    Setting("seed", "data", "Seed", "whole", "of weights, split, order and augmentation", 0, 2**31 - 1),
    Setting("held_out", "data", "Held out", "number", "share of every class that is looked at after each epoch, never trained on", 0.01, 0.9),
    Setting("test", "data", "Test", "number", "share kept for the very end, where the data has no test set of its own", 0.0, 0.9),
    Setting("watch", "watch", "Instruments", "list", "what is looked at while it trains", choices=tuple(INSTRUMENTS)),
    Setting("watch_every", "watch", "Every", "whole", "steps between two looks; 0: 200 looks a run, ten steps apart or more", 0, 10**6),
    Setting("probe", "watch", "Film of", "text", "an operation whose feature maps are filmed; empty: the first stage's last block"),
)  # fmt: skip
SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _ALL}


def find_setting(name: str) -> Setting:
    """Return the setting of this name. Raises `RunError`."""
    if name not in SETTINGS:
        from difflib import get_close_matches

        near = get_close_matches(name, SETTINGS, 1)
        raise RunError(
            f"{name[:40]} is no setting of a run: {f'did you mean {near[0]}?' if near else 'see explorer recipes.'}"
        )
    return SETTINGS[name]
