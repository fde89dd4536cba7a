"""No name of a file, a class or a constant means two things."""

import ast
import re
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "diffkit"


def defined(path):
    """The file's own name, and those of the classes and constants that it defines; what it imports is not defined."""
    if not path.stem.startswith("__"):  # Python's own names, such as __init__
        yield path.stem
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        for target in [*getattr(node, "targets", ()), getattr(node, "target", None)]:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from (name.id for name in names if isinstance(name, ast.Name) and re.match(r"_*[A-Z]{2}", name.id))


def test_a_name_is_defined_once():
    """A private name counts as the same without its underscore; variables of types, of one letter, are no constants."""
    homes = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for name in defined(path):
            homes[name.lstrip("_")].add(path.relative_to(PACKAGE).as_posix())
    assert {name: sorted(found) for name, found in homes.items() if len(found) > 1} == {}
