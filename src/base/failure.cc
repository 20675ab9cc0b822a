// Exceptions of the standard library and of libtorch in words.
#include "base/failure.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"

namespace t3 {
namespace {

// libtorch's messages go on with a backtrace after their first line.
std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Error Explain(const std::exception& error) {
  const std::string line = FirstLine(error.what());
  // c10's allocators; their headers are not for this folder.
  if (line.find("can't allocate memory") != std::string::npos) {
    const size_t wanted = line.find("you tried to allocate ");
    return Error("out of host memory" +
                 (wanted == std::string::npos ? "" : ": " + line.substr(wanted)));
  }
  if (line.find("out of memory") != std::string::npos)
    return Error("out of device memory: " + line);
  return Error(line);
}

}  // namespace

Error CurrentError() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const nlohmann::json::exception& error) {
    // "[json.exception.type_error.302] type must be string, but is number"
    const std::string_view text = error.what();
    return Error("a JSON value is not what was expected: " +
                 FirstLine(text.substr(std::min(text.find(']') + 2, text.size()))));
  } catch (const std::bad_alloc&) {
    return Error("out of host memory");
  } catch (const std::filesystem::filesystem_error& error) {
    return Error(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::exception& error) {
    return Explain(error);
  } catch (...) {
    return Error("an unknown exception");
  }
}

}  // namespace t3
