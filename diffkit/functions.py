"""What can be differentiated: text, SymPy expressions, and the Expression they all become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

from diffkit.builder import ProgramBuilder, copy_slots, exact
from diffkit.errors import DiffkitError, VariableError
from diffkit.limits import DEFAULT, Limits
from diffkit.program import Program
from diffkit.syntax import format_outputs, parse_program
from diffkit.syntax.names import Name, Names, check_variables, natural_order
from diffkit.tasks import check_order, positions


@dataclass(frozen=True, eq=False, repr=False)
class Expression:
    """A real expression of named variables; ``str`` of it parses back to the same program."""

    program: Program

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables in order."""
        return self.program.inputs

    @cached_property
    def sympy(self) -> Any:
        """The expression as SymPy's, over real symbols; LimitError if it is too large for SymPy."""
        return self.to_sympy()

    def to_sympy(self, *, real: bool = True) -> Any:
        """Give the expression as SymPy's, over real symbols or plain ones, as ``sympy.symbols`` makes them.

        ``sympy.diff(e.sympy, "x")`` is 0: SymPy takes the text for a plain symbol, which is not the real one. Plain
        symbols fit such use, and say nothing of the values that x may take. LimitError if it is too large for SymPy.
        """
        from diffkit.sympy_bridge import to_sympy

        return to_sympy(self.program, real=real)[0]

    def diff(self, variable: Name, order: int = 1) -> Expression:
        """Give the derivative in one variable as an Expression, by ``sympy.diff``."""
        from diffkit.sympy_bridge import symbolic_derivative

        check_order(order)
        (position,) = positions(self.program, variable)
        return Expression(symbolic_derivative(self.program, [(0, (position,) * order)]))

    def __str__(self) -> str:
        return format_outputs(self.program)[0]

    def __repr__(self) -> str:
        return f"Expression({format_outputs(self.program, 80)[0]!r}, variables={self.variables})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.program,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.program == other.program

    def __hash__(self) -> int:
        return hash(self.program)


def parse(text: str, variables: Names | None = None, limits: Limits = DEFAULT) -> Expression:
    """Read an expression; nothing in the text is ever executed.

    Variables are ``variables`` in that order (these names win over constants), or the free names in natural order.
    Raises ParseError with the position, LimitError beyond ``limits``, VariableError for an undeclared name.
    """
    return Expression(parse_program(text, variables, limits))


def as_program(f: Any, variables: Names | None = None) -> Program:
    """Give the program of anything that can be differentiated; DiffkitError for anything else."""
    if isinstance(f, Program):
        f = Expression(f)
    if isinstance(f, Expression):
        return f.program if variables is None else with_inputs([f.program], check_variables(variables))
    if isinstance(f, str):
        return parse_program(f, variables)
    if isinstance(f, Real):
        return _constant(f, variables)
    if is_sympy(f):
        from diffkit.sympy_bridge import from_sympy

        return from_sympy([f], variables)
    if callable(f):
        raise DiffkitError(
            "an expression is wanted here, not a Python function",
            hint="give text, or for several functions one that returns the list of their values",
        )
    raise DiffkitError(
        f"cannot differentiate a {type(f).__name__}", hint="give text, an Expression, a SymPy expression or a function"
    )


def is_function(f: Any) -> bool:
    """Whether something is a Python function, rather than an expression of any kind."""
    return callable(f) and not (isinstance(f, (str, Expression, Program)) or is_sympy(f))


def is_sympy(f: Any) -> bool:
    """Whether something is SymPy's; SymPy is not imported to find out."""
    return str(type(f).__module__).partition(".")[0] == "sympy" or hasattr(f, "free_symbols")


def _constant(value: Real, variables: Names | None) -> Program:
    from fractions import Fraction

    builder = ProgramBuilder()
    try:
        slot = builder.constant(exact(Fraction(value)))  # type: ignore[call-overload]
    except (ValueError, OverflowError):
        raise DiffkitError(f"{value} is not a finite number") from None
    return builder.program([slot], check_variables(variables or ()))


def as_joint_program(fs: Any, variables: Names | None = None) -> Program:
    """Give one program of several scalar functions over the union of their variables, in natural order."""
    if hasattr(fs, "tolist") and hasattr(fs, "shape"):  # a SymPy matrix or an array of expressions
        fs = [f for row in fs.tolist() for f in (row if isinstance(row, list) else [row])]
    if isinstance(fs, str) or not isinstance(fs, Sequence):
        return as_program(fs, variables)
    if not fs:
        raise DiffkitError("there is no function to differentiate")
    programs = [as_program(f, variables) for f in fs]
    names = (
        tuple(check_variables(variables))
        if variables is not None
        else natural_order({n for p in programs for n in p.inputs})
    )
    return with_inputs(programs, names)


def with_inputs(programs: Sequence[Program], names: Sequence[str]) -> Program:
    """Join programs over the given inputs; VariableError if one needs another name."""
    builder = ProgramBuilder(names)
    outputs = []
    for program in programs:
        missing = [program.inputs[i] for i in program.used_inputs if program.inputs[i] not in names]
        if missing:
            raise VariableError(
                f"unknown variable {missing[0]}", hint=f"the variables are {', '.join(names) or 'none'}"
            )
        slots = copy_slots(program, builder, [builder.input(name) for name in program.inputs])
        outputs += [slots[o] for o in program.outputs]
    return builder.program(outputs, names)
