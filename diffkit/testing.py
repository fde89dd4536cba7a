"""Assertions for test suites: a hand-written derivative is right, or the failure says which entry is not."""

from __future__ import annotations

from typing import Any


def assert_gradient(f: Any, grad: Any, at: Any, *, allow_inconclusive: bool = False, **options: Any) -> None:
    """Fail unless ``grad`` is the derivative of ``f``, as ``diffkit.check`` sees it (it takes the options).

    A Jacobian or Hessian is recognised by its shape. An inconclusive check fails too, unless it is allowed. Raises
    AssertionError with the report: the entries that are wrong, the worst last, and the repair where one is found.
    """
    __tracebackhide__ = True
    from diffkit.asking.callables.function import as_function
    from diffkit.asking.expressions import is_function
    from diffkit.judging.checking.check import check
    from diffkit.reports import render
    from diffkit.reports.check_report import CheckReport

    found = check(f, grad, at, **options)
    if found.verdict == "correct" or (allow_inconclusive and found.verdict == "inconclusive"):
        return
    name, claim = (as_function(g).name if is_function(g) else str(g) for g in (f, grad))
    raise AssertionError(f"the {found.kind} is {found.verdict}\n\n{render(CheckReport(found, name, claim))}")
