"""Random Programs of arrays and points for them: broadcasting, ties, kinks, edges, empty axes, singular matrices."""

import math
from random import Random
from typing import NamedTuple

import numpy as np

from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Order, Reshape, Spread, Take, Total, gathered
from diffkit.core.contractions import Contract
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Program, broadcast
from diffkit.core.table import ADD, LT, MAX, MIN, MUL, POWER, SUB, WHERE, table

SHAPES = [(), (), (1,), (2,), (3,), (3,), (0,), (2, 2), (1, 3), (2, 1), (2, 0), (3, 2), (1, 2, 2), (2, 1, 1)]
SPECIAL = [0.0, 0.0, 1.0, -1.0, 2.0, 0.5, -2.0, 3.0, 1e-3]
MOST = 24  # entries of an array
SMOOTH = [r for r in table if len(r.arguments) == 1 and not r.truth and not r.truths and not r.orders
          and r.continues is None]  # fmt: skip
PLAIN = [table[name] for name in ("sin", "tanh", "exp", "atan", "neg", "sigmoid", "cos", "erf", "abs", "relu", "sqrt")]
PAIRED = [r for r in table if len(r.arguments) == 2 and not r.truth and not r.truths and not r.orders]
COMPARED = [r for r in table if len(r.arguments) == 2 and r.truth and not r.truths]
ORDERED = [r for r in table if r.orders and r.continues is None]


class DrawnProgram(NamedTuple):
    """A Program of one output, and the values of its inputs."""

    program: Program
    inputs: list

    @property
    def flat(self):
        """All values of the inputs."""
        return np.concatenate([np.ravel(x) for x in self.inputs])

    def split(self, flat):
        """A flat array as arrays in the shapes of the inputs."""
        ends = np.cumsum([x.size for x in self.inputs])
        return [part.reshape(x.shape) for part, x in zip(np.split(flat, ends[:-1]), self.inputs, strict=True)]


def number(random):
    """A number, often a special one."""
    return random.choice(SPECIAL) if random.random() < 0.4 else round(random.gauss(0, 1.5), random.choice([1, 3, 17]))


def array(random, shape):
    """Numbers, some of them repeated."""
    few = [number(random) for _ in range(max(1, random.choice([2, 5, 30])))]
    return np.array([random.choice(few) for _ in range(math.prod(shape))], dtype=float).reshape(shape)


