"""Loading: the DDL of every dialect, the views, and the queries that we tell people to run."""

import csv
import os
import re
import shlex
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

import readers
from world import PROGRAM, ROOT, SECOND, THIRD, Failure, Skip, expect, id_of, require, tallyport

DIALECTS = ["duckdb", "postgres", "snowflake", "bigquery", "redshift", "spark", "trino", "clickhouse"]


def ddl(dialect):
    return tallyport("schema", "--dialect", dialect)


def newest_report(world, table):
    return world.judged.report(world.judged.snapshots()[-1], f"{table}.parquet")


def statements(dialect):
    return [s for s in ddl(dialect).split(";\n") if s.strip()]


def second_night(world):
    """Rows by table and the sum of amounts of the newest complete snapshot."""
    snapshot = id_of(SECOND)
    found = readers.expected(world, world.store)
    return {t: found[t, snapshot][0] for t in world.tables}, Decimal(found["transactions", snapshot][1]).scaleb(-4)


def check_views(world, query, loaded):
    """query runs SQL and gives one value; loaded are the snapshots in the tables."""
    rows, total = second_night(world)
    for table in world.tables:
        expect(query(f"SELECT count(*) FROM {table}_latest"), rows[table], f"{table}_latest")
        all_rows = sum(world.store.manifest(id_of(s))["tables"][table]["rows"] for s in loaded)
        expect(query(f"SELECT count(*) FROM {table}"), all_rows, table)
    expect(Decimal(query("SELECT sum(amount) FROM transactions_latest")), total, "sum of the newest complete snapshot")
    newest = world.store.manifest(id_of(max(loaded)))["tables"]["transactions"]["rows"]
    expect(query("SELECT count(*) FROM transactions AS t JOIN latest_snapshot AS l ON t.snapshot_at = l.snapshot_at"), newest, "the newest snapshot")


def check_reports(world, query):
    """query runs SQL over the tables of the newest report and gives one value."""
    store, said = world.judged, 0
    for table in world.reports:
        with open(store.report(store.snapshots()[-1], f"{table}.csv"), newline="") as f:
            lines = list(csv.DictReader(f))
        expect(query(f"SELECT count(*) FROM {table}"), len(lines), table)
        for column in world.columns(table):
            name = column["name"]
            expect(query(f"SELECT count({name}) FROM {table}"), sum(line[name] != "" for line in lines), f"{table}.{name}")
        total = sum(Decimal(line["amount"] or 0) for line in lines)
        expect(Decimal(query(f"SELECT sum(amount) FROM {table}")), total, f"amounts of {table}")
        said += total
    require(said, "no amount in the report: nothing was shown")


def ddl_parses(world):
    for dialect in DIALECTS:
        try:
            parsed = [s for s in sqlglot.parse(ddl(dialect), dialect=dialect) if s is not None]
        except sqlglot.errors.ParseError as why:
            raise Failure(f"{dialect}: {why}")
        tables = {s.find(exp.Table).name: [c.name for c in s.this.expressions if isinstance(c, exp.ColumnDef)]
                  for s in parsed if isinstance(s, exp.Create) and s.kind == "TABLE"}
        views = {s.find(exp.Table).name for s in parsed if isinstance(s, exp.Create) and s.kind == "VIEW"}
        rest = [s for s in parsed if not isinstance(s, (exp.Create, exp.Comment))]
        expect(rest, [], f"{dialect}: statements of another kind")
        lower = {t: [c.lower() for c in cs] for t, cs in tables.items()}
        expect(lower, {t: [c["name"] for c in world.columns(t)] for t in [*world.tables, *world.reports]}, f"{dialect}: columns")
        expect(views, {f"{t}_latest" for t in world.tables} | {"latest_complete_snapshot", "latest_snapshot"}, f"{dialect}: views")


def duckdb_loads(world):
    con = duckdb.connect()
    con.execute(ddl("duckdb"))
    for table in world.tables:
        con.execute(f"INSERT INTO {table} BY NAME FROM read_parquet('{world.store.glob(table)}', hive_partitioning = false)")
    loaded = [f"{s[:4]}-{s[4:6]}-{s[6:11]}:{s[11:13]}:{s[13:]}" for s in world.store.snapshots()]
    query = lambda sql: con.execute(sql).fetchone()[0]
    check_views(world, query, loaded)
    for table in world.reports:
        con.execute(f"COPY {table} FROM '{newest_report(world, table)}' (FORMAT parquet)")
    check_reports(world, query)


