"""Measure the classification: python benchmarks/classification.py.

Prints what the first text costs, which starts PowerShell, then each text of the corpus, with the
processor's time of our process and of the parser's, and one of the greatest length.
"""

import asyncio
import statistics
import time
import tomllib
from pathlib import Path

import psutil

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Classifier
from pwsh_kernels.classification.prescan import MAX_TEXT

CORPUS = Path(__file__).parents[1] / "tests" / "classification" / "corpus"
LINE = "Get-Mailbox -Identity ada | Where-Object { $_.Name } | Select-Object Name, Size\n"
ROUNDS = 3


def corpus() -> list[str]:
    files = [tomllib.loads(file.read_text(encoding="utf-8")) for file in CORPUS.glob("*.toml")]
    return [text for one in files for texts in one.values() for text in texts]


async def timed(classifier: Classifier, text: str) -> float:
    started = time.perf_counter()
    await classifier.classify(text)
    return (time.perf_counter() - started) * 1000


def used(parser: psutil.Process) -> float:
    """Return the processor's time of both processes so far."""
    theirs = parser.cpu_times()
    return time.process_time() + theirs.user + theirs.system


async def main() -> None:
    classifier = Classifier(Catalog.load())
    print(f"the first text {await timed(classifier, '1'):8.1f} ms")
    parser = psutil.Process(classifier.pid)
    print(f"the parser's memory {parser.memory_info().rss / 1024**2:.0f} MB")
    for number in range(1, ROUNDS + 1):
        before = used(parser)
        times = sorted([await timed(classifier, text) for text in corpus()])
        print(
            f"round {number}: {len(times)} texts, p50 {statistics.median(times):.1f} ms,"
            f" p95 {times[len(times) * 95 // 100]:.1f} ms, longest {times[-1]:.1f} ms,"
            f" processor {(used(parser) - before) * 1000 / len(times):.1f} ms each"
        )
    longest = LINE * (MAX_TEXT // len(LINE))
    print(f"the longest text {await timed(classifier, longest):8.1f} ms")
    await classifier.stop()


if __name__ == "__main__":
    asyncio.run(main())
