#include "worker/runner/peak_flops.h"

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdint>
#include <ctime>
#include <numeric>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace shoal::runner {
namespace {

// Runs rounds of kChains independent chains, enough to hide the latency of each. The loops over
// them are unrolled, so that the sums stay in registers.
constexpr int kChains = 12;             // with 16 registers of 32 bytes
constexpr int kWideChains = 20;         // with 32 registers of 64 bytes
constexpr int64_t kRounds = 6'000'000;  // some 40 ms
constexpr int kTries = 7;
using Kernel = void (*)(int64_t rounds);

struct Loop {
  Kernel run = nullptr;
  double flops_per_round = 0;
};

#if defined(__x86_64__)

// Keeps the compiler from knowing what is in a register.
#define SHOAL_OPAQUE(value) asm volatile("" : "+v"(value))

__attribute__((target("avx512f"))) void F32Wide(int64_t rounds) {
  __m512 sums[kWideChains];
#pragma GCC unroll 20
  for (__m512& sum : sums) {
    sum = _mm512_set1_ps(1);
    SHOAL_OPAQUE(sum);  // else all chains are known to be equal, and one is computed
  }
  __m512 factor = _mm512_set1_ps(0.5F);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 20
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, factor);
    SHOAL_OPAQUE(factor);
  }
#pragma GCC unroll 20
  for (__m512& sum : sums) SHOAL_OPAQUE(sum);
}

__attribute__((target("avx512f,avx512bf16"))) void Bf16Pairs(int64_t rounds) {
  __m512 sums[kWideChains];
#pragma GCC unroll 20
  for (__m512& sum : sums) {
    sum = _mm512_set1_ps(1);
    SHOAL_OPAQUE(sum);  // else all chains are known to be equal, and one is computed
  }
  __m512i pairs = _mm512_set1_epi32(0);
  for (int64_t i = 0; i < rounds; ++i) {
    const auto factor = (__m512bh)pairs;
#pragma GCC unroll 20
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, factor, factor);
    SHOAL_OPAQUE(pairs);
  }
#pragma GCC unroll 20
  for (__m512& sum : sums) SHOAL_OPAQUE(sum);
}

__attribute__((target("avx2,fma"))) void F32(int64_t rounds) {
  __m256 sums[kChains];
#pragma GCC unroll 12
  for (__m256& sum : sums) {
    sum = _mm256_set1_ps(1);
    SHOAL_OPAQUE(sum);  // else all chains are known to be equal, and one is computed
  }
  __m256 factor = _mm256_set1_ps(0.5F);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, factor);
    SHOAL_OPAQUE(factor);
  }
#pragma GCC unroll 12
  for (__m256& sum : sums) SHOAL_OPAQUE(sum);
}

Loop FastestLoop(std::string_view dtype) {
  if (dtype == "bf16" && __builtin_cpu_supports("avx512bf16") != 0)
    return {Bf16Pairs, kWideChains * 32 * 2.0};
  if (__builtin_cpu_supports("avx512f") != 0) return {F32Wide, kWideChains * 16 * 2.0};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    return {F32, kChains * 8 * 2.0};
  return {};
}

#else

Loop FastestLoop(std::string_view) { return {}; }

#endif

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// FLOP/s of all threads together, each by the processor time that it had: who else wants the cores
// does not count.
double RateOnAll(const Loop& loop, int64_t rounds, int threads) {
  std::vector<double> rates(static_cast<size_t>(threads));
  std::barrier start(threads);
  std::vector<std::jthread> team;
  for (double& rate : rates) {
    team.emplace_back([&] {
      start.arrive_and_wait();
      const double begin = ThreadSeconds();
      loop.run(rounds);
      rate = loop.flops_per_round * static_cast<double>(rounds) / (ThreadSeconds() - begin);
    });
  }
  team.clear();  // joins
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

// One thread's triad over arrays of its own: bytes moved per second of processor time.
double Triad(std::barrier<>& start) {
  constexpr size_t kFloats = (32 << 20) / sizeof(float);
  std::vector<float> a(kFloats, 0), b(kFloats, 1), c(kFloats, 2);
  start.arrive_and_wait();
  const double begin = ThreadSeconds();
  for (size_t i = 0; i < kFloats; ++i) a[i] = b[i] + 3 * c[i];
  const double seconds = ThreadSeconds() - begin;
  asm volatile("" : : "r"(a.data()) : "memory");  // the result counts as used
  return 3.0 * sizeof(float) * kFloats / seconds;
}

}  // namespace

double MeasureMemoryBandwidth(int threads) {
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    std::vector<double> rates(static_cast<size_t>(threads));
    std::barrier start(threads);
    std::vector<std::jthread> team;
    for (double& rate : rates) team.emplace_back([&] { rate = Triad(start); });
    team.clear();  // joins
    best = std::max(best, std::accumulate(rates.begin(), rates.end(), 0.0));
  }
  return best;
}

double MeasurePeakFlops(std::string_view dtype, int threads) {
  const Loop loop = FastestLoop(dtype);
  if (loop.run == nullptr) return 0;
  std::array<double, kTries> rates;
  for (double& rate : rates) rate = RateOnAll(loop, kRounds, threads);
  std::nth_element(rates.begin(), rates.begin() + kTries / 2, rates.end());
  return rates[kTries / 2];
}

}  // namespace shoal::runner
