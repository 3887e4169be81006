#!/usr/bin/env bash
# Runs jet-gpu-check beside it with the libraries of the PyTorch that python3 finds; arguments are passed on. The
# variable WRAPPER names a command to run it under, such as "compute-sanitizer --error-exitcode 1".
set -euo pipefail
cd "$(dirname "$0")"
packages=$(python3 -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))') ||
  { echo "run.sh: python3 has no PyTorch; install torch 2.11 with CUDA 13 and run this again." >&2; exit 1; }
libraries=$packages/torch/lib
for part in cu13 cudnn cusparselt nccl nvshmem; do libraries=$libraries:$packages/nvidia/$part/lib; done
[ -x jet-gpu-check ] || xz -dk jet-gpu-check.xz
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec ${WRAPPER:-} ./jet-gpu-check "$@"
