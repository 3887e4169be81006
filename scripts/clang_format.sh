#!/usr/bin/env bash
# Runs clang-format over all C++ and CUDA sources with the given arguments, such as -i or --dry-run --Werror; not over CUDA
# that is a text for the run-time compiler (.cu.inc). The first call fetches it into .deps/.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=$PWD/.deps

fail() {
  echo "clang-format: $1" >&2
  exit 1
}
. scripts/fetch.sh

if ! done_with clang-format-23.1.5; then
  wheel=$(fetch clang-format "2 MB")
  unpack "$wheel" "$deps" clang_format/
  rm -f "$wheel"
  rmdir "$wheels" 2>/dev/null || true
  # A zip archive read by Python loses the right to be run.
  chmod +x "$deps/clang_format/data/bin/clang-format"
  finish clang-format-23.1.5
fi

find cuda Sources \( -name '*.cu' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.h' -o -name '*.inc' \) ! -name '*.cu.inc' | sort |
  xargs "$deps/clang_format/data/bin/clang-format" "$@"
