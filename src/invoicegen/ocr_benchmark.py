"""OCR engines side by side: what they find on pages whose words are known, how fast, and in how much memory.

Pages are generated ones, clean or as a scanner sees them, and real documents whose ``labels.jsonl`` holds boxes
(``"words": [[text, x0, y0, x1, y1], …]``, words or whole lines) or whose PDF has a text layer. Each engine reads
them in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoicegen.evaluation.reading import KnownText, ReadingCounts, count_reading
from invoicegen.ocr import PDF_TEXT, EngineUnavailableError, OcrEngine, OcrOptions, create_engine
from invoicegen.ocr.languages import DEFAULT_LANGUAGE, LANGUAGES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.schema.annotation import Word

REAL: Final = "real"
_DPI_OF_REAL_PDFS: Final = 200
# Words of which less can be seen are no fault of an engine.
_LEAST_VISIBLE: Final = 0.5


@dataclass(frozen=True, slots=True)
class BenchmarkPage:
    """A page whose words are known.

    Attributes:
        group: Preset of a generated page, or ``real``.
        image: PNG file of its pixels.
        language: Code of the document's language.
        known: What it says.
        pdf: The PDF that the image shows as it is, where there is one that was not made from the image.
        dpi: Resolution of the image.
    """

    group: str
    image: Path
    language: str
    known: tuple[KnownText, ...]
    pdf: Path | None = None
    dpi: float = 0


@dataclass(frozen=True, slots=True)
class GroupResult:
    """How an engine read the pages of one group; seconds are means over its pages."""

    pages: int
    wall_s: float
    cpu_s: float
    counts: ReadingCounts


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What was measured of one engine.

    Attributes:
        engine: Its name.
        version: Its version; empty where it is not available.
        start_s: Seconds from a fresh process to a loaded model.
        peak_mb: Most resident memory of its process and the programs that it starts, MB of 10^6 bytes.
        groups: By group of pages.
        unavailable: Why it could not run, and what to do about it.
    """

    engine: str
    version: str = ""
    start_s: float = 0
    peak_mb: float = 0
    groups: dict[str, GroupResult] = field(default_factory=dict)
    unavailable: str | None = None


def generated_pages(
    options: GenerateOptions, documents: int, presets: Sequence[str], folder: Path
) -> Iterator[BenchmarkPage]:
    """First pages of the first documents of a run, once for each preset; images and PDFs go to ``folder``."""
    import numpy as np

    from invoicegen.augmentation import augment
    from invoicegen.geometry import quad_to_box
    from invoicegen.images import encode_image
    from invoicegen.ocr.languages import language_of
    from invoicegen.rendering import rasterise, render_document
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose, plan_document

    for index in range(documents):
        plan = plan_document(index, options)
        rendered = render_document(compose(synthesise(plan), plan), dpi=options.dpi)
        pdf = folder / f"{plan.doc_id}.pdf"
        pdf.write_bytes(rendered.pdf)
        clean = rasterise(rendered.pdf, 0, options.dpi)
        for preset in presets:
            seen = augment(clean, rendered.pages[0], preset, np.random.default_rng([options.seed, index]))
            image = folder / f"{plan.doc_id}-{preset}.png"
            image.write_bytes(encode_image(seen.image, "png", 0, options.dpi))
            known = tuple(
                KnownText(word.text, quad_to_box(word.quad), line)
                for number, word in enumerate(seen.page.words)
                if word.visible >= _LEAST_VISIBLE and not _is_rule(word.text)
                for line in [word.line_id if word.line_id is not None else -1 - number]
            )
            yield BenchmarkPage(
                preset,
                image,
                language_of(plan.locale),
                known,
                pdf if preset == "clean" else None,
                options.dpi,
            )


def _is_rule(text: str) -> bool:
    """Whether a word is a line drawn with characters, as on receipts."""
    return len(text) > 3 and not any(character.isalnum() for character in text)


