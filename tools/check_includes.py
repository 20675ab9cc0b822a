#!/usr/bin/env python3
"""Checks which folder includes which (docs/architecture.md), from the tables below, that no modules
include each other in a circle, and that no two files define a type of the same name: the linker would take
one's inline functions for the other's without a word.

  tools/check_includes.py [ROOT]      lists each include that goes the wrong way; exit code 1 if any
  tools/check_includes.py --self-test checks the checker: each kind of bad include must be reported
"""

import collections
import graphlib
import pathlib
import re
import subprocess
import sys
import tempfile

# Folder of src/ -> the folders it may include besides itself. All may include include/t3video.
ALLOWED = {
    "version": [],
    "base": [],
    "config": ["base"],
    "arch": ["base", "config", "weights"],
    "plan": ["base", "config", "arch"],
    "parallel": ["base"],
    "kernels": ["base"],
    "ops": ["base", "config", "plan", "kernels"],
    "weights": ["base"],
    "nn": ["base", "config", "arch", "plan", "weights", "ops"],
    "tokenizer": ["base"],
    "media": ["base"],
    "models/dit": ["base", "config", "arch", "plan", "parallel", "ops", "weights", "nn"],
    "models/text_encoder": ["base", "config", "arch", "plan", "ops", "weights", "nn"],
    "models/clip": ["base", "config", "arch", "plan", "ops", "weights", "nn"],
    "models/dover": ["base", "config", "arch", "plan", "ops", "weights", "nn"],
    "models/musiq": ["base", "config", "arch", "plan", "ops", "weights", "nn"],
    "models/decoder": ["base", "config", "plan"],
    "models/taehv": ["base", "config", "arch", "plan", "ops", "weights", "nn", "models/decoder"],
    "models/vae": ["base", "config", "arch", "plan", "ops", "weights", "nn", "models/decoder"],
    "sampling": ["base", "config"],
    "world": ["base"],
    "measure": ["base", "world"],
    "score": ["base"],
    "score/world": ["base", "world", "measure", "score"],
}
ALLOWED["runtime"] = ["base", "ops"]
ALLOWED["score/networks"] = ["base", "config", "arch", "weights", "nn", "models/clip", "models/dover",
                             "models/musiq", "tokenizer", "media", "runtime", "score"]
ALLOWED["loading"] = list(ALLOWED)
ALLOWED["pipeline"] = list(ALLOWED)
ALLOWED["tools"] = list(ALLOWED)
ALLOWED["score/run"] = list(ALLOWED)
BELOW_TRAINING = list(ALLOWED)
ALLOWED["training/data"] = BELOW_TRAINING
ALLOWED["training/loop"] = BELOW_TRAINING
ALLOWED["training/vae"] = BELOW_TRAINING + ["training/loop"]
ALLOWED["training/dit"] = BELOW_TRAINING + ["training/loop", "training/data"]
ALLOWED["training/distill"] = BELOW_TRAINING + ["training/loop", "training/dit"]
ALLOWED["training"] = list(ALLOWED)
ALLOWED["bench"] = BELOW_TRAINING
ALLOWED["eval"] = BELOW_TRAINING + ["training/loop", "training/dit", "training/vae"]
ALLOWED["serve"] = ["base"]
ALLOWED["cli"] = ["base", "serve"]

# A unit test may also read files and use what tests share.
TEST_EXTRA = ["weights", "tests"]

# Library -> (pattern of its headers, folders that may include them).
TORCH_FOLDERS = ["parallel", "kernels", "ops", "nn", "world", "measure", "score/world",
                 "models/dit", "models/text_encoder", "models/decoder", "models/taehv",
                 "models/vae", "models/clip", "models/dover", "models/musiq", "score/networks", "sampling",
                 "runtime", "loading", "pipeline", "tools", "training/data", "training/loop", "training/vae", "training/dit", "training/distill",
                 "training", "bench", "eval"]
