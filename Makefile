# What Jet is built, tried and tested with. Each target does the set-up that it needs.
export PKG_CONFIG_PATH := $(CURDIR)/.deps/pkgconfig
FLAGS := -c release -Xswiftc -enable-testing -Xlinker -rpath -Xlinker $(CURDIR)/.deps/torch/lib

JET := .build/release/jet

.PHONY: setup setup-eval build cuda test gpu-folder gpu-test gpu-bench demo bench lint format clean

setup:
	@scripts/setup.sh

# The evaluation sets of `jet eval`: HellaSwag, ARC, PIQA and others.
setup-eval:
	@scripts/setup.sh eval

build: setup
	swift build $(FLAGS)

# The kernels for NVIDIA GPUs, libjet_cuda.so; needs no GPU.
cuda: setup
	@scripts/cuda.sh

# A folder that checks and times them on a machine with a GPU and libtorch, Swift or not: .build/gpu-check.
gpu-folder: cuda
	@scripts/gpu_folder.sh

gpu-test: gpu-folder
	@.build/gpu-check/run.sh --no-bench

gpu-bench: gpu-folder
	@.build/gpu-check/run.sh

test: setup
	swift test $(FLAGS)

# A real model answers a question; then a small search turns it into a hybrid, and that writes a sentence.
demo: build
	@$(JET) generate smollm2-135m --chat --temperature 0 "What is the capital of France?"
	@scripts/setup.sh demo
	@$(JET) postnas run configs/smollm2-demo.yaml runs/demo
	@$(JET) generate runs/demo/export --temperature 0 --repetition-penalty 1.3 --max-tokens 24 "The history of the United States"
	@echo "The report is $(CURDIR)/runs/demo/report.html"

bench: build
	@$(JET) bench smollm2-135m --depth 0,4096

lint:
	swift format lint --strict --recursive Package.swift Sources Tests
	@scripts/clang_format.sh --dry-run --Werror

format:
	swift format --in-place --recursive Package.swift Sources Tests
	@scripts/clang_format.sh -i

clean:
	rm -rf .build