def real_pages(labels_folder: Path, documents: int, folder: Path) -> Iterator[BenchmarkPage]:
    """First pages of real documents that carry boxes or a text layer, taking turns between their sources.

    Args:
        labels_folder: Holds ``labels.jsonl`` and the documents that it names.
        documents: How many at most.
        folder: Where images go.

    Raises:
        ValueError: If there is no ``labels.jsonl``.
    """
    from invoicegen.images import encode_image
    from invoicegen.ocr.documents import open_document

    path = labels_folder / "labels.jsonl"
    if not path.is_file():
        raise ValueError(f"{path} does not exist: give a folder that holds documents and labels.jsonl")
    by_source: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record.get("words") or record.get("text_layer"):
            by_source.setdefault(record.get("source", ""), []).append(record)
    turns = [
        records[turn]
        for turn in range(max(map(len, by_source.values()), default=0))
        for records in by_source.values()
        if turn < len(records)
    ]
    for number, record in enumerate(turns[:documents]):
        with open_document(labels_folder / record["file"], dpi=_DPI_OF_REAL_PDFS) as document:
            page = document.pages[0]
            if record.get("words"):
                known = tuple(
                    KnownText(text, (x0, y0, x1, y1), index)
                    for index, (text, x0, y0, x1, y1) in enumerate(record["words"])
                )
            else:
                known = tuple(
                    KnownText(
                        word.text, (word.box[0], word.box[1], word.box[2], word.box[3]), word.line_id or 0
                    )
                    for word in page.text_words or []
                )
            if not known:
                continue
            image = folder / f"real-{number}.png"
            image.write_bytes(encode_image(page.image, "png", 0, _DPI_OF_REAL_PDFS))
        language = record.get("language") or DEFAULT_LANGUAGE
        yield BenchmarkPage(REAL, image, language if language in LANGUAGES else DEFAULT_LANGUAGE, known)


def measure(engine: str, pages: Sequence[BenchmarkPage], options: OcrOptions, seconds: float) -> EngineResult:
    """Let one engine read the pages in a fresh process.

    Args:
        engine: One of ENGINE_NAMES, or ``pdf_text``, which reads only the pages that have a PDF.
        pages: In the order in which they are read.
        options: Their engine is passed over; languages follow the page where they name none.
        seconds: CPU time for each group; once it is spent, the group's further pages are left out.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure_here, engine, list(pages), options, seconds).result()


def _measure_here(
    engine: str, pages: list[BenchmarkPage], options: OcrOptions, seconds: float
) -> EngineResult:
    memory = _PeakMemory()
    read = _Reader(engine, options)
    pages = [page for page in pages if engine != PDF_TEXT or page.pdf]
    start = time.perf_counter()
    try:
        read.prepare(pages)
    except EngineUnavailableError as error:
        return EngineResult(engine, unavailable=str(error))
    start_s = time.perf_counter() - start
    for page in pages[:1]:
        read(page)  # the first page pays for what is made once
    groups = {}
    for group in dict.fromkeys(page.group for page in pages):
        counts, wall, cpu, done = ReadingCounts(), 0.0, 0.0, 0
        for page in (page for page in pages if page.group == group):
            if cpu >= seconds:
                break
            image = read.load(page)
            wall_before, cpu_before = time.perf_counter(), _cpu_seconds()
            words = read(page, image)
            wall += time.perf_counter() - wall_before
            cpu += _cpu_seconds() - cpu_before
            counts += count_reading(page.known, words)
            done += 1
        groups[group] = GroupResult(done, wall / done, cpu / done, counts)
    return EngineResult(engine, read.version, start_s, memory.stop() / 1e6, groups)


class _PeakMemory:
    """Most resident memory of this process and its children, looked at every 50 ms; needs Linux's /proc."""

    def __init__(self) -> None:
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._peak = max(self._peak, _resident_bytes())

    def stop(self) -> int:
        """Bytes."""
        self._done.set()
        self._thread.join()
        return self._peak


def _resident_bytes() -> int:
    """Resident memory of this process and its children."""
    pids = [str(os.getpid())]
    for task in Path("/proc/self/task").iterdir():
        try:
            pids += (task / "children").read_text().split()
        except OSError:  # a thread that has ended
            continue
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:  # a child that has ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


class _Reader:
    """Reads benchmark pages by an engine, in the language of each."""

    def __init__(self, engine: str, options: OcrOptions) -> None:
        self._name = engine
        self._options = options.model_copy(update={"engine": engine, "cache_dir": None})
        self._engines: dict[str, OcrEngine] = {}
        self.version = ""

    def prepare(self, pages: Sequence[BenchmarkPage]) -> None:
        """Load the models for all languages of the pages."""
        if self._name == PDF_TEXT:
            from importlib.metadata import version

            self.version = version("pypdfium2")
            return
        for page in pages:
            if page.language not in self._engines:
                self._engines[page.language] = create_engine(self._options.for_locale(page.language))
        self.version = next(iter(self._engines.values())).version if self._engines else ""

    def load(self, page: BenchmarkPage) -> NDArray[np.uint8] | bytes:
        """What is read: pixels, or the bytes of a PDF."""
        from invoicegen.images import decode_image

        if self._name == PDF_TEXT:
            assert page.pdf is not None
            return page.pdf.read_bytes()
        return decode_image(page.image.read_bytes())

    def __call__(self, page: BenchmarkPage, loaded: NDArray[np.uint8] | bytes | None = None) -> list[Word]:
        loaded = self.load(page) if loaded is None else loaded
        if isinstance(loaded, bytes):
            from invoicegen.ocr.text_layer import read_text_layer

            return read_text_layer(loaded, 0, page.dpi)
        return self._engines[page.language].recognise(loaded)


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@dataclass(frozen=True, slots=True)
class Throughput:
    """Two workers beside one, over the same pages.

    Attributes:
        ratio: Pages a second of two workers over those of one, median over the rounds.
        machine_ratio: The same of two processes that only count: what the machine had to give beside other work.
        cpu_ratio: CPU time of a page beside a working neighbour over that alone, median over the rounds: above 1
            where workers disturb each other.
    """

    ratio: float
    machine_ratio: float
    cpu_ratio: float


