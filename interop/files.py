"""The files themselves, read by what FORMAT.md says and nothing else."""

import csv
import datetime
import decimal
import hashlib
import json
import re
import struct

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq
import xxhash

from world import SECOND, START, Number, expect, id_of, require, tallyport

ARROW = {
    "STRING": pa.string(), "BOOLEAN": pa.bool_(), "INT64": pa.int64(), "DOUBLE": pa.float64(), "DATE": pa.date32(),
    "DECIMAL(18,4)": pa.decimal128(18, 4), "DECIMAL(18,8)": pa.decimal128(18, 8), "TIMESTAMP(MICROS, UTC)": pa.timestamp("us", "UTC"),
}
ORDER = {
    "users": ["guid"],
    "members": ["user_guid", "guid"],
    "accounts": ["user_guid", "member_guid", "guid"],
    "transactions": ["user_guid", "account_guid", "date", "guid"],
    "account_owners": ["user_guid", "member_guid", "account_guid", "guid"],
    "institutions": ["code"],
    "coverage": ["user_guid", "member_guid", "account_guid", "resource"],
}
FORMULA = tuple("=+-@\t\r'") + ("＝", "＋", "－", "＠")


def everything(world):
    """Every Parquet file with its table, snapshot and manifest."""
    for store in world.stores():
        for snapshot in store.snapshots():
            manifest = store.manifest(snapshot)
            for table, entry in manifest["tables"].items():
                for file in entry["files"]:
                    yield store, manifest, table, store.path / file["path"], file


def integers(column, kind):
    """The column as FORMAT.md stores it: days, microseconds, units of the last decimal."""
    if kind.startswith("DECIMAL"):
        scale = int(kind[-2])
        return [None if v is None else int(v.scaleb(scale)) for v in column.to_pylist()]
    if kind == "DATE":
        return column.cast(pa.int32()).to_pylist()
    if kind.startswith("TIMESTAMP"):
        return column.cast(pa.int64()).to_pylist()
    return column.to_pylist()


def rows(world, table, path):
    """Rows as dicts of stored values."""
    read = pq.ParquetFile(path).read()
    columns = world.columns(table)
    cells = [integers(read.column(c["name"]), c["type"]) for c in columns]
    names = [c["name"] for c in columns]
    return [dict(zip(names, row)) for row in zip(*cells)]


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def canonical(columns, row, without):
    out = bytearray()
    last = [c for c in columns if c["name"] in ("updated_at", "extra")]
    for c in [c for c in columns if c not in last] + last:
        value = row[c["name"]]
        if value is None or c["name"] in without:
            continue
        out.append(c["field_id"])
        if c["type"] == "STRING":
            raw = value.encode()
            out += varint(len(raw)) + raw
        elif c["type"] == "BOOLEAN":
            out.append(value)
        elif c["type"] == "DOUBLE":
            out += struct.pack("<d", value)
        else:
            out += varint(value * 2 if value >= 0 else -value * 2 - 1)
    return bytes(out)


def signed(n):
    return n - (1 << 64) if n >> 63 else n


def manifest_sums(world):
    for store in [*world.stores(), world.csv, world.raw]:
        listed = set()
        for snapshot in store.snapshots():
            path = store.path / "_manifests" / f"{snapshot}.json"
            raw = path.read_bytes()
            manifest = json.loads(raw)
            digest = manifest["checksum"].removeprefix("sha256:")
            expect(raw.count(digest.encode()), 1, f"{path} holds its digest")
            blank = raw.replace(digest.encode(), b"0" * 64)
            expect(hashlib.sha256(blank).hexdigest(), digest, f"checksum of {path}")
            expect(manifest["id"], snapshot, "id")
            expect(id_of(manifest["as_of"]), snapshot, "as_of")
            expect(set(manifest["tables"]), set(world.tables), "tables")
            expect(manifest["shards"].bit_count(), 1, "shards are a power of two")
            for table, entry in manifest["tables"].items():
                expect(sum(f["rows"] for f in entry["files"]), entry["rows"], f"rows of {table}")
                expect(len(entry["files"]), 1 if table == "institutions" else manifest["shards"], f"parts of {table}")
                for file in entry["files"]:
                    data = (store.path / file["path"]).read_bytes()
                    expect((len(data), hashlib.sha256(data).hexdigest()), (file["bytes"], file["sha256"]), file["path"])
                    listed.add(file["path"])
        found = {str(p.relative_to(store.path)) for p in store.path.glob("[!_]*/*/*")}
        expect(found, listed, f"files in {store.path}")


