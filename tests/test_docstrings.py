"""What users read where they are: docstrings say all of a public name, in numpydoc's sections, on 80 columns."""

import builtins
import inspect
import pydoc
import sys
from pathlib import Path

import pytest

import diffkit as dk
import diffkit.testing

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

import docstrings

NAMES = {name: thing for topic in docstrings.TOPICS for name, thing in docstrings.named(topic).items()}
FUNCTIONS = [name for name, thing in NAMES.items() if inspect.isfunction(thing)]
CLASSES = [
    name for name, thing in NAMES.items() if isinstance(thing, type) and name.partition(".")[0] != "backends"
    and not issubclass(thing, Exception)
]  # fmt: skip
METHODS = {
    f"{name}.{member.name}": inspect.getattr_static(NAMES[name], member.name)
    for name in CLASSES for member in docstrings.members(NAMES[name]) if member.signature is not None
}  # fmt: skip
WIDTH = 76  # help indents by four


def faults(thing, name):
    """What a docstring lacks that tells a caller what to give, what is given back, and what is raised."""
    told = docstrings.read(thing)
    parameters = [p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "cls")]
    documented = [name for entry in told.entries("Parameters") for name in entry.names]
    if documented != [p.name for p in parameters]:
        yield f"{name}: Parameters has {documented}, and the signature {[p.name for p in parameters]}"
    for p in parameters:
        heads = [e.head for e in told.entries("Parameters") if p.name in e.names]
        optional = p.default is not p.empty
        if heads and optional != ("optional" in heads[0] or "default" in heads[0]) and p.kind is not p.VAR_KEYWORD:
            yield f"{name}: {heads[0]} does not say whether it may be left out"
    answer = inspect.signature(thing).return_annotation
    if parameters and answer not in ("None", None) and not told.entries("Returns"):
        yield f"{name} has no Returns"
    for section in docstrings.LISTS:
        yield from (f"{name}: {e.head} is not told" for e in told.entries(section) if not e.text.endswith("."))
    for entry in told.entries("Raises"):
        found = getattr(dk, entry.head, getattr(builtins, entry.head, None))
        if not (isinstance(found, type) and issubclass(found, Exception)):
            yield f"{name}: {entry.head} is no exception"


def test_every_public_name_has_its_place_in_the_reference():
    assert set(dk.__all__) - {"__version__", "backends"} <= set(NAMES)
    public = {name for name in vars(diffkit.testing) if not name.startswith("_")}
    assert {name.partition(".")[2] for name in NAMES if name.startswith("testing.")} <= public


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_tell_parameters_answers_errors_and_an_example(name):
    thing = NAMES[name]
    assert list(faults(thing, name)) == []
    told = docstrings.read(thing)
    if name != "backends.names":
        assert told.entries("Raises")
        assert ">>> " in told.sections.get("Examples", "")


@pytest.mark.parametrize("name", METHODS)
def test_methods_tell_parameters_and_answers(name):
    assert list(faults(METHODS[name], name)) == []


@pytest.mark.parametrize("name", CLASSES)
def test_classes_tell_what_each_attribute_is_and_give_an_example(name):
    thing = NAMES[name]
    assert ">>> " in docstrings.read(thing).sections.get("Examples", "")
    assert [m.name for m in docstrings.members(thing) if m.docstring is None] == []


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES, *METHODS])
def test_help_fits_on_80_columns(name):
    text = inspect.cleandoc((NAMES.get(name) or METHODS[name]).__doc__)
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []


def test_help_and_pydoc_reach_names_that_are_imported_lazily():
    text = pydoc.render_doc("diffkit.gradient", renderer=pydoc.plaintext)
    assert "the vector of partials" in text
    assert "timeout : float, optional" in text  # an option that all of its kind take
    assert "**options" not in text
    assert "limits: 'Limits' = Limits()" in pydoc.render_doc(dk.parse, renderer=pydoc.plaintext)
    assert repr(dk.Limits(nodes=3)) == "Limits(nodes=3)"
    assert "Derivatives at a point" in pydoc.render_doc(dk.Result, renderer=pydoc.plaintext)


# The checks above are not vacuous ------------------------------------------------------------------------------------


def told(x: int, y: int = 1) -> int:
    """A sum.

    Parameters
    ----------
    x : int
        A number.
    z : int
        Another

    Raises
    ------
    Nonsense
        Never.
    """
    return x + y


def test_a_docstring_that_is_wrong_is_noticed():
    found = "\n".join(faults(told, "told"))
    assert "Parameters has ['x', 'z'], and the signature ['x', 'y']" in found
    assert "no Returns" in found
    assert "z : int is not told" in found
    assert "Nonsense is no exception" in found


def test_sections_are_read_as_they_stand():
    found = docstrings.read(told)
    assert (found.summary, found.more, list(found.sections)) == ("A sum.", "", ["Parameters", "Raises"])
    assert found.entries("Parameters")[0] == docstrings.Entry("x : int", "A number.")
    assert docstrings.spans("``a|b`` and `c`, d_e") == "`a|b` and `c`, d\\_e"
