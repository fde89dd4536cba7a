"""Races between diffkit and what a user would take instead, for benchmarks/performance.py."""
