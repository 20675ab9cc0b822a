// The files of a job.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "base/file_descriptor.h"
#include "serve/api_error.h"
#include "serve/byte_range.h"
#include "serve/ids.h"
#include "serve/service.h"

namespace t3::serve {
namespace {

struct Content {
  std::string path;
  std::string type;
  std::string name;  // that a browser saves it as
};

Content ContentOf(const Service& service, const Exchange& exchange) {
  const std::string& id = exchange.parameter;
  std::optional<JobView> view;
  if (IsVideoId(id)) view = service.jobs.Find(exchange.key, id);
  if (!view) throw ApiError(404, "video_not_found", "there is no such video");
  const std::string variant = QueryOr(exchange, "variant", "video");
  const bool completed = view->job.status == JobStatus::kCompleted;
  if (variant == "preview" && view->live.has_preview)
    return {service.files.Preview(id), "image/png", id + "-preview.png"};
  if (variant == "video" && completed) return {service.files.Video(id), "video/mp4", id + ".mp4"};
  if (variant == "thumbnail" && completed)
    return {service.files.Thumbnail(id), "image/png", id + ".png"};
  if (variant != "video" && variant != "thumbnail" && variant != "preview") {
    throw ApiError(400, "invalid_value", "`variant` is not video, thumbnail or preview", "variant");
  }
  throw ApiError(404, "video_not_ready", fmt::format("the {} is not there", variant));
}

// Sends bytes of the file as the client takes them.
void SendFile(const Exchange& exchange, const std::shared_ptr<FileDescriptor>& file,
              const ByteRange& range, const std::string& type) {
  const auto length = static_cast<size_t>(range.length);
  const auto send = [file, first = range.first](size_t offset, size_t count,
                                                httplib::DataSink& sink) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::pread(file->get(), buffer.data(), std::min(count, buffer.size()),
                                first + static_cast<off_t>(offset));
    return got > 0 && sink.write(buffer.data(), static_cast<size_t>(got));
  };
  if (length == 0) {
    exchange.response.set_content("", type);
    return;
  }
  exchange.response.set_content_provider(length, type, send);
}

void SendContent(Service& service, Exchange& exchange) {
  const Content content = ContentOf(service, exchange);
  const auto file = std::make_shared<FileDescriptor>(
      ::open(content.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info {};
  if (file->get() < 0 || ::fstat(file->get(), &info) != 0)
    throw ApiError(404, "video_not_ready", "the file is not there");
  httplib::Response& response = exchange.response;
  const httplib::Request& request = exchange.request;
  const std::string tag =
      fmt::format("\"{:x}-{:x}-{:x}\"", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  response.set_header("ETag", tag);
  response.set_header("Accept-Ranges", "bytes");
  response.set_header("Cache-Control", "private, no-cache");
  response.set_header("Content-Disposition", fmt::format("inline; filename=\"{}\"", content.name));
  if (request.get_header_value("If-None-Match") == tag) {
    response.status = 304;
    return;
  }
  const bool changed =
      request.has_header("If-Range") && request.get_header_value("If-Range") != tag;
  const ByteRange range =
      ParseRange(changed ? "" : request.get_header_value("Range"), info.st_size);
  if (range.kind == ByteRange::Kind::kUnsatisfiable) {
    response.set_header("Content-Range", fmt::format("bytes */{}", info.st_size));
    throw ApiError(416, "invalid_range",
                   fmt::format("the range begins behind the file's {} bytes", info.st_size));
  }
  response.status = 200;
  if (range.kind == ByteRange::Kind::kPart) {
    response.status = 206;
    response.set_header("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                     range.first + range.length - 1, info.st_size));
  }
  SendFile(exchange, file, range, content.type);
}

}  // namespace

void AddContentRoute(Service& service, std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/videos/{id}/content", false, false,
                    [&](Exchange& exchange) { SendContent(service, exchange); }});
}

}  // namespace t3::serve
