#!/usr/bin/env bash
# Formatting (clang-format 14), include directions, lengths of functions, what comments and documents name, and
# clang-tidy 14 on the folders that need no libtorch; with --fast all but the last.
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
tools/check_functions_test.py
tools/check_functions.py
tools/check_docs_test.py
tools/check_docs.py

[[ ${1:-} == --fast ]] && exit 0

# Once for each folder as one file, which reads its headers once. Checks of unused names look at the
# main file only, so files that have any are read one by one for those.
unused=misc-unused-using-decls,misc-unused-alias-decls

sources_of() {  # sources_of BUILD_DIR: what the folders' libraries compile, without generated files
  python3 -c '
import json, sys
for entry in json.load(open(sys.argv[1] + "/compile_commands.json")):
    if "_test.dir/" in entry["command"] or entry["file"].endswith("page_files.cc"): continue
    print(entry["file"])' "$1"
}

tidy() {  # tidy BUILD_DIR OPTIONS... <FILES: stderr has counts of suppressed warnings; findings are on stdout
  local build=$1
  shift
  xargs -d '\n' -n 1 -P "$(nproc)" clang-tidy-14 -p "$build" --quiet --config-file=.clang-tidy "$@" 2>/dev/null
}

cmake --preset tidy >/dev/null
cmake --preset tidy -B build-tidy/together -DCMAKE_UNITY_BUILD=ON >/dev/null
cmake --build --preset tidy --target t3_build_info >/dev/null
cmake --build build-tidy/together --target t3_build_info >/dev/null
echo "clang-tidy: $(sources_of build-tidy | wc -l) files"
sources_of build-tidy/together | tidy build-tidy/together --header-filter='/(src|include)/.*\.(h|cc)$'
sources_of build-tidy | xargs -d '\n' grep -lE '^ *(using [^=]*;|namespace [A-Za-z_]+ =)' |
  tidy build-tidy --checks="-*,$unused"
echo 'lint: good'
