#!/usr/bin/env bash
# Assembles .build/gpu-check: the program jet-gpu-check without need of Swift's libraries, libjet_cuda.so and run.sh.
# Copy the folder to a machine with an NVIDIA GPU and PyTorch 2.11, and call run.sh there.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.build/gpu-check

echo "gpu-folder: building jet-gpu-check" >&2
PKG_CONFIG_PATH=$PWD/.deps/pkgconfig swift build -c release --static-swift-stdlib --scratch-path .build-static \
  --product jet-gpu-check >&2
rm -rf "$folder"
mkdir -p "$folder"
strip -o "$folder/jet-gpu-check" .build-static/release/jet-gpu-check
xz -1 --threads=0 "$folder/jet-gpu-check"
cp .build/cuda/libjet_cuda.so scripts/gpu_check.sh "$folder/"
mv "$folder/gpu_check.sh" "$folder/run.sh"
echo "gpu-folder: $folder ($(du -sh "$folder" | cut -f1))" >&2