def manifest_rows(world):
    for _, _, table, path, file in everything(world):
        expect(pq.read_metadata(path).num_rows, file["rows"], path)
    for snapshot in world.csv.snapshots():
        for table, entry in world.csv.manifest(snapshot)["tables"].items():
            for file in entry["files"]:
                with open(world.csv.path / file["path"], newline="") as f:
                    expect(sum(1 for _ in csv.reader(f)), file["rows"] + 1, file["path"])


def latest(world):
    third, second = world.store.snapshots()[-1], id_of(SECOND)
    expect(world.store.manifest(third)["status"], "partial", "status of the night with a hole")
    expect(world.store.manifest(second)["status"], "complete", "status of the night before")
    state = json.loads((world.store.path / "_latest.json").read_bytes())
    for name, want in ("newest", third), ("newest_complete", second):
        expect(state[name]["id"], want, name)
        tables = world.store.manifest(want)["tables"]
        expect(state[name]["files"], {t: [f["path"] for f in e["files"]] for t, e in tables.items()}, f"files of {name}")
        for paths in state[name]["files"].values():
            for path in paths:
                require((world.store.path / path).exists(), f"{path} is not there")
    gap = world.store.manifest(third)["gaps"][0]
    require(gap["reason"] not in ("disabled", "not_found"), f"reason of {gap}")


def parquet_schema(world):
    for store, manifest, table, path, _ in everything(world):
        columns = world.columns(table)
        file = pq.ParquetFile(path)
        for column, field in zip(columns, file.schema_arrow, strict=True):
            where = f"{path.name} {table}.{column['name']}"
            expect(field.name, column["name"], where)
            expect(field.type, ARROW[column["type"]], where)
            expect(field.metadata, {b"PARQUET:field_id": str(column["field_id"]).encode()}, where)
            expect(field.nullable, column["nullable"], where)
        for i, column in enumerate(columns):
            if column["type"].startswith("DECIMAL"):
                expect(file.schema.column(i).physical_type, "INT64", f"{table}.{column['name']}")
        want = {b"tallyport.table": table.encode(), b"tallyport.row_hash_version": b"1",
                b"tallyport.schema_version": str(manifest["tables"][table]["schema_version"]).encode()}
        expect(file.metadata.metadata, want, path)


def parquet_layout(world):
    """Compression, statistics, page index, bloom filters, stated order."""
    for _, _, table, path, _ in everything(world):
        meta = pq.read_metadata(path)
        expect(world.tables[table]["order"], ORDER[table], "order that the dictionary states")
        for g in range(meta.num_row_groups):
            group = meta.row_group(g)
            require(group.num_rows <= 65536, f"{path}: row group of {group.num_rows} rows")
            names = [group.column(i).path_in_schema for i in range(group.num_columns)]
            expect([names[s.column_index] for s in group.sorting_columns], ORDER[table], f"{path}: sorting columns")
            require(all(s.nulls_first and not s.descending for s in group.sorting_columns), f"{path}: sorting is not ascending")
            for i, name in enumerate(names):
                column, where = group.column(i), f"{path}: {name}"
                expect(column.compression, "ZSTD", where)
                expect(column.is_stats_set, name != "row_hash", f"{where} statistics")
                expect(column.has_column_index, name in ORDER[table], f"{where} column index")
                expect(column.has_offset_index, name in ORDER[table], f"{where} offset index")
                expect(column.bloom_filter_offset is not None, name == "guid", f"{where} bloom filter")
                plain = name in ("guid", "row_hash", "created_at", "updated_at")
                require(not (plain and column.has_dictionary_page), f"{where} has a dictionary")


def parquet_statistics(world):
    """Bounds in the footer are those of the cells."""
    for _, _, table, path, _ in everything(world):
        file = pq.ParquetFile(path)
        for g in range(file.metadata.num_row_groups):
            read, group = file.read_row_group(g), file.metadata.row_group(g)
            for i, column in enumerate(world.columns(table)):
                stats, cells = group.column(i).statistics, read.column(i)
                if stats is None:
                    continue
                where = f"{path}: {column['name']}"
                expect(stats.null_count, cells.null_count, f"{where} nulls")
                if stats.has_min_max and column["type"] != "STRING":  # texts may be cut
                    bounds = pa.compute.min_max(cells)
                    expect((stats.min, stats.max), (bounds["min"].as_py(), bounds["max"].as_py()), where)


