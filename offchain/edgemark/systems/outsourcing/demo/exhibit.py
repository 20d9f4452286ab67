"""What the page of a demonstration shows of its jobs: inputs, answers, and who did what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.identifiers import Address
from edgemark.receipt import Receipt
from edgemark.receipt.exhibits import Answer, Image
from edgemark.systems.outsourcing.demo.checks import Played
from edgemark.systems.outsourcing.demo.dishonest import DEEDS
from edgemark.systems.outsourcing.demo.examples import ROWS, Example, ExampleName
from edgemark.systems.outsourcing.story.exhibiting import list_links, show_job, tell_place
from edgemark.systems.outsourcing.story.reading import Chronicle

SIDE = 8  # pixels of an image of the digits
DATA = {  # all of scikit-learn's own
    ExampleName.DIGITS: "digits: 1,797 images of 8 x 8 pixels; asked are held-out rows",
    ExampleName.REGRESSION: "diabetes: 442 patients, 10 measurements each; asked are held-out rows",
    ExampleName.CSV: "wine: 178 wines, 13 measurements each; asked are held-out rows",
}
BRIGHTEST = 16  # of a pixel there
SHOWN_NODE = 1  # whose share is shown; t = 1 of them says nothing, any two would be the secret


def exhibit(
    receipt: Receipt,
    chronicle: Chronicle,
    names: Mapping[Address, tuple[str, str]],
    played: Sequence[Played],
    example: Example,
) -> None:
    """Put jobs and flows on the receipt, the latter from the chain's own events.

    Args:
        receipt: where to.
        chronicle: reads the chain.
        names: name and role of every account.
        played: all jobs, in order.
        example: what they were about.
    """
    receipt.about |= {
        **tell_place(chronicle.read(played[-1].job)),
        "example": example.name.value,
        "model": f"{example.plan.source} of scikit-learn, trained here at the start",
        "function": example.plan.function_hash.hex(),
        "data": DATA[example.name],
    }
    for number, job in enumerate(played, start=1):
        story = chronicle.read(job.job)
        title = f"Job {number}: node {job.planted} {DEEDS[job.deed]}"
        answers = list(list_answers(job, example))
        shown = show_job(story, title, answers, lambda place: names[place.node][0])
        receipt.exhibits.add_matter("jobs", shown)
        receipt.exhibits.add_links(list_links(story))


def list_answers(job: Played, example: Example) -> Iterator[Answer]:
    """Each row of a job with what became of it."""
    first, last = job.plan.first_row, job.plan.first_row + ROWS
    rows, truths = example.rows[first:last], example.truths[first:last]
    result = job.state.result
    answers = [] if result is None else example.plan.decode(result)
    plain = example.predict(rows)
    for number, row in enumerate(rows):
        seen = "none"
        if number < len(answers):
            answer = answers[number]
            seen = str(answer.label) if example.is_classifier else f"{answer.values[0]:.6g}"
        expected = str(plain[number]) if example.is_classifier else f"{plain[number]:.6g}"
        truth = str(truths[number])
        if example.name is ExampleName.DIGITS:
            share = job.state.known.tasks[SHOWN_NODE - 1].share
            size = len(row) * ELEMENT_BYTES
            noise = draw_share(share[number * size : (number + 1) * size])
            yield Answer(seen, expected, truth, draw_row(row), noise)
        else:
            yield Answer(seen, expected, truth)


def draw_row(row: Sequence[float]) -> Image:
    """An input of 64 pixels, each 0 .. 16."""
    return _square([round(255 * min(max(pixel, 0), BRIGHTEST) / BRIGHTEST) for pixel in row])


def draw_share(packed: bytes) -> Image:
    """A node's share of such an input: of each field element its lowest byte."""
    ends = range(ELEMENT_BYTES, len(packed) + 1, ELEMENT_BYTES)
    return _square([packed[end - 1] for end in ends])


def _square(pixels: Sequence[int]) -> Image:
    return Image(tuple(tuple(pixels[at : at + SIDE]) for at in range(0, SIDE * SIDE, SIDE)))
