"""Four engines read the same files; all must see the same cells."""

import os
import shutil

import duckdb
import polars
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from files import ARROW, ORDER, integers
from world import SECOND, Skip, expect, id_of, require

DUCKDB = {"STRING": "VARCHAR", "INT64": "BIGINT", "TIMESTAMP(MICROS, UTC)": "TIMESTAMP WITH TIME ZONE"}
SPARK = {"INT64": "bigint", "TIMESTAMP(MICROS, UTC)": "timestamp"}
POLARS = {
    "STRING": polars.String, "BOOLEAN": polars.Boolean, "INT64": polars.Int64, "DOUBLE": polars.Float64, "DATE": polars.Date,
    "DECIMAL(18,4)": polars.Decimal(18, 4), "DECIMAL(18,8)": polars.Decimal(18, 8), "TIMESTAMP(MICROS, UTC)": polars.Datetime("us", "UTC"),
}

_spark = None


def spark(world):
    global _spark
    if _spark is None:
        if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
            raise Skip("no Java")
        os.environ.update(TZ="UTC", SPARK_LOCAL_IP="127.0.0.1")
        # Its start-up chatter is written before a log level can be set.
        log, err = os.open(world.dir / "spark.log", os.O_WRONLY | os.O_CREAT), os.dup(2)
        os.dup2(log, 2)
        try:
            from pyspark.sql import SparkSession
            _spark = (SparkSession.builder.master("local[2]").appName("interop")
                      .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
                      .config("spark.ui.showConsoleProgress", "false").config("spark.sql.shuffle.partitions", "2")
                      .config("spark.sql.warehouse.dir", str(world.dir / "warehouse")).getOrCreate())
            _spark.sparkContext.setLogLevel("OFF")
        finally:
            os.dup2(err, 2)
    return _spark


def stop():
    if _spark is not None:
        _spark.stop()


def arrow_schema(world, table):
    return pa.schema([(c["name"], ARROW[c["type"]]) for c in world.columns(table)])


def compare(world, read):
    """What read gives for every part is what pyarrow gives, cell by cell."""
    for store in world.stores():
        for snapshot in store.snapshots():
            for table in world.tables:
                for path in store.files(snapshot, table):
                    want = pq.ParquetFile(path).read().cast(arrow_schema(world, table))
                    got = read(path).cast(arrow_schema(world, table))
                    expect(got.num_rows, want.num_rows, path)
                    for name in want.column_names:
                        require(got[name].combine_chunks().equals(want[name].combine_chunks()), f"{path}: {name} differs")


def expected(world, store):
    """By table and snapshot: rows of the manifest, sum of the amounts by pyarrow."""
    out = {}
    for snapshot in store.snapshots():
        for table, entry in store.manifest(snapshot)["tables"].items():
            total = None
            if table == "transactions":
                units = [n for p in store.files(snapshot, table) for n in integers(pq.ParquetFile(p).read(["amount"])["amount"], "DECIMAL(18,4)")]
                total = sum(n for n in units if n is not None)
            out[table, snapshot] = entry["rows"], total
    return out


def totals(world, store, query):
    """query gives (snapshot, rows, sum of amounts or null) of a table."""
    got = {}
    for table in world.tables:
        for snapshot, rows, total in query(table, "sum(amount)" if table == "transactions" else "NULL"):
            got[table, str(snapshot)] = rows, None if total is None else int(total.scaleb(4))
    want = {k: v for k, v in expected(world, store).items() if v[0]}
    require(any(total for _, total in want.values()), "no amounts: nothing was shown")
    expect(got, want, "rows and sums")


def duckdb_reads(world):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for table in world.tables:
        got = [r[:2] for r in con.execute(f"DESCRIBE FROM read_parquet('{world.store.glob(table)}', hive_partitioning = false)").fetchall()]
        expect(got, [(c["name"], DUCKDB.get(c["type"], c["type"])) for c in world.columns(table)], table)
    compare(world, lambda path: con.sql(f"FROM read_parquet('{path}', hive_partitioning = false)").to_arrow_table())
    for store in world.stores():
        totals(world, store, lambda table, total: con.execute(
            f"SELECT snapshot, count(*), {total} FROM read_parquet('{store.glob(table)}', hive_partitioning = true) GROUP BY snapshot").fetchall())


