"""Runs every benchmark, each in a process of its own; names on the command line choose some."""

import subprocess
import sys

FIGURES = ["pages", "boards", "day", "scripts", "upload", "mail", "video", "matching_plan"]
"""Everything with a promised figure; `faults` takes its time and is called by name."""


def main(chosen: list[str]) -> int:
    """Return how many benchmarks could not be run."""
    names = chosen or FIGURES
    broken = 0
    for name in names:
        print(f"\n## {name}", flush=True)
        broken += bool(
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        )
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
