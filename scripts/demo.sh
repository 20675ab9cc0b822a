#!/usr/bin/env bash
# Makes a short video with what is at hand: the model in the repository, or without one a small
# model with random weights, whose video is noise by nature.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

t3=build/t3
model=build/demo-model
video=build/demo.mp4
prompt='A lighthouse on a cliff at sunset, waves below, slow camera movement'

if [[ -e models/demo ]]; then
  "$t3" generate --model demo --prompt "$prompt" --seed 0 --output "$video"
  echo "The video is at $PWD/$video"
  exit
fi

echo 'No trained model is shipped yet. This makes a small model with random weights, so the video'
echo 'shows coloured noise; the code that runs is the one that real checkpoints use.'
rm -rf "$model"
"$t3" init scripts/demo_model.json --seed 1 --output "$model"
"$t3" generate --model "$model" --prompt "$prompt" --seed 0 --size 256x160 --frames 17 --steps 8 \
  --output "$video"
echo "The video is at $PWD/$video (random weights: coloured noise)"
