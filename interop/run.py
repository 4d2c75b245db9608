"""Checks that readers written by other people, and browsers, understand what Tallyport publishes."""

import os
import re
import sys
import tempfile
import time
import traceback

import files
import pages
import readers
import warehouses
from world import Failure, Skip, World


def main(only):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="interop-") as directory:
        began = time.monotonic()
        world = World(directory)
        print(f"exported {directory} in {time.monotonic() - began:.1f} s", flush=True)
        try:
            for check in files.CHECKS + readers.CHECKS + warehouses.CHECKS + pages.CHECKS:
                name = check.__name__.replace("_", "-")
                if only and not re.search(only, name):
                    continue
                outcome = "passed"
                try:
                    check(world)
                    print(f"ok {name}", flush=True)
                except Skip as why:
                    # On a machine that nobody watches, a check that did not run is one that failed.
                    outcome = "failed" if os.environ.get("CI") == "true" else "skipped"
                    print(f"{'FAIL' if outcome == 'failed' else 'skip'} {name}: {why}", flush=True)
                except Failure as why:
                    outcome = "failed"
                    print(f"FAIL {name}: {why}", flush=True)
                except Exception as why:
                    outcome = "failed"
                    traceback.print_exc(file=sys.stdout)
                    print(f"FAIL {name}: {type(why).__name__}: {str(why)[:500]}", flush=True)
                counts[outcome] += 1
        finally:
            readers.stop()
            world.close()
    print(", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
