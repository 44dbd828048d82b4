"""The tables. Times are whole microseconds since 1970 UTC, structures are JSON text."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

REVISION = "0014"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Written out, not bound: only then does either database see that the partial index serves it.
ABOUT_ACTIONS = text("kind = 'action'")
ENDED_DRILLS = text("kind = 'drill ended'")
AUDITED = text(
    "kind IN ('approval asked', 'approval decided', 'approval tried', 'broke glass', 'standing set', 'frozen', "
    "'thawed', 'traffic set', 'acted', 'role set', 'made private', 'blanked', 'signed in', 'signed out', 'token made', "
    "'token revoked')"
)
OF_HOUSE = text("incident_id = 'house'")
STILL_OPEN = text("status IN ('open', 'mitigated')")
PRIVATE = text("private = 1")

entry = Table(
    "entry",
    metadata,
    Column("incident_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("body", Text),
    Column("body_sha256", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("incident_id", "seq"),
    Index("ix_entry_actions", "incident_id", "seq", sqlite_where=ABOUT_ACTIONS, postgresql_where=ABOUT_ACTIONS),
    Index("ix_entry_drills", "at_us", sqlite_where=ENDED_DRILLS, postgresql_where=ENDED_DRILLS),
    Index("ix_entry_audited", "at_us", "incident_id", "seq", "kind", sqlite_where=AUDITED, postgresql_where=AUDITED),
    Index("ix_entry_house", "run_id", "seq", sqlite_where=OF_HOUSE, postgresql_where=OF_HOUSE),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("channel", Text, nullable=False, index=True),
    Column("opened_at_us", BigInteger, nullable=False),
    Column("private", Integer, nullable=False, server_default="0"),
    Column("team", Text, nullable=False, server_default=""),
    Column("drill", Integer, nullable=False, server_default="0"),
    Column("started_at_us", BigInteger),
    Column("detected_at_us", BigInteger),
    Column("acknowledged_at_us", BigInteger),
    Column("located_at_us", BigInteger),
    Column("mitigated_at_us", BigInteger),
    Column("resolved_at_us", BigInteger),
    Column("verdict", Text, nullable=False, server_default=""),
    Column("cancelled", Text, nullable=False, server_default=""),
    Column("merged_into", Text, nullable=False, server_default=""),
    Column("people", Text, nullable=False, server_default=""),
    Column("words", Text, nullable=False, server_default=""),
    Index("ix_incident_open", "number", sqlite_where=STILL_OPEN, postgresql_where=STILL_OPEN),
    Index("ix_incident_private", "number", sqlite_where=PRIVATE, postgresql_where=PRIVATE),
)

naming = Table(
    "naming",
    metadata,
    Column("sha256", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    PrimaryKeyConstraint("sha256", "incident_id"),
)

installation = Table(
    "installation",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("team_name", Text, nullable=False),
    Column("bot_user", Text, nullable=False),
    Column("bot_id", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("installed_by", Text, nullable=False),
    Column("installed_at_us", BigInteger, nullable=False),
    Column("revoked_at_us", BigInteger),
)

session = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("made_at_us", BigInteger, nullable=False),
    Column("ends_at_us", BigInteger, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("owner", Text, nullable=False, index=True),
    Column("owner_name", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("made_at_us", BigInteger, nullable=False),
    Column("ends_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger),
    Column("revoked_at_us", BigInteger),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slot", Text, nullable=False, unique=True),
    Column("playbook", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("parent_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("wake_at_us", BigInteger),
    Column("started_at_us", BigInteger),
    Column("ended_at_us", BigInteger),
    Column("result", Text),
    Column("reason", Text, nullable=False),
    Index(None, "status", "wake_at_us"),
    Index(None, "incident_id", "playbook"),
    Index(None, "incident_id", "ended_at_us"),
    Index(None, "parent_id", "incident_id"),
)

memo = Table(
    "memo",
    metadata,
    Column("run_id", Text, ForeignKey("run.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "key"),
)

signal = Table(
    "signal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Text, ForeignKey("run.id"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("value", Text, nullable=False),
    Index(None, "run_id", "topic"),
)

reply = Table(
    "reply",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("queued_at_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False, index=True),
)

hold = Table(
    "hold",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

alert_group = Table(
    "alert_group",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("do", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("starts_at_us", BigInteger, nullable=False),
    Column("began_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Column("lead", Text, nullable=False),
    Column("opener", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("proposed", Integer, nullable=False),
    Column("firing", Integer, nullable=False),
    Column("fired", Integer, nullable=False),
    Column("resolved", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("told_at_us", BigInteger),
    Index(None, "do", "began_at_us"),
)

alert = Table(
    "alert",
    metadata,
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("firing", Integer, nullable=False),
    Column("starts_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("key", "fingerprint"),
)

mark = Table(
    "mark",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

surface = Table(
    "surface",
    metadata,
    Column("incident_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("incident_id", "key"),
)
