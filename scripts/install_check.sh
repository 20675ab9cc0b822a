#!/usr/bin/env bash
# Installs a build, moves the result elsewhere and uses it there: the program must load nothing from
# this clone, and a separate project must find, build with and run the library.
#   scripts/install_check.sh [BUILD_DIR]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
build=${1:-build}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved
cd /

clean() { env -i PATH=/usr/bin:/bin HOME="$work" LC_ALL=C.UTF-8 "$@"; }

check_libraries() {  # check_libraries FILE: everything loads, nothing from the clone
  local loaded
  loaded=$(clean ldd "$1")
  if grep -e 'not found' -e "$root/" <<<"$loaded"; then
    echo "install check: $1 loads what an installed file must not (above)" >&2
    exit 1
  fi
}

check_libraries "$prefix/bin/t3"
clean "$prefix/bin/t3" --version
clean "$prefix/bin/t3" plan --preset wan2.1-1.3b-t3 --size 3840x2176 --frames 81 --json >/dev/null

clean cmake -S "$root/tests/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
clean cmake --build "$work/consumer"
check_libraries "$work/consumer/consumer"
clean "$work/consumer/consumer"
echo 'install check: good'
