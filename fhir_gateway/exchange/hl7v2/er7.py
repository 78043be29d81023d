"""The ER7 reader: a message as segments, fields, repetitions, components; lazy, exact, and able to write back.

A message is cut into segments and those into fields; the rest is cut where it is asked for. A segment that holds a
document of megabytes is never decoded nor copied as a whole: its large fields stay places in the bytes.

Source: HL7 v2.5.1, chapter 2, 2.5 to 2.8, 2.10 (batches), 2.14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Any

from fhir_gateway.exchange.hl7v2 import complaints
from fhir_gateway.exchange.hl7v2.charset import Trust, checked, codec_of
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.escapes import Separators, unescaped
from fhir_gateway.fhir.outcome import Issue

LARGE = 64 * 1024  # bytes of a segment, and of a field, that is not decoded as a whole
_BOM = b"\xef\xbb\xbf"
_DELETE = '""'
_HEADERS = frozenset({"MSH", "FHS", "BHS"})  # whose first field is the field separator itself


class Large:
    """Text of a message left in its bytes, from `start` to `end`: a field or a component with a document in it. It is
    asked as texts are, and cut without being copied.
    """

    __slots__ = ("codec", "data", "end", "start")

    def __init__(self, data: bytes, start: int, end: int, codec: str) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.codec = codec

    @property
    def content(self) -> memoryview:
        """The bytes, not copied."""
        return memoryview(self.data)[self.start : self.end]

    def text(self) -> str:
        """Return it decoded whole."""
        return str(self.content, self.codec)

    def __len__(self) -> int:
        return self.end - self.start

    def __contains__(self, text: str) -> bool:
        return self.data.find(text.encode(self.codec, "ignore") or _NOWHERE, self.start, self.end) >= 0

    def startswith(self, text: str) -> bool:
        return self.data.startswith(text.encode(self.codec, "ignore"), self.start, self.end)

    def isalnum(self) -> bool:
        """Tell nothing: a document is not looked through."""
        return False

    def split(self, separator: str, most: int = -1) -> list[str | Large]:
        """Return its parts; those that are large themselves stay in the bytes."""
        found: list[str | Large] = []
        sign, at, data = separator.encode(self.codec, "ignore"), self.start, self.data
        while True:
            end = data.find(sign, at, self.end) if sign and most else -1
            end = self.end if end < 0 else end
            whole = end - at > LARGE
            found.append(Large(data, at, end, self.codec) if whole else data[at:end].decode(self.codec))
            if end == self.end:
                return found
            at, most = end + len(sign), most - 1


PADDING = 64
NO_SEPARATOR = "\udfff"  # which no text has
_NOWHERE = b"\xff\xfe\xff\xfe\xff"  # in no message that could be read


class Encoding:
    """How a message is encoded: its bytes, the delimiters, the codec. Its parts know this and not the message, so that
    nothing needs to be collected once it is done with.
    """

    __slots__ = ("charset", "codec", "component", "data", "dialect", "escape", "inner", "repetition", "separators")

    def __init__(self, data: bytes, separators: Separators, charset: str, codec: str) -> None:
        self.data = data  # from MSH on
        self.separators = separators
        self.charset = charset  # as MSH-18 declares it
        self.codec = codec
        # The delimiters once more; NO_SEPARATOR for one that the message has not.
        _, self.component, repetition, escape, inner, _ = separators
        self.repetition, self.escape, self.inner = (
            repetition or NO_SEPARATOR, escape or NO_SEPARATOR, inner or NO_SEPARATOR,
        )  # fmt: skip
        self.dialect = _dialect(separators, codec)  # the same number for the same delimiters and codec


class Node:
    """A field's repetition, a component or a subcomponent: text between delimiters, cut when it is asked."""

    __slots__ = ("_encoding", "level", "place", "raw")

    def __init__(self, encoding: Encoding, raw: str, level: int, place: str) -> None:
        self._encoding = encoding
        self.raw = raw  # as it stands in the message
        self.level = level  # 0: repetition of a field, 1: component, 2: subcomponent
        self.place = place  # ERR-2: "PID^1^3^1^4"

    def part(self, number: int) -> Node | None:
        """Return the component or subcomponent of a number, from 1; None where it is not there or empty."""
        if self.level == 2:
            return self if number == 1 else None
        separators = self._encoding.separators
        separator = separators.component if self.level == 0 else separators.subcomponent
        parts = self.raw.split(separator) if separator else [self.raw]
        if number > len(parts) or not parts[number - 1]:
            return None
        return Node(self._encoding, parts[number - 1], self.level + 1, f"{self.place}^{number}")

    @property
    def text(self) -> str:
        """The text of the first leaf, escape sequences read; `""` for a value that is to be deleted comes as it is."""
        separators = self._encoding.separators
        raw = self.raw
        if self.level == 0 and separators.component in raw:
            raw = raw.split(separators.component, 1)[0]
        if self.level < 2 and separators.subcomponent and separators.subcomponent in raw:
            raw = raw.split(separators.subcomponent, 1)[0]
        return unescaped(raw, separators, self._encoding.codec)

    @property
    def deleted(self) -> bool:
        """Whether the sender asks that what is known be deleted: `""`."""
        return self.raw == _DELETE


