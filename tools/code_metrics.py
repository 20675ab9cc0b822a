#!/usr/bin/env python3
# Prints measures of the code: what docs/results/one-house.md compares before and after.
"""Usage: tools/code_metrics.py [REPOSITORY]

Product code is src/ and include/ without tests and test support. Needs git.
- functions over 40 lines of code, as tools/check_functions.py counts them, product code
- files: product code, with the median and the longest
- modules (a header with its sources) that a DiT block includes, directly or not
- pairs of modules that include each other
- tracked MiB
"""
import pathlib
import statistics
import subprocess
import sys

from check_functions import MAX_LINES, functions_of
from check_includes import TEST_FILE, module_graph


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True)
    return [name for name in out.stdout.decode().split("\0") if name]


def long_functions(root, files):
    found = [(length, name, declaration) for name in files
             for _, declaration, length in functions_of((root / name).read_text(encoding="utf8"))]
    return sorted((entry for entry in found if entry[0] > MAX_LINES), reverse=True)


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(graph[node])
    return seen


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    names = tracked(root)
    code = [n for n in names if n.startswith(("src/", "include/")) and not TEST_FILE.search(n) and
            n.endswith((".cc", ".h", ".cu", ".cuh"))]
    lines = {n: len((root / n).read_text(encoding="utf8").splitlines()) for n in code}
    long = long_functions(root, code)
    graph = module_graph(root, code)
    pairs = sorted((a, b) for a in list(graph) for b in graph[a] if a < b and a in graph[b])
    size = sum((root / n).lstat().st_size for n in names)
    print(f"product files                {len(code)}, {sum(lines.values())} lines, median "
          f"{statistics.median(lines.values()):.0f}, longest {max(lines.values())}")
    print(f"functions over {MAX_LINES} lines      {len(long)}")
    print(f"modules of a DiT block       {len(reach(graph, 'src/models/dit/block'))}")
    print(f"modules that include each other  {len(pairs)}")
    print(f"tracked                      {size / 2**20:.1f} MiB in {len(names)} files")
    for length, path, name in long:
        print(f"  {length:4d} {path} {name}")
    for a, b in pairs:
        print(f"  {a} <-> {b}")


if __name__ == "__main__":
    main()
