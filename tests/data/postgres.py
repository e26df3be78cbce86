"""A PostgreSQL server of the machine's own package, started for a test and stopped after it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

_PROGRAMS = Path("/usr/lib/postgresql")  # where Debian puts every version


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server that listens on a socket file only; give the address of its database."""
    found = sorted(_PROGRAMS.glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    programs, user = found[-1].parent, _user()
    # a socket's path must be short, and the server's own user must reach it
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)

        def call(program: str, *arguments: str) -> None:
            command = [programs / program, "-D", "data", *arguments]
            subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

        call("initdb", "-U", "tester", "--auth=trust")
        call("pg_ctl", "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "-l", "log", "-w", "start")
        try:
            yield f"postgresql+psycopg://tester:s3cret@/postgres?host={quote(str(folder))}"
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _user() -> str | None:
    """PostgreSQL refuses to run as root: take the user that its package made, or one that owns nothing."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)
