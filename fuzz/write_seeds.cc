// Writes seed inputs for the fuzz targets: DIR/{safetensors,json_index,zip,pickle,gguf}/NAME are
// the valid and hostile files of the unit tests, picture_comment/NAME small ones with a
// comment, and brisque/model a small model.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "weights/testing/hostile_files.h"

namespace {

// A GIF of no picture, and an XMP packet.
constexpr std::string_view kGif("GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x02{}\0\x3b", 20);
constexpr std::string_view kXmp =
    "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{&quot;&amp;}</rdf:li>";

constexpr std::string_view kBrisque =
    "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nrho 1\ntotal_sv 2\nSV\n1 1:0.5 36:-2e-3 "
    "\n-3 2:1\n";

constexpr std::string_view kJsonRequest =
    "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 99\r\n\r\n"
    R"({"prompt":"p","size":"64x48","seconds":"1","num_frames":null,"seed":1,"loras":[],"draft":"none"})";
constexpr std::string_view kPlanRequest =
    "POST /v1/videos/plan HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 33\r\n\r\n"
    R"({"input":"image","num_frames":17})";
constexpr std::string_view kChunkedRequest =
    "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Transfer-Encoding: chunked\r\n\r\ne\r\n{\"prompt\":\"p\"}\r\n0\r\n\r\n";
constexpr std::string_view kFormRequest =
    "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 202\r\n\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\np\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"input_reference\"; filename=\"a.png\"\r\n"
    "Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n0000\r\n--b--\r\n";
constexpr std::string_view kListRequest =
    "GET /v1/videos?limit=5&after=video_00000000000000000000000000000000&order=asc HTTP/1.1\r\n"
    "Host: localhost\r\nOrigin: http://localhost\r\nAuthorization: Bearer a\r\n\r\n";
constexpr std::string_view kContentRequest =
    "GET /v1/videos/video_00000000000000000000000000000000/content?variant=thumbnail HTTP/1.1\r\n"
    "Host: localhost\r\nRange: bytes=0-9\r\nIf-Range: \"a\"\r\nIf-None-Match: \"a\"\r\n\r\n";
constexpr std::string_view kPageRequest =
    "HEAD /page/page.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";

void WriteSeed(const std::string& folder, const t3::SeedFile& seed) {
  const std::filesystem::path target = std::filesystem::path(folder) / seed.target;
  std::filesystem::create_directories(target);
  std::ofstream(target / seed.name, std::ios::binary) << seed.bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_write_seeds DIR\n");
    return 2;
  }
  for (const t3::SeedFile& seed : t3::SeedFiles()) WriteSeed(argv[1], seed);
  WriteSeed(argv[1], {"picture_comment", "gif", std::string(kGif)});
  WriteSeed(argv[1], {"picture_comment", "xmp", std::string(kXmp)});
  WriteSeed(argv[1], {"brisque", "model", std::string(kBrisque)});
  WriteSeed(argv[1], {"http_request", "json", std::string(kJsonRequest)});
  WriteSeed(argv[1], {"http_request", "plan", std::string(kPlanRequest)});
  WriteSeed(argv[1], {"http_request", "chunked", std::string(kChunkedRequest)});
  WriteSeed(argv[1], {"http_request", "form", std::string(kFormRequest)});
  WriteSeed(argv[1], {"http_request", "list", std::string(kListRequest)});
  WriteSeed(argv[1], {"http_request", "content", std::string(kContentRequest)});
  WriteSeed(argv[1], {"http_request", "page", std::string(kPageRequest)});
  return 0;
}
