#!/usr/bin/env python3
"""Checks that comments and documents name only what exists, in the project's terms.

  tools/check_docs.py [ROOT]             lists every fault, one a line; exit code 1 if there are any
  tools/check_docs.py --program T3       also compares docs/reference/flags.md with `T3 COMMAND --help`
  tools/check_docs.py --counts           one line per folder in place of one per fault

Checked are comments of sources and scripts, string literals of src/ (help texts and errors), and
Markdown pages:

  path    a file or folder of the repository that does not exist, or a dead link or anchor
  flag    a --flag that no program here declares
  symbol  a CamelCase, kConstant or `quoted_name` that no code has
  word    a word that the glossary in CONTRIBUTING.md replaces
  private a path of somebody's machine

check_docs_test.py tests the checker.
"""

import argparse
import bisect
import collections
import fnmatch
import pathlib
import re
import subprocess
import sys

# What stands instead of a banned word, and the pattern of the word. Patterns see one paragraph or one
# comment at a time, lines joined by a space.
BANNED = [
    ("kMax..., kMin...", r"\bk(?:Most|Least)[A-Z]\w*"),
    ("predict, estimate", r"\bforet(?:ell|ells|elling|old)\b"),
    ("resume from", r"\b(?:go|goes|going|gone|went) on from\b"),
    ("custom kernel", r"\bown (?:\w+ )?kernels?\b"),
    ("reference", r"\b(?:plain|slow) (?:definition|operations)\b"),
    ("is not a", r"(?i)(?<!\bthere )\b(?:is|are) no (?!longer|more|less|fewer|greater|larger|smaller|"
                 r"better|worse|different|other|slower|faster|higher|lower|wider|further|matter)[a-z]+"),
    ("Autotuner, ..._autotune", r"\b(?:\w*Chooser|\w+_choice\.(?:h|cc))\b"),
    ("...Autograd", r"\b(?:\w+WithNode|\w+NodeTakes|\w+_node\.(?:h|cc))\b"),
    ("SupportsX", r"\b\w+KernelTakes\b|\bHasKernel\b"),
    ("ChunkTokens", r"\bTokensAPiece\b|\bMapPieces\b"),
    ("methods", r"\bDecodeWays\b"),
    ("AttentionLayout", r"\bDitAttention\b"),
    ("ResumeFingerprint", r"\bFieldsThatMatter\b"),
    ("Degrade", r"\bWorsen\b"),
    ("ExistingState", r"\bOldState\b"),
    ("padded_width, padded_height", r"\bmade_(?:width|height)\b"),
    ("wgmma fence, commit and wait", r"\b(?:Begin|Commit|WaitFor)Products\b"),
    ("smem descriptor, fence barrier init", r"\b(?:FactorDescriptor|ShowBarriers)\b"),
    ("arrive expect_tx, setmaxnreg", r"\b(?:ArriveExpecting|RaiseRegisters|LowerRegisters)\b"),
    ("held out", r"\bkept back\b"),
    ("is reported", r"\b(?:is|are) told\b"),
    ("fix", r"\bmend(?:s|ed|ing)?\b"),
    ("as many times as", r"\bso often as\b"),
    ("does not work, is not available", r"\bnot to be had\b"),
    ("output", r"(?i)\bwhat comes of it\b"),
]

PRIVATE = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/[\w./-]+")

# Flags of programs that are not ours but that pages and comments name.
FOREIGN_FLAGS = {
    "cmake, ctest": "preset build target test-dir install prefix fresh",
    "git": "others exclude-standard cached",
    "pip, hf": "local-dir include upgrade repo-type",
    "docker": "rm name stop-timeout read-only tmpfs cap-drop security-opt",
    "systemctl": "now",
    "Slurm": "job-name array gres time signal requeue",
    "GoogleTest": "gtest_filter gtest_also_run_disabled_tests",
    "compilers": "expt-relaxed-constexpr",
    "torchrun, srun": "nproc-per-node no-python ntasks ntasks-per-node gpus-per-node",
}

