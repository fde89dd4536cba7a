"""What can be differentiated: text, SymPy expressions, and the Expression they all become."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

from diffkit.asking.tasks import check_order, positions
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.errors import LISTED_NAMES, DiffkitError, VariableError, did_you_mean, listing
from diffkit.core.folding import exact
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Program
from diffkit.core.report_views import ReportViews
from diffkit.core.text import format_outputs, parse_program
from diffkit.core.text.names import Name, Names, check_variables, first_meant, notes


@dataclass(frozen=True, eq=False, repr=False)
class Expression(ReportViews):
    r"""A real expression of named variables; ``str`` of it parses back to the same.

    Parameters
    ----------
    program : Program
        What computes it; `parse` makes one of text.
    undeclared : tuple of str, default ()
        Variables that text names and nobody declared.

    Examples
    --------
    >>> e = dk.parse("x*exp(-x)")
    >>> print(e.diff("x"))
    exp(-x) - x*exp(-x)
    >>> e.latex
    'x \\, e^{-x}'
    """

    program: Program
    """what computes it"""
    undeclared: tuple[str, ...] = ()
    """variables that text names and nobody declared"""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables in order."""
        return self.program.inputs

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant as products: ``xy is one variable; write x*y for a product``."""
        return tuple(notes(self.undeclared))

    @cached_property
    def sympy(self) -> Any:
        """The expression as SymPy's, over real symbols; LimitError if it is too large for SymPy."""
        return self.to_sympy()

    def to_sympy(self, *, real: bool = True) -> Any:
        """Give the expression as SymPy's, over real symbols or plain ones.

        ``sympy.diff(e.sympy, "x")`` is 0: SymPy takes the text for a plain symbol,
        which is not the real one. Plain symbols, as ``sympy.symbols`` makes them,
        fit such use, and say nothing of the values that x may take.

        Parameters
        ----------
        real : bool, default True
            Whether the symbols are real.

        Returns
        -------
        sympy.Expr
            The expression.

        Raises
        ------
        LimitError
            For what is too large for SymPy.
        """
        from diffkit.calculus.sympy import to_sympy

        return to_sympy(self.program, real=real)[0]

    @property
    def latex(self) -> str:
        """The expression as LaTeX, as it stands; LimitError if it is too long."""
        from diffkit.core.text.latex import latex  # a short command has no use for it

        return latex(self.program)

    def diff(self, variable: Name, order: int = 1) -> Expression:
        """Give the derivative in one variable as an Expression, by ``sympy.diff``.

        Parameters
        ----------
        variable : str or sympy.Symbol
            The variable.
        order : int, default 1
            How often to differentiate.

        Returns
        -------
        Expression
            The derivative.

        Raises
        ------
        VariableError
            For a name that is no variable.
        """
        from diffkit.calculus.sympy import symbolic_derivative

        check_order(order)
        (position,) = positions(self.variables, variable)
        return Expression(symbolic_derivative(self.program, [(0, (position,) * order)]))

    def __str__(self) -> str:
        return format_outputs(self.program)[0]

    def __repr__(self) -> str:
        names: Any = self.variables if len(self.variables) <= LISTED_NAMES else f"({listing(self.variables)})"
        return f"Expression({format_outputs(self.program, 80)[0]!r}, variables={names})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.program,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.program == other.program

    def __hash__(self) -> int:
        return hash(self.program)


def parse(text: str, variables: Names | None = None, limits: Limits = DEFAULT) -> Expression:
    """Read an expression; nothing in the text is ever executed.

    Parameters
    ----------
    text : str
        Such as ``3*x^2 - 4x``; ``^`` and ``**`` are powers, and what names
        there are `diffkit functions` tells.
    variables : str, sympy.Symbol or sequence, optional
        The variables in their order, which win over constants of the same name;
        the free names in natural order unless given.
    limits : Limits, optional
        How large the text may be.

    Returns
    -------
    Expression
        ``str`` of it parses back to the same.

    Raises
    ------
    ParseError
        For text that is no expression, with the position.
    LimitError
        For what is larger than ``limits``.
    VariableError
        For a name that is not among the variables.

    Examples
    --------
    >>> e = dk.parse("3*x^2 - 4x")
    >>> print(e, e.variables)
    3*x**2 - 4*x ('x',)
    """
    program = parse_program(text, variables, limits)
    return Expression(program, program.inputs if variables is None else ())