def order_of_rows(world):
    """Nulls first, texts by bytes, ties by the canonical row; equal rows once."""
    for _, _, table, path, _ in everything(world):
        columns, before = world.columns(table), None
        key_columns = ORDER[table]
        once = not next(c for c in columns if c["name"] == key_columns[0])["nullable"] and table != "account_owners"
        for row in rows(world, table, path):
            cells = [row[k] for k in key_columns]
            key = [(v is not None, v.encode() if isinstance(v, str) else v or 0) for v in cells]
            key.append(canonical(columns, row, ("row_hash", "snapshot_at")))
            require(before is None or before < key or (before == key and not once), f"{path}: {short_key(cells)} out of order")
            before = key


def short_key(cells):
    return "/".join(str(c) for c in cells)


def row_hashes(world):
    user = {"guid": "USR-1", "identifier": None, "is_disabled": False, "metadata": None, "extra": None}
    vector = canonical(world.columns("users"), user | {"row_hash": None, "snapshot_at": None}, ())
    expect(vector.hex(" "), "0b 05 55 53 52 2d 31 0d 00", "canonical form of the vector")
    expect(xxhash.xxh64_intdigest(vector), 0x81E1C96FD50B1DE3, "hash of the vector")
    out = ("row_hash", "snapshot_at", "updated_at", "extra")
    for _, manifest, table, path, _ in everything(world):
        at = int(datetime.datetime.fromisoformat(manifest["as_of"]).timestamp()) * 1_000_000
        for row in rows(world, table, path):
            hashed = signed(xxhash.xxh64_intdigest(canonical(world.columns(table), row, out)))
            expect(row["row_hash"], hashed, f"{path}: row_hash of {row.get('guid')}")
            expect(row["snapshot_at"], at, f"{path}: snapshot_at")


def shards(world):
    seen = set()
    for _, manifest, table, path, _ in everything(world):
        number = int(path.stem.removeprefix("part-"))
        seen.add(number)
        name = "guid" if table == "users" else "user_guid"
        if table == "institutions":
            expect(number, 0, path)
            continue
        for user in pa.compute.unique(pq.read_table(path, columns=[name], partitioning=None)[name]).to_pylist():
            want = 0 if user is None else xxhash.xxh64_intdigest(user.encode()) % manifest["shards"]
            expect(number, want, f"{path}: shard of {user}")
    expect(seen, {0, 1}, "shards that were looked at")


def as_csv(value, kind, raw):
    """A stored value as the text of a CSV cell."""
    if value is None:
        return None
    if kind == "STRING":
        return value if raw or not value.startswith(FORMULA) else "'" + value
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind.startswith("DECIMAL"):
        return format(decimal.Decimal(value).scaleb(-int(kind[-2])), "f")
    if kind == "DATE":
        return (datetime.date(1970, 1, 1) + datetime.timedelta(value)).isoformat()
    if kind.startswith("TIMESTAMP"):
        return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)).isoformat(timespec="microseconds") + "Z"
    return str(value)


def csv_by_duckdb(path):
    return duckdb.connect().execute(
        "FROM read_csv(?, header = true, all_varchar = true, allow_quoted_nulls = false, delim = ',', quote = '\"', "
        "escape = '\"', auto_detect = false, hive_partitioning = false, columns = ?)", [str(path), {c: "VARCHAR" for c in header(path)}]).fetchall()


def csv_by_pyarrow(path):
    read = pyarrow.csv.read_csv(
        path, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={c: pa.string() for c in header(path)}, null_values=[""],
            strings_can_be_null=True, quoted_strings_can_be_null=False))
    return list(zip(*(c.to_pylist() for c in read.columns)))


def header(path):
    with open(path, newline="") as f:
        return next(csv.reader(f))


def csv_equals_parquet(world):
    snapshot, defused, empty = id_of(SECOND), 0, 0
    for store, raw in (world.csv, False), (world.raw, True):
        for table in world.tables:
            columns = world.columns(table)
            parts = zip(store.files(snapshot, table), world.store.files(snapshot, table), strict=True)
            for part, twin in parts:
                expect(header(part), [c["name"] for c in columns], f"header of {part}")
                require(b"\r\n" not in part.read_bytes(), f"{part} has CRLF")
                want = [[as_csv(row[c["name"]], c["type"], raw) for c in columns] for row in rows(world, table, twin)]
                for read in csv_by_duckdb(part), csv_by_pyarrow(part):
                    expect(len(read), len(want), f"rows of {part}")
                    for got, cells in zip(read, want):
                        for value, cell, column in zip(got, cells, columns, strict=True):
                            if (table, column["name"]) == ("coverage", "extra"):
                                continue  # ids of requests: those of another run
                            if column["type"] == "DOUBLE" and cell is not None:
                                require(float(value) == float(cell) and len(value) <= len(cell), f"{part}: {value} is not {cell}")
                                continue
                            expect(value, cell, f"{part}: {column['name']} of {cells[0]}")
                            defused += not raw and value is not None and column["type"] == "STRING" and value.startswith("'")
                            empty += value == ""
        expect(store.manifest(snapshot)["plan"].get("csv_raw", False), raw, "plan.csv_raw")
    require(defused > 0 and empty > 0, f"the world has {defused} defused and {empty} empty texts: nothing was shown")


TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|UTC|[+-]\d\d:?\d\d)$")


def stored(value, kind):
    """A served value as its column stores it, and whether it fits."""
    if value is None:
        return None, True
    number = isinstance(value, Number)
    if kind == "STRING":
        return value, isinstance(value, str) and not number
    if kind == "BOOLEAN":
        return value, isinstance(value, bool)
    if kind == "DOUBLE":
        return (float(value), True) if number else (None, False)
    if kind == "INT64" or kind.startswith("DECIMAL"):
        if not number:
            return None, False
        units = decimal.Decimal(value).scaleb(0 if kind == "INT64" else int(kind[-2]))
        limit = 2**63 if kind == "INT64" else 10**18
        return (int(units), True) if units == units.to_integral_value() and abs(units) < limit else (None, False)
    try:
        if number or not isinstance(value, str):
            return None, False
        if kind == "DATE" and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return (datetime.date.fromisoformat(value) - datetime.date(1970, 1, 1)).days, True
        found = TIME.match(value)
        if not found:
            return None, False
        day, clock, fraction, zone = found.groups()
        zone = "+00:00" if zone in ("Z", "UTC") else zone
        seconds = int(datetime.datetime.fromisoformat(f"{day}T{clock}{zone}").timestamp())
        micros = seconds * 1_000_000 + int(((fraction or "") + "000000")[:6])
    except ValueError:
        return None, False
    if kind == "DATE":
        return (micros // 86_400_000_000, True) if micros % 86_400_000_000 == 0 else (None, False)
    return micros, True


def truth(world):
    """Every cell of the second night is what the pretend MX knows to be true."""
    snapshot, unfit, ask = id_of(SECOND), 0, {"at": SECOND}
    window = world.store.manifest(snapshot)["plan"]["window"]
    users = world.sim.truth("users", **ask)
    visible = [u["guid"] for u in users if not u["is_disabled"]]
    served = {"users": users}
    served["members"] = [m for u in visible for m in world.sim.truth("members", user=u, **ask)]
    for table, resource, extent in ("accounts", "accounts", {}), ("transactions", "transactions", window), ("account_owners", "owners", {}):
        served[table] = [r for m in served["members"] for r in world.sim.truth(
            resource, user=m["user_guid"], member=m["guid"], **ask, **extent)]
    for table, records in served.items():
        columns = [c for c in world.columns(table) if c["name"] not in ("extra", "row_hash", "snapshot_at")]
        want = []
        for record in records:
            row, extra = {}, {k: v for k, v in record.items() if k not in [c["name"] for c in columns]}
            for c in columns:
                value, fits = stored(record.get(c["name"]), c["type"])
                row[c["name"]] = value if fits else None
                if not fits:
                    extra[c["name"]] = record[c["name"]]
                    unfit += 1
            want.append(row | {"extra": extra or None})
        got = []
        for path in world.store.files(snapshot, table):
            for row in rows(world, table, path):
                if row["extra"] is not None:
                    require(list(json.loads(row["extra"])) == sorted(json.loads(row["extra"])), "keys of extra are sorted")
                    row["extra"] = json.loads(row["extra"], parse_int=Number, parse_float=Number)
                got.append({k: row[k] for k in want[0]})
        expect(len(got), len(want), f"rows of {table}")
        for a, b in zip(sorted(got, key=repr_key), sorted(want, key=repr_key)):
            differ = {k: (a[k], b[k]) for k in b if a[k] != b[k]}
            require(not differ, f"{table} {b.get('guid')}: {differ} (stored, true)")
    require(unfit > 0, "the world has no value that does not fit: nothing was shown")
    counted = sum(r["unfit_values"] or 0 for p in world.store.files(snapshot, "coverage") for r in rows(world, "coverage", p))
    expect(counted, unfit, "coverage.unfit_values")


def repr_key(row):
    return repr([row.get(k) for k in ("guid", "account_guid", "member_guid", "user_guid")])


CHECKS = [manifest_sums, manifest_rows, latest, parquet_schema, parquet_layout, parquet_statistics,
          order_of_rows, row_hashes, shards, csv_equals_parquet, truth]