LIBRARIES = {
    "libtorch": (r"(ATen|c10|torch)/", TORCH_FOLDERS),
    "CUDA": (r"(cuda|cublas|cudnn|cutlass|cute|nv)[a-zA-Z0-9_]*[./]", TORCH_FOLDERS),
    "FFmpeg": (r"lib(av|sw)[a-z]+/", ["media"]),
    "sentencepiece": (r"sentencepiece", ["tokenizer"]),
    "CLI11": (r"CLI/", ["cli"]),
    "cpp-httplib": (r"httplib", ["serve"]),
    "SQLite": (r"sqlite3", ["serve"]),
    "OpenSSL": (r"openssl/", ["serve"]),
}

# Modules that include each other. The list only shrinks: an entry that is no longer true is reported.
KNOWN_PAIRS = set()

# Tests and what only they use.
TEST_FILE = re.compile(r"(_test\.cc|/testing/|hostile_|/test_|_testing\.h|random_\w+\.h)")

GENERATED = {"build_info.h"}  # written by the build; has no folder
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cc", ".cu", ".cuh"}


def folder_of(path):
    """'models/dit/dit.h' -> 'models/dit'; None when no row of the table has it."""
    for depth in (2, 1):
        name = "/".join(path.split("/")[:depth])
        if name in ALLOWED and "/" in path[len(name):]:
            return name
    return None


def check_library(folder, header):
    for library, (pattern, folders) in LIBRARIES.items():
        if re.match(pattern, header) and folder not in folders:
            return f"{library} may be included by {', '.join(folders)} only"
    return None


def check_public(kind, header):
    """include/t3video: itself and the standard library."""
    if kind == '"' and header.startswith("t3video/"):
        return None
    if kind == "<" and re.fullmatch(r"[a-z_]+", header):
        return None
    return "include/t3video may include t3video/ and the standard library only"


def check_source(path, kind, header):
    """One include of src/<path>: a complaint, or None."""
    folder = folder_of(path)
    if folder is None:
        return "the file is in no folder of the table in tools/check_includes.py"
    if kind == "<":
        return check_library(folder, header)
    if header.startswith("t3video/") or header in GENERATED:
        return None
    is_test = path.endswith("_test.cc")
    allowed = [folder] + ALLOWED[folder] + (TEST_EXTRA if is_test else [])
    target = "tests" if header.startswith("tests/") else folder_of(header)
    if target is None:
        return check_library(folder, header) or (
            None if any(re.match(p, header) for p, _ in LIBRARIES.values())
            else "write it as \"folder/file.h\", from src/")
    if target not in allowed:
        return f"{folder} may include {', '.join(allowed)} only"
    return None


def tracked_files(root, folders=("src", "include")):
    """Files of the checkout; without git every file."""
    run = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-co",
                          "--exclude-standard", *folders], capture_output=True, text=True)
    if run.returncode == 0 and run.stdout:
        return [root / line for line in run.stdout.splitlines()]
    return [p for top in folders for p in sorted((root / top).rglob("*"))]


def check_tree(root):
    """Complaints about every source under root, as 'file:line: include: why'."""
    complaints = []
    for path in tracked_files(root):
        if path.suffix not in SOURCES or not path.is_file():
            continue
        relative = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, header = match.groups()
            why = (check_public(kind, header) if relative.startswith("include/")
                   else check_source(relative.removeprefix("src/"), kind, header))
            if why:
                complaints.append(f"{relative}:{number}: {header}: {why}")
    return complaints


def module_of(path):
    """A header and the sources of its name are one module, wherever a backend's folder puts them."""
    return re.sub(r"/(no_)?(cuda|cudnn|ffmpeg)/", "/", path).rsplit(".", 1)[0]


def module_graph(root, files):
    """Module -> the modules that it includes, of `files` as paths relative to root."""
    known = set(files)
    graph = collections.defaultdict(set)
    for name in files:
        for line in (root / name).read_text(errors="replace").splitlines():
            match = INCLUDE.match(line)
            if not match or match.group(1) == "<":
                continue
            for folder in ("src/", "include/", str(pathlib.Path(name).parent) + "/"):
                target = folder + match.group(2)
                if target in known:
                    if module_of(target) != module_of(name):
                        graph[module_of(name)].add(module_of(target))
                    break
    return graph