class Segment:
    """One segment. `number`: which of its name, from 1. `start`, `end`: its bytes, the terminator left out. `cut`: its
    fields; None for a segment with a document, which is cut when it is first asked for one.
    """

    __slots__ = ("encoding", "end", "fields", "name", "number", "start")

    fields: list[str | Large]  # as they stand, at their numbers; 0 is the name. MSH-1 is the separator itself.

    def __init__(
        self, encoding: Encoding, cut: list[str | Large] | None, name: str, number: int, start: int, end: int
    ) -> None:
        self.encoding = encoding
        self.name = name
        self.number = number
        self.start = start
        self.end = end
        if cut is not None:
            self.fields = cut

    def __getattr__(self, name: str) -> list[str | Large]:
        """Cut the segment when it is first asked for its fields; from then on they are there."""
        if name != "fields":
            raise AttributeError(name)
        encoding = self.encoding
        separator = encoding.separators.field
        found = Large(encoding.data, self.start, self.end, encoding.codec).split(separator)
        self.fields = _numbered(self.name, found, separator)
        return self.fields

    def field(self, number: int) -> str:
        """Return a field as it stands, "" where it is not there. A large one is decoded whole: see `large`."""
        fields = self.fields
        if number >= len(fields):
            return ""
        found = fields[number]
        return found if isinstance(found, str) else found.text()

    def large(self, number: int) -> Large | None:
        """Return a field that is left in the bytes; None for one that is not large."""
        found = self.fields[number] if number < len(self.fields) else ""
        return found if isinstance(found, Large) else None

    def nodes(self, number: int) -> list[Node]:
        """Return the repetitions of a field that say something, in order."""
        raw = self.field(number)
        if not raw:
            return []
        separators = self.encoding.separators
        if separators.repetition and separators.repetition in raw:
            repetitions = raw.split(separators.repetition)
        else:
            repetitions = [raw]
        place = f"{self.name}^{self.number}^{number}"
        return [Node(self.encoding, each, 0, f"{place}^{at}") for at, each in enumerate(repetitions, 1) if each]

    def node(self, number: int, repetition: int = 1) -> Node | None:
        """Return one repetition of a field; None where it is not there or empty."""
        raw = self.field(number)
        if not raw:
            return None
        separators = self.encoding.separators
        if separators.repetition:
            repetitions = raw.split(separators.repetition)
            raw = repetitions[repetition - 1] if repetition <= len(repetitions) else ""
        elif repetition > 1:
            return None
        return Node(self.encoding, raw, 0, f"{self.name}^{self.number}^{number}^{repetition}") if raw else None

    def written(self) -> bytes:
        """Return the segment's bytes, made of its fields."""
        encoding = self.encoding
        fields = self.fields
        if self.name in _HEADERS:
            fields = [fields[0], *fields[2:]]
        separator = encoding.separators.field.encode(encoding.codec)
        return separator.join(each.encode(encoding.codec) if isinstance(each, str) else each.content for each in fields)