def duckdb_finds_by_guid(world):
    """Bloom filters and bounds leave out no row that is there."""
    con, path = duckdb.connect(), world.store.files(id_of(SECOND), "transactions")[0]
    guids = con.execute(f"SELECT guid FROM '{path}' USING SAMPLE 200 ROWS (reservoir, 1)").fetchall()
    for (guid,) in guids:
        expect(con.execute(f"SELECT count(*) FROM '{path}' WHERE guid = ?", [guid]).fetchone(), (1,), guid)


def pyarrow_reads(world):
    for store in world.stores():
        for table in world.tables:
            data = pa.dataset.dataset(store.path / table, format="parquet", partitioning=pa.dataset.HivePartitioning(pa.schema([("snapshot", pa.string())])))
            expect(data.schema.names, [c["name"] for c in world.columns(table)] + ["snapshot"], table)
            expect([data.schema.field(c["name"]).type for c in world.columns(table)], [ARROW[c["type"]] for c in world.columns(table)], table)
        totals(world, store, lambda table, total: pyarrow_totals(store, table))


def pyarrow_totals(store, table):
    data = pa.dataset.dataset(store.path / table, format="parquet", partitioning="hive")
    names = ["amount"] if table == "transactions" else []
    grouped = data.to_table(columns=["snapshot", *names]).group_by("snapshot").aggregate([([], "count_all")] + [(n, "sum") for n in names])
    return [(r["snapshot"], r["count_all"], r.get("amount_sum")) for r in grouped.to_pylist()]


def polars_reads(world):
    for table in world.tables:
        got = polars.scan_parquet(world.store.glob(table), hive_partitioning=False).collect_schema()
        expect(dict(got), {c["name"]: POLARS[c["type"]] for c in world.columns(table)}, table)
    compare(world, lambda path: polars.read_parquet(path, hive_partitioning=False).to_arrow())
    for store in world.stores():
        # By default polars makes a time of the partition key, which is the same id in other words.
        totals(world, store, lambda table, _: polars.scan_parquet(
            store.glob(table), hive_partitioning=True, try_parse_hive_dates=False).group_by("snapshot").agg(
            polars.len(), *([polars.col("amount").sum()] if table == "transactions" else [polars.lit(None).alias("none")])).collect().rows())


def spark_reads(world):
    session = spark(world)
    for table in world.tables:
        frame = session.read.parquet(f"{world.store.path}/{table}")
        want = [(c["name"], SPARK.get(c["type"], c["type"].lower())) for c in world.columns(table)]
        expect(frame.dtypes, want + [("snapshot", "string")], table)
    for store in world.stores():
        totals(world, store, lambda table, total: [tuple(r) for r in session.sql(
            f"SELECT snapshot, count(*), CAST({total} AS DECIMAL(28,4)) FROM parquet.`{store.path}/{table}` GROUP BY snapshot").collect()])
    for table in world.tables:
        path = world.store.files(id_of(SECOND), table)[0]
        want = pq.ParquetFile(path).read().cast(arrow_schema(world, table))
        got = session.read.parquet(str(path)).toArrow().cast(arrow_schema(world, table))
        for name in want.column_names:
            require(got[name].combine_chunks().equals(want[name].combine_chunks()), f"{path}: {name} differs")


def spark_finds_by_page_index(world):
    """Spark skips pages by the column index; no row may be lost to a wrong bound."""
    session = spark(world)
    for table in world.tables:
        paths = [p for s in world.stores() for p in s.files(s.snapshots()[0], table)]
        for path in paths:
            for name in ORDER[table]:
                cells = pq.ParquetFile(path).read([name])[name]
                values = sorted({v for v in cells.to_pylist() if v is not None})
                if not values:
                    continue
                middle = values[len(values) // 2]
                frame = session.read.parquet(str(path))
                where = f"{path}: {name}"
                got = frame.where((frame[name] == middle)).count(), frame.where(frame[name].isNull()).count(), frame.where(frame[name] >= middle).count()
                want = (sum(v == middle for v in cells.to_pylist()), cells.null_count, sum(v is not None and v >= middle for v in cells.to_pylist()))
                expect(got, want, where)


CHECKS = [duckdb_reads, duckdb_finds_by_guid, pyarrow_reads, polars_reads, spark_reads, spark_finds_by_page_index]
