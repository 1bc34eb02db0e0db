// Dropout's masks: Philox4x64-10 of (seed, step, layer, row, unit), the same as calculus/dropout.py.
#pragma once
#include "worker.hpp"

namespace chainrule::ISA {

static inline void philox(std::uint64_t counter[4], std::uint64_t key0, std::uint64_t key1) {
    for (int round = 0; round < 10; ++round) {
        const unsigned __int128 p0 = (unsigned __int128)0xD2E7470EE14C6C93u * counter[0];
        const unsigned __int128 p1 = (unsigned __int128)0xCA5A826395121157u * counter[2];
        counter[0] = std::uint64_t(p1 >> 64) ^ counter[1] ^ key0;
        counter[1] = std::uint64_t(p1);
        counter[2] = std::uint64_t(p0 >> 64) ^ counter[3] ^ key1;
        counter[3] = std::uint64_t(p0);
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
}

static void dropout_masks(const Layer<T> &layer, int layer_index, std::uint64_t seed, std::int64_t step, const Share &examples, const Share &units) {
    constexpr std::uint64_t stream = 0x64726F706F7574u;
    const double wanted = __builtin_nearbyint(layer.dropout * 4294967296.0);
    const std::uint32_t threshold = wanted > 4294967295.0 ? 4294967295u : std::uint32_t(wanted);
    const T kept = T(1 / (1 - layer.dropout));
    const std::uint64_t blocks = (std::uint64_t(layer.n_out) + 7) / 8;
    for (long row = examples.first; row < examples.last; ++row)
        for (std::uint64_t block = std::uint64_t(units.first) / 8; block < blocks && long(block) * 8 < units.last; ++block) {  // shares are whole blocks
            std::uint64_t words[4] = {row * blocks + block + 1, std::uint64_t(layer_index), std::uint64_t(step), 0};
            philox(words, seed, stream);
            for (long unit = long(block) * 8; unit < long(block + 1) * 8 && unit < layer.n_out; ++unit) {
                const std::uint32_t bits = std::uint32_t(words[unit % 8 / 2] >> (unit % 2 * 32));
                layer.mask[row * layer.stride + unit] = bits >= threshold ? kept : T(0);
            }
        }
}

}  // namespace chainrule::ISA