class Message:
    """One message. `data`: its bytes, from MSH on. `warnings`: what was wrong and could be read all the same."""

    __slots__ = ("_by_name", "charset", "codec", "data", "encoding", "segments", "separators", "warnings")

    def __init__(self, encoding: Encoding, warnings: list[Issue]) -> None:
        self.encoding = encoding
        self.data = encoding.data
        self.separators = encoding.separators
        self.charset = encoding.charset  # as MSH-18 declares it
        self.codec = encoding.codec
        self.warnings = warnings
        self.segments: list[Segment] = []
        self._by_name: dict[str, list[Segment]] = {}

    def all(self, name: str) -> list[Segment]:
        """Return the segments of a name, in order."""
        return self._by_name.get(name, [])

    def first(self, name: str) -> Segment | None:
        found = self._by_name.get(name)
        return found[0] if found else None

    def get(self, path: str) -> str:
        """Return the text at a path, "" where there is none: PID-5.1, PID-3[2].4.2, OBX[3]-5.

        Of a field or component that has parts it is the first leaf's text. Raises: ValueError for what is no path.
        """
        name, number, field, repetition, component, subcomponent = _path(path)
        segments = self._by_name.get(name)
        if segments is None or number > len(segments):
            return ""
        segment = segments[number - 1]
        if name in _HEADERS and field < 3:
            return segment.field(field)  # the delimiters themselves
        node = segment.node(field, repetition)
        if node is not None and component:
            node = node.part(component)
        if node is not None and subcomponent:
            node = node.part(subcomponent)
        return "" if node is None else node.text

    @property
    def type(self) -> tuple[str, str, str]:
        """MSH-9: message type, event, structure; "" for what is not there."""
        return self.get("MSH-9.1"), self.get("MSH-9.2"), self.get("MSH-9.3")

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.get("MSH-10")

    def written(self) -> bytes:
        """Return the bytes of the message, made of its fields, and of what stands between segments as it stood."""
        parts: list[bytes] = []
        at = 0
        for segment in self.segments:
            parts += (self.data[at : segment.start], segment.written())
            at = segment.end
        return b"".join((*parts, self.data[at:]))

    def _add(self, cut: list[str | Large] | None, name: str, start: int, end: int) -> None:
        same = self._by_name.get(name)
        if same is None:
            same = self._by_name[name] = []
        segment = Segment(self.encoding, cut, name, len(same) + 1, start, end)
        same.append(segment)
        self.segments.append(segment)


def _numbered(name: str, fields: list[Any], separator: str) -> list[Any]:
    """Return the fields of a segment at their numbers: those of a header count the separator itself."""
    if name in _HEADERS:
        fields.insert(1, separator)
    return fields


# --- reading


def read(data: bytes, trust: Trust = "declared") -> Message:
    """Return the message that some bytes are; white space and a byte order mark before it are passed over.

    Raises: Unreadable.
    """
    spans = list(spans_of(data))
    if not spans:
        raise _no_message(data)
    start, end = spans[0]
    return _read(data if (start, end) == (0, len(data)) else data[start:end], trust)


def read_all(data: bytes, trust: Trust = "declared") -> Iterator[Message | Unreadable]:
    """Yield the messages of a file or a batch, each as it is or why it cannot be read; nothing where there is none."""
    for start, end in spans_of(data):
        try:
            yield _read(data[start:end], trust)
        except Unreadable as refusal:
            yield refusal


