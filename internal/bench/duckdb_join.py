"""Compares the transactions of two snapshots and prints how many rows differ.

usage: duckdb_join.py fields|key|guid|nothing BEFORE AFTER
"""

import json
import sys

import duckdb

how, *nights = sys.argv[1:]
before, after = (f"read_parquet('{night}', hive_partitioning = false)" for night in nights)
db = duckdb.connect()
if how == "nothing":
    db.execute("SELECT 1")
    print("{}")
    sys.exit()
columns = [c[0] for c in db.execute(f"DESCRIBE SELECT * FROM {before}").fetchall()]
if how == "fields":  # row_hash leaves these out, too
    skipped = ("guid", "updated_at", "extra", "row_hash", "snapshot_at")
    fields = [c for c in columns if c not in skipped]
else:
    fields = ["row_hash"]
differ = " OR ".join(f"a.{c} IS DISTINCT FROM b.{c}" for c in fields)
key = ("user_guid", "account_guid", "date", "guid") if how == "key" else ("guid",)
same = " AND ".join(f"a.{c} = b.{c}" for c in key)
found = db.execute(f"""
    SELECT count(*) FILTER (WHERE a.guid IS NULL),
           count(*) FILTER (WHERE b.guid IS NULL),
           count(*) FILTER (WHERE a.guid IS NOT NULL AND b.guid IS NOT NULL AND ({differ}))
    FROM {before} a FULL OUTER JOIN {after} b ON {same}""").fetchone()
# By key a row with another date is removed and added.
print("{}" if how == "key" else json.dumps(dict(zip(("added", "removed", "changed"), found))))
