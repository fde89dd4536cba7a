"""Text to Program and back: ``parse_program`` and ``format_program``."""

from diffkit.syntax.parser import parse_program
from diffkit.syntax.printer import format_outputs, format_slot

__all__ = ["format_outputs", "format_slot", "parse_program"]
