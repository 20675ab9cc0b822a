#!/usr/bin/env bash
# Makes a short video with what is at hand: the model in the repository, or without one a small
# model with random weights, whose video is noise by nature.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

t3=build/t3
video=build/demo.mp4
prompt='A lighthouse on a cliff at sunset, waves below, slow camera movement'

if [[ -e models/demo ]]; then
  "$t3" generate --model demo --prompt "$prompt" --seed 0 --output "$video"
  echo "The video is at $video"
else
  echo 'No trained model is shipped yet: this makes a small model with random weights, so the video'
  echo 'shows coloured noise. It runs the same code as a real checkpoint.'
  [[ -e build/demo-model ]] || "$t3" init wan2.1-tiny --seed 1 --output build/demo-model
  "$t3" generate --model build/demo-model --prompt "$prompt" --seed 0 --size 256x160 --frames 9 \
    --steps 8 --output "$video"
  echo "The video is at $video (random weights: coloured noise)"
fi
