#!/usr/bin/env bash
# Training steps of a model as large as Wan2.1-T2V-1.3B, with random weights, on one 4K video of 81
# frames: time and memory are in build/large-step/t3/log.jsonl. `t3` is taken from PATH; 128 GB of GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
t3 init scripts/large_step/init.json --seed 1 --dtype bf16 --output build/large-step/model
t3 train scripts/large_step/train.json
cat build/large-step/t3/log.jsonl
