"""Reads pages of transactions from files and writes one Parquet file.

usage: duckdb_peer.py DIRECTORY OUT [ordered | unordered]
"""

import sys

import duckdb

TEXT = """account_guid category check_number_string currency_code description guid member_guid memo
merchant_guid merchant_location_guid original_description status top_level_category type user_guid""".split()
TIMES = "created_at posted_at transacted_at updated_at".split()
TYPES = {
    **{name: "VARCHAR" for name in TEXT + TIMES},
    **{name: "BIGINT" for name in ("check_number", "merchant_category_code")},
    **{name: "DOUBLE" for name in ("latitude", "longitude")},
    **{
        "is_" + name: "BOOLEAN"
        for name in """bill_pay direct_deposit expense fee income international overdraft_fee
        payroll_advance subscription""".split()
    },
    "amount": "DECIMAL(18,4)",
    "date": "DATE",
}

directory, out = sys.argv[1:3]
order = "ORDER BY user_guid, account_guid, date, guid" if sys.argv[3:] == ["ordered"] else ""
fields = ", ".join(f'"{name}" {kind}' for name, kind in TYPES.items())
# One of the forms of a time has a blank before its Z, which no cast takes.
times = ", ".join(f"CAST(replace({name}, ' Z', 'Z') AS TIMESTAMPTZ) AS {name}" for name in TIMES)

db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
if sys.argv[3:] == ["unordered"]:
    db.execute("SET preserve_insertion_order = false")
db.execute(f"""
    COPY (
        SELECT * REPLACE ({times}) FROM (
            SELECT unnest(transactions, recursive := true) FROM read_json(
                '{directory}/*.json', columns = {{'transactions': 'STRUCT({fields})[]'}}, format = 'unstructured'))
        {order}
    ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")
