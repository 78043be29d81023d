"""A picture of boxes in columns with arrows between them, as SVG that needs no script.

What refers stands to the left of what it refers to, as far as there is no circle. A box and the arrows that leave it
are one group, so that style alone can make them stand out.

Source: SVG 2; WAI-ARIA Graphics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from fhir_gateway.guide.markup import Html, element

LINE: Final = 20  # px of a line of text
PADDING: Final = 10
ROW_GAP: Final = 26
LETTER: Final = 7.7  # px of a letter, about; of the first line, which is bold, BOLD
BOLD: Final = 8.7


@dataclass(frozen=True, slots=True)
class Box:
    """`lines`: what stands in it; `links`: where each line leads, as far as it does; `class_`: how it looks."""

    lines: tuple[str, ...]
    links: tuple[str | None, ...] = ()
    class_: str = ""

    @property
    def width(self) -> float:
        first, *others = map(len, self.lines)
        return max(first * BOLD, *(each * LETTER for each in others), 0) + 2 * PADDING

    @property
    def height(self) -> int:
        return LINE * len(self.lines) + PADDING


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    width: float
    height: float


def columns(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each name, one more than what leads to it; an arrow that closes a circle does not count."""
    after: dict[str, list[str]] = {name: [] for name in names}
    for start, end in arrows:
        if start != end and end not in after[start]:
            after[start].append(end)
    forward: dict[str, list[str]] = {name: [] for name in names}
    state: dict[str, str] = {}
    done: list[str] = []

    def visit(name: str) -> None:
        state[name] = "open"
        for each in after[name]:
            if state.get(each) != "open":
                forward[name].append(each)
            if each not in state:
                visit(each)
        state[name] = "done"
        done.append(name)

    for name in names:
        if name not in state:
            visit(name)
    found = dict.fromkeys(names, 0)
    for name in reversed(done):
        for each in forward[name]:
            found[each] = max(found[each], found[name] + 1)
    return found


def picture(
    boxes: Mapping[str, Box],
    arrows: Sequence[tuple[str, str]],
    title: str,
    name: str,
    width: int = 1180,
) -> Html:
    """Return the picture of boxes and arrows between them, `width` px wide where the page is.

    `name`: what its parts are called in the page, unique there.
    """
    column = columns(list(boxes), arrows)
    places, height = _places(boxes, column, width)
    groups = (
        element(
            "g",
            (
                element(
                    "path",
                    d=_curve(places[each], places[end], each == end),
                    marker_end=f"url(#{name}-tip)",
                    class_="arrow",
                )
                for start, end in dict.fromkeys(arrows)
                if start == each
            ),
            _box(box, places[each], box.links),
            class_="node",
        )
        for each, box in boxes.items()
    )
    # Once more on top, for the eye alone: arrows pass below the boxes, and are still one group with where they leave.
    copies = (_box(box, places[each], ()) for each, box in boxes.items())
    svg = element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("defs", _tip(f"{name}-tip")),
        groups,
        element("g", copies, class_="above", aria_hidden="true"),
        viewBox=f"0 0 {width} {height:.0f}",
        role="group" if any(box.links for box in boxes.values()) else "img",
        aria_labelledby=f"{name}-title",
    )
    return element("figure", svg)


def _tip(id: str) -> Html:
    """Return the head of an arrow."""
    head = element("path", d="M0 0L8 4L0 8z", fill="#5a6b7b")
    return element(
        "marker", head, id=id, viewBox="0 0 8 8", refX=8, refY=4, markerWidth=8, markerHeight=8, orient="auto"
    )


def _places(boxes: Mapping[str, Box], column: Mapping[str, int], width: int) -> tuple[dict[str, _Place], float]:
    members: dict[int, list[str]] = {}
    for each in boxes:
        members.setdefault(column[each], []).append(each)
    heights = {
        number: sum(boxes[each].height + ROW_GAP for each in names) - ROW_GAP for number, names in members.items()
    }
    widths = {number: max(boxes[each].width for each in names) for number, names in members.items()}
    tallest = max(heights.values(), default=0)
    gap = (width - 4 - sum(widths.values())) / max(1, len(members) - 1) if len(members) > 1 else 0
    places: dict[str, _Place] = {}
    x = 2.0
    for number in sorted(members):
        y = (tallest - heights[number]) / 2 + PADDING
        for each in members[number]:
            places[each] = _Place(x, y, widths[number], boxes[each].height)
            y += boxes[each].height + ROW_GAP
        x += widths[number] + gap
    return places, tallest + 2 * PADDING


def _curve(start: _Place, end: _Place, is_loop: bool) -> str:
    """Return the way of an arrow: to the right; round the right side within a column; back below the way out."""
    out, into = start.y + start.height / 2, end.y + end.height / 2
    right, left = start.x + start.width, end.x
    if is_loop:
        return f"M{right:.0f} {out - 6:.0f}c28 -16 28 28 0 14"
    if end.x > start.x:
        bend = (left - right) / 2
        return f"M{right:.0f} {out:.0f}C{right + bend:.0f} {out:.0f} {left - bend:.0f} {into:.0f} {left:.0f} {into:.0f}"
    if end.x == start.x:
        side = end.x + end.width
        bow = 18 + abs(into - out) / 6
        return (
            f"M{right:.0f} {out:.0f}C{right + bow:.0f} {out:.0f} {side + bow:.0f} {into:.0f} {side:.0f} {into + 4:.0f}"
        )
    out, into = out + 8, into + 8
    from_, to = start.x, end.x + end.width
    bend = (from_ - to) / 2
    return f"M{from_:.0f} {out:.0f}C{from_ - bend:.0f} {out:.0f} {to + bend:.0f} {into:.0f} {to:.0f} {into:.0f}"


def _box(box: Box, place: _Place, links: tuple[str | None, ...]) -> Html:
    rect = element(
        "rect",
        x=f"{place.x:.0f}",
        y=f"{place.y:.0f}",
        width=f"{place.width:.0f}",
        height=f"{place.height:.0f}",
        rx=5,
        class_=f"box {box.class_}".strip(),
    )
    lines = (
        element(
            "text",
            line if link is None else element("a", line, href=link),
            x=f"{place.x + PADDING:.0f}",
            y=f"{place.y + LINE * (number + 1):.0f}",
            class_="label type" if number == 0 else "label link",
        )
        for number, (line, link) in enumerate(zip_longest(box.lines, links))
    )
    return element("g", rect, lines)
