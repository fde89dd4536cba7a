"""How large an input may be, and how precisely balls are computed.

Every limit can be raised by passing another ``Limits``.
"""

from __future__ import annotations

from typing import NamedTuple

from diffkit.core.errors import LimitError

RAISE = "in Python the limit is raised with limits=Limits({name}=…)"


class Limits(NamedTuple):
    """Bounds that keep text from strangers from hanging or crashing the reader.

    The defaults are measured: honest losses reach 400 kB and 200,000 nodes; a
    literal of one million digits, ``9**9**9`` or ten thousand nested calls are
    attacks or accidents.

    Examples
    --------
    >>> try:
    ...     dk.parse("x + y + z", limits=dk.Limits(nodes=3))
    ... except dk.LimitError as error:
    ...     print(error.reason)
    the expression has too many operations (limit 3)
    """

    length: int = 2_000_000
    """characters of text"""
    nodes: int = 500_000
    """slots of a program"""
    symbolic_nodes: int = 30_000
    """slots handed to SymPy, which needs 5 s at 32,000"""
    symbolic_depth: int = 100
    """nested operations handed to SymPy, whose own code recurses"""
    depth: int = 400
    """nested operations; a chain of + −, of × ÷, or of max counts once"""
    parentheses: int = 200
    """open parentheses at one place"""
    digits: int = 400
    """digits of one literal"""
    exponent_digits: int = 4
    """digits of a literal's decimal exponent"""
    constant_bits: int = 16_384
    """bits of an exact constant, checked before it is computed"""
    exponent: int = 2**20
    """size of a constant exponent on a variable"""
    name_length: int = 64
    """characters of a name"""
    function_order: int = 1000
    """order of besselj and polygamma"""
    derivative_order: int = 20
    """order of a derivative"""

    def __repr__(self) -> str:
        """What differs from the defaults, so that a signature fits on a line."""
        own = (f"{name}={value!r}" for name, value in self._asdict().items() if value != self._field_defaults[name])
        return f"Limits({', '.join(own)})"

    def exceeded(self, name: str, what: str, hint: str = RAISE) -> LimitError:
        """Give the error to raise when something is beyond a limit.

        Parameters
        ----------
        name : str
            The limit.
        what : str
            What is beyond it, in words.
        hint : str, optional
            What to do; to raise the limit, unless given.

        Returns
        -------
        LimitError
            The error.
        """
        value: int = getattr(self, name)
        return LimitError(f"{what} (limit {value:,})", hint=hint.format(name=name))


DEFAULT = Limits()
UNLIMITED = Limits(nodes=2**62, depth=2**62, exponent=2**62)
"""of programs that are made of others: nobody can make them longer"""

# Working precisions of ball arithmetic in bits, by what they are for

PROOF_PRECISIONS = (128, 256, 512, 2400)
"""raised until a ball tells: proofs, signs of constants, differences of formulas, errors of quotients"""
SEARCH_BITS = 80
"""of boxes that are searched: they are no narrower than 1e-12 of their coordinates"""
POINT_BITS = 256
"""of what is proven at a point of a search"""
SHOWN_BITS = 512
"""of numbers that are shown, and of those that exact arithmetic is asked about"""
DEEP_BITS = 1024
"""of what is to tell zero from next to nothing: Newton's method, sides of an identity, what cancels"""
VALUE_BITS = (POINT_BITS, DEEP_BITS, 4 * DEEP_BITS)
"""of a value that is to be known to the last bit, or to be smaller than any binary64"""

# Decimal digits

CONSTANT_DIGITS = 50
"""of constants that a user gives as text"""
AGREED_DIGITS = 150
"""to which sides of an identity are seen to agree"""
QUOTIENT_DIGITS = 60
"""of a proven derivative, from which errors of quotients are taken"""
