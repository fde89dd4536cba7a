"""Claims: a derivative somebody wrote down as text, as code, or as numbers, laid out as flat components."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.asking.array_libraries import is_module, plain
from diffkit.asking.callables import Bound, Function
from diffkit.asking.callables.adapting import in_its_library
from diffkit.asking.callables.code_shapes import meetings_in
from diffkit.asking.callables.faults import FAR_DISTANCES, rounding, takes_extended
from diffkit.asking.callables.function import Argument
from diffkit.asking.callables.trees import is_tree, named_leaves
from diffkit.asking.expressions import Expression, as_joint_program, is_sympy
from diffkit.asking.frames import labelled
from diffkit.core.errors import DiffkitError, FunctionError, LimitError, TracingError, plural
from diffkit.core.program import Program, run
from diffkit.core.text.names import instead
from diffkit.numbers.bounds import BOUNDS
from diffkit.numbers.floats import FLOATS

_NAMES_IN_A_MESSAGE = 4  # variables that a message names
_GRADIENT_NAMES = ("{}", "d{}", "d_{}", "grad_{}", "{}_grad", "∂{}")
"""what people call the gradient of a parameter"""


class Claim:
    """A claimed derivative: ``values`` of a point, and its ``program`` where it has one.

    ``shape`` is that of what was claimed, without the value of a value-and-gradient pair (``paired``), which comes
    first among the flat components.
    """

    text = False
    """whether it was given as an expression, whose decimals are exact"""
    paired = False
    shape: tuple[int, ...] = ()
    bound: Bound | None = None
    """its code, if it is code"""

    def values(self, row: Any) -> Any:
        """Flat components at a point."""
        raise NotImplementedError

    @property
    def program(self) -> Program | None:
        """What it computes, exactly; None if that cannot be known."""
        return None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about its code."""
        return ()

    def rounding(self, row: Any) -> Any:
        """Bound on what its own arithmetic rounds, at a point."""
        return np.zeros(len(self.values(row)))


class _TextClaim(Claim):
    """Expressions."""

    text = True

    def __init__(self, claim: Any, variables: Sequence[str]):
        array = np.array(_nested(claim), dtype=object)
        self.shape = array.shape
        self._program = as_joint_program(list(array.ravel()), variables)

    @property
    def program(self) -> Program:
        """The expressions."""
        return self._program

    def values(self, row: Any) -> Any:
        """In binary64."""
        return np.array(run(self._program, FLOATS, [float(x) for x in row]), dtype=float)

    def rounding(self, row: Any) -> Any:
        """A running bound."""
        return np.array([float(error) for _, error in run(self._program, BOUNDS, [(float(x), 0.0) for x in row])])


class NumberClaim(Claim):
    """Numbers: the derivative at one point, as somebody found it."""

    def __init__(self, claim: Any):
        try:
            array = np.asarray(plain(claim), dtype=float)
        except (TypeError, ValueError):
            raise DiffkitError("the claim is no array of numbers, no expression and no function") from None
        self.shape = array.shape
        self.flat = array.ravel()

    def values(self, row: Any) -> Any:  # noqa: ARG002
        """The numbers, which hold at one point only."""
        return self.flat

    def rounding(self, row: Any) -> Any:  # noqa: ARG002
        """Half a unit in the last place of what was written down."""
        size = np.abs(self.flat)
        return np.where(size == 0, 0.0, np.spacing(size))  # a 0 that was written down is not rounded


@dataclass(frozen=True)
class Expected:
    """What a claim is to be about: the ``arguments`` of f, with the names and a point of their coordinates.

    ``parameters`` are the arguments that f is differentiated by, ``count`` the coordinates of these. ``words`` are the
    names that expressions may use (None where f is code without names). ``pair`` says whether the claim may be a
    (value, gradient) pair; None where its shape is to tell.
    """

    arguments: Sequence[Argument]
    parameters: Sequence[Argument]
    labels: Sequence[str]
    point: Sequence[float]
    count: int
    words: Sequence[str] | None
    pair: bool | None = None


