"""Object code kept on disk: found again by another process, and never trusted where others could have written it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diffkit.engines import is_installed
from diffkit.engines.code_cache import cache_directory, keep_code, read_code

needs_llvmlite = pytest.mark.skipif(
    not is_installed("llvm"), reason="the llvm engine needs llvmlite: pip install 'diffkit[fast]'"
)

USE = """
import sys
sys.path.insert(0, {tests!r})
from test_llvm import llvm, lowered
made = []
compile_text = llvm._compiled
llvm._compiled = lambda text: made.append(text) or compile_text(text)
print(llvm.compile_point(lowered("x^4 + 11", ("x",), [(0, (0,))], "double"))(2.0), len(made))
"""


def used(directory):
    """What a fresh process finds, and how many modules it compiles."""
    environment = {**os.environ, "DIFFKIT_CACHE": str(directory)}
    code = USE.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


@needs_llvmlite
def test_a_second_process_finds_the_code(tmp_path):
    directory = tmp_path / "deep" / "code"
    assert [used(directory), used(directory)] == ["(32.0,) 2", "(32.0,) 0"]
    assert directory.stat().st_mode & 0o777 == 0o700
    kept = {path: path.read_bytes() for path in directory.iterdir()}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    for spoil in (lambda code: b"", lambda code: code[:-9], lambda code: code[:40], lambda code: b"\0" * len(code),
                  lambda code: code[:-1] + bytes([code[-1] ^ 1])):  # fmt: skip
        for path, code in kept.items():
            path.write_bytes(spoil(code))
        assert used(directory) == "(32.0,) 2"
        assert {path: path.read_bytes() for path in directory.iterdir()} == kept


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFKIT_CACHE", str(tmp_path / "code"))
    keep_code("k", b"code")
    assert read_code("k") == b"code"
    return tmp_path / "code"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_code_that_others_could_write_is_not_read(kept):
    (kept / "k.code").chmod(0o620)
    assert read_code("k") is None
    (kept / "k.code").chmod(0o600)
    kept.chmod(0o777)
    assert read_code("k") is None
    keep_code("other", b"code")
    assert not (kept / "other.code").exists()


def test_code_of_another_key_is_not_taken(kept):
    (kept / "k.code").rename(kept / "other.code")
    assert read_code("other") is None


def test_a_directory_that_is_none_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for name in ("", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        monkeypatch.setenv("DIFFKIT_CACHE", name)
        keep_code("k", b"code")
        assert read_code("k") is None
    monkeypatch.setenv("DIFFKIT_CACHE", "")
    assert cache_directory() is None


def test_what_was_used_longest_ago_goes_first(kept, monkeypatch):
    monkeypatch.setattr("diffkit.engines.code_cache.LARGEST_CACHE", 100)
    keep_code("second", b"x" * 20)
    os.utime(kept / "k.code", (1, 1))
    keep_code("third", b"x" * 20)
    assert sorted(path.stem for path in kept.iterdir()) == ["second", "third"]


def test_without_llvmlite_the_engine_says_what_to_install():
    code = """
import sys
sys.modules["llvmlite"] = None
from diffkit.core.errors import BackendError
from diffkit.engines import llvm, lowering
try:
    llvm.compile_point(None)
except BackendError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'diffkit[fast]'" in done.stdout
