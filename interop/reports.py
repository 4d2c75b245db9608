"""Reports: their Parquet files, and the queries of docs/analysts.md."""

import csv
import datetime
import json
import re
from decimal import Decimal

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

import readers
from files import ARROW
from warehouses import ddl
from world import ROOT, SECOND, THIRD, expect, id_of, require

ORDER = {"findings": ["id"], "changes": ["user_guid", "account_guid", "date", "transaction_guid"]}


def everything(world):
    for snapshot in world.judged.snapshots():
        for table in world.reports:
            yield table, world.judged.report(snapshot, f"{table}.parquet")


def reports_are_no_tables(world):
    for snapshot in world.judged.snapshots():
        expect(set(world.judged.manifest(snapshot)["tables"]), set(world.tables), f"tables of {snapshot}")
    expect(set(world.reports), set(ORDER), "tables of reports")
    for table, names in ORDER.items():
        expect(world.reports[table]["order"], names, f"order of {table}")


def report_files(world):
    """Schema, field ids, metadata, compression and order."""
    rows = 0
    for table, path in everything(world):
        file = pq.ParquetFile(path)
        for i, (column, field) in enumerate(zip(world.columns(table), file.schema_arrow, strict=True)):
            where = f"{path}: {column['name']}"
            expect((field.name, field.type, field.nullable), (column["name"], ARROW[column["type"]], column["nullable"]), where)
            expect(field.metadata, {b"PARQUET:field_id": str(column["field_id"]).encode()}, where)
            if column["type"].startswith("DECIMAL"):
                expect(file.schema.column(i).physical_type, "INT64", where)
            for g in range(file.metadata.num_row_groups):
                expect(file.metadata.row_group(g).column(i).compression, "ZSTD", where)
        expect(file.metadata.metadata, {b"tallyport.table": table.encode(), b"tallyport.schema_version": b"1"}, path)
        before = None
        for row in file.read().to_pylist():
            key = [(row[k] is not None, row[k] or "") for k in ORDER[table]]
            require(before is None or before <= key, f"{path}: {row} is out of order")
            before, rows = key, rows + 1
    require(rows, "no rows: nothing was shown")


def report_equals_csv(world):
    """Every cell is that of the CSV file, and of the JSON lines."""
    defused = nulls = 0
    for table, path in everything(world):
        read = pq.read_table(path, partitioning=None).to_pylist()
        with open(path.with_suffix(".csv"), newline="") as f:
            lines = list(csv.DictReader(f))
        expect(len(read), len(lines), path)
        for row, line in zip(read, lines):
            for column in world.columns(table):
                cell, value = line[column["name"]], row[column["name"]]
                where = f"{path}: {column['name']} of {row[world.columns(table)[0]['name']]}"
                if column["name"] == "payee" and cell.startswith("'"):
                    cell, defused = cell[1:], defused + 1
                if cell == "":
                    expect(value, None, where)
                    nulls += 1
                elif column["type"] == "DATE":
                    expect(value, datetime.date.fromisoformat(cell), where)
                elif column["type"].startswith("DECIMAL"):
                    expect(value, Decimal(cell), where)
                else:
                    expect(value, cell, where)
        if table == "findings":
            said = [json.loads(line, parse_float=Decimal) for line in path.with_suffix(".jsonl").read_text().splitlines()]
            for row, finding in zip(read, said, strict=True):
                row |= {"evidence": json.loads(row["evidence"], parse_float=Decimal), "missing_inputs": json.loads(row["missing_inputs"])}
                finding |= {"date": finding["date"] and datetime.date.fromisoformat(finding["date"]), "amount": finding["amount"] and Decimal(finding["amount"])}
                expect(row, finding, path)
    require(nulls, "no nulls: nothing was shown")


def report_readers(world):
    """DuckDB, polars and Spark see what pyarrow sees."""
    con, session = duckdb.connect(), readers.spark(world)
    for table, path in everything(world):
        columns = world.columns(table)
        schema = pa.schema([(c["name"], ARROW[c["type"]]) for c in columns])
        want = pq.ParquetFile(path).read().cast(schema)
        frame = session.read.parquet(str(path))
        expect(frame.dtypes, [(c["name"], readers.SPARK.get(c["type"], c["type"].lower())) for c in columns], f"{path} by Spark")
        expect(dict(polars.read_parquet_schema(path)), {c["name"]: readers.POLARS[c["type"]] for c in columns}, f"{path} by polars")
        for who, got in {
            "DuckDB": con.sql(f"FROM '{path}'").to_arrow_table(), "polars": polars.read_parquet(path).to_arrow(), "Spark": frame.toArrow(),
        }.items():
            expect(got.cast(schema).to_pylist(), want.to_pylist(), f"{path} by {who}")