# (check, file pattern, text, reason): faults that are none.
EXCEPTIONS = [
    ("word", "CONTRIBUTING.md", "*", "the glossary names the words that it replaces"),
    ("word", "tools/check_docs*.py", "*", "this table"),
    ("flag", "tools/check_docs*.py", "*", "examples"),
    ("path", "tools/check_docs*.py", "*", "examples"),
    ("symbol", "tools/check_docs*.py", "*", "examples"),
    ("flag", "docs/results/*", "*", "a lab book names the flags of its day"),
    ("path", "docs/results/*", "*.*", "likewise files"),
    ("symbol", "docs/results/*", "*", "likewise symbols"),
    ("flag", "src/cli/usage_error.cc", "*", "flags of other programs, which it maps to ours"),
    ("word", "src/cli/plan_json.cc", "made_*", "fields of the plan's JSON, which stay"),
    ("word", "src/loading/model_files.cc", "PartChooser", "it chooses files, not kernels"),
    ("path", "CONTRIBUTING.md", "x*", "the shape of an op's files"),
    ("path", "scripts/retrofit_experiment/*", "*.md", "files that the script writes"),
    ("symbol", "docs/guides/models.md", "to_gate_compress", "tensors of another program"),
    ("symbol", "docs/guides/deploy.md", "client_max_body_size", "a directive of nginx"),
    ("path", "*", "vae/*", "model folders in the diffusers and ComfyUI layouts"),
]

# Words in CamelCase that are no symbols of the code.
PROPER_NOUNS = set("""
    AdamW AdaLN AdaLayerNorm AlmaLinux AnyFlow CausVid ComfyUI CTranslate2 CuDNN DataLoader DiffSynth
    DeepGEMM DupUp3D AvgDown3D CausalConv3d FastVideo FastWan FFmpeg FlashAttention FlashInfer GitHub
    GoogleTest HuggingFace JavaScript LayerNorm LibTorch LightX2V LoRA LoRAs LoKr LoHa MacOS MaxViT
    MaxDiff McAllister NumPy OpenCV OpenMP PowerShell PyPI PyTorch QuickTime RMSNorm RoPE SafeTensors
    SentencePiece SiLU SimpleTuner TensorFlow TurboDiffusion UltraVideo UniPC WanVideoWrapper WebM WebP
    XXHash YouTube DoRA MiB GiB KiB TiB GFLOP TFLOP PFLOP ProRes DivX BatchNorm GroupNorm CamelCase
    ReLU GELU PSNR iPhone MPEG FlashVSR LongLive AutoencoderKLWan UMT5 WanModel OrderedDict TorchScript
    FloatStorage BFloat16Storage HalfStorage ZipFile DataParallel FullyShardedDataParallel DeepSpeed
    LaunchX SupportsX BeeGFS ImageMagick ImageOps NormalizerSpec OpenAI NaN NaNs DiT YCbCr CbCr Y4M SplitMix64 ViT ConvNeXt KonIQ ValueError
""".split())

SOURCES = {".h", ".cc", ".cu", ".cuh", ".inc"}
SCRIPTS = {".py", ".sh", ".cmake"}
FILE_NAME = r"[A-Za-z0-9_]+\.(?:h|cc|cu|cuh|md|py|sh|inc|cmake)"
PATH = re.compile(r"(?<![\w/.$~<\-])((?:[A-Za-z0-9_.{},*-]+/)+[A-Za-z0-9_.{},*-]*|" + FILE_NAME +
                  r")(?![\w/<])")
# A flag's declaration: "--flag" or "-f,--flag", or an Option of request_options.h.
DECLARATIONS = [re.compile(r'"(?:-\w,)?--([a-z][a-z0-9-]*)"'),
                re.compile(r'\bOption\{\s*"([a-z][a-z0-9-]*)"')]
FLAG = re.compile(r"(?<![\w\-])--([a-z][a-z0-9_-]*[a-z0-9])")
CAMEL = re.compile(r"(?<![\w.:/\-])((?:k[A-Z][a-z0-9]+|[A-Z][a-z0-9]+)(?:[A-Z][A-Za-z0-9]*)+)(?![\w/])")
CONSTANT = re.compile(r"(?<![\w.])(k[A-Z][A-Za-z0-9]+)\b")
QUOTED = re.compile(r"`([^`\n]+)`")
SNAKE = re.compile(r"^([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\(\))?$")
TOP_FOLDERS = {"src", "include", "docs", "tests", "tools", "scripts", "cmake", "examples", "fuzz", ".ci"}

TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|R"(?P<delimiter>[^()\\\s]{0,16})\((?P<raw>.*?)\)(?P=delimiter)"'
    r'|"(?P<string>(?:\\.|[^"\\\n])*)"'
    r"|'(?:\\.|[^'\\\n])'", re.S)


class Text:
  """Text with the line of every position."""

  def __init__(self, pieces):
    self.text = ""
    self.starts, self.lines = [], []
    for line, piece in pieces:
      self.starts.append(len(self.text))
      self.lines.append(line)
      self.text += piece + " "

  def line(self, position):
    return self.lines[bisect.bisect_right(self.starts, position) - 1]


