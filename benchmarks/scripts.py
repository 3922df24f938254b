"""How much the scripts of the studio add to its page, beside what was promised.

`python -m benchmarks.scripts` prints the bytes of each built script as a browser receives it,
compressed with gzip: recorder and uploader together are to stay within 60 kB.
"""

import argparse
import gzip
import json

from config import CHECKOUT

DIST = CHECKOUT / "static" / "dist"
STUDIO = ("recorder.js", "upload.js")
MOST_BYTES = 60_000


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--json", action="store_true")
    as_json = reader.parse_args().json
    names = json.loads((DIST / "manifest.json").read_text())
    sizes = {
        name: len(gzip.compress((DIST / built).read_bytes()))
        for name, built in names.items()
        if name.endswith(".js")
    }
    figures = {
        **sizes,
        f"the studio's (to stay within {MOST_BYTES})": sum(sizes[name] for name in STUDIO),
    }
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value:,} bytes")


if __name__ == "__main__":
    main()
