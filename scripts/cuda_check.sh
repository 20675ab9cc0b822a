#!/usr/bin/env bash
# Compiles the folders that have CUDA sources, in build-cuda/. Needs nvcc, no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cmake --preset cuda -DT3_BUILD_TESTS=OFF >/dev/null
cmake --build --preset cuda -j "${JOBS:-$(nproc)}" --target t3_cuda_check
echo 'CUDA sources: compiled'
