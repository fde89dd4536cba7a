"""How often a planted bug is explained: ``python benchmarks/repair.py [every]``, a table by kind of bug.

Each bug is planted in the gradients of the corpus. "named": the explanation is of the planted kind; "true": one was
given that 50 further points do not refute; "refuted": one was given that they do; "same": the bug does not show.
"""

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from planted import BUGS, assess, programs

if __name__ == "__main__":
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    table = defaultdict(Counter)
    seconds = defaultdict(list)
    for name, program, point in programs()[::every]:
        for bug in BUGS:
            for known in (True, False):
                start = time.perf_counter()
                verdict, detail = assess(bug, program, point, known)
                kind = bug.name if known else f"{bug.name} (black box)"
                if known or not bug.needs_program:
                    table[kind][verdict] += 1
                    if verdict != "same":
                        seconds[kind].append(time.perf_counter() - start)
                    if verdict in ("none", "refuted") or (verdict == "true" and "-v" in sys.argv):
                        print(f"{verdict:8} {kind:28} {name:28} {detail}", file=sys.stderr)
    print(f"{'bug':32} {'planted':>7} {'named':>6} {'true':>6} {'none':>5} {'refuted':>7} {'share':>7} {'seconds':>8}")
    for kind, counts in table.items():
        planted = sum(counts.values()) - counts["same"]
        found = counts["named"] + counts["true"]
        mean = sum(seconds[kind]) / len(seconds[kind]) if seconds[kind] else 0.0
        print(
            f"{kind:32} {planted:7} {counts['named']:6} {counts['true']:6} {counts['none']:5} {counts['refuted']:7} "
            f"{found / planted if planted else 1:7.1%} {mean:8.3f}"
        )
