#!/usr/bin/env bash
# Formatting (clang-format 14), include directions, what comments and documents name, and clang-tidy 14
# on the folders that need no libtorch; with --fast all but the last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in clang-format-14 clang-tidy-14; do
  command -v "$tool" >/dev/null || {
    echo "lint: no $tool; scripts/setup.sh --ci installs it" >&2
    exit 1
  }
done

mapfile -t sources < <(git -c safe.directory='*' ls-files '*.h' '*.cc' '*.cu' '*.cuh')
echo "clang-format: ${#sources[@]} files"
clang-format-14 --dry-run -Werror "${sources[@]}"

tools/check_includes.py --self-test
tools/check_includes.py
tools/check_docs_test.py
tools/check_docs.py

[[ ${1:-} == --fast ]] && exit 0

cmake --preset tidy >/dev/null
cmake --build --preset tidy --target t3_build_info >/dev/null
mapfile -t units < <(python3 -c '
import json
for entry in json.load(open("build-tidy/compile_commands.json")):
    generated = "/build-tidy/" in entry["file"]
    if entry["file"].endswith(".cc") and not entry["file"].endswith("_test.cc") and not generated:
        print(entry["file"])')
echo "clang-tidy: ${#units[@]} files"
# stderr has clang-tidy's counts of suppressed warnings; findings are on stdout.
printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p build-tidy --quiet 2>/dev/null
echo 'lint: good'