_BEFORE = re.compile(rb"(?:\xef\xbb\xbf|[\x0b\x00\s])*")
_LINE_BEGINS = re.compile(rb"[\r\n](?:\x0b|\xef\xbb\xbf)?\Z")
_LINE_BEGINS_AFTER_CR = re.compile(rb"\r\n?(?:\x0b|\xef\xbb\xbf)?\Z")
_ANY_LINE_BEGINS = re.compile(rb"[\r\n]\Z")
_NAME_ENDS = re.compile(rb"[^A-Za-z0-9\r\n\s]")
_TRAILERS = (b"BTS", b"FTS", b"BHS", b"FHS")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_HEAD = re.compile(rb"MSH[^A-Za-z0-9\r\n\s]")
# Where a file that begins with MSH holds none of these after it, it is one message: nearly all are.
_MORE = (b"MSH", b"BTS", b"FTS", b"BHS", b"FHS")


def spans_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where messages begin and end: MSH at the beginning of a line begins one, the next or a batch's trailer ends
    it.
    """
    if data[:2] in _WIDE or (_HEAD.match(data) and all(data.find(each, 1) < 0 for each in _MORE)):
        yield 0, len(data)
        return
    before = _BEFORE.match(data)
    first = before.end() if before is not None else 0
    begins = _LINE_BEGINS_AFTER_CR if _terminator(data, first) == b"\r" else _LINE_BEGINS
    starts = [
        at for at in _places(data, b"MSH", 0, len(data)) if at == first or begins.search(data, max(0, at - 5), at)
    ]
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(data)
        trailers = (
            at
            for name in _TRAILERS
            for at in _places(data, name, start, end)
            if _ANY_LINE_BEGINS.search(data, at - 1, at)
        )
        yield start, min(trailers, default=end)


def _terminator(data: bytes, start: int = 0) -> bytes:
    """Return what ends the lines of a message: CR, as HL7 has it, or an editor's LF, whatever ends the last line."""
    carriage_return = data.find(b"\r", start)
    is_cr = carriage_return >= 0 and data.find(b"\n", start, carriage_return) < 0
    return b"\r" if is_cr else b"\n"


