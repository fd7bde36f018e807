# `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# The folders that hold a go.mod. Nested modules carry a replace to the root; there is no go.work. What bench links takes
# minutes to build and has races of its own: make test builds only what does without, and bench-peers tests the rest.
MODULES := . bench contrib/badger contrib/beego contrib/bolt contrib/browser contrib/couchbase contrib/frameworks contrib/ledis contrib/ledis/beegotest contrib/leveldb contrib/nats contrib/pebble contrib/pgx contrib/sqlite contrib/ssdb tools
TESTED := $(filter-out bench,$(MODULES))

GO ?= go
PLATFORMS := linux windows darwin

BENCH ?= .
COUNT ?= 1
FUZZTIME ?= 30s
SESSION_SEEDS ?= 1000
FROM ?=
VERSION ?= v0.1.0
MUTANTS ?= .
N ?= 0
SEED ?= 0

# Where tests count allocations, which the race detector adds to. The others need not be compiled once more.
ALLOCATING = $(sort $(dir $(shell grep -rlE 'func Test\w*Alloc' --include='*_test.go' --exclude-dir=bench --exclude-dir=contrib .)))
ALLOCATING_CONTRIB = $(sort $(dir $(shell grep -rlE 'func Test\w*Alloc' --include='*_test.go' contrib)))

# The tools are built per Go version, because staticcheck reads only what its own version of Go or an
# older one has compiled.
TOOLS := $(CURDIR)/bin/$(shell $(GO) env GOVERSION)

# $(call each,modules,command) runs command in each module, goes on after a failure, and fails at the
# end if one of them did.
each = failed=; \
	for module in $(1); do \
		(cd $$module && $(2)) || failed="$$failed $$module"; \
	done; \
	if [ -n "$$failed" ]; then echo "$@: failed in module:$$failed" >&2; exit 1; fi

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: servers ## all tests under the race detector, then those that count allocations without it; SERVERS=off: without servers
	@$(MAKE) -k -j 2 $(TESTED:%=test-%) test-valkey test-ledis-server
	@$(GO) test -run Alloc $(ALLOCATING)
	@$(call each,$(ALLOCATING_CONTRIB),$(GO) test -run Alloc .)
	@cd bench && $(GO) test -race -shuffle=on ./workload
	@if [ "$${SERVERS:-}" = off ]; then $(call each,$(TESTED),GO=$(GO) $(CURDIR)/scripts/servers.sh left-out); \
		else scripts/fetch.sh left-out; fi

# Two modules at a time: the root takes as long as all others, and much of the tests is waiting.
RACING = $(GO) test -race -shuffle=on -timeout 20m

.PHONY: $(TESTED:%=test-%) test-valkey
$(TESTED:%=test-%): test-%:
	@cd $* && $(RACING) ./...
test-valkey:
	@SESSION_REDIS=valkey $(RACING) ./redis

# A LedisDB server has an older Lua interpreter than contrib/ledis links. The race detector cannot be used with that one.
.PHONY: test-ledis-server
test-ledis-server:
	@cd contrib/ledis; old=$$(mktemp -d); trap 'rm -rf "$$old"' EXIT; cp go.mod go.sum "$$old"; \
		$(GO) mod edit -replace github.com/yuin/gopher-lua=github.com/yuin/gopher-lua@v0.0.0-20171031051903-609c9cd26973 "$$old/go.mod"; \
		$(GO) test -mod=mod -modfile="$$old/go.mod" -run 'Contract$$|Scripts|ReadOnly|Password' .

.PHONY: servers
servers: ## install the Debian packages of the servers that the tests start, when missing
	@scripts/servers.sh

.PHONY: check
check: ## format, vet on three systems and for 32 bits, sessionvet, static analysis, tidy modules, layering, ten mutants at random
	@$(MAKE) -k fmt vet vet-sessions lint tidy layering fit mutants N=10

.PHONY: fmt
fmt: $(TOOLS)/.built
	@files=$$($(TOOLS)/gofumpt -l .); \
	for file in $$files; do echo "fmt: $$file is not formatted: bin/*/gofumpt -w $$file" >&2; done; \
	[ -z "$$files" ]

.PHONY: vet
vet: $(PLATFORMS:%=vet-%) vet-386

