"""For pytest: the fixture ``gradcheck``, and ``--diffkit-report`` for one page about every check of a run.

pytest imports this in every environment where diffkit is installed, so it imports nothing until it is used.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from diffkit.reports.check_report import CheckReport

_CARRIED = "diffkit_checks"
"""the attribute of a test's report that carries its checks, as text, from the process that ran it"""


@pytest.fixture
def gradcheck() -> Callable[..., None]:
    """``gradcheck(f, grad, at, **options)`` fails unless grad is the derivative of f (diffkit.testing)."""
    from diffkit.testing import assert_gradient

    return assert_gradient


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--diffkit-report``."""
    parser.getgroup("diffkit").addoption(
        "--diffkit-report", metavar="FILE.html", help="write one page about every derivative that the run checked"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the checks where a report is wanted."""
    if (file := config.getoption("--diffkit-report")) is None:
        return
    if not file.endswith(".html"):
        raise pytest.UsageError(f"--diffkit-report={file}: the report is a page, so its name ends in .html")
    config.pluginmanager.register(_Reporter(Path(file).absolute(), hasattr(config, "workerinput")))


class _Reporter:
    """Sends the checks of a test with its report, from a worker process too, and writes them all at the end."""

    def __init__(self, file: Path, works_for_another: bool):
        self.file, self.works_for_another = file, works_for_another
        self.fresh: list[CheckReport] = []
        self.found: list[tuple[str, CheckReport]] = []
        self.written = False

    def pytest_sessionstart(self) -> None:
        """Listen to every check."""
        from diffkit.testing import WATCHERS

        WATCHERS.append(self.fresh.append)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        """Attach what was checked in this phase of a test."""
        made: Any = yield
        if self.fresh:
            setattr(made.get_result(), _CARRIED, base64.b64encode(pickle.dumps(self.fresh)).decode())
            self.fresh.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what is attached; it comes from this run alone."""
        if carried := getattr(report, _CARRIED, ""):
            self.found += ((report.nodeid, check) for check in pickle.loads(base64.b64decode(carried)))

    def pytest_sessionfinish(self) -> None:
        """Write the page."""
        from diffkit.testing import WATCHERS

        WATCHERS[:] = [tell for tell in WATCHERS if getattr(tell, "__self__", None) is not self.fresh]
        if self.works_for_another:
            return
        from diffkit.core.files import replaced
        from diffkit.reports import render
        from diffkit.reports.claims_report import ClaimsReport, NamedCheck

        page = render(ClaimsReport(tuple(NamedCheck(*one) for one in self.found)), "html")
        with replaced(str(self.file)) as beside:
            Path(beside).write_text(page, encoding="utf-8", errors="backslashreplace")
        self.written = True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the page is."""
        if self.written:
            terminalreporter.write_line(f"diffkit: {len(self.found)} checks in {self.file}")
