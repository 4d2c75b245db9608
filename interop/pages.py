"""The report as people see it: in a real browser, from a file."""

import os
import re
import shutil
import subprocess

from world import ROOT, START, Failure, Sim, Skip, require, tallyport

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


def report_in_a_browser(world):
    """Filters, sorting, links and print, without a request; screenshots stay in a temporary directory."""
    shots = os.environ.get("SCREENSHOTS") or str(world.dir / "screenshots")
    os.makedirs(shots, exist_ok=True)
    require(not os.path.realpath(shots).startswith(str(ROOT) + os.sep), f"{shots} is in the repository")
    print("   " + node("report.mjs", lived(world) / "report.html", shots).strip().replace("\n", "\n   "), flush=True)


CHECKS = [report_in_a_browser]
