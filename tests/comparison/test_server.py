"""The server that workers are forked from ends with whom it serves."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from seqlab.comparison.server import OWNER


@pytest.mark.skipif(sys.platform == "win32", reason="there is no server")
@pytest.mark.parametrize("owner", ["gone", "there"])
def test_a_server_whose_owner_is_gone_does_not_import_to_the_end(owner: str) -> None:
    number = os.getpid() if owner == "there" else 2**22 + 1  # greater than any process's
    code = "import seqlab.comparison.preload; print('imported')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, OWNER: str(number)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("imported\n" if owner == "there" else "")
