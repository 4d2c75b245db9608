"""The report as people see it: in a real browser, from a file."""

import os
import re
import shutil
import subprocess
import zipfile

from world import PROGRAM, ROOT, START, Failure, Sim, Skip, expect, require, tallyport

BROWSER = ROOT / "interop" / "browser"
NIGHTS = 8
DEFECTS = {4: ["Z1", "N1"], 5: ["Z1", "P5"]}


def chromium():
    """Debian's, which is installed where that can be done without asking."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True)
        done = subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"apt-get install chromium: {done.stderr[-300:]}")
        found = shutil.which("chromium")
    if not found:
        raise Skip("no chromium; on Debian: apt-get install chromium")
    return found


def node(script, *args):
    """Runs a script of interop/browser with the pinned playwright-core."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Skip("no node or no npm")
    env = os.environ | {"CHROMIUM": chromium()}
    lock, installed = BROWSER / "package-lock.json", BROWSER / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=BROWSER, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"npm ci: {done.stderr[-500:]}")
        installed.write_bytes(lock.read_bytes())
    done = subprocess.run(["node", str(BROWSER / script), *map(str, args)], env=env, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failure((done.stdout + done.stderr)[-1500:])
    return done.stdout


def lived(world):
    """A store of some nights in which rows were lost, with the report of the last."""
    store = world.dir / "lived"
    if not store.exists():
        with Sim(seed=11, users=60, transactions=60) as sim:
            for night in range(NIGHTS):
                for kind in DEFECTS.get(night, []):
                    sim.post(f"/inject?kind={kind}&n=2")
                as_of = re.sub(r"-\d\dT", f"-{10 + night}T", START)
                tallyport("nightly", "--store", store, "--as-of", as_of, "--page-size=auto", "--quiet", env=sim.env, codes=(0, 3))
                sim.post("/advance?by=24h")
    return max((store / "_reports").iterdir())


def screenshots(world):
    """Where they go: never into the repository."""
    shots = os.environ.get("SCREENSHOTS") or str(world.dir / "screenshots")
    os.makedirs(shots, exist_ok=True)
    require(not os.path.realpath(shots).startswith(str(ROOT) + os.sep), f"{shots} is in the repository")
    return shots


def report_in_a_browser(world):
    """Filters, sorting, links and print, without a request; screenshots stay in a temporary directory."""
    shots = screenshots(world)
    print("   " + node("report.mjs", lived(world) / "report.html", shots).strip().replace("\n", "\n   "), flush=True)


def page_in_a_browser(world):
    """A support agent's work at the page of tallyport serve; what is downloaded is whole."""
    lived(world)
    store, downloads = world.dir / "served", world.dir / "downloads"
    shutil.copytree(world.dir / "lived", store)
    downloads.mkdir()
    token = world.dir / "token"
    token.write_text("a token with/slash+plus\n")
    token.chmod(0o600)
    with Page(store) as own, Page(store, "--host=desk.example", f"--token-file={token}") as shared:
        node("serve.mjs", store, own.url, shared.url, token.read_text().strip(), downloads, screenshots(world))
    bundles = sorted(downloads.glob("*.zip"))
    expect(len(bundles), 1, "bundles")
    with zipfile.ZipFile(bundles[0]) as bundle:
        expect(bundle.testzip(), None, "damaged files of the bundle")
        names = sorted(bundle.namelist())
        expect(names, sorted(f"{t}.{end}" for t in bundles[0].stem.split("+") for end in ("csv", "json", "md")), "files of the bundle")
        for text in downloads.glob("*.md"):
            expect(bundle.read(text.name), text.read_bytes(), text.name)


class Page:
    """tallyport serve as a process of its own; as a context manager it ends it."""

    def __init__(self, store, *args):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TALLYPORT_", "MX_"))}
        self.process = subprocess.Popen([PROGRAM, "serve", f"--store={store}", "--listen=127.0.0.1:0", *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        expect(code, 0, "exit code of serve")


CHECKS = [report_in_a_browser, page_in_a_browser]