.PHONY: $(PLATFORMS:%=vet-%)
$(PLATFORMS:%=vet-%): vet-%:
	@$(call each,$(MODULES),GOOS=$* CGO_ENABLED=0 $(GO) vet ./...)

# The root alone: the clients of the other modules would be built once more.
.PHONY: vet-386
vet-386:
	@GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...

# What users read as an example, by the vet tool that users are given.
.PHONY: vet-sessions
vet-sessions: $(TOOLS)/sessionvet
	@$(GO) vet -vettool=$(TOOLS)/sessionvet . ./examples/...
	@$(call each,contrib/beego contrib/bolt contrib/ledis contrib/sqlite,$(GO) vet -vettool=$(TOOLS)/sessionvet ./...)

.PHONY: lint
lint: $(TOOLS)/.built
	@$(call each,$(MODULES),$(TOOLS)/staticcheck ./...)

.PHONY: tidy
tidy:
	@$(call each,$(MODULES),$(GO) mod tidy -diff)

.PHONY: layering
layering:
	@$(GO) test -run '^TestLayering' .

# The lists of mutants go by the text of the product, so that a change of it can leave them behind.
.PHONY: fit
fit: $(TOOLS)/mutants
	@$(TOOLS)/mutants -root . -list

.PHONY: mutants
mutants: $(TOOLS)/mutants servers ## break the product on purpose, to see whether the tests notice; MUTANTS=regexp and N=n choose, SEED=s repeats
	@$(TOOLS)/mutants -root . -go '$(GO)' -run '$(MUTANTS)' -n $(N) -seed $(SEED)

.PHONY: bench-engines
bench-engines: servers ## the providers beside each other, into docs/providers/README.md
	@cd bench && $(GO) test ./engines && $(GO) run ./engines -o ../docs/providers/README.md

.PHONY: bench
bench: servers ## benchmarks with allocations; BENCH=regexp and COUNT=n choose
	@$(call each,$(TESTED),$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...)

.PHONY: screenshots
screenshots: servers ## pictures of the examples into docs/images; look at them
	@cd contrib/browser && $(GO) test -count 1 -run 'Example|Outage' . -args -screenshots ../../docs/images

.PHONY: drill
drill: servers ## a rolling deployment over each kind of store: the commit FROM (the last tag) beside this version
	@SESSION_DRILL='$(FROM)' $(GO) test -count 1 -v -timeout 30m ./internal/test/drilltest

.PHONY: release-check
release-check: ## have users outside the repository get, build and run each module, as if VERSION (v0.1.0) was tagged
	@cd tools && $(GO) run ./release -root .. -version $(VERSION)

.PHONY: bench-peers
bench-peers: servers ## this package beside others, 5 rounds, into docs/performance.md; with BENCH=regexp the chosen ones, to the screen
	@cd bench && $(GO) test ./...
	@cd bench && $(GO) run . -bench '$(BENCH)' -count $(if $(filter file,$(origin COUNT)),5,$(COUNT)) -o ../docs/performance.md -charts ../docs/images

.PHONY: soak
soak: servers ## every fuzz target for FUZZTIME (30s) each, the tests with SESSION_SEEDS (1000) seeds or more, the drill, all mutants
	@$(call each,$(TESTED),GO=$(GO) $(CURDIR)/scripts/fuzz.sh $(FUZZTIME))
	@$(MAKE) -k -O -j $(words $(TESTED)) $(TESTED:%=soak-%)
	@$(MAKE) drill
	@$(MAKE) mutants MUTANTS=. N=0

# All modules at once, and four packages at a time: in the long form tests wait for servers and for time more than they compute.
.PHONY: $(TESTED:%=soak-%)
$(TESTED:%=soak-%): soak-%:
	@cd $* && SESSION_SEEDS=$(SESSION_SEEDS) SESSION_SOAK=1 $(GO) test -race -shuffle=on -count 1 -timeout 4h -p 4 ./...

.PHONY: $(TOOLS)/mutants $(TOOLS)/sessionvet
$(TOOLS)/mutants $(TOOLS)/sessionvet: $(TOOLS)/%:
	@cd tools && $(GO) build -o $@ ./$*

$(TOOLS)/.built: tools/go.mod tools/go.sum
	@cd tools && $(GO) build -o $(TOOLS)/ tool
	@touch $@
