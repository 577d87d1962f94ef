#pragma once

// The two precisions of row-major .npy files, format 1.0, as ntape-contender and numpy write them.

#include <torch/torch.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

inline torch::Tensor read_npy(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  char head[10];
  if (!file.read(head, sizeof head)) throw std::runtime_error("cannot read " + name);
  const auto byte = [&](int k) { return static_cast<std::size_t>(static_cast<unsigned char>(head[k])); };
  std::string text(byte(8) + 256 * byte(9), ' ');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const bool f64 = text.find("<f8") != std::string::npos;
  std::vector<int64_t> shape;
  for (std::size_t at = text.find("'shape': (") + 10; text[at] != ')';) {
    std::size_t length = 0;
    shape.push_back(std::stol(text.substr(at), &length));
    at += length;
    while (text[at] == ',' || text[at] == ' ') ++at;
  }
  torch::Tensor t = torch::empty(shape, f64 ? torch::kFloat64 : torch::kFloat32);
  file.read(static_cast<char*>(t.data_ptr()),
            static_cast<std::streamsize>(t.numel()) * static_cast<std::streamsize>(t.element_size()));
  if (!file) throw std::runtime_error(name + " is too short");
  return t;
}

inline void write_npy(const std::string& name, torch::Tensor t) {
  t = t.contiguous();
  std::string text = std::string("{'descr': '<f") + (t.scalar_type() == torch::kFloat64 ? "8" : "4") +
                     "', 'fortran_order': False, 'shape': (";
  for (const int64_t n : t.sizes()) text += std::to_string(n) + ", ";
  text += "), }";
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  text += '\n';
  std::ofstream file(name, std::ios::binary);
  file.write("\x93NUMPY\x01\x00", 8);
  file.put(static_cast<char>(text.size() % 256)).put(static_cast<char>(text.size() / 256));
  file << text;
  file.write(static_cast<const char*>(t.data_ptr()),
             static_cast<std::streamsize>(t.numel()) * static_cast<std::streamsize>(t.element_size()));
  if (!file) throw std::runtime_error("cannot write " + name);
}
