"""Text to Program and back: ``parse_program`` and ``format_outputs``."""

from diffkit.core.text.printer import excerpt, format_outputs, format_slot
from diffkit.core.text.scalars import holds_arrays, parse_program, variables_in

__all__ = ["excerpt", "format_outputs", "format_slot", "holds_arrays", "parse_program", "variables_in"]
