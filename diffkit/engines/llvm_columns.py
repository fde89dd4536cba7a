"""Rows of a matrix as vectors of columns, and back: blocks of rows are transposed by shuffles on their way.

Rows are read in pieces of 4, 2 or 1 numbers; pieces of rows that stand ``piece`` apart share a vector, so that each
transposition is one of 4 × 4 or 2 × 2 within parts of vectors. A matrix of two or three columns is one run of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diffkit.engines.llvm_writer import Writer

_RUN = 3  # columns up to which a vector of rows is picked out of neighbouring vectors


def load_columns(writer: Writer, start: str, columns: int) -> list[str]:
    """The columns of as many rows as there are lanes, from a pointer to the first number."""
    if columns <= _RUN:
        return _load_run(writer, start, columns)
    found: list[str] = [""] * columns
    for first, width in _pieces(writer.lanes, columns):
        parts = [
            _joined(
                writer, [_load(writer, start, row * columns + first, width) for row in range(k, writer.lanes, width)]
            )
            for k in range(width)
        ]
        found[first : first + width] = _transposed(writer, parts)
    return found


def store_columns(writer: Writer, start: str, columns: Sequence[str]) -> None:
    """Write columns as rows from a pointer on."""
    count, lanes = len(columns), writer.lanes
    if count <= _RUN:
        _store_run(writer, start, columns)
        return
    for first, width in _pieces(lanes, count):
        for k, part in enumerate(_transposed(writer, columns[first : first + width])):
            for block in range(lanes // width):
                mask = range(block * width, (block + 1) * width)
                piece = part if width == lanes else writer.value(_shuffle(writer, part, part, mask))
                if width == 1:
                    piece = writer.value(f"extractelement <1 x double> {piece}, i64 0")
                _store(writer, start, (k + block * width) * count + first, width, piece)


def _pieces(lanes: int, columns: int) -> Iterator[tuple[int, int]]:
    """Columns dealt out to pieces as wide as may be."""
    first = 0
    while first < columns:
        width = min(lanes, 4, 1 << ((columns - first).bit_length() - 1))
        yield first, width
        first += width


def _transposed(writer: Writer, parts: Sequence[str]) -> list[str]:
    """Transpose within each block of as many lanes as there are parts."""
    found, count, lanes = list(parts), len(parts), writer.lanes
    step = 1
    while step < count:
        for i in range(count):
            if i & step:
                continue
            x, y = found[i], found[i | step]
            first = [lane if not lane & step else lanes + (lane ^ step) for lane in range(lanes)]
            second = [lane | step if not lane & step else lanes + lane for lane in range(lanes)]
            found[i], found[i | step] = (writer.value(_shuffle(writer, x, y, mask)) for mask in (first, second))
        step *= 2
    return found


def _load_run(writer: Writer, start: str, columns: int) -> list[str]:
    lanes = writer.lanes
    run = [_load(writer, start, k * lanes, lanes) for k in range(columns)]
    return [_picked(writer, run, [lane * columns + c for lane in range(lanes)]) for c in range(columns)]


def _store_run(writer: Writer, start: str, columns: Sequence[str]) -> None:
    lanes, count = writer.lanes, len(columns)
    for k in range(count):
        places = range(k * lanes, (k + 1) * lanes)
        vector = _picked(writer, columns, [place % count * lanes + place // count for place in places])
        _store(writer, start, k * lanes, lanes, vector)


def _picked(writer: Writer, vectors: Sequence[str], places: Sequence[int]) -> str:
    """Elements of vectors that follow each other."""
    lanes, found = writer.lanes, vectors[0]
    for k, vector in enumerate(vectors[1:], 1):
        mask = [lanes + place % lanes if place // lanes == k else
                lane if k > 1 else min(place, lanes - 1) for lane, place in enumerate(places)]  # fmt: skip
        found = writer.value(_shuffle(writer, found, vector, mask))
    return found


def _joined(writer: Writer, pieces: Sequence[str]) -> str:
    """One vector of pieces."""
    width = writer.lanes // len(pieces)
    found = list(pieces)
    while len(found) > 1:
        kind = f"<{width} x double>"
        mask = _mask(range(2 * width))
        pairs = zip(found[::2], found[1::2], strict=True)
        found = [writer.value(f"shufflevector {kind} {x}, {kind} {y}, {mask}") for x, y in pairs]
        width *= 2
    return found[0]


def _shuffle(writer: Writer, x: str, y: str, places: Sequence[int]) -> str:
    return f"shufflevector {writer.double} {x}, {writer.double} {y}, {_mask(places)}"


def _mask(places: Sequence[int]) -> str:
    return f"<{len(places)} x i32> <{', '.join(f'i32 {place}' for place in places)}>"


def _load(writer: Writer, start: str, offset: int, width: int) -> str:
    place = writer.value(f"getelementptr double, ptr {start}, i64 {offset}")
    return writer.value(f"load <{width} x double>, ptr {place}, align 8")


def _store(writer: Writer, start: str, offset: int, width: int, value: str) -> None:
    place = writer.value(f"getelementptr double, ptr {start}, i64 {offset}")
    kind = "double" if width == 1 else f"<{width} x double>"
    writer.line(f"store {kind} {value}, ptr {place}, align 8")
