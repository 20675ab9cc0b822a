// The page's files: whole, typed, and within the content policy that the server sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "serve/page_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const fs::path kFolder = fs::path(T3_SOURCE_DIR) / "src/serve/page";

std::string Extension(const PageFile& file) { return fs::path(file.name).extension().string(); }

const PageFile* Find(std::string_view name) {
  const auto files = PageFiles();
  const auto found = std::ranges::find(files, name, &PageFile::name);
  return found == files.end() ? nullptr : &*found;
}

TEST(PageFiles, HaveTheBytesOfTheSources) {
  std::set<std::string_view> etags;
  for (const PageFile& file : PageFiles()) {
    std::ifstream source(kFolder / file.name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(source), {}};
    EXPECT_FALSE(bytes.empty()) << file.name;
    EXPECT_TRUE(file.bytes == bytes) << file.name;
    EXPECT_EQ(file.etag.size(), 18U);
    EXPECT_TRUE(file.etag.starts_with('"') && file.etag.ends_with('"'));
    EXPECT_TRUE(etags.insert(file.etag).second) << file.name;
  }
}

TEST(PageFiles, AreAllThatTheFolderHas) {
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".cc" || extension == ".h" || extension == ".cmake" || extension == ".txt")
      continue;
    EXPECT_NE(Find(entry.path().filename().string()), nullptr) << entry.path();
  }
}

TEST(PageFiles, HaveTypes) {
  ASSERT_NE(Find("index.html"), nullptr);
  EXPECT_EQ(Find("index.html")->type, "text/html; charset=utf-8");
  EXPECT_EQ(Find("page.css")->type, "text/css; charset=utf-8");
  EXPECT_EQ(Find("page.js")->type, "text/javascript; charset=utf-8");
  EXPECT_EQ(Find("icon.svg")->type, "image/svg+xml");
}

// script-src 'self'; style-src 'self': what is inline would not run, and other hosts are not asked.
TEST(PageFiles, KeepTheContentPolicy) {
  const std::regex inline_code(R"( on[a-z]+=| style=|<style|<script(?![^>]*src=)|javascript:)");
  for (const PageFile& file : PageFiles()) {
    const std::string text(file.bytes);
    EXPECT_FALSE(Extension(file) == ".html" && std::regex_search(text, inline_code)) << file.name;
    // The name of the SVG namespace is not an address that is asked.
    EXPECT_TRUE(Extension(file) == ".svg" || text.find("://") == std::string::npos) << file.name;
    for (const char* unsafe : {"eval(", "new Function", "innerHTML", "outerHTML", "@import"})
      EXPECT_THAT(text, Not(HasSubstr(unsafe))) << file.name;
  }
}

// Every name that a file asks for is there.
TEST(PageFiles, AskForNothingThatIsMissing) {
  const std::regex names(R"re((?:(?:src|href)="page/|from "\./|import "\./)([\w.]+)")re");
  for (const PageFile& file : PageFiles()) {
    const std::string text(file.bytes);
    for (std::sregex_iterator at(text.begin(), text.end(), names), end; at != end; ++at)
      EXPECT_NE(Find((*at)[1].str()), nullptr) << file.name << ": " << (*at)[1];
  }
}

}  // namespace
}  // namespace t3