def _places(data: bytes, name: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where a name stands that a delimiter follows."""
    at = data.find(name, start, end)
    while at >= 0:
        if _NAME_ENDS.match(data, at + 3, end):
            yield at
        at = data.find(name, at + 3, end)


def _no_message(data: bytes) -> Unreadable:
    begun = data[:200].lstrip(_BOM + b"\x0b\x00 \t\r\n")
    if begun.startswith(b"H|"):
        return Unreadable(complaints.HPRIM.at(None), "200")
    if begun.startswith(b"<"):
        return Unreadable(complaints.XML_ENCODING.at(None), "200")
    return Unreadable(complaints.NOT_A_MESSAGE.at(None), "100")


def _read(data: bytes, trust: Trust) -> Message:
    """Read one message whose bytes begin with MSH (or with the mark of UTF-16)."""
    wide = data[:2] in _WIDE
    if wide:
        # Its delimiters are two bytes each: it is read, and written back, as UTF-8.
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            issue = complaints.NOT_OF_CHARSET.at(None, offset=error.start + 1, charset="UNICODE")
            raise Unreadable(issue, "102", "MSH^1^18") from None
        if _HEAD.match(data) is None:
            raise _no_message(data)
    terminator = _terminator(data)
    end = data.find(terminator)
    head = data[: end if end >= 0 else len(data)]
    declared = _declared(head)
    codec, warnings = checked(data, declared, codec_of(declared, wide) if not wide else "utf-8", trust)
    message = Message(Encoding(data, _separators(head.decode(codec)), declared, codec), warnings)
    _cut(message, terminator)
    return message


def _declared(head: bytes) -> str:
    """Return the first repetition of MSH-18, before its delimiters are known: those of fields are one byte."""
    fields = head.split(head[3:4], 18)
    if len(fields) < 18:
        return ""
    return re.split(rb"[^A-Za-z0-9/ _.-]", fields[17], maxsplit=1)[0].decode("ascii")


@lru_cache(4096)
def _dialect(_separators: Separators, _codec: str) -> int:
    return next(_DIALECTS)


_DIALECTS = count(1)


@lru_cache(64)
def _separators_of(field: str, encoding: str) -> Separators:
    # Eight of three hundred files of other projects double the escape character. Letters and digits separate nothing.
    characters = ["" if each.isalnum() else each for each in encoding.replace("\\\\", "\\", 1)[:5]]
    component, repetition, escape, subcomponent, truncation = (*characters, *([""] * 5))[:5]
    if not component:
        component, repetition, escape, subcomponent = "^~\\&"
    # A character that is given two meanings has the first.
    repetition = "" if repetition == component else repetition
    escape = "" if escape in (component, repetition) else escape
    subcomponent = "" if subcomponent in (component, repetition, escape) else subcomponent
    return Separators(field, component, repetition, escape, subcomponent, truncation)


def _separators(head: str) -> Separators:
    field = head[3]
    return _separators_of(field, head[4:].split(field, 1)[0])


def _cut(message: Message, terminator: bytes) -> None:
    """Cut a message into its segments; lines that are empty or blank stay between them."""
    if len(message.data) <= LARGE:
        _cut_short(message, terminator)
        return
    data, codec = message.data, message.codec
    field = message.separators.field
    start, length = 0, len(data)
    while start < length:
        end = data.find(terminator, start)
        end = length if end < 0 else end
        last = end
        if data[start] == 10 and terminator == b"\r":
            start += 1  # the second half of the line break before
        elif terminator == b"\n" and data[end - 1] == 13:
            end -= 1  # the first half of its line break
        if end - start > LARGE:
            name = data[start : start + 3].decode(codec, "replace")
            message._add(None, name, start, end)
        elif end > start:
            text = data[start:end].decode(codec)
            if not text.isspace():
                fields: list[Any] = text.split(field)
                name = fields[0].rstrip()
                message._add(_numbered(name, fields, field), name, start, end)
        start = last + 1


def _cut_short(message: Message, terminator: bytes) -> None:
    """Cut a message of which no segment is large."""
    encoding, segments, by_name = message.encoding, message.segments, message._by_name
    codec, separator = encoding.codec, encoding.separators.field
    lines = encoding.data.split(terminator)
    if codec == "ascii":
        texts = encoding.data.decode(codec).split(terminator.decode(codec))
    else:
        texts = [each.decode(codec) for each in lines]
    end = -1
    for line, text in zip(lines, texts, strict=True):
        start = end + 1
        end = start + len(line)
        if text[:1] == "\n":
            start, text = start + 1, text[1:]  # the second half of the line break before
        last = end
        if text[-1:] == "\r":
            last, text = end - 1, text[:-1]  # the first half of its own
        if not text or text.isspace():
            continue
        fields: list[Any] = text.split(separator)
        name = fields[0].rstrip()
        if name in _HEADERS:
            fields.insert(1, separator)
        same = by_name.get(name)
        if same is None:
            same = by_name[name] = []
        segment = Segment(encoding, fields, name, len(same) + 1, start, last)
        same.append(segment)
        segments.append(segment)


_PATH = re.compile(
    r"(?P<name>[A-Z][A-Z0-9]{2})(?:\[(?P<number>\d+)\])?-(?P<field>\d+)(?:\[(?P<repetition>\d+)\])?"
    r"(?:\.(?P<component>\d+)(?:\.(?P<subcomponent>\d+))?)?"
)


@lru_cache(2048)
def _path(path: str) -> tuple[str, int, int, int, int, int]:
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"{path} is no path: PID-3[2].4.2")
    name, number, field, repetition, component, subcomponent = found.groups()
    return name, int(number or 1), int(field), int(repetition or 1), int(component or 0), int(subcomponent or 0)
