// Dropout's masks: Philox4x64-10 of (seed, step, layer, row, unit), the same as
// calculus/dropout.py.
#pragma once
#include <cstdint>

#include "runtime/network.hpp"

namespace chainrule::ISA {

// Ten rounds of Philox4x64 (Salmon, Moraes, Dror and Shaw 2011), in place.
static inline void philox(std::uint64_t counter[4], std::uint64_t key0, std::uint64_t key1) {
    __extension__ typedef unsigned __int128 Product;
    for (int round = 0; round < 10; ++round) {
        const Product p0 = Product(0xD2E7470EE14C6C93u) * counter[0];
        const Product p1 = Product(0xCA5A826395121157u) * counter[2];
        counter[0] = std::uint64_t(p1 >> 64) ^ counter[1] ^ key0;
        counter[1] = std::uint64_t(p1);
        counter[2] = std::uint64_t(p0 >> 64) ^ counter[3] ^ key1;
        counter[3] = std::uint64_t(p0);
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
}

// layer.mask[row][unit] = 0 with probability p, else 1 / (1 - p), for a part of a mini-batch. A
// block of 8 units shares one cipher call; units.first is a multiple of 8.
static void dropout_mask(const Layer<T> &layer, int layer_index, std::uint64_t seed,
                         std::int64_t step, const Range &examples, const Range &units) {
    constexpr std::uint64_t stream = 0x64726F706F7574u;
    constexpr long units_per_block = 8;
    const double scaled_p = __builtin_nearbyint(layer.dropout * 4294967296.0);
    const std::uint32_t threshold = scaled_p > 4294967295.0 ? 4294967295u : std::uint32_t(scaled_p);
    const T kept = T(1 / (1 - layer.dropout));
    const long blocks = (layer.n_out + units_per_block - 1) / units_per_block;
    for (long row = examples.first; row < examples.last; ++row) {
        const long first_block = units.first / units_per_block;
        for (long block = first_block; block < blocks && block * units_per_block < units.last;
             ++block) {
            std::uint64_t words[4] = {std::uint64_t(row * blocks + block + 1),
                                      std::uint64_t(layer_index), std::uint64_t(step), 0};
            philox(words, seed, stream);
            const long first = block * units_per_block;
            for (long unit = first; unit < first + units_per_block && unit < layer.n_out; ++unit) {
                const std::uint64_t word = words[unit % units_per_block / 2];
                const std::uint32_t draw = std::uint32_t(word >> (unit % 2 * 32));
                layer.mask[row * layer.stride + unit] = draw >= threshold ? kept : T(0);
            }
        }
    }
}

}  // namespace chainrule::ISA
