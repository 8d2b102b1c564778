# What a person does with this repository. `make` alone lists it. Demo and test share one debug build.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: install help setup build demo test test-slow soak fuzz tutorial docs check bench format clean

help: ## List these targets
	@printf 'make …\n'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

setup: ## Make sure of the libraries the build needs (installs them as root on Debian)
	@scripts/setup.sh

build: setup ## Build everything, debug
	@scripts/build.sh debug

demo: build ## Two people, one app: the main job from an empty folder to a kill and back
	@.build/debug/plasmid demo

# Tests that start processes run one at a time: side by side they would starve each other, and every test with a deadline.
processes := ^(AcceptanceTests|PlasmidTests|TestKitTests|ConductorTests|ZomeRuntimeTests|StorageTests\.KillTests|TransportTests\.(Kad)?InteropTests|NetworkTests)
# Tests that compute for long, before the others: beside them, what waits for an answer would wait too long.
computing := ^(SimulatorTests|GossipTests)
run_tests = swift test --skip-build --disable-xctest

test: ## All tests (under 25 minutes on two cores from a clean checkout)
	@scripts/setup.sh test
	@scripts/build.sh 'debug with tests' --build-tests
	@$(run_tests) --filter '$(computing)'
	@$(run_tests) --skip '$(processes)' --skip '$(computing)'
	@$(run_tests) --no-parallel --filter '$(processes)'

test-slow: ## The tests plus the long ones: kill cycles, full replay, the tutorials
	@scripts/setup.sh test
	@scripts/build.sh 'debug with tests' --build-tests
	@scripts/tutorial.sh docs/tutorials/by-hand.md
	@scripts/docs.sh
	@PLASMID_SLOW=1 $(run_tests) --filter '$(computing)'
	@PLASMID_SLOW=1 $(run_tests) --skip '$(processes)' --skip '$(computing)'
	@PLASMID_SLOW=1 $(run_tests) --no-parallel --filter '$(processes)'

soak: setup ## Simulated networks by the hundred, and one of 500 nodes; SEEDS=FROM-TO chooses others
	@scripts/build.sh release -c release --product plasmid
	@.build/release/plasmid sim dht --nodes 16 --seeds $(or $(SEEDS),1-200) --faults all
	@.build/release/plasmid sim dht --nodes 60 --seeds $(or $(SEEDS),1-10) --faults all --seconds 180
	@.build/release/plasmid sim dht --nodes 500 --seed 1 --faults churn=0.33,skew --seconds 180

fuzz: ## Every decoder of bytes from outside, each for FUZZ_SECONDS (10), from new seeds or from PLASMID_SEED
	@scripts/setup.sh test
	@scripts/build.sh 'debug with tests' --build-tests
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),10) $(run_tests) --filter '/fuzz'

tutorial: build ## Follow docs/tutorials word by word, each in a fresh folder
	@scripts/tutorial.sh

docs: setup ## The pages of HDK, HDKTesting and TestKit, to .build/docs; fails on a link that leads nowhere
	@scripts/build.sh 'debug with tests' --build-tests
	@scripts/docs.sh

check: setup ## Format, house rules, links and commands in the documents; builds nothing of Sources
	@status=0; scripts/format.sh lint || status=1; \
	swift test -c release --package-path Tests/HouseTests --scratch-path .build/house --disable-xctest --quiet || status=1; \
	exit $$status

bench: setup ## Every figure with its floor and budget, to .build/bench/results.json (BENCH=--quick: in two minutes)
	@scripts/bench.sh $(BENCH)

format: ## Format every Swift file in place
	@scripts/format.sh format

clean: ## Remove everything that was built
	rm -rf .build

# Where it goes: `make install PREFIX=/usr/local`; DESTDIR goes before it for packages, CONFIG=debug takes the debug build.
PREFIX ?= /usr/local
CONFIG ?= release
into = $(DESTDIR)$(PREFIX)

install: setup ## Build and install program, man page and completions (PREFIX=/usr/local)
	@scripts/build.sh $(CONFIG) -c $(CONFIG) --product plasmid
	@scripts/build.sh $(CONFIG) -c $(CONFIG) --product plasmid-zome-host
	@scripts/install.sh ".build/$(CONFIG)" "$(into)"
