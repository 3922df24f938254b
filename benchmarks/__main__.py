"""Runs every benchmark, each in a process of its own; names on the command line choose some."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(chosen: list[str]) -> int:
    """Return how many benchmarks could not be run."""
    names = chosen or sorted(
        path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_")
    )
    broken = 0
    for name in names:
        print(f"\n## {name}", flush=True)
        broken += bool(
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        )
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