class Drawing:
    """A Program on its way: slots that may be used further."""

    def __init__(self, random, inputs=None, plain=False):
        self.random, self.plain = random, plain
        shapes = inputs or [random.choice(SHAPES) for _ in range(random.randint(1, 3))]
        if not any(map(math.prod, shapes)):
            shapes[0] = (2,)
        self.builder = ArrayBuilder({f"x{k}": shape for k, shape in enumerate(shapes)})
        self.slots = [self.builder.input(f"x{k}") for k in range(len(shapes))]
        self.count = len(shapes)
        self.shapes = shapes

    def pick(self):
        """A slot of numbers, more often a late one."""
        slots = self.slots
        return slots[max(self.random.randrange(len(slots)), self.random.randrange(len(slots)))]

    def shape(self, slot):
        """Its shape."""
        return self.builder.shapes[slot]

    def add(self, row, *args):
        """Emit, unless it would be large."""
        found = self.builder.apply(row, args)
        if math.prod(self.shape(found)) <= MOST:
            self.slots.append(found)
        return found

    def partner(self, slot):
        """A slot that goes together with another, or data."""
        for _ in range(4):
            other = self.pick()
            try:
                if math.prod(broadcast([self.shape(slot), self.shape(other)])) <= MOST:
                    return other
            except ValueError:
                pass
        shape = self.shape(slot)[self.random.randint(0, len(self.shape(slot))) :]
        return self.builder.data(array(self.random, tuple(1 if self.random.random() < 0.3 else n for n in shape)))

    def tamed(self, slot):
        """A slot in the middle of most domains."""
        if self.random.random() < 0.5:
            return slot
        squared = self.builder.apply(MUL, (slot, slot))
        return self.builder.apply(ADD, (squared, self.builder.constant(self.random.choice([0, 1, 2]))))

    # Steps ------------------------------------------------------------------------------------------------------

    def unary(self):
        """A row of one argument."""
        rows = PLAIN if self.plain or self.random.random() < 0.6 else SMOOTH
        self.add(self.random.choice(rows), self.tamed(self.pick()))

    def paired(self):
        """A row of two arguments."""
        x = self.pick()
        pair = (x, self.partner(x)) if self.random.random() < 0.5 else (self.partner(x), x)
        row = self.random.choice([ADD, SUB, MUL, MAX, MIN] if self.plain or self.random.random() < 0.6 else PAIRED)
        if row is POWER and self.random.random() < 0.7:
            n = self.builder.constant(self.random.choice([0, 1, 2, 3, -1, -2]))
            y = self.random.choice([n, self.builder.data(np.array([0.0, 1.0, 2.0])), pair[1]])
            pair = (x if self.shape(x) in ((), (1,), (3,), (2, 1)) or y == n else self.pick(), y)
            if self.clash(pair):
                return
        self.add(row, *pair)

    def clash(self, pair):
        """Whether shapes do not go together."""
        try:
            broadcast([self.shape(slot) for slot in pair])
        except ValueError:
            return True
        return False

    def ordered(self):
        """A row with an order."""
        self.add(self.random.choice(ORDERED), self.builder.constant(self.random.randint(0, 2)), self.tamed(self.pick()))

    def choice(self):
        """A choice by a condition."""
        x = self.pick()
        y = self.partner(x) if self.random.random() < 0.7 else self.builder.constant(self.random.choice([0, 1]))
        condition = self.builder.apply(self.random.choice(COMPARED), (x, y))
        if self.random.random() < 0.3:
            other = self.builder.apply(LT, (self.partner(condition), self.builder.constant(1)))
            condition = self.builder.apply(table[self.random.choice(["and_", "or_"])], (condition, other))
        if self.random.random() < 0.2:
            condition = self.builder.apply(table["not_"], (condition,))
        one = self.partner(condition)
        whole = broadcast([self.shape(condition), self.shape(one)])
        other = self.random.choice([s for s in self.slots if self.fits(whole, s)] or [self.builder.constant(2)])
        self.add(WHERE, condition, one, other)

    def fits(self, whole, slot):
        """Whether a slot goes together with a shape."""
        try:
            return math.prod(broadcast([whole, self.shape(slot)])) <= MOST
        except ValueError:
            return False

    def gathering(self, shape=None):
        """Entries of a pool, with repeats and the pool's 0; those of one slot or more."""
        parts = [self.pick() for _ in range(self.random.randint(1, 3))]
        size = sum(math.prod(self.shape(p)) for p in parts)
        shape = self.random.choice(SHAPES) if shape is None else shape
        least = 0 if self.random.random() < 0.4 or not size else 1
        positions = [self.random.randint(least, size) for _ in range(math.prod(shape))]
        return self.add(gathered(np.array(positions, dtype=np.int64).reshape(shape)), *parts)

    def reshaping(self):
        """The same entries in another shape, or repeated."""
        x = self.pick()
        shape = self.shape(x)
        kind = self.random.randrange(3)
        if kind == 0:
            self.add(Reshape((math.prod(shape),) if self.random.random() < 0.5 else (1, *shape[::-1])), x)
        elif kind == 1:
            wide = tuple(self.random.choice([0, 2, 3]) if n == 1 else n for n in shape)
            self.add(Spread((self.random.choice([1, 2]), *wide)), x)
        else:
            axes = tuple(k for k in range(len(shape)) if self.random.random() < 0.6)
            self.add(Total(axes), x)

    def contracting(self):
        """A contraction by any letters."""
        x, y = self.pick(), self.pick()
        lengths, terms = {}, []
        for shape in (self.shape(x), self.shape(y)):
            letters = ""
            for n in shape:
                same = [c for c, m in lengths.items() if m == n and c not in letters]
                letter = self.random.choice(same) if same and self.random.random() < 0.7 else "abcdefgh"[len(lengths)]
                lengths[letter] = n
                letters += letter
            terms.append(letters)
        out = [c for c in lengths if self.random.random() < 0.5]
        self.random.shuffle(out)
        if math.prod(lengths[c] for c in out) <= MOST:
            self.add(Contract(*terms, "".join(out)), x, y)

    def matrices(self):
        """An operation on a stack of matrices."""
        n, stack = self.random.choice([0, 1, 2, 2, 3]), self.random.choice([(), (), (1,), (2,), (0,)])
        a = self.gathering((*stack, n, n))
        operation = self.random.choice([Solve, Determinant, LogDeterminant, Cholesky, Adjugate])()
        if operation == Cholesky():
            letters = "e" * len(stack)
            a = self.builder.apply(Contract(f"{letters}ac", f"{letters}bc", f"{letters}ab"), (a, a))
        if self.random.random() < 0.6:
            a = self.builder.apply(ADD, (a, self.builder.data(np.eye(n) * self.random.choice([0.5, 1.0, 2.0]))))
        args = (a, self.gathering((*stack, n, self.random.choice([1, 2])))) if operation == Solve() else (a,)
        self.add(operation, *args)

    def sorting(self):
        """A sort, or entries in the order of others."""
        x = self.pick()
        if not self.shape(x):
            return
        order = self.builder.apply(Order(), (x,))
        same = [s for s in self.slots if self.shape(s) == self.shape(x)]
        self.add(Take(), x if self.random.random() < 0.7 else self.random.choice(same), order)

    def draw(self, steps, output=()):
        """So many steps, then the output in a shape: () is a weighted sum."""
        kinds = [self.unary, self.unary, self.paired, self.paired, self.choice, self.gathering, self.reshaping,
                 self.contracting, self.matrices, self.sorting, self.ordered]  # fmt: skip
        for _ in range(steps):
            self.random.choice(kinds)()
        last = self.slots[-2:] if self.random.random() < 0.5 else self.slots[-1:]
        if output == ():
            size = sum(math.prod(self.shape(s)) for s in last)
            flat = self.builder.apply(gathered(np.arange(1, size + 1)), last)
            weights = self.builder.data(np.array([1.0 + k % 3 for k in range(size)]))
            found = self.builder.apply(Contract("a", "a", ""), (flat, weights))
        else:
            found = self.slots[-1]
        names = [f"x{k}" for k in range(self.count)]
        return self.builder.program([found], names)


def drawn(seed, steps=None, output=(), plain=False):
    """The program of a seed, with a point."""
    random = Random(seed)
    drawing = Drawing(random, plain=plain)
    program = drawing.draw(random.randint(1, 8) if steps is None else steps, output)
    return DrawnProgram(program, [array(random, shape) for shape in program.lengths])
