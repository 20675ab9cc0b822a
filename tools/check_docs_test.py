#!/usr/bin/env python3
"""Tests of check_docs.py: every kind of fault is reported, and correct text is not."""

import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_docs

CODE = '''\
// Makes plans.
#include "plan/plan.h"
namespace t3 {
constexpr int kMaxTokens = 3;
DecodePlan PlanDecode(int tokens_per_row) { return {}; }
}
'''
CLI = '''\
// Flags.
void Add(CLI::App& app) { app.add_option("-o,--output", output, "where to write"); }
'''


class CheckDocsTest(unittest.TestCase):

  def setUp(self):
    self.folder = tempfile.TemporaryDirectory()
    self.root = pathlib.Path(self.folder.name)
    self.write("src/plan/plan.cc", CODE)
    self.write("src/cli/flags.cc", CLI)
    self.write("docs/page.md", "# A page\n\n## The second part\n")

  def tearDown(self):
    self.folder.cleanup()

  def write(self, name, text):
    path = self.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")

  def faults(self, program=None):
    """(file, line, check, what) of every fault."""
    return [fault[:4] for fault in check_docs.Checker(self.root, program).check()]

  def assert_faults(self, name, text, expected):
    self.write(name, text)
    found = [(line, check, what) for file, line, check, what in self.faults() if file == name]
    self.assertEqual(found, expected)

  def test_a_clean_tree_is_good(self):
    self.assertEqual(self.faults(), [])

  def test_paths_in_comments(self):
    self.assert_faults("src/plan/a.cc", """\
        // See plan/plan.cc, docs/page.md, plan.cc and src/plan/*.cc; plan/{plan,cost}.cc is two.
        // The rest is gone: plan/cost.cc, docs/old.md,
        // old.h and src/gone/.
        int a;
        """, [(1, "path", "plan/{plan,cost}.cc"), (2, "path", "plan/cost.cc"), (2, "path", "docs/old.md"),
              (3, "path", "old.h"), (3, "path", "src/gone/")])

  def test_words_with_slashes_are_no_paths(self):
    self.assert_faults("docs/b.md", """\
        and/or, q/k/v, 3/4, frames/s, build/t3, DIR/NAME.cc, src/NAME.h, https://a.org/src/b.cc
        """, [])

  def test_links_and_anchors(self):
    self.assert_faults("docs/b.md", """\
        [a](page.md) [b](page.md#the-second-part) [c](../src/plan/plan.cc) [d](https://a.org/x.md)
        [e](gone.md) [f](page.md#the-third-part)
        """, [(2, "path", "gone.md"), (2, "path", "page.md#the-third-part")])

  def test_flags(self):
    self.assert_faults("docs/b.md", """\
        `t3 --output F` is declared.

            t3 --outptu F
        """, [(3, "flag", "--outptu")])

  def test_flags_of_option_tables(self):
    self.write("include/t3video/options.h", '// Options.\nvisit(Option{"size", kVideo, "what"}, size);\n')
    self.assert_faults("docs/b.md", "`t3 --size S --what`\n", [(1, "flag", "--what")])

  def test_flags_in_messages(self):
    self.assert_faults("src/plan/a.cc", """\
        // Messages.
        void F() { Fail("give --output or --input"); }
        """, [(2, "flag", "--input")])

  def test_symbols_in_comments(self):
    self.assert_faults("src/plan/a.cc", """\
        // PlanDecode, DecodePlans, kMaxTokens, PyTorch, `tokens_per_row` and LoRAs exist.
        // PlanEncode, kMaxFrames and `tokens_per_column` do not.
        int a;
        """, [(2, "symbol", "PlanEncode"), (2, "symbol", "kMaxFrames"),
              (2, "symbol", "tokens_per_column")])

  def test_a_comment_does_not_vouch_for_another(self):
    self.assert_faults("src/plan/a.cc", "// EncodePlan\n\nint a;\n// EncodePlan again\n",
                       [(1, "symbol", "EncodePlan"), (4, "symbol", "EncodePlan")])

  def test_symbols_on_pages_are_quoted(self):
    self.assert_faults("docs/b.md", "EncodePlan is prose, `EncodePlan` is not; `PlanDecode()` is there.\n",
                       [(1, "symbol", "EncodePlan")])

  def test_banned_words(self):
    self.assert_faults("src/plan/a.cc", """\
        // Memory is foretold. The file
        // is no dataset. There is no dataset here, and this is no longer one.
        constexpr int kMostTokens = 1;
        void F() { Fail("{} is no "
                        "video", path); }
        """, [(1, "word", "foretold"), (2, "word", "is no dataset"), (3, "word", "kMostTokens"),
              (4, "word", "is no video")])

  def test_banned_words_across_lines(self):
    self.assert_faults("docs/b.md", "It is\nno use.\n", [(1, "word", "is no use")])

  def test_private_paths(self):
    self.assert_faults("docs/b.md", "Look into /home/me/t3 or /usr/lib.\n",
                       [(1, "private", "/home/me/t3")])

  def test_scripts(self):
    self.assert_faults("scripts/a.sh", "#!/bin/bash\n# Reads docs/old.md.\necho docs/other.md\n",
                       [(2, "path", "docs/old.md")])

  def test_literals_are_not_comments(self):
    code, comments, strings = check_docs.split_source(
        'int a = 1\'000; // one\nauto b = R"(// two)"; /* three */ char c = \'"\'; auto d = "// four";')
    self.assertEqual([t.text.strip() for t in comments], ["one", "three"])
    self.assertEqual([t.text.strip() for t in strings], ["// two", "// four"])
    self.assertNotIn("two", code)

  def test_exceptions(self):
    self.write("docs/results/a.md", "`EncodePlan` took 3 s; it is foretold.\n")
    self.assertEqual(self.faults(), [("docs/results/a.md", 1, "word", "foretold")])

  def program(self):
    self.write("t3", """\
        #!/bin/sh
        case "$*" in
          --help) printf 'Subcommands:\\n  make  makes\\n  bench  measures\\n' ;;
          'make --help') printf 'Options:\\n  -h,--help  help\\n  -o,--output F  file\\n' ;;
          'bench --help') printf 'Options:\\n  -h,--help  help\\nSubcommands:\\n  dit  one\\n' ;;
          'bench dit --help') printf '  --size S  size\\n' ;;
        esac
        """)
    (self.root / "t3").chmod(0o755)
    return str(self.root / "t3")

  def test_flags_page(self):
    self.write("src/cli/flags.cc", CLI.replace("output", "size") + CLI)
    page = "# Flags\n\n## `t3 make`\n\n| flag | |\n|---|---|\n| `-o, --output` | file |\n\n## `t3 bench dit`\n\n| `--size` | |\n"
    self.write("docs/reference/flags.md", page)
    self.assertEqual(self.faults(self.program()), [])
    self.write("docs/reference/flags.md", page.replace("--output", "--size"))
    self.assertEqual([what for _, _, _, what in self.faults(self.program())],
                     ["t3 make --output", "t3 make --size"])

  def test_exit_code(self):
    script = pathlib.Path(check_docs.__file__)
    run = lambda: subprocess.run([sys.executable, script, self.root], capture_output=True, text=True)
    self.assertEqual(run().returncode, 0)
    self.write("docs/b.md", "[a](gone.md)\n")
    self.assertEqual(run().returncode, 1)
    self.assertIn("docs/b.md:1: path: gone.md", run().stdout)


if __name__ == "__main__":
  unittest.main()
