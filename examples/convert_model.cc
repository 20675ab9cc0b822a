// What a weight file holds, and the same as bf16 safetensors: example_convert_model INPUT OUTPUT
#include <t3video/error.h>
#include <t3video/inspect.h>
#include <t3video/tools.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_convert_model INPUT OUTPUT\n";
    return 2;
  }
  try {
    for (const t3::InspectReport& report : t3::Inspect(argv[1]).reports) {
      std::cout << report.path << ": " << report.kind << ", " << report.parameters
                << " parameters\n";
      if (!report.complete) std::cout << t3::DescribeDifferences(report.differences);
    }
    t3::Convert(argv[1], argv[2], "bf16", /*loras=*/{});
    std::cout << argv[2] << " is written\n";
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