def measure_throughput(
    engine: str, pages: Sequence[BenchmarkPage], options: OcrOptions, rounds: int = 3
) -> Throughput:
    """Read the pages by one worker and by two at once, in turns, models loaded before.

    Raises:
        EngineUnavailableError: If the engine cannot run.
    """
    context = get_context("spawn")
    barrier = context.Barrier(2)
    answers = context.SimpleQueue()
    workers = [
        context.Process(target=_work, args=(number, engine, list(pages), options, rounds, barrier, answers))
        for number in range(2)
    ]
    for worker in workers:
        worker.start()
    received = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    for answer in received:
        if isinstance(answer, str):
            raise EngineUnavailableError(answer)
    # Each answer: rounds of (wall, CPU, counted), alone (the second worker waits) and together.
    first, second = sorted(received, key=lambda answer: answer[0])
    rounds_of = list(zip(first[1], first[2], second[2], strict=True))
    return Throughput(
        statistics.median(2 * alone[0] / max(one[0], other[0]) for alone, one, other in rounds_of),
        statistics.median((one[2] + other[2]) / alone[2] for alone, one, other in rounds_of),
        statistics.median((one[1] + other[1]) / 2 / alone[1] for alone, one, other in rounds_of),
    )


def _work(
    number: int,
    engine: str,
    pages: list[BenchmarkPage],
    options: OcrOptions,
    rounds: int,
    barrier: Any,
    answers: Any,
) -> None:
    read = _Reader(engine, options)
    try:
        read.prepare(pages)
    except EngineUnavailableError as error:
        answers.put(str(error))
        return
    images = [read.load(page) for page in pages]
    read(pages[0], images[0])

    def spent() -> tuple[float, float, int]:
        counted, end = 0, time.perf_counter() + 1
        while time.perf_counter() < end:
            counted += 1
        wall, cpu = time.perf_counter(), _cpu_seconds()
        for page, image in zip(pages, images, strict=True):
            read(page, image)
        return time.perf_counter() - wall, _cpu_seconds() - cpu, counted

    alone, together = [], []
    for _ in range(rounds):
        barrier.wait()
        if number == 0:
            alone.append(spent())
        barrier.wait()
        together.append(spent())
    answers.put((number, alone, together))


def as_markdown(results: Sequence[EngineResult], throughput: Mapping[str, Throughput]) -> str:
    """Tables of what was measured."""
    lines = [
        "| engine | pages | words found | read words right | character error rate | box IoU | CPU s a page | wall s |",
        "|--|--|--|--|--|--|--|--|",
    ]
    number: Callable[[float], str] = lambda value: f"{value:.3f}".removeprefix("0")  # noqa: E731
    for result in results:
        for group, one in result.groups.items():
            counts = one.counts
            overlap = "–" if counts.mean_overlap is None else number(counts.mean_overlap)
            lines.append(
                f"| {result.engine} | {group}, {one.pages} | {number(counts.recall)} | {number(counts.precision)} "
                f"| {number(counts.character_error_rate)} | {overlap} | {one.cpu_s:.2f} | {one.wall_s:.2f} |"
            )
    lines += [
        "",
        "| engine | version | start, s | peak memory, MB | two workers / one (of what the machine gave) "
        "| CPU of a page beside a neighbour |",
        "|--|--|--|--|--|--|",
    ]
    for result in results:
        if result.unavailable:
            lines.append(f"| {result.engine} | not available: {result.unavailable} | | | | |")
            continue
        two = throughput.get(result.engine)
        ratios = f"{two.ratio:.2f} ({two.machine_ratio:.2f}) | × {two.cpu_ratio:.2f}" if two else "– | –"
        lines.append(
            f"| {result.engine} | {result.version} | {result.start_s:.1f} | {result.peak_mb:.0f} | {ratios} |"
        )
    return "\n".join(lines)


def as_record(results: Sequence[EngineResult], throughput: Mapping[str, Throughput]) -> dict[str, Any]:
    """All that was measured, ready for JSON."""
    record = {result.engine: asdict(result) for result in results}
    for engine, two in throughput.items():
        record[engine]["two_workers"] = asdict(two)
    return record
