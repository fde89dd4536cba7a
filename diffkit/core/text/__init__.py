"""Text to Program and back: ``parse_program`` and ``format_program``."""

from diffkit.core.text.parser import parse_program
from diffkit.core.text.printer import excerpt, format_outputs, format_slot

__all__ = ["excerpt", "format_outputs", "format_slot", "parse_program"]