def check_cycles(root, known_pairs=frozenset(KNOWN_PAIRS)):
    """Complaints about modules that include each other, directly or through others."""
    files = [path.relative_to(root).as_posix() for path in tracked_files(root)
             if path.suffix in SOURCES and path.is_file()]
    graph = module_graph(root, [name for name in files if not TEST_FILE.search(name)])
    pairs = {(a, b) for a in list(graph) for b in graph[a] if a < b and a in graph.get(b, ())}
    complaints = [f"{a} and {b} include each other" for a, b in sorted(pairs - set(known_pairs))]
    complaints += [f"{a} and {b} no longer include each other: remove them from KNOWN_PAIRS"
                   for a, b in sorted(set(known_pairs) - pairs)]
    # Without the pairs no circle of three or more modules may remain.
    one_way = {a: {b for b in graph[a] if (min(a, b), max(a, b)) not in pairs} for a in list(graph)}
    try:
        graphlib.TopologicalSorter(one_way).prepare()
    except graphlib.CycleError as error:
        complaints.append("modules include each other in a circle: " + " <- ".join(error.args[1]))
    return complaints


NAMESPACE = re.compile(r"(?:inline )?namespace ([\w:]*) ?\{|\}  // namespace")
TYPE = re.compile(r"(?:class|struct|union|enum(?: class)?) (\w+)(?: final)?(?: :[^;]*)? ?\{")


def types_of(text):
    """Types that a source defines in named namespaces, with the namespace; nested types are indented."""
    namespaces = []
    for line in text.splitlines():
        match = NAMESPACE.match(line)
        if match and match.group(1) is None:
            del namespaces[-1:]
        elif match:
            namespaces.append(match.group(1))
        elif (match := TYPE.match(line)) and "" not in namespaces:
            yield "::".join([*namespaces, match.group(1)])


def check_types(root):
    """Complaints about types that two files of one program define. Each test is a program of its own."""
    files = collections.defaultdict(set)
    for path in tracked_files(root):
        name = path.relative_to(root).as_posix()
        if path.suffix in SOURCES and path.is_file() and not TEST_FILE.search(name):
            for type_name in types_of(path.read_text(errors="replace")):
                # A backend's file replaces the other's.
                files[type_name].add(re.sub(r"/(no_)?(cuda|cudnn|ffmpeg)/", "/", name))
    return [f"{type_name} is defined in {' and '.join(sorted(names))}"
            for type_name, names in sorted(files.items()) if len(names) > 1]


SELF_TEST = [  # (file, its include, whether it must be reported)
    ("src/plan/a.cc", '#include "config/x.h"', False),
    ("src/plan/a.cc", '#include "plan/x.h"', False),
    ("src/plan/a.cc", '#include <vector>', False),
    ("src/plan/a.cc", '// #include "pipeline/x.h"', False),
    ("src/plan/a.cc", '#include "pipeline/x.h"', True),
    ("src/config/a.h", '#include "plan/x.h"', True),
    ("src/plan/a.cc", '  #  include  "ops/x.h"', True),
    ("src/plan/a.cc", '#include "x.h"', True),
    ("src/plan/a.cc", '#include <ATen/ATen.h>', True),
    ("src/weights/a.cc", '#include <c10/core/Device.h>', True),
    ("src/ops/a.cc", '#include <ATen/ATen.h>', False),
    ("src/models/dit/a.cc", '#include "nn/x.h"', False),
    ("src/models/dit/a.cc", '#include "models/vae/x.h"', True),
    ("src/models/a.cc", '#include "base/x.h"', True),
    ("src/plan/a_test.cc", '#include "weights/x.h"', False),
    ("src/plan/a_test.cc", '#include "tests/x.h"', False),
    ("src/plan/a_test.cc", '#include "pipeline/x.h"', True),
    ("src/media/a.cc", '#include <libavcodec/avcodec.h>', False),
    ("src/pipeline/a.cc", '#include "libavcodec/avcodec.h"', True),
    ("src/pipeline/cuda/a.cc", '#include <cuda_runtime_api.h>', False),
    ("src/base/a.cc", '#include <cuda_runtime_api.h>', True),
    ("src/cli/a.cc", '#include "t3video/engine.h"', False),
    ("src/cli/a.cc", '#include "pipeline/x.h"', True),
    ("src/unknown/a.cc", '#include "base/x.h"', True),
    ("include/t3video/a.h", '#include <string>', False),
    ("include/t3video/a.h", '#include "t3video/b.h"', False),
    ("include/t3video/a.h", '#include "base/x.h"', True),
    ("include/t3video/a.h", '#include <nlohmann/json.hpp>', True),
    ("include/t3video/a.h", '#include <ATen/core/Tensor.h>', True),
]


