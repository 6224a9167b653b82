#include "core/data/tokenizer/byte_alphabet.h"

#include <algorithm>

namespace shoal::data {
namespace {

struct Tables {
  std::array<uint16_t, 256> code_point{};  // of each byte, all below 0x800
  std::array<std::string, 256> symbol;     // its UTF-8
  std::array<int16_t, 0x180> byte{};       // code point -> byte, -1 where there is none
  std::array<uint8_t, 256> in_symbol_order{};
};

bool StandsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

Tables MakeTables() {
  Tables t;
  t.byte.fill(-1);
  uint16_t next_substitute = 0x100;
  for (int b = 0; b < 256; ++b) {
    const size_t i = static_cast<size_t>(b);
    t.code_point[i] = StandsForItself(b) ? static_cast<uint16_t>(b) : next_substitute++;
    t.byte[t.code_point[i]] = static_cast<int16_t>(b);
    const int c = t.code_point[i];
    if (c < 0x80) {
      t.symbol[i] = std::string(1, static_cast<char>(c));
    } else {
      t.symbol[i] = {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
    }
    t.in_symbol_order[i] = static_cast<uint8_t>(b);
  }
  std::sort(t.in_symbol_order.begin(), t.in_symbol_order.end(),
            [&](uint8_t a, uint8_t b) { return t.code_point[a] < t.code_point[b]; });
  return t;
}

const Tables& tables() {
  static const Tables kTables = MakeTables();
  return kTables;
}

}  // namespace

std::string_view SymbolOfByte(uint8_t byte) { return tables().symbol[byte]; }

const std::array<uint8_t, 256>& BytesInSymbolOrder() { return tables().in_symbol_order; }

std::string ToSymbols(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) out += SymbolOfByte(static_cast<uint8_t>(c));
  return out;
}

std::optional<std::string> FromSymbols(std::string_view symbols) {
  std::string out;
  out.reserve(symbols.size());
  for (size_t i = 0; i < symbols.size();) {
    const auto lead = static_cast<uint8_t>(symbols[i]);
    uint32_t code_point = lead;
    size_t length = 1;
    if (lead >= 0x80) {
      if ((lead & 0xE0) != 0xC0 || i + 1 >= symbols.size()) return std::nullopt;
      const auto trail = static_cast<uint8_t>(symbols[i + 1]);
      if ((trail & 0xC0) != 0x80) return std::nullopt;
      code_point = (uint32_t{lead} & 0x1F) << 6 | (uint32_t{trail} & 0x3F);
      length = 2;
      if (code_point < 0x80) return std::nullopt;  // overlong
    }
    if (code_point >= tables().byte.size() || tables().byte[code_point] < 0) return std::nullopt;
    out += static_cast<char>(tables().byte[code_point]);
    i += length;
  }
  return out;
}

}  // namespace shoal::data
