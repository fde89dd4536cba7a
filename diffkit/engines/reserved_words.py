"""Words that are no names in a language: its own, those of its libraries, and what diffkit writes with."""

from __future__ import annotations

import keyword


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = {
    "python": _words("math scipy np jax jnp out shape float abs min max") | {*keyword.kwlist, *keyword.softkwlist},
    "c": _words("""
        auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
        asm typeof bool true false nullptr constexpr alignas alignof thread_local static_assert main out NULL EOF
        NAN INFINITY HUGE_VAL errno linux unix i386 I complex class new delete this template namespace operator
        private public protected virtual friend using try catch throw explicit export mutable typename typeid and or
        not xor bitand bitor compl and_eq or_eq not_eq xor_eq const_cast static_cast dynamic_cast reinterpret_cast
    """),
    "julia": _words("""
        baremodule begin break catch const continue do else elseif end export false finally for function global if
        import in isa let local macro module quote return struct true try using while where abstract mutable
        primitive type SpecialFunctions Float64 Vector Matrix Array undef out pi im
    """),
    "fortran": _words("""
        out merge real logical integer if then else end do call pure subroutine function interface implicit none
        intent in result use import bind value return stop data
    """),
}  # fmt: skip
"""by language"""
