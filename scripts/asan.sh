#!/usr/bin/env bash
# Builds what reads other people's files, and the program, with the address and undefined-behaviour
# sanitizers, and runs their tests. libtorch itself is not instrumented.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Folders without libtorch; the program's checks as well, which load it.
folders=(base config plan weights tokenizer media version serve)
export UBSAN_OPTIONS=print_stacktrace=1

cmake --preset asan ${CI:+-DT3_PCH=ON} >/dev/null
cmake --build --preset asan -j "${JOBS:-$(nproc)}" --target t3 cli_test "${folders[@]/%/_test}"
pattern=$(IFS='|'; echo "${folders[*]}")
# tests/CMakeLists.txt has the options of those that load libtorch.
ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
  ctest --preset asan -j "$(nproc)" -R "^($pattern|cli)(\\.[0-9]+)?\$"
