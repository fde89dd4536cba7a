"""JUnit XML: a test case for each claim; what is wrong or undecided is a failure, what could not be asked an error.

The elements and attributes are those of the schema of Jenkins' xUnit plugin, which other readers take too.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

from diffkit.reports.document import Document

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""characters that XML 1.0 cannot hold, even escaped"""


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the document's claims as the results of a suite of tests."""
    claims = list(document.claims())
    counts = Counter(_element(claim.verdict) for claim in claims)
    numbers = {"tests": len(claims), "failures": counts["failure"], "errors": counts["error"]}
    totals = {name: str(count) for name, count in numbers.items()}
    root = ElementTree.Element("testsuites", {"name": "diffkit", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "diffkit.check", **totals})
    for claim in claims:
        case = ElementTree.SubElement(suite, "testcase", {"name": _allowed(claim.name), "classname": "diffkit.check"})
        if element := _element(claim.verdict):
            about = {"type": claim.verdict, "message": _allowed(claim.message)}
            where = f"{claim.file}:{claim.line}\n" if claim.file else ""
            ElementTree.SubElement(case, element, about).text = _allowed(where + claim.report)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _element(verdict: str) -> str:
    """The element that tells of a verdict: none of what is correct."""
    return {"correct": "", "error": "error"}.get(verdict, "failure")


def _allowed(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
