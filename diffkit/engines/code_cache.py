"""Object code kept on disk between processes, in a directory of the user's own.

Code that is loaded runs: so the directory and its files must belong to the user and be writable by nobody else, and a
file must hold the digest of its key and content. What does not pass is not read. Nothing here is ever an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path

CACHE_VARIABLE = "DIFFKIT_CACHE"
LARGEST_CACHE = 64 * 2**20  # bytes of files that are kept
_SUFFIX = ".code"


def cache_directory() -> Path | None:
    """Where code is kept: what DIFFKIT_CACHE names (nowhere if that is empty), or where programs keep such things."""
    told = os.environ.get(CACHE_VARIABLE)
    if told is not None:
        return Path(told) if told else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "diffkit" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "diffkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "diffkit"


def read_code(key: str) -> bytes | None:
    """Give the code kept for a key (a hexadecimal digest), if it is there and is to be trusted."""
    directory = cache_directory()
    if directory is None:
        return None
    try:
        if not _is_own(directory.lstat(), stat.S_ISDIR):
            return None
        with (directory / f"{key}{_SUFFIX}").open("rb") as file:
            if not _is_own(os.fstat(file.fileno()), stat.S_ISREG):
                return None
            found = file.read()
            os.utime(file.name)  # what is used last is removed last
    except OSError:
        return None
    digest, code = found[:32], found[32:]
    return code if digest == _digest(key, code) else None


def keep_code(key: str, code: bytes) -> None:
    """Keep code for a key, if that can be done."""
    directory = cache_directory()
    if directory is None:
        return
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(directory.lstat(), stat.S_ISDIR):
            return
        _make_room(directory, len(code))
        handle, name = tempfile.mkstemp(dir=directory)  # for its owner alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, code) + code)
            Path(name).replace(directory / f"{key}{_SUFFIX}")
        except OSError:
            Path(name).unlink()
            raise


def _digest(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _is_own(found: os.stat_result, kind: object) -> bool:
    """Whether something is of a kind, belongs to the user and can be written by nobody else."""
    if not callable(kind) or not kind(found.st_mode):
        return False
    if sys.platform == "win32":  # a user's own directory is protected by its access control list
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _make_room(directory: Path, size: int) -> None:
    """Remove what was used longest ago until there is room."""
    files = []
    for path in directory.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    total = size + sum(length for _, length, _ in files)
    for _, length, path in sorted(files):
        if total <= LARGEST_CACHE:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        total -= length
