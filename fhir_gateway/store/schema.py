"""The tables as they stand now, for SQLite and PostgreSQL alike.

`migrations/` holds how they came to be; a test compares the two. Statements on hot paths are written as text beside
the code that runs them; this module is for DDL, comparison and rare queries.

The layout (narrow index tables keyed (parameter, value, rid), 64-bit hashes instead of dictionaries, a stable `rid`
in commit order) and the figures it was chosen by: README.md of this room, "Decisions".
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite knows a rowid alias only under the very word INTEGER.
Rid = BigInteger().with_variant(Integer, "sqlite")
# "C" on PostgreSQL: ranges and order by code point, as SQLite's BINARY compares texts.
C_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

_ALIVE = text("deleted = 0")

resource = Table(
    "resource",
    metadata,
    Column("rid", Rid, primary_key=True, autoincrement=False),
    Column("rtype", SmallInteger, nullable=False),
    Column("fhir_id", C_TEXT, nullable=False),
    Column("rk", BigInteger, nullable=False),
    Column("vid", Integer, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("deleted", SmallInteger, nullable=False),
    Column("idx_hash", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("owner", BigInteger, nullable=False, server_default="0"),  # the party whose actor created it; 0: nobody's
    Index("resource_rk", "rk", unique=True),
    Index("resource_type", "rtype", "rid", sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    Index("resource_type_id", "rtype", "fhir_id", "rid", sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    Index("resource_type_updated", "rtype", "last_updated", "rid"),
    Index("resource_updated", "last_updated", "rid"),
)

history = Table(
    "history",
    metadata,
    Column("rid", BigInteger, nullable=False),
    Column("vid", Integer, nullable=False),
    Column("rtype", SmallInteger, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("deleted", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("rid", "vid"),
    Index("history_type_updated", "rtype", "last_updated", "rid"),
    Index("history_updated", "last_updated", "rid"),
)


def _index_table(name: str, columns: list[Column[object]], key: list[str], *extra: Index) -> Table:
    return Table(
        name,
        metadata,
        *columns,
        Column("rid", BigInteger, nullable=False),
        PrimaryKeyConstraint(*key),
        Index(f"{name}_rid", "rid", "pid"),
        *extra,
        sqlite_with_rowid=False,
    )


def _big(*names: str) -> list[Column[object]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _double(*names: str) -> list[Column[object]]:
    return [Column(name, Double, nullable=False) for name in names]


def _pid() -> list[Column[object]]:
    return [Column("pid", Integer, nullable=False)]


def _order(table: str) -> Index:
    """Return the index that gives the rows of a parameter in the order of their texts."""
    some = text("s IS NOT NULL")
    return Index(f"{table}_order", "pid", "s", "rid", sqlite_where=some, postgresql_where=some)


i_token = _index_table("i_token", [*_pid(), *_big("h"), Column("s", C_TEXT)], ["pid", "h", "rid"], _order("i_token"))
i_ref = _index_table("i_ref", [*_big("trk"), *_pid(), Column("s", C_TEXT)], ["trk", "pid", "rid"], _order("i_ref"))
i_date = _index_table(
    "i_date",
    [*_pid(), *_big("lo", "hi"), Column("long", SmallInteger, nullable=False)],
    ["pid", "lo", "rid", "hi"],
    Index("i_date_long", "pid", "hi", "rid", sqlite_where=text("long = 1"), postgresql_where=text("long = 1")),
)
i_num = _index_table(
    "i_num",
    [*_pid(), *_double("lo", "hi")],
    ["pid", "lo", "rid", "hi"],
    Index("i_num_spread", "pid", "hi", "rid", sqlite_where=text("lo < hi"), postgresql_where=text("lo < hi")),
)
i_qty = _index_table(
    "i_qty",
    [*_pid(), *_big("u"), *_double("lo", "hi")],
    ["pid", "u", "lo", "rid", "hi"],
    Index("i_qty_spread", "pid", "u", "hi", "rid", sqlite_where=text("lo < hi"), postgresql_where=text("lo < hi")),
)
i_str = _index_table(
    "i_str",
    [*_pid(), Column("v", C_TEXT, nullable=False), *_big("x")],
    ["pid", "v", "rid", "x"],
)
i_comp = _index_table(
    "i_comp", [*_pid(), *_big("h"), *_double("lo", "hi"), *_big("h2")], ["pid", "h", "lo", "hi", "h2", "rid"]
)

# Who has access to a current resource, and why; see store/access.py.
i_access = Table(
    "i_access",
    metadata,
    Column("party", BigInteger, nullable=False),
    Column("rtype", SmallInteger, nullable=False),
    Column("why", SmallInteger, nullable=False),  # reasons, a bit each: store/index/access.py
    Column("rid", BigInteger, nullable=False),
    PrimaryKeyConstraint("party", "rtype", "rid"),
    Index("i_access_rid", "rid", "party"),
    sqlite_with_rowid=False,
)

# What about a patient is an owner's is seen by a party, because of the resource `source` that addresses one of the two.
share = Table(
    "share",
    metadata,
    *_big("patient", "owner", "party", "source"),  # key of a Patient, two parties, rid
    PrimaryKeyConstraint("patient", "owner", "party", "source"),
    Index("share_source", "source"),
    sqlite_with_rowid=False,
)

# A message of a hospital each, as it came and what became of it: see store/messages.py.
message = Table(
    "message",
    metadata,
    Column("mid", Rid, primary_key=True, autoincrement=True),
    *_big("name"),  # hash of MSH-3, 4 and 10
    Column("content", LargeBinary, nullable=False),  # digest of its bytes but for MSH-7
    *_big("received", "settled"),  # µs; 0: not yet
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    *_big("original"),  # of a duplicate, the message that it repeats; 0: none
    Column("unplaced", Integer, nullable=False),  # fields that no rule read
    Column("partner", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("mapping", Text, nullable=False),  # version of the rules that were applied
    Column("detail", LargeBinary, nullable=False),  # JSON: issues, fields that no rule read
    Column("answer", LargeBinary, nullable=False),  # its acknowledgement
    Column("raw", LargeBinary, nullable=False),  # last, so that who reads the others does not read it
    Index("message_name", "name", "mid"),
    Index("message_state", "state", "mid"),
    sqlite_autoincrement=True,
)

# A message to a destination each, and what became of it: see store/outbox.py.
outgoing = Table(
    "outgoing",
    metadata,
    Column("oid", Rid, primary_key=True, autoincrement=True),
    *_big("recorded", "due", "settled", "held_until"),  # µs; 0: not yet, nobody
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("vid", Integer, nullable=False),  # version of the subject that it tells of
    Column("destination", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("subject", Text, nullable=False),  # "DiagnosticReport/1"
    Column("document", Text, nullable=False),  # the number it goes under; "" for none
    Column("replaces", Text, nullable=False),  # the number of what it takes the place of
    Column("control_id", Text, nullable=False),
    Column("mapping", Text, nullable=False),  # version of the rules that it was written by
    Column("holder", Text, nullable=False),  # the process that sends it, until `held_until`
    Column("size", Integer, nullable=False),  # of its bytes; 0: not written yet
    Column("detail", LargeBinary, nullable=False),  # JSON: why it was refused or could not be written
    Column("answer", LargeBinary, nullable=False),  # its acknowledgement
    Index(
        "outgoing_line", "destination", "recorded", "oid",
        sqlite_where=text("state < 2"), postgresql_where=text("state < 2"),
    ),
    Index("outgoing_state", "state", "destination", "oid"),
    Index("outgoing_control_id", "control_id"),
    Index("outgoing_subject", "subject", "destination", "oid"),
    sqlite_autoincrement=True,
)  # fmt: skip

# The bytes of one each, apart: SQLite writes a row anew, bytes and all, whenever its state changes.
outgoing_raw = Table(
    "outgoing_raw",
    metadata,
    Column("oid", Rid, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

# A try to send one each.
outgoing_try = Table(
    "outgoing_try",
    metadata,
    *_big("oid"),
    Column("number", Integer, nullable=False),
    *_big("began", "ended"),  # µs
    Column("control_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("came", Text, nullable=False),  # MSA-1 of the answer, or what kept it from coming
    PrimaryKeyConstraint("oid", "number"),
)

# Which person stands behind a pseudonym: see store/pseudonyms.py.
pseudonym = Table(
    "pseudonym",
    metadata,
    Column("name", BigInteger, primary_key=True, autoincrement=False),  # keyed hash of its system and value
    *_big("person"),  # keyed hash of whose it is
    Column("kid", Text, nullable=False),  # the key that sealed it
    Column("sealed", LargeBinary, nullable=False),
    *_big("recorded"),  # µs
    Index("pseudonym_person", "person"),
)

# How new, by one of the clocks of a sender, what a resource was made of is.
as_of = Table(
    "as_of",
    metadata,
    Column("measure", Rid, primary_key=True, autoincrement=False),  # hash of resource and clock
    *_big("instant"),  # µs
)

# A request each, numbered as they are written: see store/trace.py.
trace = Table(
    "trace",
    metadata,
    Column("tid", Rid, primary_key=True, autoincrement=True),
    *_big("instant", "duration"),  # µs
    Column("status", SmallInteger, nullable=False),
    Column("record", LargeBinary, nullable=False),  # JSON, packed
)

# What is kept of each dossier for statistics; `dk`: the key of its number. See store/dossier_summary.py.
dossier_summary = Table(
    "dossier_summary",
    metadata,
    Column("dk", Rid, primary_key=True, autoincrement=False),
    Column("due", BigInteger, nullable=False),  # µs: from then on it is to be made again
    Column("facts", LargeBinary, nullable=False),  # JSON; empty: nothing to count
    Index("dossier_summary_due", "due"),
)

# Of which resources a summary was made, by key, there or not.
dossier_member = Table(
    "dossier_member",
    metadata,
    *_big("rk", "dk"),
    Column("part", SmallInteger, nullable=False),
    PrimaryKeyConstraint("rk", "dk"),
    Index("dossier_member_dk", "dk", "part"),
    sqlite_with_rowid=False,
)

# What was erased and no summary has taken note of yet.
dossier_erased = Table(
    "dossier_erased",
    metadata,
    *_big("rk", "instant"),
    PrimaryKeyConstraint("rk", "instant"),
    sqlite_with_rowid=False,
)

search_parameter = Table(
    "search_parameter",
    metadata,
    Column("pid", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("url", Text, nullable=False),
    # The job that must end before resources can be searched by the parameter; 0: none.
    Column("job", Integer, nullable=False, server_default="0"),
    Index("search_parameter_code", "type", "code", unique=True),
)

gateway_setting = Table(
    "gateway_setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# One row: how often what resources are indexed by was changed.
index_generation = Table("index_generation", metadata, *_big("generation"))

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # JSON: what it is about
    Column("error", Text, nullable=False),
    *_big("total", "done", "written", "failed"),  # resources
    *_big("stage", "position", "up_to", "barrier"),  # how far it is: see store/jobs.py
    *_big("created", "started", "ended"),  # µs; 0: not yet
    Column("holder", Text, nullable=False),  # the process that carries it out, until `held_until` (µs)
    *_big("held_until"),
)

# --- code systems loaded by command: store/terminology/

term_system = Table(
    "term_system",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # loading, ready, removed
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("supplements", Text, nullable=False),  # url of the system it adds to; "" for none
    Column("concept_count", Integer, nullable=False),
    Column("name_count", Integer, nullable=False),
    Column("loaded", BigInteger, nullable=False),  # µs
    Column("holder", Text, nullable=False),  # the process that loads it, until `held_until` (µs)
    Column("held_until", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),  # JSON: what else is told of it
    Column("vocabulary", LargeBinary, nullable=False),
)

# cid: system * 2**32 + number of the concept; nid: the same of a name.
term_concept = Table(
    "term_concept",
    metadata,
    Column("cid", Rid, primary_key=True, autoincrement=False),
    Column("system", Integer, nullable=False),
    Column("code_key", C_TEXT, nullable=False),  # the code, folded where the system does not mind case
    Column("code", Text, nullable=False),
    Column("last", Integer, nullable=False),  # number of the last concept of its own subtree
    Column("detail", LargeBinary, nullable=False),  # JSON: display, definition, names, properties, parents
    Column("children", LargeBinary, nullable=False),  # JSON: codes; empty for none
    Column("more", LargeBinary, nullable=False),  # spans of all below, where that is more than its subtree
    Index("term_concept_code", "system", "code_key", unique=True),
)

term_property = Table(
    "term_property",
    metadata,
    Column("system", Integer, nullable=False),
    Column("property", C_TEXT, nullable=False),
    Column("content", C_TEXT, nullable=False),
    Column("concepts", LargeBinary, nullable=False),  # spans
    PrimaryKeyConstraint("system", "property", "content"),
)

term_name = Table(
    "term_name",
    metadata,
    Column("nid", Rid, primary_key=True, autoincrement=False),
    Column("concept", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("flags", SmallInteger, nullable=False),  # 1: preferred, 2: of an inactive concept
    Column("words", Text, nullable=False),
)

term_word = Table(
    "term_word",
    metadata,
    Column("system", Integer, nullable=False),
    Column("word", C_TEXT, nullable=False),
    Column("names", LargeBinary, nullable=False),  # numbers, ascending, four bytes each
    PrimaryKeyConstraint("system", "word"),
)