def by_line(first, text):
  return [(first + i, line.strip()) for i, line in enumerate(text.split("\n"))]


def split_source(text):
  """(code without comments and literals, comments as Texts, string literals as Texts)."""
  code, comments, strings = [], [], []
  position = line = 0
  run, run_kind, run_end = [], None, -1
  line = 1

  def close():
    nonlocal run, run_kind
    if run:
      (comments if run_kind == "comment" else strings).append(Text(run))
    run, run_kind = [], None

  for match in TOKEN.finditer(text):
    between = text[position:match.start()]
    code.append(between)
    line += between.count("\n")
    kind = "comment" if match["comment"] else "string"
    body = match["comment"] or match["raw"] or match["string"]
    # Comments on following lines, and literals that the compiler joins, are one text.
    if between.strip() or kind != run_kind:
      close()
    if body is not None:
      if kind == "comment":
        body = re.sub(r"^(?://+|/\*)|\*/$", "", body)
      run += by_line(line, body)
      run_kind = kind
    code.append(" ")
    line += match[0].count("\n")
    position = match.end()
  code.append(text[position:])
  close()
  return "".join(code), comments, strings


def script_comments(text):
  runs, run = [], []
  for number, line in enumerate(text.split("\n"), 1):
    stripped = line.strip()
    if stripped.startswith("#") and not stripped.startswith("#!"):
      run.append((number, stripped.lstrip("# ")))
    elif run:
      runs.append(Text(run))
      run = []
  return runs + ([Text(run)] if run else [])


def paragraphs(text):
  """Markdown paragraphs, list items and table rows as Texts; fenced and indented code by the line."""
  runs, run, fenced = [], [], False
  for number, line in enumerate(text.split("\n"), 1):
    fence = line.lstrip().startswith("```")
    alone = fenced or line.startswith("    ") or line.lstrip().startswith("|") or line.startswith("#")
    begins = re.match(r"\s*(?:[-*]|\d+\.) ", line) is not None
    if fence or not line.strip() or alone or begins:
      if run:
        runs.append(Text(run))
        run = []
    if fence:
      fenced = not fenced
    elif alone:
      runs.append(Text([(number, line.strip())]))
    elif line.strip():
      run.append((number, line.strip()))
  return runs + ([Text(run)] if run else [])


def anchor(heading):
  """The anchor of a heading, as GitHub makes it."""
  heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
  return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