class CodeClaim(Claim):
    """A Python function of the same arguments as f."""

    bound: Bound

    def __init__(self, function: Function, expected: Expected):
        pair, count = expected.pair, expected.count
        shapes: list[tuple[int, ...]] = []

        def flat(*values: Any) -> Any:
            result = _leaves_of(plain(function.call(*values, *function.args)), expected.parameters)
            if isinstance(result, (tuple, list)):
                shapes[:] = [np.shape(part) if not isinstance(part, (tuple, list)) else (len(part),) for part in result]
                return np.concatenate([np.ravel(_stacked(part)) for part in result]) if len(result) else result
            shapes[:] = []
            return result

        flat.__name__ = "the claim" if getattr(function.call, "__name__", "") == "<lambda>" else function.name
        self.bound = Bound(Function(flat), expected.arguments, expected.labels, expected.point)
        first = self.bound.shape
        self.shape = first
        self.parts = tuple(shapes)
        """shapes of the parts of a claim that gives several"""
        if shapes:
            sizes = [int(np.prod(s, dtype=int)) for s in shapes]
            self.paired = len(shapes) == 2 and sizes[0] == 1 and sizes[1] >= 1 and pair is not False
            if self.paired and pair is None:
                self.paired = sizes[1] in (count, count**2)
            if self.paired:
                self.shape = shapes[1]
            elif len(set(shapes)) == 1:
                self.shape = (len(shapes), *shapes[0])

    def values(self, row: Any) -> Any:
        """What the code gives."""
        return self.bound.values(row)

    @cached_property
    def _recorded(self) -> tuple[Program | None, str]:
        if untold := self.bound.unsteady or self.bound.faults.found.get("integer results", ""):
            return None, untold
        try:
            return self.bound.program, ""
        except (TracingError, LimitError, FunctionError) as error:
            return None, error.reason

    @property
    def program(self) -> Program | None:
        """What the code computes, where it can be recorded."""
        return self._recorded[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the code."""
        return self.bound.warnings

    @cached_property
    def _takes_extended(self) -> bool:
        return takes_extended(self.bound.function.call)

    def rounding(self, row: Any) -> Any:
        """Measured."""

        def values(row: Any) -> Any:
            if row.dtype != float and not self._takes_extended:
                raise TypeError("binary64 only")
            found = self.bound.function.call(*self.bound.split(row))
            return np.ravel(found)

        try:
            with np.errstate(all="ignore"):
                return rounding(values, row, FAR_DISTANCES)
        except Exception:  # a claim that fails beside the point has no measured noise; its values say the rest
            return np.spacing(np.abs(self.values(row)))


def _leaves_of(result: Any, parameters: Sequence[Argument]) -> Any:
    """What code gives, where it is by name or a tree as its parts in the order of the parameters.

    Of a pair of a value and a tree, the parts of the tree are put into one row.
    """
    known = [parameter.name for parameter in parameters]
    tops = {re.split(r"[.\[]", name)[0] for name in known}
    if isinstance(result, Mapping) or (is_tree(result) and not isinstance(result, (list, tuple))):
        found = (named_leaves(result, top) for top in ("", *tops))
        return _in_order(next((leaves for leaves in found if leaves.keys() & {*known}), result), parameters)
    if not isinstance(result, (list, tuple)) or not any(map(is_tree, result)):
        return result
    if len(result) == 2 and not is_tree(result[0]) and np.ndim(result[0]) == 0:
        parts = _leaves_of(result[1], parameters)
        return result[0], np.concatenate([np.ravel(part) for part in parts]) if isinstance(
            parts, (list, tuple)
        ) else parts
    leaves = named_leaves(result, *tops) if len(tops) == 1 else named_leaves(result)
    return tuple(leaves[name] for name in known) if {*known} == leaves.keys() else tuple(leaves.values())


def _in_order(gradients: Mapping[Any, Any], parameters: Sequence[Argument]) -> tuple[Any, ...]:
    """Gradients by name, W1 or dW1 or grad_W1 for the parameter W1, in the order of the parameters."""
    found = []
    for parameter in parameters:
        names = [form.format(parameter.name) for form in _GRADIENT_NAMES]
        keys = [key for key in gradients if key in names]
        if len(keys) != 1:
            what = "no gradient of" if not keys else f"more than one gradient ({', '.join(map(str, keys))}) of"
            known = ", ".join(map(str, gradients))
            run = instead(parameter.name, map(str, gradients))
            hint = f"it gives {known}; {names[0]} and {names[1]} are read" + f"; {run}" * bool(run)
            raise DiffkitError(f"the claim gives {what} {parameter.name}", hint=hint)
        found.append(gradients[keys[0]])
    return tuple(found)


def _tree_of_numbers(claim: Any, parameters: Sequence[Argument]) -> Any:
    """A claim in numbers that is a tree, or a tuple of tensors: as names, or in one row; all else as it is."""
    if is_module(claim) or (isinstance(claim, Mapping) and any(map(is_tree, claim.values()))):
        return plain(named_leaves(claim))
    if isinstance(claim, (list, tuple)) and not hasattr(claim, "_fields") and not _is_text(claim) and is_tree(claim):
        parts = _leaves_of(plain(claim), parameters)
        if len({np.shape(part) for part in parts}) > 1:
            return np.concatenate([np.ravel(part) for part in parts])
    return claim


def _check_names(gradients: Mapping[Any, Any], arguments: Sequence[Argument]) -> None:
    """DiffkitError for a gradient by what f does not take; code may return more, such as what it keeps."""
    names = {form.format(argument.name) for argument in arguments for form in _GRADIENT_NAMES}
    for key in gradients:
        if key not in names:
            known = ", ".join(argument.name for argument in arguments[:_NAMES_IN_A_MESSAGE])
            raise DiffkitError(f"the claim gives a gradient of {str(key)[:64]}", hint=f"f takes {known}")


def read_claim(claim: Any, expected: Expected) -> Claim:
    """Give the Claim of code, words or numbers; DiffkitError where it is none of what is expected."""
    parameters = expected.parameters
    if isinstance(claim, Function):
        return in_its_library(claim, len(expected.arguments), lambda code: CodeClaim(code, expected),
                              lambda made: not made.bound.blind)  # fmt: skip
    claim = _tree_of_numbers(claim, parameters)
    given = labelled(claim)
    if given is not None and given.table:
        raise DiffkitError("a table is no claim by names", hint="give its numbers, as .to_numpy(), in the order of "
                           f"{', '.join(expected.labels[:_NAMES_IN_A_MESSAGE])}")  # fmt: skip
    if given is not None and (given.names or isinstance(claim, Mapping) or len(parameters) > 1):
        claim = list(_in_order(given.values, parameters))
        _check_names(given.values, expected.arguments)
    if _is_text(claim):
        if expected.words is None:
            raise DiffkitError(
                "a claim in words needs named variables", hint="f takes an array: write the claim as code"
            )
        return _TextClaim(claim, expected.words)
    if given is not None and isinstance(claim, list):
        claim = np.concatenate([np.ravel(part) for part in claim])
    return NumberClaim(claim)


def unfit(
    claim: Claim, arguments: Sequence[Argument], sizes: Mapping[str, int], inputs: Sequence[str]
) -> DiffkitError:  # fmt: skip
    """Why a claim is no derivative of f by its inputs: it has no value, or other shapes than they, or another size."""
    if isinstance(claim, CodeClaim) and claim.bound.reason:
        return FunctionError(claim.bound.reason, hint=claim.bound.place or "call it at the point by hand to see where")
    if isinstance(claim, CodeClaim) and len(claim.parts) == len(arguments) > 1:
        pairs = zip(arguments, claim.parts, strict=True)
        odd = [f"for {a.name} of shape {a.shape} it gives {part}" for a, part in pairs if math.prod(part) != a.size]
        if odd:
            return DiffkitError(f"the claim has other shapes than the parameters: {'; '.join(odd)}",
                                hint="; ".join(meetings_of(claim)))  # fmt: skip
    count, n = math.prod(claim.shape), len(inputs)
    entries = "1 entry" if count == 1 else f"{count} entries of shape {claim.shape}"
    known = ", ".join(f"a {kind} has {size}" for kind, size in sizes.items())
    some = ", ".join(inputs[:_NAMES_IN_A_MESSAGE]) + ", …" * (n > _NAMES_IN_A_MESSAGE)
    single = f"; where it is by one of {some}, name that in wrt" if count == 1 < n else ""
    hint = "; ".join([f"{known} ({plural(n, 'variable')}){single}", *meetings_of(claim)])
    return DiffkitError(f"the claim has {entries}: it is no derivative of this f", hint=hint)


def meetings_of(claim: Claim) -> list[str]:
    """Where the code of a claim combines a column with a vector, in words."""
    if not isinstance(claim, CodeClaim):
        return []
    return meetings_in(lambda: claim.bound.values(np.array(claim.bound.start)))


def _is_text(claim: Any) -> bool:
    if isinstance(claim, (list, tuple)):
        return any(map(_is_text, claim))
    if hasattr(claim, "tolist") and hasattr(claim, "shape"):
        return _is_text(claim.tolist())
    return isinstance(claim, (str, Expression)) or is_sympy(claim)


def _nested(claim: Any) -> Any:
    """Nested lists of expressions; a text may hold a list itself: [2*x, [3, 4]]."""
    if hasattr(claim, "tolist") and hasattr(claim, "shape"):
        return _nested(claim.tolist())
    if isinstance(claim, str):
        return _split(claim.strip())
    return [_nested(part) for part in claim] if isinstance(claim, (list, tuple)) else claim


def _split(text: str) -> Any:
    if not (text.startswith("[") and text.endswith("]")):
        return text
    parts, depth, start = [], 0, 1
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if (character == "," and depth == 1) or position == len(text) - 1:
            parts.append(_split(text[start:position].strip()))
            start = position + 1
    return parts


def _stacked(part: Any) -> Any:
    return np.stack(part) if isinstance(part, (tuple, list)) else part
