# make         build into build/ (installs what is missing on Debian 12)
# make test    all tests          make demo    simulated batteries and a live view
# make lint    format and static checks        make bench   speed and memory
SHELL := /bin/sh
JOBS ?= $(shell nproc)

.PHONY: all build deps test demo bench lint format clean
all: build

deps:
	@deploy/install-deps

build: deps
	@cmake --preset release >/dev/null
	@cmake --build build --parallel $(JOBS)

test: build
	@tests/tools/run-tests

demo: build
	@tests/tools/demo

bench: build
	@tests/bench/run

lint: deps
	@tests/tools/lint

format: deps
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format -i

clean:
	rm -rf build