class Checker:

  def __init__(self, root, program=None):
    self.root = pathlib.Path(root)
    self.program = program
    self.faults = []
    self.files = self.list_files()
    self.names = {pathlib.PurePath(f).name for f in self.files}
    self.folders = {str(p) for f in self.files for p in pathlib.PurePath(f).parents}
    self.src_folders = {pathlib.PurePath(f).parts[1] for f in self.files
                        if f.startswith("src/") and len(pathlib.PurePath(f).parts) > 2}
    self.texts = {f: self.read(f) for f in self.files if self.is_checked(f)}
    self.sources = {f: split_source(t) for f, t in self.texts.items()
                    if pathlib.PurePath(f).suffix in SOURCES}
    self.identifiers, self.words, self.flags = set(), set(), set()
    self.collect()

  def list_files(self):
    try:
      listing = subprocess.run(
          ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
          cwd=self.root, check=True, capture_output=True, text=True).stdout.split("\n")
    except (subprocess.CalledProcessError, FileNotFoundError):
      listing = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
    return sorted(f for f in set(listing) if f and (self.root / f).is_file())

  @staticmethod
  def is_checked(file):
    path = pathlib.PurePath(file)
    return (path.suffix in SOURCES | SCRIPTS | {".md", ".json"} and not file.startswith("tests/data/") or
            path.name in ("CMakeLists.txt", "Makefile", "run"))

  def read(self, file):
    return (self.root / file).read_text(encoding="utf-8", errors="replace")

  def collect(self):
    """Names that exist: identifiers, all words outside comments, declared flags."""
    for file, (code, _, strings) in self.sources.items():
      found = set(re.findall(r"[A-Za-z_]\w*", code))
      self.identifiers |= found
      self.words |= found
      for text in strings:
        self.words |= set(re.findall(r"[A-Za-z_]\w*", text.text))
      if file.startswith(("src/cli/", "include/")) and not file.endswith("_test.cc"):
        for pattern in DECLARATIONS:
          self.flags |= set(pattern.findall(self.texts[file]))
    for file, text in self.texts.items():
      if pathlib.PurePath(file).suffix not in SOURCES | {".md"}:
        lines = [line for line in text.split("\n") if not line.strip().startswith("#")]
        found = set(re.findall(r"[A-Za-z_]\w*", "\n".join(lines)))
        self.words |= found
        self.identifiers |= found
        self.flags |= set(FLAG.findall("\n".join(lines)))
    for flags in FOREIGN_FLAGS.values():
      self.flags |= set(flags.split())
    self.flags |= {"help", "version"}

  def report(self, check, file, line, what, why):
    for kind, pattern, text, _ in EXCEPTIONS:
      if kind == check and fnmatch.fnmatch(file, pattern) and fnmatch.fnmatch(what, text):
        return
    fault = (file, line, check, what, why)
    if fault not in self.faults:
      self.faults.append(fault)

  # Paths.

  def exists(self, path, beside):
    """Whether a path, glob or {a,b} pattern names something tracked."""
    brace = re.search(r"\{([^{}]*)\}", path)
    if brace:
      return all(self.exists(path[:brace.start()] + part + path[brace.end():], beside)
                 for part in brace[1].split(","))
    path = path.rstrip("/")
    bases = ["", "src/", "include/", "docs/", str(pathlib.PurePath(beside).parent) + "/"]
    for base in bases:
      candidate = str(pathlib.PurePath(base + path))
      if candidate in self.folders or any((self.root / (candidate + end)).exists() for end in ("", ".in")):
        return True
      if "*" in candidate and (fnmatch.filter(self.files, candidate) or
                               fnmatch.filter(self.folders, candidate)):
        return True
    return "/" not in path and bool(fnmatch.filter(self.names, path) or path + ".in" in self.names)

  def is_ours(self, path):
    """Whether a word with or without '/' can only be meant as a file of this repository."""
    if "/" not in path:
      return not re.fullmatch(r"[A-Z]{2,}\w*\.\w+", path) or self.exists(path, "")
    first = path.split("/")[0]
    if any(re.fullmatch(r"[A-Z][A-Z0-9_]+", part.split(".")[0]) and part.split(".")[0] not in
           ("README", "CONTRIBUTING", "LICENSE", "THIRD_PARTY") for part in path.split("/")):
      return False  # a placeholder
    last = path.split("/")[-1]
    has_end = "." in last and pathlib.PurePath(last).suffix in SOURCES | SCRIPTS | {".md"}
    if first in TOP_FOLDERS:
      return True
    return (first in self.src_folders or first == "t3video") and (has_end or "*" in last or
                                                                  path.endswith("/"))

  def check_paths(self, file, text):
    for match in PATH.finditer(text.text):
      path = match[1].rstrip(".,")
      if self.is_ours(path) and not self.exists(path, file):
        self.report("path", file, text.line(match.start()), path, "there is no such file")

  def check_links(self, file, text):
    for match in re.finditer(r"\]\(([^)\s]+)\)", text.text):
      target, _, fragment = match[1].partition("#")
      if re.match(r"[a-z]+:", target):
        continue
      path = (self.root / file).parent / target if target else self.root / file
      line = text.line(match.start())
      if not path.exists():
        self.report("path", file, line, match[1], "dead link")
      elif fragment and path.suffix == ".md":
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
        if fragment not in {anchor(h) for h in headings}:
          self.report("path", file, line, match[1], "there is no such heading")

  # Flags and symbols.

  def check_flags(self, file, text):
    for match in FLAG.finditer(text.text):
      if match[1] not in self.flags and not text.text[match.end():].startswith("*"):
        self.report("flag", file, text.line(match.start()), "--" + match[1], "no program has this flag")

  def check_symbols(self, file, text, quoted_only):
    line = lambda match: text.line(match.start())
    camel = [] if quoted_only else list(CAMEL.finditer(text.text)) + list(CONSTANT.finditer(text.text))
    for match in camel:
      if not self.known_symbol(match[1]):
        self.report("symbol", file, line(match), match[1], "no code has this name")
    for match in QUOTED.finditer(text.text):
      word = match[1].strip()
      if quoted_only:
        for symbol in list(CAMEL.finditer(word)) + list(CONSTANT.finditer(word)):
          if not self.known_symbol(symbol[1]):
            self.report("symbol", file, line(match), symbol[1], "no code has this name")
      snake = SNAKE.match(word)
      if snake and snake[1] not in self.words:
        self.report("symbol", file, line(match), snake[1], "no code has this name")

  def known_symbol(self, name):
    if name in self.identifiers or name in PROPER_NOUNS:
      return True
    return name.endswith("s") and (name[:-1] in self.identifiers or name[:-1] in PROPER_NOUNS)

  # Words.

  def check_words(self, file, text):
    for better, pattern in BANNED:
      for match in re.finditer(pattern, text.text):
        self.report("word", file, text.line(match.start()), match[0], f"write: {better}")
    for match in PRIVATE.finditer(text.text):
      self.report("private", file, text.line(match.start()), match[0], "a path of one machine")

  def check_code_words(self, file, code):
    """Identifiers that the glossary replaces, in the code itself."""
    for better, pattern in BANNED:
      if not re.search(r"[A-Z_]", pattern.replace(r"\b", "")) or "no (?!" in pattern:
        continue
      for match in re.finditer(pattern, code):
        line = code.count("\n", 0, match.start()) + 1
        self.report("word", file, line, match[0], f"write: {better}")

  # Files.

  def check_source(self, file):
    code, comments, strings = self.sources[file]
    for text in comments:
      self.check_paths(file, text)
      self.check_flags(file, text)
      self.check_symbols(file, text, quoted_only=False)
      self.check_words(file, text)
    if file.startswith(("src/", "include/", "examples/")):
      self.check_code_words(file, code)
      if not file.endswith("_test.cc"):
        for text in strings:
          self.check_words(file, text)
          self.check_flags(file, text)
          if "docs/" in text.text:
            self.check_paths(file, text)

  def check_page(self, file):
    for text in paragraphs(self.texts[file]):
      self.check_links(file, text)
      without_links = Text([(text.line(0), re.sub(r"\]\([^)]*\)", "]", text.text))])
      without_links.starts, without_links.lines = text.starts, text.lines
      self.check_paths(file, without_links)
      self.check_flags(file, text)
      self.check_symbols(file, text, quoted_only=True)
      self.check_words(file, text)

  def check_flags_page(self):
    """The page lists exactly the flags that the program has."""
    page = "docs/reference/flags.md"

    def run(*arguments):
      return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=True).stdout

    def flags_in(text):
      return set(re.findall(r"^\s+(?:-\w,\s*)?--([a-z][a-z0-9-]*)", text, re.M)) - {"help"}

    def commands(text):
      part = re.split(r"(?im)^(?:sub)?commands:?\s*$", text)[-1]
      return re.findall(r"^  ([a-z][a-z-]+)(?=\s|$)", part, re.M)

    real = {}
    for command in commands(run("--help")):
      text = run(command, "--help")
      if re.search(r"(?im)^subcommands:", text):
        for inner in commands(text):
          real[f"{command} {inner}"] = flags_in(run(command, inner, "--help"))
      else:
        real[command] = flags_in(text)
    listed, command = collections.defaultdict(set), None
    for line in self.texts[page].split("\n"):
      heading = re.match(r"#+ `t3 ([a-z -]+?)`", line)
      if heading:
        command = heading[1]
        listed[command]
      elif command and line.startswith("|"):
        cell = line.split("|")[1]
        listed[command] |= set(re.findall(r"`(?:-\w, )?--([a-z][a-z0-9-]*)", cell))
    for name in sorted(real):
      for flag in sorted(real[name] - listed.get(name, set())):
        self.report("flag", page, 0, f"t3 {name} --{flag}", "the page lacks it")
      for flag in sorted(listed.get(name, set()) - real[name]):
        self.report("flag", page, 0, f"t3 {name} --{flag}", "the program does not have it")
    for name in sorted(set(listed) - set(real)):
      self.report("flag", page, 0, f"t3 {name}", "the program does not have this command")

  def check(self):
    for file in sorted(self.texts):
      suffix = pathlib.PurePath(file).suffix
      if file in self.sources:
        self.check_source(file)
      elif suffix == ".md":
        self.check_page(file)
      elif suffix != ".json":
        for text in script_comments(self.texts[file]):
          self.check_paths(file, text)
          self.check_words(file, text)
    if self.program:
      self.check_flags_page()
    return self.faults


def main():
  parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parent.parent)
  parser.add_argument("--program", help="t3, whose flags the page must list")
  parser.add_argument("--counts", action="store_true")
  arguments = parser.parse_args()
  faults = Checker(arguments.root, arguments.program).check()
  if arguments.counts:
    folders = collections.Counter((str(pathlib.PurePath(f).parent), check) for f, _, check, _, _ in faults)
    for (folder, check), count in sorted(folders.items()):
      print(f"{folder}: {count} {check}")
  else:
    for file, line, check, what, why in faults:
      print(f"{file}:{line}: {check}: {what}: {why}")
  print(f"check_docs: {len(faults)} faults" if faults else "check_docs: good", file=sys.stderr)
  return 1 if faults else 0


if __name__ == "__main__":
  sys.exit(main())
