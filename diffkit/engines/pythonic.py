"""Python over ``math``, and the libraries of arrays that are written in it: NumPy and JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from diffkit.core.table import AND, NOT, OR, POWER, WHERE, Primitive
from diffkit.core.text.printer import Written
from diffkit.engines.notation import (
    BRANCH_BINDING,
    CHOICE_BINDING,
    COLUMNS,
    CodeNotation,
    FunctionText,
    one_a_line,
    wrapped,
)
from diffkit.engines.reserved_words import RESERVED


class Python(CodeNotation):
    """Python over ``math``, for one point: ``def gradient(x, y): … return (…)``."""

    key, title = "python", "Python"
    raises = True
    reserved = RESERVED[key]
    constants: ClassVar = {"pi": "math.pi", "e": "math.e"}
    modules: ClassVar[dict[str, str]] = {"math": "import math", "scipy.special": "import scipy.special"}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in ``math``, or in SciPy where nothing else gives it."""
        function: Any = getattr(row.floats, "__wrapped__", row.floats)
        if getattr(function, "__module__", "") == "math":
            return f"math.{function.__name__}"
        return row.code.get(NumPy.key, "")

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return [
            (x, BRANCH_BINDING),
            " if ",
            (condition, BRANCH_BINDING),
            " else ",
            (y, BRANCH_BINDING),
        ], CHOICE_BINDING

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent; the sign would give complex numbers."""
        return self.call(POWER, (base, exponent))

    @classmethod
    def imports(cls, f: FunctionText) -> list[str]:
        """The lines that import what is called."""
        texts = [*f.functions, *f.outputs, *(s.text for s in f.statements)]
        return [line for module, line in cls.modules.items() if any(f"{module}." in text for text in texts)]

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        imports = cls.imports(f)
        lines = [f"    {s.name} = {s.text}" for s in f.statements]
        head = wrapped(f"def {f.name}(", f.inputs, "):")
        return [*imports, *["", ""] * bool(imports), *head, *lines, *_returned(f.outputs, f.shape)]


class NumPy(Python):
    """NumPy, elementwise over arrays that are broadcast together; the axes of the answer come last."""

    key, title = "numpy", "NumPy"
    raises = False
    constants: ClassVar = {"pi": "np.pi", "e": "np.e"}
    modules: ClassVar = {"np": "import numpy as np", "scipy.special": "import scipy.special"}

    @classmethod
    def is_infix(cls, row: Primitive) -> bool:
        """Whether a row is written with a sign: of truths none is."""
        return super().is_infix(row) and row not in (AND, OR, NOT)

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in NumPy, or in SciPy."""
        return "" if not isinstance(row.array, str) else row.array if "." in row.array else f"np.{row.array}"

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return self.call(WHERE, (condition, x, y))

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent."""
        return CodeNotation.real_power(self, base, exponent)

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        lines = [f"{s.name} = {s.text}" for s in f.statements]
        shapes = [f"{name}.shape" for name in f.inputs]
        lines += wrapped("shape = np.broadcast_shapes(", shapes, ")") if shapes[1:] else [f"shape = {shapes[0]}"]
        lines.append(f"out = np.empty(shape + {f.shape!r})" if f.shape else "out = np.empty(shape)")
        lines += [f"out[{', '.join(['...', *map(str, i)])}] = {text}" for i, text in f.entries]
        if any("np.where(" in line for line in lines):  # both branches are computed
            lines = ['with np.errstate(all="ignore"):', *(f"    {line}" for line in lines)]
        lines = [*(f"{name} = np.asarray({name}, dtype=float)" for name in f.inputs), *lines, "return out[()]"]
        head = wrapped(f"def {f.name}(", f.inputs, "):")
        return [*cls.imports(f._replace(functions=("np.", *f.functions))), "", "", *head, *(f"    {s}" for s in lines)]


class Jax(NumPy):
    """JAX, elementwise over arrays that are broadcast together, for ``jit`` and ``vmap``."""

    key, title = "jax", "JAX"
    constants: ClassVar = {"pi": "jnp.pi", "e": "jnp.e"}
    modules: ClassVar = {"jnp": "import jax.numpy as jnp", "jax.scipy.special": "import jax.scipy.special"}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in JAX, which follows NumPy's and SciPy's."""
        return "" if not isinstance(row.array, str) else f"jax.{row.array}" if "." in row.array else f"jnp.{row.array}"

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        lines = [f"{name} = jnp.asarray({name}, dtype=float)" for name in f.inputs]
        lines += [f"{s.name} = {s.text}" for s in f.statements]
        first = len(f.inputs)
        if not f.shape:
            lines += one_a_line("return jnp.broadcast_arrays(", (*f.inputs, *f.outputs), f")[{first}]")
        else:
            lines += one_a_line("out = jnp.broadcast_arrays(", (*f.inputs, *f.outputs), f")[{first}:]")
            stacked = "jnp.stack(out, axis=-1)"
            lines.append(f"out = {stacked}" if f.shape[1:] else f"return {stacked}")
            lines += [f"return out.reshape(out.shape[:-1] + {f.shape!r})"] * bool(f.shape[1:])
        head = wrapped(f"def {f.name}(", f.inputs, "):")
        return [*cls.imports(f._replace(functions=("jnp.", *f.functions))), "", "", *head, *(f"    {s}" for s in lines)]


def _returned(outputs: Sequence[str], shape: tuple[int, ...], indent: str = "    ", lead: str = "return ") -> list[str]:
    """A number, or tuples, after a word, on one line or on one for each part."""
    if not shape:
        return [f"{indent}{lead}{outputs[0]}"]
    flat = _tuple_of(outputs, shape)
    end = "" if lead else ","
    if len(indent + lead + flat + end) <= COLUMNS:
        return [f"{indent}{lead}{flat}{end}"]
    size = len(outputs) // shape[0]
    inner = [
        line for k in range(shape[0])
        for line in (_returned(outputs[k * size : (k + 1) * size], shape[1:], f"{indent}    ", "") if len(shape) > 1
                     else [f"{indent}    {outputs[k]},"])
    ]  # fmt: skip
    return [f"{indent}{lead}(", *inner, f"{indent}){end}"]


def _tuple_of(outputs: Sequence[str], shape: tuple[int, ...]) -> str:
    """Nested tuples on one line."""
    if not shape:
        return outputs[0]
    size = len(outputs) // shape[0]
    parts = [_tuple_of(outputs[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
