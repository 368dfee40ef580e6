"""Write the oldest versions that pyproject.toml allows, as constraints for pip: `make check-oldest` tests with them.

>>> oldest("scipy>=1.15"), oldest("typer>=0.20,<0.29"), oldest("torch>=2.6,<2.14; python_version < '4'")
('scipy==1.15', 'typer==0.20', 'torch==2.6')
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

EXTRAS = ("fast", "analysis", "sentiment", "translate", "data", "onnx")


def oldest(requirement: str) -> str:
    """Return a requirement's name with the least version that it allows."""
    found = re.match(r"([\w.-]+)\s*>=\s*([\d.]+)", requirement)
    assert found is not None, f"{requirement} has no least version"
    return f"{found[1]}=={found[2]}"


def main() -> None:
    """Print a constraint a line, but for the packages named on the command line."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    every = [
        *project["dependencies"],
        *(one for extra in EXTRAS for one in project["optional-dependencies"][extra]),
    ]
    print("\n".join(line for line in map(oldest, every) if line.partition("==")[0] not in sys.argv[1:]))


if __name__ == "__main__":
    main()