CYCLE_SELF_TEST = [  # (file -> what it includes, whether it must be reported)
    ({"a.h": "", "a.cc": "a.h b.h", "b.h": "", "b.cc": "b.h"}, False),
    ({"a.h": "", "a.cc": "a.h b.h", "b.h": "", "b.cc": "b.h a.h"}, True),
    ({"a.h": "b.h", "b.h": "c.h", "c.h": "a.h"}, True),
    ({"a.h": "b.h", "b.h": "", "b_test.cc": "a.h b.h"}, False),
]


TYPES_SELF_TEST = [  # (file -> its text, whether it must be reported)
    ({"a.h": "namespace t3 {\nstruct A {};\n}  // namespace t3", "b.h": "namespace t3 {\nclass A {"}, True),
    ({"a.cc": "namespace t3 {\nstruct A {};", "b.h": "namespace t3 {\nclass A final : public B {"}, True),
    ({"a.h": "namespace t3 {\nstruct A {};", "b.h": "namespace t3 {\nclass A;\nstruct B {\n  struct A {"}, False),
    ({"a.h": "namespace t3 {\nstruct A {};", "b.h": "namespace t3::b {\nstruct A {"}, False),
    ({"a.h": "namespace t3 {\nstruct A {};", "b.cc": "namespace t3 {\nnamespace {\nstruct A {"}, False),
    ({"a.h": "namespace t3 {\nstruct A {};", "b.cc": "namespace t3 {\nnamespace {\n}  // namespace\nclass A {"}, True),
    ({"a.h": "namespace t3 {\nstruct A {};", "b_test.cc": "namespace t3 {\nstruct A {"}, False),
]


def self_test():
    failures = 0
    for file, include, bad in SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / file).parent.mkdir(parents=True)
            (root / file).write_text(include + "\n")
            if bool(check_tree(root)) != bad:
                failures += 1
                print(f"self-test: {file} with {include}: "
                      f"{'not reported' if bad else check_tree(root)}")
    for files, bad in CYCLE_SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "src/plan").mkdir(parents=True)
            for file, includes in files.items():
                (root / "src/plan" / file).write_text(
                    "".join(f'#include "plan/{name}"\n' for name in includes.split()))
            if bool(check_cycles(root, {})) != bad:
                failures += 1
                print(f"self-test: {files}: {check_cycles(root, {}) or 'not reported'}")
    for files, bad in TYPES_SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "src/plan").mkdir(parents=True)
            for file, text in files.items():
                (root / "src/plan" / file).write_text(text + "\n")
            if bool(check_types(root)) != bad:
                failures += 1
                print(f"self-test: {files}: {check_types(root) or 'not reported'}")
    count = len(SELF_TEST) + len(CYCLE_SELF_TEST) + len(TYPES_SELF_TEST)
    print(f"self-test: {count - failures} passed, {failures} failed")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if len(sys.argv) > 1 else root.parent.parent
    complaints = check_tree(root) + check_cycles(root) + check_types(root)
    print("\n".join(complaints) if complaints else "include directions: good")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