def analysts_queries(world):
    """Each query of docs/analysts.md gives what it should, in the order of the document."""
    blocks = re.findall(r"^```sql\n-- (\w+)\n(.*?)^```", (ROOT / "docs" / "analysts.md").read_text(), re.S | re.M)
    expect(len(blocks), (ROOT / "docs" / "analysts.md").read_text().count("```sql"), "queries with a name")
    expect([name for name, _ in blocks], list(ANSWERS), "queries of the document")
    con = duckdb.connect()
    con.execute(ddl("duckdb"))
    con.execute("SET TimeZone = 'UTC'")
    for name, sql in blocks:
        if name == "csv":
            con.execute("DELETE FROM transactions")
        # As written, but for the places of the stores.
        sql = sql.replace("'snapshots/", f"'{world.judged.path}/").replace("'csv/", f"'{world.csv.path}/")
        rows = con.sql(sql).to_arrow_table().to_pylist()
        require(rows, f"{name} gives no row: {sql}")
        ANSWERS[name](world, rows)
        if name == "absence":
            absence_in_a_gap(world, con, sql)


def findings(world):
    """Of the newest report, by its JSON lines."""
    return [json.loads(line) for line in world.judged.report(world.judged.snapshots()[-1], "findings.jsonl").read_text().splitlines()]


def transactions(world, snapshot, store=None):
    store, names = store or world.judged, ["guid", "user_guid", "member_guid", "date", "amount", "description", "memo", "row_hash"]
    return [row for path in store.files(snapshot, "transactions") for row in pq.ParquetFile(path).read(names).to_pylist()]


def answer_nights(world, rows):
    newest, complete = world.judged.snapshots()[-1], world.judged.snapshots()[-2]
    expect(world.judged.manifest(newest)["status"], "partial", "status of the newest")
    expect(rows, [{"newest": newest, "complete": complete}], "nights")


def answer_complete(world, rows):
    want = transactions(world, world.judged.snapshots()[-2])
    expect(sum(r["transactions"] for r in rows), len(want), "transactions")
    expect(sum(r["amount"] or 0 for r in rows), sum(r["amount"] or 0 for r in want), "sum of amounts")


def answer_missing(world, rows):
    lost = [f for f in findings(world) if f["kind"] == "missing_transaction" and f["state"] == "open"]
    rest = {f["state"] for f in findings(world) if f["kind"] == "missing_transaction"}
    require(lost and "candidate" in rest, f"missing transactions are {rest}: nothing was shown")
    expect(sum(r["missing"] for r in rows), len(lost), "missing")
    expect(sum(r["in_tickets"] for r in rows), sum(f["ticket_id"] is not None for f in lost), "in tickets")
    names = {}
    for path in world.judged.files(world.judged.snapshots()[-1], "institutions"):
        names |= {r["code"]: r["name"] for r in pq.ParquetFile(path).read(["code", "name"]).to_pylist()}
    week = lambda day: day - datetime.timedelta(day.weekday())
    expect({(r["institution"], r["week"]) for r in rows},
           {(names[f["institution_code"]], week(datetime.date.fromisoformat(f["date"]))) for f in lost}, "institutions and weeks")


def answer_evidence(world, rows):
    lost = [f for f in findings(world) if f["kind"] == "missing_transaction"]
    expect([(r["id"], json.loads(r["evidence"])) for r in rows], [(f["id"], f["evidence"]) for f in lost], "evidence")


def answer_freshness(world, rows):
    snapshot = world.judged.snapshots()[-1]
    observed, want = {}, {}
    for path in world.judged.files(snapshot, "coverage"):
        for r in pq.ParquetFile(path).read().to_pylist():
            if r["resource"] == "member_status":
                observed[r["member_guid"]] = r["observed_at"]
    for path in world.judged.files(snapshot, "members"):
        for r in pq.ParquetFile(path).read().to_pylist():
            at = r["successfully_aggregated_at"]
            want[r["guid"]] = at and round((observed[r["guid"]] - at).total_seconds() / 3600, 1)
    expect({r["member_guid"]: r["age_hours"] for r in rows}, want, "ages")
    ages = [r["age_hours"] for r in rows]
    known = [a for a in ages if a is not None]
    expect(ages, [None] * (len(ages) - len(known)) + sorted(known, reverse=True), "oldest first")
    require(len(known) < len(ages) and known[0] > 48, "no member is stale, or all have succeeded: nothing was shown")


