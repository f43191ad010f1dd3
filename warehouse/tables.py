"""The ledger's tables, as SQLAlchemy sees them today. How they came to be is told by `migrations/`.

Instants are naive UTC. Amounts of anything personal are kept out: keys, counts, codes and paths only; the refused
records themselves lie in files of their own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0002"
"""The newest migration; spares a start of the program the import of alembic when nothing is to migrate."""

metadata = MetaData()
# SQLite counts up only a column that is exactly INTEGER PRIMARY KEY.
Counter = BigInteger().with_variant(Integer, "sqlite")

run = Table(
    "run",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("status", String(16), nullable=False),  # running | finished | died
    Column("exit_code", Integer),
    Column("as_of", DateTime),
    Column("pid", Integer),
)

stream_run = Table(
    "stream_run",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("vendor", String(64), primary_key=True),
    Column("instance", String(100), primary_key=True),
    Column("stream", String(100), primary_key=True),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("status", String(16), nullable=False),  # running | complete | incomplete
    Column("received", BigInteger, nullable=False, default=0),
    Column("new", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("superseded", BigInteger, nullable=False, default=0),
    Column("quarantined", BigInteger, nullable=False, default=0),
    Column("tombstoned", BigInteger, nullable=False, default=0),
    Column("pages", BigInteger, nullable=False, default=0),
    Column("requests", BigInteger, nullable=False, default=0),
    Column("waited_seconds", Float, nullable=False, default=0.0),
    Column("cursor_before", Text),
    Column("cursor_after", Text),
)

part = Table(
    "part",
    metadata,
    Column("part_id", Counter, primary_key=True, autoincrement=True),
    Column("vendor", String(64), nullable=False),
    Column("instance", String(100), nullable=False),
    Column("stream", String(100), nullable=False),
    Column("kind", String(16), nullable=False),  # records | tombstones | compacted | rejects
    Column("path", String(500), nullable=False, unique=True),  # below the data folder
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns_hash", String(64), nullable=False),
    Column("loaded_at", DateTime, nullable=False, unique=True),
    Column("resume", Text),
    Column("run_id", String(64), nullable=False),
    Column("first_part_id", BigInteger),  # of a merged part: the first one it took in
    Index("part_stream", "vendor", "instance", "stream", "part_id"),
)

replaced_file = Table(
    "replaced_file",
    metadata,
    Column("path", String(500), primary_key=True),  # below the data folder; the next sweep deletes it
)

cursor = Table(
    "cursor",
    metadata,
    Column("vendor", String(64), primary_key=True),
    Column("instance", String(100), primary_key=True),
    Column("stream", String(100), primary_key=True),
    Column("cursor", Text),
    Column("resume", Text),
    Column("resume_at", DateTime),
    Column("data_as_of", DateTime),
    Column("last_loaded_at", DateTime),
    Column("moved_at", DateTime, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", String(64), primary_key=True),
    Column("vendor", String(64), nullable=False),
    Column("instance", String(100), nullable=False),
    Column("stream", String(100), nullable=False),
    Column("record_id", String(500)),
    Column("stage", String(16), nullable=False),
    Column("reason_code", String(64), nullable=False),
    Column("field_path", String(500)),
    Column("message", Text, nullable=False),
    Column("raw_path", String(500), nullable=False),
    Column("raw_row", BigInteger, nullable=False),
    Column("raw_sha256", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("first_seen_at", DateTime, nullable=False),
    Column("last_seen_at", DateTime, nullable=False),
    Column("seen_count", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open | replayed | superseded | discarded | erased
    Column("decided_by", String(200)),
    Column("decided_at", DateTime),
    Column("decision_reason", Text),
    Index("quarantine_stream", "vendor", "instance", "stream", "status"),
)

issue = Table(
    "issue",
    metadata,
    Column("issue_id", String(64), primary_key=True),
    Column("rule_id", String(300), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("severity", String(16), nullable=False),  # critical | warning | info
    Column("title", Text, nullable=False),
    Column("failing", BigInteger, nullable=False),
    Column("checked", BigInteger, nullable=False),
    Column("keys", Text, nullable=False),  # JSON list of {"key", "url"}: keys only, never values
    Column("owner", String(200)),
    Column("status", String(16), nullable=False),  # open | acknowledged | resolved
    Column("opened_at", DateTime, nullable=False),
    Column("last_seen_at", DateTime, nullable=False),
    Column("resolved_at", DateTime),
    Column("run_id", String(64), nullable=False),
    Index("issue_status", "status", "severity"),
)

issue_event = Table(
    "issue_event",
    metadata,
    Column("event_id", Counter, primary_key=True, autoincrement=True),
    Column("issue_id", String(64), nullable=False, index=True),
    Column("at", DateTime, nullable=False),
    Column(
        "kind", String(24), nullable=False
    ),  # opened | seen | resolved | reopened | acknowledged | waived | unwaived
    Column("run_id", String(64)),
    Column("failing", BigInteger),
    Column("by", String(200)),
    Column("note", Text),
)

waiver = Table(
    "waiver",
    metadata,
    Column("waiver_id", Counter, primary_key=True, autoincrement=True),
    Column("rule_id", String(300), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("until", DateTime, nullable=False),
    Column("removed_at", DateTime),
    Column("removed_by", String(200)),
)

identity_override = Table(
    "identity_override",
    metadata,
    Column("override_id", Counter, primary_key=True, autoincrement=True),
    Column("decision", String(16), nullable=False),  # merge | split
    Column("entity_type", String(16), nullable=False),
    Column("a_system", String(64), nullable=False),
    Column("a_instance", String(100), nullable=False),
    Column("a_record_id", String(500), nullable=False),
    Column("b_system", String(64), nullable=False),
    Column("b_instance", String(100), nullable=False),
    Column("b_record_id", String(500), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("removed_at", DateTime),
)

erasure = Table(
    "erasure",
    metadata,
    Column("request_id", String(64), primary_key=True),
    Column("subject_hmac", String(64), nullable=False),
    Column("requested_at", DateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("step", String(32), nullable=False),
    Column("finished_at", DateTime),
    Column("counts", Text, nullable=False),  # JSON, counts by store
    UniqueConstraint("subject_hmac", "request_id"),
)

generation = Table(
    "generation",
    metadata,
    Column("generation", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("published_at", DateTime, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("row_counts", Text, nullable=False),
    Column("data_as_of", Text, nullable=False),
    Column("contract_hash", String(64), nullable=False),
    Column("open_critical_issues", Integer, nullable=False),
    Column("waivers", Text, nullable=False),
    Column("repaired", Boolean, nullable=False, default=False),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Counter, primary_key=True, autoincrement=True),
    Column("at", DateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
