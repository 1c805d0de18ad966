# Gateway. `make` alone prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CONFIGURATION ?= Release
export CONFIGURATION
export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1
# Arguments for `make run`, `make bench` and `make test`, e.g. make run ARGS='--urls http://127.0.0.1:9000'
ARGS ?=

.PHONY: help run test soak lab lab-down bench image test-image format

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r t d; do printf '  make %-11s %s\n' "$$t" "$$d"; done

run: ## build and start the gateway: http://127.0.0.1:8080, SQLite inside
	@scripts/run.sh $(ARGS)

test: ## build, run every test, print "N passed, N failed" (needs root; installs what the tests need)
	@scripts/test.sh $(ARGS)

soak: ## the long-running tests that `make test` leaves out, an hour each (SOAK_MINUTES=5 make soak)
	@scripts/test.sh --soak $(ARGS)

lab: ## the three-host lab as namespaces: U, the gateway, V
	@scripts/lab.sh up

lab-down: ## take the lab away
	@scripts/lab.sh down

bench: ## the figures: side by side with wireguard-go, and BenchmarkDotNet
	@scripts/bench.sh $(ARGS)

image: ## build the container image with docker or buildah
	@scripts/image.sh

test-image: ## build the image, start it in a lab namespace, pass traffic through it
	@scripts/test-image.sh

format: ## bring the code to the project's style
	dotnet format Gateway.sln
