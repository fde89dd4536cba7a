"""Is this derivative right? Claims in text, code or numbers against a reference, with tolerances that are derived."""