class Reading(NamedTuple):
    """What was read: a program, and the names in it that text has and nobody declared."""

    program: Program
    undeclared: frozenset[str] = frozenset()

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant as products."""
        return tuple(notes(self.undeclared))

    def declaring(self, wrt: Collection[str]) -> Reading:
        """The same of the names in ``wrt`` too: f does not vary with them, unless one is a slip for a variable of f."""
        inputs = self.program.inputs
        new = [name for name in wrt if name not in inputs and not did_you_mean(name, inputs)]
        if not new:
            return self
        names = check_variables(frozenset((*inputs, *new)))
        return self._replace(program=with_inputs([self.program], names))

    def of_one(self, variables: Names | None) -> Reading:
        """The same of one variable at least: a constant of which no variables are known is a function of x."""
        if self.program.inputs or variables is not None:
            return self
        return Reading(with_inputs([self.program], ("x",)))


def as_joint_program(fs: Any, variables: Names | None = None, given: Collection[str] = ()) -> Program:
    """Give one program of several scalar functions over the union of their variables, in natural order."""
    return read_joint(as_list(fs), variables, given).program


def as_list(fs: Any) -> list[Any]:
    """Give the functions of a list, of a SymPy matrix, or of an array of expressions; one alone as a list."""
    if hasattr(fs, "tolist") and hasattr(fs, "shape"):
        fs = [f for row in fs.tolist() for f in (row if isinstance(row, list) else [row])]
    return [fs] if isinstance(fs, str) or not isinstance(fs, Sequence) else list(fs)


def read_joint(fs: Sequence[Any], variables: Names | None = None, given: Collection[str] = ()) -> Reading:
    """Read scalar functions as one program over the union of their variables, in natural order unless they are given.

    ``given`` are the names that a point, or ``wrt``, gives: they are variables where text has them, and the variables
    of constants, which have none of their own. VariableError where they are the letters of a name.
    """
    if not fs:
        raise DiffkitError("there is no function to differentiate")
    readings = [_read(f, variables, given) for f in fs]
    names = {name for reading in readings for name in reading.program.inputs}
    undeclared = frozenset(name for reading in readings for name in reading.undeclared)
    run, write = first_meant(undeclared, given, names)
    if run:
        text = next((f for f in fs if isinstance(f, str) and run in f), None)
        position = None if text is None else text.index(run)
        raise VariableError(f"{run} is one variable", hint=write, text=text, position=position)
    if variables is None and names and len(readings) == 1:  # an Expression may have an order of its own
        return readings[0]
    inputs = check_variables(variables if variables is not None else frozenset(names or given))
    return Reading(with_inputs([reading.program for reading in readings], inputs), undeclared)


def _read(f: Any, variables: Names | None, given: Collection[str]) -> Reading:
    if isinstance(f, Program):
        return Reading(f)
    if isinstance(f, Expression):
        return Reading(f.program, frozenset(f.undeclared if variables is None else ()) - frozenset(given))
    if isinstance(f, str):
        program = parse_program(f, variables, given=given)
        return Reading(program, frozenset(program.inputs if variables is None else ()) - frozenset(given))
    if isinstance(f, Real):
        return Reading(_constant(f))
    if is_sympy(f):
        from diffkit.calculus.sympy import from_sympy

        return Reading(from_sympy([f], variables))
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


def _constant(value: Real) -> Program:
    from fractions import Fraction

    builder = ProgramBuilder()
    try:
        slot = builder.constant(exact(Fraction(value)))  # type: ignore[call-overload]
    except (ValueError, OverflowError):
        raise DiffkitError(f"{value} is not a finite number") from None
    return builder.program([slot])


def with_inputs(programs: Sequence[Program], names: Sequence[str]) -> Program:
    """Join programs over the given inputs; VariableError if one needs another name."""
    if len(programs) == 1 and programs[0].inputs == tuple(names):
        return programs[0]
    builder = ProgramBuilder(names)
    outputs, known = [], set(names)
    for program in programs:
        missing = [program.inputs[i] for i in program.used_inputs if program.inputs[i] not in known]
        if missing:
            raise VariableError(f"unknown variable {missing[0]}", hint=f"the variables are {listing(names)}")
        slots = copy_slots(program, builder, [builder.input(name) for name in program.inputs])
        outputs += [slots[o] for o in program.outputs]
    return builder.program(outputs, names)
