"""diffkit: is this derivative right?

Symbolic, finite-difference and dual-number derivatives of real expressions, compared with each other and with a
reference. ``import diffkit as dk``; every public name (``__init__.pyi`` lists them) is imported when first used.
"""

__version__ = "0.2.0"


def _homes():
    """Module by name: each line of the stub is ``from module import name as name``."""
    stub = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode()
    lines = (line.split() for line in stub.splitlines() if line.startswith("from "))
    return {name: module for _, module, _, name, *_ in lines}


_HOMES = _homes()
__all__ = ["__version__", *_HOMES]


def __getattr__(name):
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'diffkit' has no attribute {name!r}")
    from importlib import import_module

    home = _HOMES[name]
    value = import_module(f"{home}.{name}") if home == __name__ else getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
