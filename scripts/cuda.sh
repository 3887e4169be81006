#!/usr/bin/env bash
# Builds .build/cuda/libjet_cuda.so, the kernels for NVIDIA GPUs; no GPU is needed for that. Fetches the compiler into
# .deps/cuda first. Safe to run again: only what has changed is compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
deps=$root/.deps

fail() {
  echo "cuda: $1" >&2
  exit 1
}

[ -f "$deps/libtorch-2.11.0.done" ] || fail "libtorch is not in .deps/; run make setup first."
command -v g++ >/dev/null || fail "g++ is not on the PATH; install it (Debian: apt-get install g++) and run this again."
. scripts/fetch.sh

if ! done_with cuda-13.0; then
  rm -rf "$deps/cuda" "$deps/unpacked"
  for wheel in "nvidia-cuda-nvcc:37 MB" "nvidia-nvvm:62 MB" "nvidia-cuda-crt:1 MB" "nvidia-cuda-cccl:3 MB" \
    "nvidia-cuda-runtime:2 MB"; do
    file=$(fetch "${wheel%%:*}" "${wheel##*:}")
    unpack "$file" "$deps/unpacked" nvidia/cu13/
    rm -f "$file"
  done
  mv "$deps/unpacked/nvidia/cu13" "$deps/cuda"
  rm -rf "$deps/unpacked"
  # A zip archive read by Python loses the right to be run.
  chmod +x "$deps"/cuda/bin/* "$deps"/cuda/nvvm/bin/*
  finish cuda-13.0
  echo "cuda: the compiler is in .deps/cuda ($(du -sh "$deps/cuda" | cut -f1))" >&2
fi
rmdir "$wheels" 2>/dev/null || true

make --no-print-directory -f cuda/Makefile -j"${JOBS:-$(nproc)}"
echo "cuda: ready: .build/cuda/libjet_cuda.so ($(du -h .build/cuda/libjet_cuda.so | cut -f1))" >&2
