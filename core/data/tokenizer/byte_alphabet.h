// The byte alphabet of byte-level BPE: each of the 256 byte values written as one printable Unicode
// character, so that a vocabulary of arbitrary bytes can be stored as JSON strings.
//
// Source: GPT-2's encoder. Bytes '!'..'~', 0xA1..0xAC and 0xAE..0xFF stand for themselves; the
// other 68 bytes, in ascending order, take the characters U+0100, U+0101, ... Space is therefore
// "Ġ". Immutable tables; every function is thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::data {

// The UTF-8 text of one byte's character; one or two bytes long.
std::string_view SymbolOfByte(uint8_t byte);

// The 256 byte values in the order of their characters' code points: '!' first, the byte that is
// U+0143 last. Ids of byte symbols are given out in this order, as GPT-2 and Hugging Face do.
const std::array<uint8_t, 256>& BytesInSymbolOrder();

// Bytes -> their characters, as a UTF-8 string ("a b" -> "aĠb").
std::string ToSymbols(std::string_view bytes);

// The reverse; nullopt when a character of `symbols` is not in the alphabet or is not UTF-8.
std::optional<std::string> FromSymbols(std::string_view symbols);

}  // namespace shoal::data
