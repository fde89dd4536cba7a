"""The glossary: the words of answers and messages with their meanings, and where a report uses them.

docs/glossary.md is written from it, and reports link to it by word: a page marks the first use of each, and readable
files end with those that they used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from diffkit.reports.document import Block, Equation, Heading, Note, Table


class Term(NamedTuple):
    """A word, its meaning in a line, what else there is to say, and the ``forms`` it has in reports (itself, if none).

    Forms are in the singular; a plural in -s is known.
    """

    word: str
    meaning: str
    more: str = ""
    forms: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """What a link on a page leads to."""
        return "word-" + re.sub(r"\W+", "-", self.word)


GLOSSARY = {
    "Numbers and their errors": (
        Term("ball", "a number m with a radius r, which holds every x with |x − m| ≤ r.",
             "Arithmetic of balls rounds outward, so that the result of a computation lies in the ball that comes out "
             "of it (Johansson, Arb, IEEE Trans. Comput. 66 (2017))."),
        Term("proven", "shown by balls or by exact algebra, not by samples.",
             "A proven value is the binary64 nearest to the exact one."),
        Term("binary64", "the floating-point numbers of Python and NumPy: 53 bits, about 16 decimal digits."),
        Term("correctly rounded", "the binary64 nearest to the exact value; no other is closer."),
        Term("error bar", "how far an answer says it may be from the exact value.",
             "It is proven where a ball or a series holds the value, and an estimate where it comes from samples.",
             ("error bar", "bar")),
        Term("round-off", "what is lost where results are rounded to binary64: about 1e-16 of each."),
        Term("truncation error", "what a formula leaves out before anything is rounded.",
             "(f(x + h) − f(x))/h differs from f′(x) by h·f″/2 and more.", ("truncation error", "truncation")),
        Term("ulp", "a unit in the last place: the gap between a binary64 and the next.",
             "A correctly rounded answer is off by at most half an ulp."),
        Term("κ, condition number", "how much a relative error of the input is magnified.",
             "κ = |x·f′(x)/f(x)| for a function of one variable, ‖A‖·‖A⁻¹‖ for linear equations, and L/μ, the largest "
             "curvature by the least, for a descent. A large κ loses log₁₀ κ digits, whatever method is used.",
             ("condition number", "κ")),
        Term("cancellation", "the loss of digits where nearly equal numbers are subtracted.",
             "1 − cos x at 10⁻⁸ has none left."),
    ),
    "Derivatives": (
        Term("partial ∂f/∂x", "the derivative of f by x, the other variables held.", "",
             ("partial derivative", "partial")),
        Term("gradient", "all first partials of one function, shape (n,)."),
        Term("Jacobian", "the first partials of m functions, shape (m, n): row i holds those of the i-th."),
        Term("Hessian", "all second partials of one function, shape (n, n).",
             "Its eigenvalues are the curvatures of f: all positive at a minimum."),
        Term("directional derivative", "the slope of f along a straight line through the point: Σ vᵢ·∂f/∂xᵢ."),
        Term("rule of differentiation", "what the derivative of a sum, product, quotient, power or composition is in "
             "those of its parts.",
             "(u·v)′ = u′·v + u·v′ is the product rule, f(g(x))′ = f′(g(x))·g′(x) the chain rule.",
             ("rule of differentiation", "sum rule", "product rule", "quotient rule", "power rule", "chain rule")),
        Term("primal and tangent", "in forward mode, the value of an intermediate result and its derivative in the "
             "direction that was chosen.", "", ("primal",)),
        Term("dual number", "a primal and its tangents, carried through the computation together: forward mode."),
        Term("adjoint", "the derivative of the final result by an intermediate one, carried backward: reverse mode, "
             "back-propagation.", "The adjoint of the input is the gradient."),
        Term("cotangent", "the adjoint of an output that one starts from in reverse mode."),
        Term("pushforward (jvp)", "the map from tangents of the input to tangents of the output, v ↦ J·v.", "",
             ("pushforward", "jvp")),
        Term("pullback (vjp)", "the map from cotangents of the output to those of the input, u ↦ Jᵀ·u.", "",
             ("pullback", "vjp")),
        Term("hvp", "the Hessian times a vector, H·v, without the Hessian."),
        Term("complex step", "f′(x) ≈ Im f(x + ih)/h, which subtracts nothing.",
             "It is for code that computes with complex numbers as with real ones (Squire & Trapp, SIAM Review 40 "
             "(1998))."),
        Term("finite difference", "a combination of values of f at points beside x that is nearly a derivative.",
             "The points are its stencil.", ("finite difference", "difference quotient", "stencil")),
    ),
    "Points that are not ordinary": (
        Term("kink", "a point where f is continuous and its left and right derivatives differ, as of |x| at 0.",
             "f is not differentiable there."),
        Term("jump", "a point where the value itself differs between left and right."),
        Term("pole", "a point at which |f| grows beyond every bound from both sides, like a power of the distance."),
        Term("edge of the domain", "a point with places beside it where f has no real value, as of √x at 0.", "",
             ("edge of the domain", "edge of its domain")),
        Term("removable singularity", "a point where f has no value as it is written and tends to the same limit "
             "from both sides, as sin(x)/x at 0.", "", ("removable singularity", "removable")),
        Term("one-sided series",
             "what f equals just to the right (or left) of a point: a power series in the distance.",
             "It may begin with a negative or a fractional power. Its coefficients are exact, so that kinks, poles and "
             "limits are decided by them.", ("one-sided series", "one-sided")),
        Term("Clarke interval", "all slopes between the left and the right derivative; of several variables, all "
             "mixtures of gradients beside the point.",
             "A minimum at a kink has 0 in it (Clarke, Optimization and Nonsmooth Analysis, 2.3).",
             ("Clarke interval", "Clarke subdifferential", "Clarke's gradient")),
        Term("stationary point", "a point at which the gradient is 0, or a kink with 0 in its Clarke interval."),
    ),
    "Answers": (
        Term("backend", "a method of differentiation: symbolic, finite, dual, reverse, complex, or another tool.", "",
             ("backend", "method")),
        Term("reference", "the value that others are judged by.",
             "It is proven where f is known as a formula, and measured in two independent ways where it is code."),
        Term("verdict", "what compare, check and report conclude.",
             "bool() of the answer and the exit code are the same."),
        Term("confirmed", "found in two ways that share no step; what is not confirmed is not called ok."),
        Term("claim", "the derivative that check is asked about."),
        Term("counter-example", "a point at which a claim is seen to be wrong."),
        Term("uncertain, undecided, inconclusive", "not known: a component whose value is not confirmed, a question "
             "that neither balls nor exact algebra answer, a claim that is shown neither right nor wrong.",
             "Each comes with its reason, and with what would decide it.", ("uncertain", "undecided", "inconclusive")),
    ),
}  # fmt: skip
"""Section → its words"""
TERMS = {form.lower(): term for terms in GLOSSARY.values() for term in terms for form in term.forms or (term.word,)}
"""Each form of a word → what it is"""
_FORMS = "|".join(re.escape(form).replace(r"\ ", r"\s") for form in sorted(TERMS, key=len, reverse=True))
_USE = re.compile(
    r"(?<![\w.*/^+=∂′·–−|-])(?<!\w\()(?<![=*/^+<>−|]\s)"  # not a part of a formula, an option or a longer word
    rf"({_FORMS})(s?)(?![\w*/^+=(′·|\[−-]|\s[=*/^+<>−|]|\.\w)",
    re.IGNORECASE,
)


class UsedTerms:
    """The words of the glossary that a report has used so far; names of its variables are none."""

    def __init__(self, names: Collection[str] = ()):
        self.names = frozenset(names)
        self.found: list[Term] = []

    def first_uses(self, text: str) -> Iterator[tuple[str, Term | None]]:
        """Split a text: words that are used for the first time, each with what it is, and what is between them."""
        end = 0
        for use in _USE.finditer(text):
            term = TERMS[re.sub(r"\s", " ", use[1]).lower()]
            if term in self.found or use[0] in self.names:
                continue
            self.found.append(term)
            yield text[end : use.start()], None
            yield use[0], term
            end = use.end()
        yield text[end:], None

    def look(self, text: str) -> None:
        """Note the words that a text uses."""
        for _ in self.first_uses(text):
            pass


def names_of_variables(blocks: Iterable[Block]) -> set[str]:
    """Give the names in what was typed, which a report begins with: the arguments in f(x, y), and what f is."""
    found: set[str] = set()
    for equation in takewhile(lambda block: isinstance(block, Equation), blocks):
        assert isinstance(equation, Equation)
        found.update(re.findall(r"\w+", equation.left.partition("(")[2]), re.findall(r"\w+", equation.right))
    return found


def words_of(block: Block) -> tuple[str, ...]:
    """Give the texts of a block that are words: a note, a heading, headings of columns, a remark."""
    if isinstance(block, Equation):
        return (block.remark,)
    if isinstance(block, Table):
        return block.header
    return (block.text,) if isinstance(block, (Note, Heading)) else ()


def page() -> str:
    """Give docs/glossary.md."""
    lines = ["# Glossary", "", "The words that answers, messages and these pages use, each in a few lines.",
             "Reports in HTML and Markdown explain those that they use.",
             "Written from `diffkit/reports/glossary.py` by `python docs/generate.py`.", ""]  # fmt: skip
    for section, terms in GLOSSARY.items():
        lines += [f"## {section}", ""]
        for term in terms:
            sentence = term.meaning[0].upper() + term.meaning[1:]
            lines += [f"### {term.word}", "", f"{sentence} {term.more}".rstrip(), ""]
    return "\n".join(lines).rstrip() + "\n"
