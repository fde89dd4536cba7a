"""A derivative found step by step, as `explain` gives it: each step names its rule, and is shown once it is checked.

The program of f is walked from its last operation to its variables. A step is an identity, d/dx[u·v] = …, in which the
derivatives of the parts are still to be found; the later steps find them. Every step is checked at random points of
the domain in balls, against derivatives that know nothing of the rule: Arb's power series, and ``sympy.diff``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from diffkit.asking.questions import ask, ask_everywhere
from diffkit.calculus.domain import domain
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.equality import ByContent
from diffkit.core.errors import LimitError, VariableError, plural
from diffkit.core.program import Program
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Result
from diffkit.core.surroundings import undisturbed
from diffkit.core.text import format_outputs, format_slot
from diffkit.core.text.latex import aligned, latex, latex_name
from diffkit.core.text.names import Name, Names
from diffkit.core.workers import timed
from diffkit.lessons.derivations.textbook_rules import Rule, letters, rule_of, tidy
from diffkit.lessons.derivations.verification import StepEvidence, Verifier
from diffkit.methods.answering import answer

_LONGEST_SIDE = 4000  # characters of one side of a line


class StepIdentity(NamedTuple):
    """A line ``left = right`` as programs: what is differentiated, and what its derivative is made of.

    Inputs of ``right`` beyond those of ``left`` stand for derivatives; ``pending`` gives text and LaTeX of each.
    """

    left: Program
    right: Program
    pending: tuple[tuple[str, str], ...]


class DerivationStep(NamedTuple):
    """One step: a rule in letters, what the letters stand for, the rule applied, and the derivative it leads to."""

    rule: str
    formula: StepIdentity
    """the rule in letters, (u·v)′ = v·u′ + u·v′"""
    parts: tuple[tuple[str, Program], ...]
    """what each letter stands for"""
    line: StepIdentity
    """the rule applied, with the derivatives of the parts still to be found"""
    answer: Program
    """the derivative, assembled"""
    evidence: StepEvidence
    variable: str
    several: bool
    """whether f has other variables too"""

    @property
    def formula_text(self) -> str:
        """The rule in letters: (u*v)′ = v*u′ + u*v′."""
        left = text_of(self.formula.left)
        return f"{left if left.isidentifier() else f'({left})'}′ = {text_of(self.formula.right)}"

    @property
    def text(self) -> str:
        """The rule applied: d/dx[x*sin(x)] = sin(x)*d/dx[x] + x*d/dx[sin(x)]."""
        return f"{self.left_text} = {text_of(self.line.right)}"

    @property
    def left_text(self) -> str:
        """What is differentiated: d/dx[x*sin(x)]."""
        return f"{operator_text(self.variable, self.several)}[{text_of(self.line.left)}]"

    @property
    def answer_text(self) -> str:
        """The derivative as text."""
        return text_of(self.answer)

    @property
    def finished(self) -> bool:
        """Whether the line holds no derivative that is still to be found."""
        return not self.line.pending

    @property
    def formula_latex(self) -> str:
        """The rule in letters, as LaTeX."""
        left = text_of(self.formula.left)
        body = latex(self.formula.left)
        right = latex(self.formula.right, dict(self.formula.pending))
        return f"{body if left.isidentifier() else _bracketed(body)}' = {right}"

    @property
    def latex(self) -> str:
        """The rule applied, as LaTeX."""
        left = f"{operator_latex(self.variable, self.several)}{_bracketed(latex(self.line.left))}"
        return f"{left} = {latex(self.line.right, dict(self.line.pending))}"

    @property
    def answer_latex(self) -> str:
        """The derivative as LaTeX."""
        return latex(self.answer)


def operator_text(variable: str, several: bool) -> str:
    """d/dx, or ∂/∂x where there are other variables."""
    d = "∂" if several else "d"
    return f"{d}/{d}{variable}"


def operator_latex(variable: str, several: bool) -> str:
    """The same as LaTeX."""
    d = "\\partial " if several else "d"
    return f"\\frac{{{d.strip()}}}{{{d}{latex_name(variable)}}}"


def same_in_sympy(one: Program, other: Program) -> bool:
    """Whether two programs are one expression to SymPy, but for the order in which they are written."""
    from diffkit.calculus.sympy import to_sympy

    return bool(to_sympy(one) == to_sympy(other))


def _bracketed(text: str) -> str:
    """Put LaTeX in square brackets of its own height."""
    return f"\\left[{text}\\right]"


def text_of(program: Program) -> str:
    """Give the first output as text, cut where it is very long."""
    return format_outputs(program, _LONGEST_SIDE)[0]


_DERIVATION_STEPS = 150  # steps


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(ReportViews, ByContent):
    """The derivative of an expression by one variable, step by step.

    The steps go from the whole to its parts.

    Examples
    --------
    >>> d = dk.explain("x^2*sin(x)")
    >>> [step.rule for step in d.steps]
    ['product rule', 'power rule', 'derivative of sin']
    >>> d.formula
    '2*x*sin(x) + x**2*cos(x)'
    """

    program: Program
    """what computes f"""
    variable: str
    """by which it is differentiated"""
    steps: tuple[DerivationStep, ...]
    """from the whole to its parts"""
    derivative: Program
    """what computes the derivative"""
    by_sympy: Program | None
    """the same as SymPy writes it, where it has a form of it"""
    evidence: StepEvidence
    """the least that any step has"""
    exceptions: tuple[str, ...]
    """where f may have no derivative, since an operation has a kink or a jump there, or branches meet"""
    value: Result | None = None
    """the proven derivative at the point that was named, if one was"""
    notes: tuple[str, ...] = ()
    """how names were read that may be meant otherwise"""

    @property
    def f(self) -> str:
        """f as text."""
        return text_of(self.program)

    @property
    def formula(self) -> str:
        """The derivative as text."""
        return text_of(self.derivative)

    @property
    def several(self) -> bool:
        """Whether f has other variables too."""
        return len(self.program.inputs) > 1

    @property
    def latex(self) -> str:
        """The whole derivation as a LaTeX ``align*`` environment."""
        lines = [f"{step.latex.replace(' = ', ' &= ', 1)} && \\text{{{step.rule}}}" for step in self.steps]
        operator = operator_latex(self.variable, self.several)
        if len(lines) > 1:
            lines.append(f"{operator}{_bracketed(latex(self.program))} &= {latex(self.derivative)}")
        return aligned(lines)

    def __str__(self) -> str:
        operator = operator_text(self.variable, self.several)
        return f"{operator}[{self.f}] = {self.formula}, in {plural(len(self.steps), 'step')}"

    def __repr__(self) -> str:
        return f"<derivation: {self}>"


@timed
@undisturbed()
def explain(
    f: Any, *, wrt: Name | None = None, at: Any = None, variables: Names | None = None,
    timeout: float | None = None,  # noqa: ARG001
) -> Derivation:  # fmt: skip
    """Derive ∂f/∂x step by step, each with its rule, checked by two other methods.

    Parameters
    ----------
    f : str, Expression or sympy.Expr
        A formula.
    wrt : str or sympy.Symbol, optional
        The variable, if there are several.
    at : number, sequence or mapping, optional
        A point at which the derivative's proven value is given too; checks are
        then made around it rather than around zero.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    timeout : float, optional
        Seconds that it may take, of which SymPy has half.

    Returns
    -------
    Derivation
        ``print`` shows the steps; ``latex`` is all of them.

    Raises
    ------
    VariableError
        Where the variable is missing.
    LimitError
        For more than 150 steps.
    DiffkitError
        Where a check fails, or no point is found at which a step could be
        checked.
    OutOfTime
        After ``timeout`` seconds.

    Examples
    --------
    >>> print(dk.explain("exp(-x^2)").formula)
    -2*x*exp(-x**2)
    """
    asked = partial(ask_everywhere, f, "derivative") if at is None else partial(ask, f, "derivative", at)
    question = asked(variables, wrt=wrt)
    program, (_, along) = question.task.program, question.task.indices[0]
    if len(along) != 1:
        raise VariableError("a derivation is by one variable", hint="name one with wrt")
    walk = _DerivationWalk(program, along[0])
    if at is None:
        return replace(walk.derivation(), notes=question.task.notes)
    found = walk.derivation(question.point("a derivation is checked around one point"))
    return replace(found, value=answer(question), notes=question.task.notes)


class _DerivationWalk:
    """The steps of one derivation, from the output down; then their checks."""

    def __init__(self, program: Program, variable: int):
        self.program, self.variable = program, variable
        self.varies = _varies_with(program, variable)
        self.several = len(program.inputs) > 1
        self.rules: dict[int, Rule] = {}
        self._collect(program.outputs[0])
        self.builder = ProgramBuilder.of(program)
        self.slopes: dict[int, int] = {}
        for slot in sorted(self.rules):
            rule = self.rules[slot]
            slopes = [
                self.slopes[arg] if moves else None for arg, moves in zip(rule.arguments, rule.moving, strict=True)
            ]
            _, self.slopes[slot] = rule.make(self.builder, rule.arguments, slopes)

    def _collect(self, output: int) -> None:
        """Rules of all slots whose derivative is asked for, in the order in which they are shown."""
        stack = [output]
        while stack:
            slot = stack.pop()
            if slot in self.rules:
                continue
            rule = self.rules[slot] = rule_of(self.program, self.varies, self.variable, slot)
            if len(self.rules) > _DERIVATION_STEPS:
                hint = "derive its parts one by one"
                raise LimitError(f"the derivation has more than {_DERIVATION_STEPS} steps", hint=hint)
            wanted = [arg for arg, moves in zip(rule.arguments, rule.moving, strict=True) if moves]
            stack.extend(reversed(wanted))

    def derivation(self, middle: Sequence[float] | None = None) -> Derivation:
        """Check every step and give them all."""
        program, output = self.program, self.program.outputs[0]
        drafts = {slot: self._draft(slot, rule) for slot, rule in self.rules.items()}
        verifier = Verifier(program, self.variable, tuple(self.rules), middle)
        steps = []
        for slot, step in drafts.items():
            rule = self.rules[slot]
            evidence = verifier.check(
                slot, step.rule, (step.formula.left, step.formula.right), step.line.right, step.answer,
                rule.arguments, self._moving(rule),
            )  # fmt: skip
            steps.append(step._replace(evidence=evidence))
        return Derivation(
            program,
            program.inputs[self.variable],
            tuple(steps),
            self._answer(output),
            verifier.by_sympy.get(output),
            verifier.summary,
            tuple(dict.fromkeys((*domain(program, self.rules).exceptions, *self._seams()))),
        )

    def _seams(self) -> Iterator[str]:
        """Where the branches of a choice meet: its comparisons as equations."""
        stack = list(reversed(self.rules))
        while stack:
            slot = stack.pop()
            instruction = self.program.instruction_at(slot)
            if instruction is None or not self.varies[slot]:
                continue
            primitive, args = instruction
            if primitive.truth and not primitive.truths:
                yield " = ".join(format_slot(self.program, arg, _LONGEST_SIDE) for arg in args)
            stack.extend(args[k] for k in reversed(primitive.truths))

    def _moving(self, rule: Rule) -> list[int]:
        return [arg for arg, moves in zip(rule.arguments, rule.moving, strict=True) if moves]

    def _part(self, slot: int) -> Program:
        return ProgramBuilder.of(self.program).program([slot], self.program.inputs)

    def _answer(self, slot: int) -> Program:
        return tidy(self.builder.program([self.slopes[slot]], self.program.inputs))

    def _draft(self, slot: int, rule: Rule) -> DerivationStep:
        """A step that is not checked yet."""
        names = letters(self.program, slot, rule, self.variable)
        parts = tuple(
            (name, self._part(arg))
            for name, arg in zip(names, rule.arguments, strict=True)
            if name not in self.program.inputs
        )
        return DerivationStep(
            rule.name, self._formula(slot, rule, names), parts, self._line(slot, rule), self._answer(slot),
            StepEvidence(0, 0), self.program.inputs[self.variable], self.several,
        )  # fmt: skip

    def _formula(self, slot: int, rule: Rule, names: list[str]) -> StepIdentity:
        """The rule in letters."""
        primes = [f"{name}′" for name, moves in zip(names, rule.moving, strict=True) if moves]
        own = names or [self.program.inputs[slot]]
        builder = ProgramBuilder([*own, *primes])
        count, pending = len(own), iter(range(len(own), len(own) + len(primes)))
        slopes = [next(pending) if moves else None for moves in rule.moving]
        left, right = rule.make(builder, range(len(names)), slopes)
        latexed = tuple((prime, f"{latex_name(prime[:-1])}'") for prime in primes)
        written = tidy(builder.program([right], [*own, *primes]), False)
        return StepIdentity(builder.program([left], own[:count]), written, latexed)

    def _line(self, slot: int, rule: Rule) -> StepIdentity:
        """The rule applied to the expressions themselves."""
        program = self.program
        name = program.inputs[self.variable]
        moving = list(dict.fromkeys(self._moving(rule)))
        texts = [f"{operator_text(name, self.several)}[{format_slot(program, arg, _LONGEST_SIDE)}]" for arg in moving]
        latexed = [f"{operator_latex(name, self.several)}{_bracketed(latex(self._part(arg)))}" for arg in moving]
        inputs = [*program.inputs, *texts]
        builder = ProgramBuilder(inputs)
        slots = copy_slots(program, builder, range(len(program.inputs)))
        stand_in = {arg: len(program.inputs) + k for k, arg in enumerate(moving)}
        slopes = [stand_in[arg] if moves else None for arg, moves in zip(rule.arguments, rule.moving, strict=True)]
        _, right = rule.make(builder, [slots[arg] for arg in rule.arguments], slopes)
        return StepIdentity(
            self._part(slot), tidy(builder.program([right], inputs), False), tuple(zip(texts, latexed, strict=True))
        )


def _varies_with(program: Program, variable: int) -> list[bool]:
    """Say of each slot whether it varies with one input."""
    varies = [slot == variable for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        varies.append(any(varies[a] for a in args))
    return varies
