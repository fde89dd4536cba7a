"""Engines: Programs written out as code that runs by itself, and the interpreter as the oracle of all of them.

A Program is lowered to binary64 operations that round once each; an engine makes a function of these.
"""

from __future__ import annotations