def postgres_loads(world):
    try:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(world.dir))
        import pgserver
        from pgserver._commands import POSTGRES_BIN_PATH
    except ImportError as why:
        raise Skip(f"no pgserver: {why}")
    server = pgserver.get_server(world.dir / "postgres", cleanup_mode="delete")
    try:
        def psql(script):
            done = subprocess.run([POSTGRES_BIN_PATH / "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", server.get_uri()],
                                  input=script, capture_output=True)
            if done.returncode:
                raise Failure(f"psql: {done.stderr.decode()[:500]}")
            return done.stdout.decode().strip()

        psql(ddl("postgres").encode())
        for snapshot in world.csv.snapshots():
            for table in world.tables:
                for path in world.csv.files(snapshot, table):
                    psql(f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER match);\n".encode() + path.read_bytes() + b"\\.\n")
        number = lambda sql: Decimal(psql(sql.encode()))
        check_views(world, number, [SECOND, THIRD])
        for table in world.reports:
            path = newest_report(world, table).with_suffix(".csv")
            psql(f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER match);\n".encode() + path.read_bytes() + b"\\.\n")
        check_reports(world, number)
        # Nothing became null or empty on the way.
        con = duckdb.connect()
        for table in world.tables:
            for column in world.columns(table):
                name = column["name"]
                ask = f'count("{name}")' + (f""", count(*) FILTER (WHERE "{name}" = '')""" if column["type"] == "STRING" else ", 0")
                where = f"hive_partitioning = false) WHERE snapshot_at >= TIMESTAMPTZ '{SECOND}'"
                want = con.execute(f"SELECT {ask} FROM read_parquet('{world.store.glob(table)}', {where}").fetchone()
                expect(psql(f'SELECT {ask} FROM {table}'.encode()), "|".join(map(str, want)), f"{table}.{name}: filled, empty")
    finally:
        server.cleanup()


def spark_loads(world):
    session = readers.spark(world)
    for statement in statements("spark"):
        session.sql(statement)
    for table in world.tables:
        got = session.table(table)
        want = [(c["name"], readers.SPARK.get(c["type"], c["type"].lower())) for c in world.columns(table)]
        expect(got.dtypes, want, table)
        described = {f.name: f.metadata.get("comment") for f in got.schema.fields}
        expect(described, {c["name"]: c["meaning"] for c in world.columns(table)}, f"comments of {table}")
        paths = [str(p) for s in world.store.snapshots() for p in world.store.files(s, table)]
        session.read.parquet(*paths).select(*got.columns).write.insertInto(table)
    loaded = [f"{s[:4]}-{s[4:6]}-{s[6:11]}:{s[11:13]}:{s[13:]}" for s in world.store.snapshots()]
    query = lambda sql: session.sql(sql).collect()[0][0]
    check_views(world, query, loaded)
    for table in world.reports:
        session.read.parquet(str(newest_report(world, table))).select(*session.table(table).columns).write.insertInto(table)
    check_reports(world, query)


def clickhouse_loads(world):
    try:
        from chdb import session
    except ImportError as why:
        raise Skip(f"no chdb: {why}")
    con = session.Session(str(world.dir / "clickhouse"))
    try:
        for statement in statements("clickhouse"):
            con.query(statement)
        for table in world.tables:
            names = ", ".join(f"`{c['name']}`" for c in world.columns(table))
            con.query(f"INSERT INTO {table} ({names}) SELECT {names} FROM file('{world.store.glob(table)}', Parquet)")
        loaded = [f"{s[:4]}-{s[4:6]}-{s[6:11]}:{s[11:13]}:{s[13:]}" for s in world.store.snapshots()]
        query = lambda sql: Decimal(str(con.query(sql, "TabSeparated")).strip())
        check_views(world, query, loaded)
        for table in world.reports:
            names = ", ".join(f"`{c['name']}`" for c in world.columns(table))
            con.query(f"INSERT INTO {table} ({names}) SELECT {names} FROM file('{newest_report(world, table)}', Parquet)")
        check_reports(world, query)
    finally:
        con.close()


def run_query(sql, what, con=None):
    rows = (con or duckdb.connect()).execute(sql).fetchall()
    require(rows, f"{what} gives no row: {sql}")


def readme_queries(world):
    blocks = re.findall(r"^```sql\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)
    require(blocks, "README.md has no query")
    con = duckdb.connect()  # with the tables that the README has people make first
    con.execute(ddl("duckdb"))
    for block in blocks:
        for sql in sqlglot.transpile(block, read="duckdb", write="duckdb", comments=False):
            # As written, but for the place of the store.
            run_query(sql.replace("'snapshots/", f"'{world.store.path}/"), "README.md", con)


def demo_queries(world):
    shown = tallyport("demo", "--dir", str(world.dir / "demo"), "--users", "20", codes=(0, 3))
    queries = [shlex.split(line)[2] for line in shown.splitlines() if line.strip().startswith("duckdb -c")]
    require(queries, "the demo shows no query")
    for sql in queries:
        run_query(sql, "demo")


CHECKS = [ddl_parses, duckdb_loads, postgres_loads, spark_loads, clickhouse_loads, readme_queries, demo_queries]
