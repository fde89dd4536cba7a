# What is done again and again, by name: `just` lists it. (`pip install rust-just` where just is not there.)

python := if path_exists(".venv/bin/python") == "true" { ".venv/bin/python" } else { "python3" }

_:
    @just --list --unsorted

slow := "drawn_points proof stationary_degenerate backends checker teeth faults examples"

# The quick part of the tests: one case of each, and not the slow files
test *options:
    {{python}} -m pytest -n auto --each 1 {{ prepend("--ignore=tests/test_", append(".py", slow)) }} {{options}}

# All tests
test-all *options:
    {{python}} -m pytest -n auto {{options}}

# Linter, format and types
lint:
    {{python}} -m ruff check .
    {{python}} -m ruff format --check .
    {{python}} -m mypy

# Generated pages, and every example in them with what it prints today
docs:
    {{python}} docs/generate.py --refresh

# A benchmark by its name in benchmarks/: just bench checker
bench name *options:
    {{python}} benchmarks/{{name}}.py {{options}}
