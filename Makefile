# What can be made of vsnctl. On a fresh Debian 12 as root, with Go, make and git:
# `make demo` shows it, `make test` proves it. `make` alone lists everything.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# libvirt is loaded when it is first used, so that planning needs neither it nor its
# headers (libvirt.org/go/libvirt, "dlopen").
TAGS := -tags libvirt_dlopen
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Its last releases are what runs with the Go of go.mod; `go run` keeps its
# dependencies out of ours.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

# The pure packages touch no kernel: any user can test them, all at once. Everything
# else is found by subtraction, so that no package is left out of both; it changes
# machine-wide state and is tested one package at a time.
PURE := ./vsn/... ./hosts ./hosts/hosttest/... ./placement/...
IMPURE = $(filter-out $(shell go list $(TAGS) $(PURE)),$(shell go list $(TAGS) ./...))

# Further arguments of `go test`, as in `make test-plan TESTFLAGS='-v -run Supply'`.
TESTFLAGS ?=
FUZZTIME ?= 30s

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: bin/vsnctl bin/vsn-guest ## build bin/vsnctl and bin/vsn-guest

# Phony, all of them: go knows best what is out of date.
.PHONY: bin/vsnctl
bin/vsnctl:
	go build $(TAGS) -trimpath -ldflags "-X main.version=$(VERSION)" -o $@ ./cmd/vsnctl

# Static and without a commit's name in it: it must run in a guest with no library, and
# must not make the guest out of date when only something else has changed.
.PHONY: bin/vsn-guest
bin/vsn-guest:
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o $@ ./cmd/vsn-guest

.PHONY: setup
setup: ## install what is missing on Debian and start libvirt (root)
	examples/demo/setup.sh

.PHONY: guest
guest: ## build the demo guest out of Debian packages: examples/guest
	examples/demo/guest.sh

.PHONY: demo
demo: setup build guest ## plan and deploy examples/robot.yaml, and show the shares that it gets (root)
	bin/vsnctl probe --partition --emulator 4ms/20ms > build/hosts.yaml
	bin/vsnctl plan -i build/hosts.yaml -o build/robot.plan.json examples/robot.yaml
	bin/vsnctl deploy build/robot.plan.json
	examples/demo/ready.sh robot 60s
	bin/vsnctl status --interval 5s robot

.PHONY: demo-down
demo-down: bin/vsnctl ## remove what the demo deployed
	bin/vsnctl destroy robot

.PHONY: test
test: setup build guest lint ## run every test, on the kernel and on libvirt too (root)
	VSNCTL_TEST_ALL=1 go test $(TAGS) -timeout 20m $(TESTFLAGS) $(PURE)
	VSNCTL_TEST_ALL=1 go test $(TAGS) -timeout 20m -p 1 -count=1 $(TESTFLAGS) $(IMPURE)

.PHONY: test-plan
test-plan: ## test what touches no kernel: any user, any machine with Go
	go test $(TAGS) $(TESTFLAGS) $(PURE)

.PHONY: test-long
test-long: test ## test, then the pure packages with all problems under the race detector, then fuzz (an hour)
	VSNCTL_TEST_LONG=1 go test $(TAGS) -race -timeout 60m -count=1 $(TESTFLAGS) $(PURE)
	$(MAKE) fuzz

# `go test -fuzz` takes one target of one package at a time.
.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME (30s) each
	@for package in $$(go list $(TAGS) ./...); do \
		for target in $$(go test $(TAGS) -list '^Fuzz' $$package | { grep '^Fuzz' || true; }); do \
			echo "fuzz $$package $$target $(FUZZTIME)"; \
			go test $(TAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

.PHONY: bench
bench: ## measure the pure packages
	go test $(TAGS) -run '^$$' -bench . -benchmem $(TESTFLAGS) $(PURE)

.PHONY: bench-timing
bench-timing: ## measure what is chosen for deadlines, and how near the bounds are to what simulation finds
	go test -run '^$$' -bench 'Split|Naive|BruteForce' -benchtime 3x $(TESTFLAGS) ./placement/dimension
	go test -run '^$$' -bench Tightness -benchtime 1x $(TESTFLAGS) ./placement/proof ./placement/bounds

.PHONY: bench-exact
bench-exact: ## measure plans against cbc's optimum: 50 problems of up to 8 VMs on 20 hosts
	VSNCTL_TEST_ALL=1 VSNCTL_CBC_PROBLEMS=50 go test -run AgreesWithCBC -count=1 -timeout 60m -v $(TESTFLAGS) ./placement/milp

.PHONY: bench-online
bench-online: ## measure requests that come one by one: acceptance, revenue to cost, revenue
	go test -run '^$$' -bench Online -benchtime 1x -timeout 60m $(TESTFLAGS) ./placement/study

.PHONY: bench-scale
bench-scale: ## plan 100, 1000 and 10,000 networks on as many hosts; fail where a promise is not kept
	GOMAXPROCS=2 go test -run '^$$' -bench Scale -benchtime 1x -timeout 60m -v $(TESTFLAGS) ./placement/scale

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	go vet $(TAGS) ./...
	go run $(STATICCHECK) $(TAGS) ./...

.PHONY: schema
schema: bin/vsnctl ## write docs/schema anew out of the types
	bin/vsnctl schema --dir docs/schema

.PHONY: clean
clean: ## remove what was built; `make demo-down` first
	rm -rf bin build examples/guest
