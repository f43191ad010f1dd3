"""Compaction: the first part that a merged one took in, and the files to be deleted because another stands for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("part", sa.Column("first_part_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "replaced_file",
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
