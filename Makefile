# make demo   ten nights of a pretend MX, exported to ./demo and reconciled
# make test   everything that needs Go alone
# make check  gofmt, vet, staticcheck, race, rooms
# make bench  speed and memory beside a peer     (Python for DuckDB)
# make interop  other people's readers           (Python, Java, Node, Chromium)
# make evaluate  how often reconcile is right, in worlds whose truth is known
# make fuzz   each fuzz target for FUZZTIME

GO       ?= go
FUZZTIME ?= 30s
BENCH    ?=
EVALUATE ?=
PYTHON   ?= python3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build demo test check bench evaluate interop fuzz man completion clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tallyport .

demo: build
	./bin/tallyport demo

test:
	$(GO) test -timeout 20m ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -race -short -timeout 20m ./...

# Needs Python 3.11, Java 17, Node 20 and Chromium; what it installs is pinned and
# stays in .venv and interop/browser/node_modules. As root on Debian it installs Chromium.
interop: build .venv/interop
	.venv/bin/python interop/run.py

.venv/interop: interop/requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r interop/requirements.txt
	@touch $@

fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

# BENCH=-quick for a smoke test, BENCH='-only a -json bench.json' for a part.
bench: build .venv/bench
	$(GO) run ./internal/bench -python .venv/bench/bin/python $(BENCH)

# Without Python or duckdb the rest is measured all the same.
.venv/bench: internal/bench/requirements.txt
	-$(PYTHON) -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r $< && touch $@

# Half an hour of CPU. EVALUATE='-set smoke' for a few seconds, '-set standard
# -errors 5' for a part and its wrong answers, '-h' for the others.
evaluate:
	$(GO) run ./internal/evaluate $(EVALUATE)

man: build
	@mkdir -p bin/man
	./bin/tallyport man > bin/man/tallyport.8

completion: build
	@mkdir -p bin/completion
	for s in bash zsh fish; do ./bin/tallyport completion $$s > bin/completion/tallyport.$$s; done

clean:
	rm -rf bin demo .venv interop/browser/node_modules
