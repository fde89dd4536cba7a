"""The tables of a report as CSV, for ``--format csv``."""

import csv
import io

from diffkit.reports.document import Equation, Table


def render(document, terminal=False):
    """Give the equations and tables of a document, a line each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for block in document.blocks():
        if isinstance(block, Equation):
            writer.writerow([block.left, block.right, block.remark])
        elif isinstance(block, Table):
            writer.writerows([block.header, *block.rows])
    return stream.getvalue()
