"""Why a derivative is wrong: the repair that turns a claim into the truth, proven at fresh points."""

from diffkit.checking.repair.evidence import Evidence, Explanation, Records
from diffkit.checking.repair.search import explain

__all__ = ["Evidence", "Explanation", "Records", "explain"]
