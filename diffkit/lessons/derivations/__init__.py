"""Derivations step by step: each step names its rule and is verified, forwards and backwards."""