def lost(world):
    return min(f["transaction_guid"] for f in findings(world) if f["kind"] == "missing_transaction")


def answer_history(world, rows):
    guid = lost(world)
    want = [(s, r["amount"], r["row_hash"]) for s in world.judged.snapshots() for r in transactions(world, s) if r["guid"] == guid]
    expect([(r["snapshot"], r["amount"]) for r in rows], [w[:2] for w in want], "nights of the transaction")
    expect([r["changed"] for r in rows], [None] + [a[2] != b[2] for a, b in zip(want, want[1:])], "changed")
    require(len(want) > 3, "it was hardly there: nothing was shown")


def answer_absence(world, rows):
    nights, guid, looked = world.judged.snapshots(), lost(world), {}
    there = {s for s in nights if any(r["guid"] == guid for r in transactions(world, s))}
    user = next(f["user_guid"] for f in findings(world) if f["transaction_guid"] == guid)
    for s in nights:
        looked[s] = all(g["user_guid"] != user for g in world.judged.manifest(s)["gaps"])
    expect([(r["snapshot"], r["row_is"]) for r in rows],
           [(s, "there" if s in there else "absent" if looked[s] else "not looked at") for s in nights], "where the row is")
    require({"there", "absent"} <= {r["row_is"] for r in rows}, f"{rows}: nothing was shown")


def absence_in_a_gap(world, con, sql):
    """Of a member that was not read in the last night nothing is known, whatever is not there."""
    newest, before = world.judged.snapshots()[-1], world.judged.snapshots()[-2]
    members = {g["member_guid"] for g in world.judged.manifest(newest)["gaps"]}
    guid = max((r["date"], r["guid"]) for r in transactions(world, before) if r["member_guid"] in members)[1]
    con.execute(f"SET VARIABLE guid = '{guid}'")
    rows = con.sql(sql).fetchall()
    expect(rows[-2:], [(before, "there"), (newest, "not looked at")], "a row in a gap")


def changes(world, snapshot):
    with open(world.judged.report(snapshot, "changes.csv"), newline="") as f:
        return list(csv.DictReader(f))


def answer_changes(world, rows):
    want = {}
    for line in changes(world, world.judged.snapshots()[-1]):
        n = want.setdefault((line["change"], line["code"], line["verdict"]), [0, 0])
        n[0], n[1] = n[0] + 1, n[1] + (line["finding_id"] != "")
    expect({(r["change"], r["code"], r["verdict"]): [r["rows"], r["in_findings"]] for r in rows}, want, "changes")
    require({"added", "removed", "not_looked_at"} <= {c for c, _, _ in want}, f"{want}: nothing was shown")


def answer_nights_of_changes(world, rows):
    want = {}
    for snapshot in world.judged.snapshots():
        for line in changes(world, snapshot):
            if line["change"] == "removed":
                want[snapshot, line["code"]] = want.get((snapshot, line["code"]), 0) + 1
    expect({(r["night"], r["code"]): r["rows"] for r in rows}, want, "changes of all nights")


def answer_tables(world, rows):
    expect(rows[0]["transactions"], len(transactions(world, world.judged.snapshots()[-2])), "transactions of the newest complete snapshot")


def answer_csv(world, rows):
    want = [r for s in (SECOND, THIRD) for r in transactions(world, id_of(s), world.store)]
    memos = [r["memo"] for r in want]
    require(None in memos and "" in memos, "no memo is null, or none empty: nothing was shown")
    expect(rows, [{"transactions": len(want), "with_memo": len(memos) - memos.count(None), "amount": sum(r["amount"] or 0 for r in want)}], "CSV")


def answer_formula(world, rows):
    came = {r["description"] for s in (SECOND, THIRD) for r in transactions(world, id_of(s), world.store)}
    for r in rows:
        require(r["as_it_came"] in came, f"{r['as_it_came']} did not come")


ANSWERS = {name.removeprefix("answer_"): f for name, f in list(globals().items()) if name.startswith("answer_")}

CHECKS = [reports_are_no_tables, report_files, report_equals_csv, report_readers, analysts_queries]
