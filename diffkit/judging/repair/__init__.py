"""Why a derivative is wrong: the repair that turns a claim into the truth, proven at fresh points."""
