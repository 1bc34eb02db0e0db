// The machine's float32 peak: what so many cores do in multiply-adds that wait for nothing. peak THREADS prints GFLOP/s.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef float Vector __attribute__((vector_size(BYTES)));

double multiply_adds(long turns) {
  Vector sums[12] = {}, factor = Vector{} + 0.999f, term = Vector{} + 0.001f;
  for (auto& sum : sums) asm volatile("" : "+x"(sum));  // twelve values the compiler knows nothing of, or it would compute one
  const auto began = std::chrono::steady_clock::now();
  for (long i = 0; i < turns; ++i)
#pragma GCC unroll 12
    for (auto& sum : sums) sum = sum * factor + term;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  for (auto& sum : sums) asm volatile("" : : "x"(sum));
  return static_cast<double>(turns) * 12 * 2 * (BYTES / 4) / taken.count() / 1e9;
}

void peak(int count) {
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<double> rates(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&rates, i] { rates[i] = multiply_adds(20'000'000); });
    for (auto& thread : threads) thread.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  }
  std::printf("%.1f\n", best);
}

}  // namespace

int main(int count, char** words) { peak(count > 1 ? std::atoi(words[1]) : 1); }
