"""What the checks look at: stores that the program exported from its pretend MX."""

import datetime
import functools
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "bin" / "tallyport"
START = "2026-01-10T02:00:00Z"  # long past, so that no clock refuses it
SECOND = "2026-01-11T02:00:00Z"
THIRD = "2026-01-12T02:00:00Z"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def expect(got, want, what):
    if got != want:
        raise Failure(f"{what}: got {short(got)}, want {short(want)}")


def require(truth, what):
    if not truth:
        raise Failure(what)


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "…"


def tallyport(*args, env=None, codes=(0,)):
    done = subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True)
    if done.returncode not in codes:
        raise Failure(f"tallyport {' '.join(map(str, args))} exits with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def id_of(as_of):
    return re.sub("[-:]", "", as_of)


class Sim:
    """A pretend MX of its own process; as a context manager it ends it."""

    def __init__(self, **flags):
        args = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self.process = subprocess.Popen(
            [PROGRAM, "sim", "--control=127.0.0.1:0", "--weather=calm", f"--start={START}", "--quiet", *args],
            stdout=subprocess.PIPE, text=True)
        settings = dict(word.split("=", 1) for word in self.process.stdout.readline().split() if "=" in word)
        self.control = self.process.stdout.readline().split()[-1]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("TALLYPORT_", "MX_"))} | settings

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def post(self, path, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        urllib.request.urlopen(urllib.request.Request(self.control + path, data=data, method="POST")).read()

    def truth(self, resource, **ask):
        """The records, with every number as the literal that was served."""
        url = f"{self.control}/truth/{resource}?{urllib.parse.urlencode(ask)}"
        with urllib.request.urlopen(url) as answer:
            return [json.loads(line, parse_int=Number, parse_float=Number) for line in answer.read().decode().split("\n") if line]

    def export(self, store, as_of, *args, codes=(0,)):
        tallyport("export", "--store", store, "--as-of", as_of, "--page-size=auto", "--quiet", *args, env=self.env, codes=codes)
        return Store(store)


class Number(str):
    """A JSON number as it was written."""


class Store:
    def __init__(self, path):
        self.path = Path(path)

    def snapshots(self):
        return sorted(p.stem for p in (self.path / "_manifests").glob("*.json"))

    def manifest(self, snapshot):
        return json.loads((self.path / "_manifests" / f"{snapshot}.json").read_bytes())

    def files(self, snapshot, table):
        return [self.path / f["path"] for f in self.manifest(snapshot)["tables"][table]["files"]]

    def report(self, snapshot, name):
        return self.path / "_reports" / snapshot / name

    def glob(self, table, suffix="parquet"):
        return f"{self.path}/{table}/*/*.{suffix}"


class World:
    """Three nights as Parquet, the last of them with a hole, and the last two as CSV."""

    def __init__(self, directory):
        self.dir = Path(directory)
        declared = {t["table"]: t for t in json.loads(tallyport("schema", "--json"))}
        self.tables = {name: t for name, t in declared.items() if not t.get("report")}
        self.reports = {name: t for name, t in declared.items() if t.get("report")}
        self.sim = Sim(seed=7, users=60)
        try:
            self.store = self.sim.export(self.dir / "parquet", START)
            self.sim.post("/advance?by=24h")
            self.sim.export(self.dir / "parquet", SECOND)
            self.csv = self.sim.export(self.dir / "csv", SECOND, "--format=csv")
            self.raw = self.sim.export(self.dir / "raw", SECOND, "--format=csv", "--csv-raw")
            self.sim.post("/advance?by=24h")
            self.sim.post("/weather?name=calm", {"failing_users": 1})
            self.sim.export(self.dir / "parquet", THIRD, codes=(3,))
            self.sim.export(self.dir / "csv", THIRD, "--format=csv", codes=(3,))
            # One shard holds 4,096 users on average: only more of them show the sharding.
            with Sim(seed=8, users=4200, members=1, accounts=1, transactions=1) as many:
                self.wide = many.export(self.dir / "wide", START)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.sim.__exit__()

    def columns(self, table):
        return (self.tables | self.reports)[table]["columns"]

    @functools.cached_property
    def judged(self):
        """A store with reports of eleven nights: rows are lost before the ninth and the tenth, and the last one has a hole."""
        path = self.dir / "judged"
        with Sim(seed=9, users=20) as sim:
            for night in range(11):
                if night in (8, 9):
                    sim.post("/inject?kind=Z1&n=4")
                if night == 10:
                    with urllib.request.urlopen(sim.control + "/defects") as answer:
                        touched = {d["user"] for d in json.load(answer)}
                    member = next(m for u in sim.truth("users") if u["guid"] not in touched and not u["is_disabled"]
                                  for m in sim.truth("members", user=u["guid"]) if m["connection_status"] == "CONNECTED")
                    sim.post("/misbehave", [{"path": f"/users/{member['user_guid']}/members/{member['guid']}/transactions", "kind": "html-200"}])
                as_of = (datetime.datetime.fromisoformat(START) + datetime.timedelta(night)).strftime("%Y-%m-%dT%H:%M:%SZ")
                tallyport("nightly", "--store", path, "--as-of", as_of, "--page-size=auto", "--changes", "--quiet",
                          env=sim.env, codes=(3,) if night == 10 else (0,))
                sim.post("/advance?by=24h")
        return Store(path)

    def stores(self):
        return [self.store, self.wide]
