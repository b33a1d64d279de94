"""Fuzzing that follows the program's branches, with atheris where that is installed:

    python tests/fuzz/guided.py TARGET [seconds]

What it finds is written to build/fuzz/TARGET/, and shown again with
`python tests/fuzz/guided.py TARGET --again FILE`, which takes no atheris.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "agent"))

MISSING = "atheris is not installed: nothing is fuzzed (pip install atheris; not for every Python)"

# Seconds one input may take: what takes longer counts as a hang.
HANG = 20


def main() -> None:
    """Fuzz one target for some seconds (default 60). Exit code 0 where nothing was found, or where
    there is no atheris; libFuzzer's otherwise."""
    target = sys.argv[1]
    if sys.argv[2:3] == ["--again"]:
        from targets import TARGETS

        TARGETS[target](Path(sys.argv[3]).read_bytes())
        return
    try:
        import atheris
    except ImportError:
        print(MISSING)
        return
    with atheris.instrument_imports(include=["zonecast"]):
        from targets import TARGETS
    found = Path(__file__).resolve().parents[2] / "build" / "fuzz" / target
    corpus = found / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    words = found / "words"
    _seed(target, corpus, words)
    seconds = sys.argv[2] if len(sys.argv) > 2 else "60"
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={HANG}",
        f"-dict={words}",
        f"-artifact_prefix={found}{os.sep}",
        "-max_len=8192",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


def _seed(target: str, corpus: Path, words: Path) -> None:
    """The first inputs, and the words as libFuzzer reads them."""
    from seeds import WORDS, inputs

    for content in inputs(target):
        (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    quoted = ("".join(f"\\x{octet:02x}" for octet in word) for word in WORDS)
    words.write_text("".join(f'"{word}"\n' for word in quoted))


if __name__ == "__main__":
    main()
