"""Why a derivative is wrong: the repair that turns a claim into the truth, proven at fresh points."""

from diffkit.judging.checking.repair.candidate_search import explain
from diffkit.judging.checking.repair.evidence import Evidence, Explanation, Records

__all__ = ["Evidence", "Explanation", "Records", "explain"]
