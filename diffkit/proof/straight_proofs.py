"""The first step of a proof as straight-line code, for points one after another; what it does not settle is for others.

For tasks that one direction confirms: gradients, Hessians and derivatives of one variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flint import arb, arb_series

from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import maker
from diffkit.numbers.balls import enclose, nearest, precision
from diffkit.numbers.intervals import ZERO
from diffkit.proof.polynomials import is_right_everywhere

if TYPE_CHECKING:
    from diffkit.proof.prover import Prover, Regular


def proof_at_once(prover: Prover, proven: Callable[..., Regular]) -> Callable[..., Regular | None]:
    """Give the function of the coordinates that gives what is proven there, if all is; else None."""
    names, balls = _names(prover)
    if not prover.has_one_direction:
        return lambda *_: None
    lines = [
        *_rounded(prover, names, ".value"),
        *_confirmed(prover, names, balls),
        f"  return Regular(({' '.join(f'e{ball},' for ball in balls)}), all_, all_, {PROOF_PRECISIONS[0]})",
    ]
    constants = {**_constants(prover), "round_": enclose, "Regular": proven, "all_": (True,) * len(balls)}
    return maker(names, lines, constants)(**constants)


def values_at_once(prover: Prover) -> Callable[[Any], list[float] | None]:
    """Give the function of a tuple of floats that gives the values there, if all are proven; else None.

    The derivative of a polynomial is proven to be right once, for all points, by flint's own of it.
    """
    names, balls = _names(prover)
    everywhere = is_right_everywhere(prover.program, prover.indices, prover.derivative)
    if not names or not (everywhere or prover.has_one_direction):
        return lambda _: None
    lines = [
        f"if at.__class__ is not tuple or len(at) != {len(names)}: return None",
        f"{' '.join(f'{x},' for x in names)} = at",
        f"if not ({' is '.join(f'{x}.__class__' for x in names)} is float): return None",
        f"if not ({' + '.join(f'({x} - {x})' for x in names)} == 0.0): return None",  # some are not finite
        *_rounded(prover, names, ""),
        *([] if everywhere else _confirmed(prover, names, balls)),
        f"  return [{', '.join(f'e{ball}' for ball in balls)}]",
    ]
    constants = {**_constants(prover), "round_": nearest, "tuple": tuple, "len": len, "float": float}
    return maker(["at"], lines, constants)(**constants)


def _names(prover: Prover) -> tuple[list[str], list[str]]:
    """Names of the coordinates, and of the balls of the components."""
    guarded = prover.guarded
    return [f"x{i}" for i in range(len(prover.program.inputs))], [
        f"b{slot}" for slot in guarded.program.outputs[: guarded.derivatives]
    ]


def _rounded(prover: Prover, names: Sequence[str], value: str) -> list[str]:
    """Lines that hold the first precision, compute the balls, test what must hold of them, and round the components."""
    guarded, bits = prover.guarded, PROOF_PRECISIONS[0]
    count, primals = guarded.derivatives, guarded.primals
    balls = [f"b{slot}" for slot in guarded.program.outputs]
    margins = zip(balls[count + primals :], guarded.edges, strict=True)
    tests = [f"{ball}.is_finite()" for ball in balls[count : count + primals]]
    tests += [f"{margin} {'>' if edge else '!='} zero" for margin, edge in margins]
    distinct = list(dict.fromkeys(balls[:count]))
    return [
        f"with precision({bits}, {prover.order + 1}):",
        f"  {', '.join(balls)}, = balls({', '.join(f'arb({x})' for x in names)})",
        f"  if not ({' and '.join(tests)}): return None",
        *(f"  e{ball} = round_({ball})" for ball in distinct),
        f"  if {' or '.join(f'e{ball}{value} is None' for ball in distinct)}: return None",
    ]


def _confirmed(prover: Prover, names: Sequence[str], balls: Sequence[str]) -> list[str]:
    """Lines that ask Arb's series along the one direction."""
    line = [f"arb_series([{x}, {v}])" for x, v in zip(names, prover.speeds(prover.directions[0]), strict=True)]
    point = f"({' '.join(f'{x},' for x in names)})"
    return [
        f"  found, along = [{', '.join(balls)}], {{direction: series({', '.join(line)})}}",
        *(f"  if not agree{k}(along, found, {point}): return None" for k in range(len(prover.checks))),
    ]


def _constants(prover: Prover) -> dict[str, Any]:
    """What the lines name."""
    bits = PROOF_PRECISIONS[0]
    with precision(bits, prover.order + 1):
        compiled = {"balls": prover.balls.compiled(bits), "series": prover.series.compiled(bits)}
    agree = {f"agree{k}": partial(prover.agree, check) for k, check in enumerate(prover.checks)}
    direction = next(iter(prover.directions), None)
    return {"precision": precision, "arb": arb, "arb_series": arb_series, "zero": ZERO, "direction": direction,
            **compiled, **agree}  # fmt: skip
