"""What the blocks of a network share, and in which numbers they differ: those become parameters of generated code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from explorer.architecture.ops import Kind, Op
from explorer.architecture.plan import Plan, ResidualBlock

Numbers = dict[str, int]
ORDER = ("in_channels", "width", "channels", "stride")  # of parameters in what is written
_READERS: dict[str, Callable[[Op], int]] = {
    "input": lambda op: op.input[0],
    "output": lambda op: op.output[0],
    "stride": lambda op: op.stride,
}


@dataclass(frozen=True, slots=True)
class Case:
    """Operations by name, and the numbers that whoever builds them could be given."""

    ops: dict[str, Op]
    numbers: Numbers


class Template:
    """Several cases of one thing, as one text: what is the same in all is written out, what differs is a parameter.

    `used` are the parameters that were asked for: others need not be there.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self.cases = list(cases)
        self.used: set[str] = set()
        self.ops = max((case.ops for case in self.cases), key=len, default={})  # one case has every operation

    def list_names(self, part: str) -> list[str]:
        """Names of the operations of one part, ``branch``, in their order."""
        return [name for name in self.ops if name == part or name.startswith(f"{part}.")]

    def list_params(self) -> list[str]:
        """The parameters asked for, in their order."""
        return [name for name in ORDER if name in self.used]

    def say(self, name: str, attribute: str) -> str:
        """An operation's number in words: a parameter's name where it varies, else the number."""
        values = {i: _READERS[attribute](case.ops[name]) for i, case in enumerate(self.cases) if name in case.ops}
        return self._name_values(values, self._prefer(name, attribute))

    def say_number(self, number: str) -> str:
        """One of the cases' own numbers: its name where it varies, else the number."""
        return self._name_values({i: case.numbers[number] for i, case in enumerate(self.cases)}, (number,))

    def _prefer(self, name: str, attribute: str) -> tuple[str, ...]:
        """Which parameter to name first, where several have the value."""
        if attribute == "stride":
            return ("stride",)
        first = next((other for other, op in self.ops.items() if op.kind is Kind.CONV), name)
        names = list(self.ops)
        leads = names.index(name) <= names.index(first) or name.startswith("shortcut.")
        if attribute == "input" and leads:
            return ("in_channels", "channels", "width")
        return ("channels", "width", "in_channels")

    def _varies(self, number: str) -> bool:
        return len({case.numbers.get(number) for case in self.cases}) > 1

    def _name_values(self, values: Numbers | dict[int, int], prefer: tuple[str, ...]) -> str:
        for number in prefer:
            fits = all(self.cases[int(i)].numbers.get(number) == value for i, value in values.items())
            if fits and self._varies(number):
                self.used.add(number)
                return number
        (value,) = set(values.values())  # what is no parameter is the same in all
        return str(value)

    def find_condition(self, name: str) -> str:
        """When an operation is there, as an expression of the parameters; empty where it always is."""
        there = [name in case.ops for case in self.cases]
        if all(there):
            return ""
        strided = [case.numbers["stride"] > 1 for case in self.cases]
        changed = [case.numbers["in_channels"] != case.numbers["channels"] for case in self.cases]
        if there == strided and self.ops[name].kind is not Kind.CONV:
            return self._say_strided()
        if there == changed:
            return self._say_changed()
        return self._say_strided() if there == strided else f"{self._say_strided()} or {self._say_changed()}"

    def _say_strided(self) -> str:
        return f"{self.say_number('stride')} > 1"

    def _say_changed(self) -> str:
        before, behind = self.say_number("in_channels"), self.say_number("channels")
        return f"{behind} != {before}" if before.isdigit() else f"{before} != {behind}"

    def find_kind(self, *kinds: Kind) -> list[Op]:
        """Every operation of these kinds, of all cases."""
        return [op for case in self.cases for op in case.ops.values() if op.kind in kinds]


def read_block(block: ResidualBlock) -> Numbers:
    """The numbers that could describe a block: channels before, inside and behind, and the stride."""
    convs = [op for op in block.branch if op.kind is Kind.CONV]
    return {
        "in_channels": block.input[0],
        "width": convs[0].output[0],
        "channels": block.output[0],
        "stride": max(op.stride for op in block.branch),
    }


def template_blocks(plan: Plan) -> Template:
    """All blocks of a network as one."""
    blocks = dict.fromkeys(block for _, block in plan.blocks())
    return Template(Case({op.name: op for op in block.ops}, read_block(block)) for block in blocks)


def template_transitions(plan: Plan) -> Template:
    """All transitions as one: from `channels` to the `in_channels` that the stage begins with."""
    cases = []
    for stage in plan.stages[1:]:
        if stage.transition:
            numbers = {"channels": stage.transition[0].input[0], "in_channels": stage.blocks[0].input[0]}
            cases.append(Case({op.name: op for op in stage.transition}, numbers))
    return Template(cases)


def template_ops(ops: tuple[Op, ...]) -> Template:
    """Operations that stand once: every number is written out."""
    return Template([Case({op.name: op for op in ops}, {})])


def indent(lines: Iterable[str], steps: int = 1) -> list[str]:
    """The lines, shifted by four spaces a step; empty ones stay empty."""
    return ["    " * steps + line if line else line for line in lines]
