// Dropout's masks: 16 bits of Philox4x32-7 for each (seed, step, layer, row, unit), the same as
// calculus/dropout.py.
#pragma once
#include <cstdint>
#include <cstring>

#include "runtime/network.hpp"

namespace chainrule::ISA {

// A counter or an output of Philox for `lanes<std::uint64_t>` blocks: four words of 32 bits, each
// the low half of a lane. The high halves are arbitrary.
struct PhiloxWords {
    Vec<std::uint64_t> word[4];
};

// Seven rounds of Philox4x32 (Salmon, Moraes, Dror and Shaw 2011).
static inline PhiloxWords philox(PhiloxWords c, std::uint64_t seed) {
    std::uint32_t key[2] = {std::uint32_t(seed), std::uint32_t(seed >> 32)};
    UNROLL
    for (int round = 0; round < 7; ++round) {
        const Vec<std::uint64_t> p0 = multiply_low_halves(c.word[0], 0xD2511F53u);
        const Vec<std::uint64_t> p1 = multiply_low_halves(c.word[2], 0xCD9E8D57u);
        c = {(p1 >> 32) ^ c.word[1] ^ key[0], p1, (p0 >> 32) ^ c.word[3] ^ key[1], p0};
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c;
}

// a's and b's low halves as one vector: a[0], b[0], a[1], b[1], ...
static inline Vec<std::uint64_t> pack_low_halves(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
    return (a & 0xFFFFFFFFu) | (b << 32);
}

// Stores the draws of `lanes<std::uint64_t>` consecutive blocks, each block's eight together.
static inline void store_draws(const PhiloxWords &words, std::uint64_t *to) {
    const Vec<std::uint64_t> low = pack_low_halves(words.word[0], words.word[1]);
    const Vec<std::uint64_t> high = pack_low_halves(words.word[2], words.word[3]);
    constexpr int n = lanes<std::uint64_t>;
    [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
        store(to, shuffle<std::uint64_t, (Lane / 2 + Lane % 2 * n)...>(low, high));
        store(to + n, shuffle<std::uint64_t, ((Lane + n) / 2 + Lane % 2 * n)...>(low, high));
    }(std::make_integer_sequence<int, n>{});
}

// How many of the 65536 draws drop a unit: p is rounded to a multiple of 2^-16, below 1.
static inline int dropped_draws(double p) {
    const int rounded = int(__builtin_nearbyint(p * 65536));
    return rounded < 65535 ? rounded : 65535;
}

// Draws `count` consecutive blocks, of 16 bytes each.
static void draw_blocks(std::uint64_t seed, std::int64_t step, int layer, std::uint64_t first,
                        long count, std::uint64_t *to) {
    constexpr long blocks = lanes<std::uint64_t>;
    static constexpr std::uint64_t lane_indices[] = {0, 1, 2, 3, 4, 5, 6, 7};
    PhiloxWords counter{load(lane_indices) + first, Vec<std::uint64_t>{} + std::uint64_t(layer),
                        Vec<std::uint64_t>{} + std::uint64_t(step),
                        Vec<std::uint64_t>{} + (std::uint64_t(step) >> 32)};
    for (long block = 0; block < count; block += blocks) {
        const PhiloxWords words = philox(counter, seed);
        counter.word[0] += std::uint64_t(blocks);
        if (block + blocks <= count) {
            store_draws(words, to + 2 * block);
        } else {
            std::uint64_t last[2 * blocks];
            store_draws(words, last);
            std::memcpy(to + 2 * block, last, sizeof(std::uint64_t) * 2 * (count - block));
        }
    }
}

// Draws layer.draws[row][unit], uniform on 0 .. 65535, for a part of a mini-batch. Eight units
// share a block; units.first is a multiple of 8.
static void dropout_draws(const Layer<T> &layer, int layer_index, std::uint64_t seed,
                          std::int64_t step, const Range &examples, const Range &units) {
    const long blocks_per_row = layer.draws_stride / draws_per_block;
    const auto draw = [&](long first, long count) {
        auto *to = reinterpret_cast<std::uint64_t *>(layer.draws + first * draws_per_block);
        draw_blocks(seed, step, layer_index, std::uint64_t(first), count, to);
    };
    if (units.first == 0 && units.last >= layer.n_out) {
        draw(examples.first * blocks_per_row, length(examples) * blocks_per_row);
        return;
    }
    for (long row = examples.first; row < examples.last; ++row) {
        draw(row * blocks_per_row + units.first / draws_per_block, length(units) / draws_per_block);
    }
}

// to = mask * from for a part of a mini-batch: mask[row][unit] is 0 where the draw lies below p,
// else 1 / (1 - p). `from` and `to` are (m, stride), and may be the same.
static void apply_dropout_mask(const Layer<T> &layer, const Range &examples, const Range &units,
                               const T *from, T *to) {
    using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    typedef std::uint16_t Draws __attribute__((vector_size(lanes<T> * 2), aligned(2), may_alias));
    const Int threshold = Int(dropped_draws(layer.dropout));
    const Vec<T> kept = broadcast<T>(T(65536.0 / (65536.0 - double(threshold))));
    const long width = length(units);
    for (long row = examples.first; row < examples.last; ++row) {
        const std::uint16_t *draws = layer.draws + row * layer.draws_stride + units.first;
        const long first = row * layer.stride + units.first;
        for (long o = 0; o < width; o += lanes<T>) {
            const auto draw =
                __builtin_convertvector(*reinterpret_cast<const Draws *>(draws + o), Vec<Int>);
            const Vec<T> mask = draw < threshold ? Vec<T>{} : kept;
            store(to + first + o, mask * load(from + first + o));
        }
    }
}

}  // namespace chainrule::ISA
