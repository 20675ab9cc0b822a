#!/usr/bin/env bash
# Makes a short video with the shipped model.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

video=build/demo.mp4
prompt='The sea at dawn. A clear sky with the sun on the right. Between two yellow lanterns a blue'
prompt+=' balloon moves to the left. The camera is still.'

echo "$prompt"
build/t3 generate --model demo --size 512x288 --prompt "$prompt" --seed 3 --output "$video"
echo "The video is at $PWD/$video"
