# What Jet is built, tried and tested with. Each target does the set-up that it needs.
export PKG_CONFIG_PATH := $(CURDIR)/.deps/pkgconfig
FLAGS := -c release -Xswiftc -enable-testing -Xlinker -rpath -Xlinker $(CURDIR)/.deps/torch/lib

.PHONY: setup build test lint format clean

setup:
	@scripts/setup.sh

build: setup
	swift build $(FLAGS)

test: setup
	swift test $(FLAGS)

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

format:
	swift format --in-place --recursive Package.swift Sources Tests

clean:
	rm -rf .build
