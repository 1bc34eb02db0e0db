// The rival: these networks as an expert writes them by hand in C++ over OpenBLAS.
//
// float32; every buffer allocated once; a batch's rows gathered once; sgemm for every product; bias, activation and derivative in
// loops that vectorize; plain steps inside the gradient's sgemm; Adam in one pass.
//
// rival JOB ANSWER THREADS trains, writes the parameters after the first epoch, and prints the seconds of the others as JSON; JOB and
// ANSWER are written and read by peers/rival_.py.

#include <cblas.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <thread>
#include <vector>

extern "C" void openblas_set_num_threads(int);

namespace {

using Index = std::int64_t;

using Buffer = std::unique_ptr<float[], decltype([](float* memory) { std::free(memory); })>;

Buffer zeros(Index count) {
  const std::size_t bytes = (static_cast<std::size_t>(count) * sizeof(float) + 127) / 64 * 64;
  auto* memory = static_cast<float*>(std::aligned_alloc(64, bytes));
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  return Buffer(memory);
}

// ---- elementwise

// e^x to about one unit in the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. Without a branch, so that it vectorizes.
inline float fast_exp(float x) {
  x = std::min(std::max(x, -87.0f), 88.0f);
  const float n = std::floor(x * 1.44269504f + 0.5f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  const float lower = (1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f;
  const float p = ((lower * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
  return (p * r * r + r + 1.0f) * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

enum class Hidden : Index { sigmoid, tanh, relu };
enum class Output : Index { sigmoid_quadratic, softmax_log_loss, identity_quadratic };

void over_rows(float* z, const float* b, Index rows, Index columns, auto f) {
  for (Index i = 0; i < rows; ++i, z += columns) {
#pragma GCC ivdep
    for (Index j = 0; j < columns; ++j) z[j] = f(z[j] + b[j]);
  }
}

inline float sigmoid(float z) { return 1.0f / (1.0f + fast_exp(-z)); }

void activate(Hidden hidden, float* z, const float* b, Index rows, Index columns) {
  if (hidden == Hidden::sigmoid) over_rows(z, b, rows, columns, sigmoid);
  if (hidden == Hidden::tanh) over_rows(z, b, rows, columns, [](float x) { return 1.0f - 2.0f / (fast_exp(2.0f * x) + 1.0f); });
  if (hidden == Hidden::relu) over_rows(z, b, rows, columns, [](float x) { return std::max(x, 0.0f); });
}

void times(float* delta, const float* a, Index count, auto derivative) {
#pragma GCC ivdep
  for (Index i = 0; i < count; ++i) delta[i] *= derivative(a[i]);
}

void pull_back(Hidden hidden, float* delta, const float* a, Index count) {
  if (hidden == Hidden::sigmoid) times(delta, a, count, [](float x) { return x * (1.0f - x); });
  if (hidden == Hidden::tanh) times(delta, a, count, [](float x) { return 1.0f - x * x; });
  if (hidden == Hidden::relu) times(delta, a, count, [](float x) { return x > 0.0f ? 1.0f : 0.0f; });
}

// Turns the last layer's z into its delta, times each example's share of the batch.
void output_delta(Output output, float* z, const float* b, const float* y, Index rows, Index columns, float share) {
  for (Index i = 0; i < rows; ++i, z += columns, y += columns) {
    for (Index j = 0; j < columns; ++j) z[j] += b[j];
    if (output == Output::sigmoid_quadratic) {
      for (Index j = 0; j < columns; ++j) {
        const float a = sigmoid(z[j]);
        z[j] = (a - y[j]) * a * (1.0f - a) * share;
      }
      continue;
    }
    if (output == Output::softmax_log_loss) {
      float most = z[0], sum = 0.0f;
      for (Index j = 1; j < columns; ++j) most = std::max(most, z[j]);
      for (Index j = 0; j < columns; ++j) sum += z[j] = fast_exp(z[j] - most);
      for (Index j = 0; j < columns; ++j) z[j] /= sum;
    }
    for (Index j = 0; j < columns; ++j) z[j] = (z[j] - y[j]) * share;
  }
}

void sum_columns(const float* delta, float* sums, Index rows, Index columns, Index stride) {
  std::fill_n(sums, columns, 0.0f);
  for (Index i = 0; i < rows; ++i, delta += stride)
    for (Index j = 0; j < columns; ++j) sums[j] += delta[j];
}

// ---- the job

template <class T>
void read(std::istream& file, T* to, Index count) {
  file.read(reinterpret_cast<char*>(to), count * static_cast<Index>(sizeof(T)));
}

template <class T>
T one(std::istream& file) {
  T value;
  read(file, &value, 1);
  return value;
}

struct Job {
  std::vector<Index> sizes;
  Hidden hidden;
  Output output;
  bool adam, by_inputs;
  Index batch, n, orders, least, most;
  double rate, budget;
  Buffer x, y;
  std::vector<std::int32_t> order;
  Index parameters = 0;
  Buffer theta;             // W of each layer, then b of each; W is (n_out, n_in), with by_inputs the first (n_in, n_out)
  std::vector<Index> w, b;  // where in theta each begins

  explicit Job(const char* path) {
    std::ifstream file(path, std::ios::binary);
    file.exceptions(std::ios::failbit | std::ios::badbit);
    sizes.resize(one<Index>(file));
    read(file, sizes.data(), static_cast<Index>(sizes.size()));
    hidden = one<Hidden>(file);
    output = one<Output>(file);
    adam = one<Index>(file) != 0;
    by_inputs = one<Index>(file) != 0;
    batch = one<Index>(file);
    n = one<Index>(file);
    orders = one<Index>(file);
    least = one<Index>(file);
    most = one<Index>(file);
    rate = one<double>(file);
    budget = one<double>(file);
    batch = std::min(batch, n);
    x = zeros(n * sizes.front());
    y = zeros(n * sizes.back());
    read(file, x.get(), n * sizes.front());
    read(file, y.get(), n * sizes.back());
    order.resize(orders * n);
    read(file, order.data(), orders * n);
    for (std::size_t l = 1; l < sizes.size(); parameters += sizes[l - 1] * sizes[l], ++l) w.push_back(parameters);
    for (std::size_t l = 1; l < sizes.size(); parameters += sizes[l], ++l) b.push_back(parameters);
    theta = zeros(parameters);
    read(file, theta.get(), parameters);
  }
};

// ---- training

// Lets nobody pass until all have come; spins, for the others are a few microseconds away, then yields.
class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}
  void wait() {
    if (count_ == 1) return;
    const int turn = turn_;
    if (++arrived_ == count_) {
      arrived_ = 0;
      ++turn_;
    }
    for (int spins = 0; turn_ == turn; ++spins)
      if (spins > 20'000) std::this_thread::yield();
  }

 private:
  const int count_;
  std::atomic<int> arrived_ = 0, turn_ = 0;
};

// The threads share each batch twice: forward and deltas by its rows, gradient and step by the rows of W.
class Trainer {
  struct Range {
    Index begin, count;
  };

 public:
  Trainer(Job& job, int threads) : job_(job), layers_(job.sizes.size() - 1), threads_(threads), barrier_(threads) {
    for (const Index size : job.sizes) {
      a_.push_back(zeros(job.batch * size));
      delta_.push_back(zeros(job.batch * size));
    }
    y_ = zeros(job.batch * job.sizes.back());
    for (Buffer* buffer : {&gradient_, &m_, &v_}) *buffer = zeros(job.parameters);
  }

  void epoch(const std::int32_t* order) {
    std::vector<std::jthread> others;
    for (int thread = 1; thread < threads_; ++thread) others.emplace_back([=, this] { share(order, thread); });
    share(order, 0);
    others.clear();  // waits for them
    steps_ += (job_.n + job_.batch - 1) / job_.batch;
  }

 private:
  void share(const std::int32_t* order, int thread) {
    Index step = steps_;
    for (Index first = 0; first < job_.n; first += job_.batch) {
      const Index rows = std::min(job_.batch, job_.n - first);
      const Range mine = part(rows, thread);
      if (mine.count > 0) {
        gather(order + first, mine);
        forward(mine, rows);
        deltas(mine);
      }
      barrier_.wait();
      update(rows, thread, ++step);
      barrier_.wait();
    }
  }

  Range part(Index whole, int thread) const {
    const Index begin = whole * thread / threads_;
    return {begin, whole * (thread + 1) / threads_ - begin};
  }

  void gather(const std::int32_t* rows, Range mine) {
    const Index in = job_.sizes.front(), out = job_.sizes.back();
    for (Index i = mine.begin; i < mine.begin + mine.count; ++i) {
      std::memcpy(a_[0].get() + i * in, job_.x.get() + rows[i] * in, in * sizeof(float));
      std::memcpy(y_.get() + i * out, job_.y.get() + rows[i] * out, out * sizeof(float));
    }
  }

  void forward(Range mine, Index rows) {
    for (std::size_t l = 0; l < layers_; ++l) {
      const Index in = job_.sizes[l], out = job_.sizes[l + 1];
      const bool last = l + 1 == layers_;
      const float* a = a_[l].get() + mine.begin * in;
      float* z = (last ? delta_ : a_)[l + 1].get() + mine.begin * out;
      const bool turned = l == 0 && job_.by_inputs;
      const auto op = turned ? CblasNoTrans : CblasTrans;
      cblas_sgemm(CblasRowMajor, CblasNoTrans, op, mine.count, out, in, 1, a, in, weights(l), turned ? out : in, 0, z, out);
      if (last)
        output_delta(job_.output, z, biases(l), y_.get() + mine.begin * out, mine.count, out, 1.0f / static_cast<float>(rows));
      else
        activate(job_.hidden, z, biases(l), mine.count, out);
    }
  }

  void deltas(Range mine) {
    for (std::size_t l = layers_ - 1; l > 0; --l) {
      const Index in = job_.sizes[l], out = job_.sizes[l + 1];
      const float* delta = delta_[l + 1].get() + mine.begin * out;
      float* below = delta_[l].get() + mine.begin * in;
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, mine.count, in, out, 1.0f, delta, out, weights(l), in, 0.0f, below, in);
      pull_back(job_.hidden, below, a_[l].get() + mine.begin * in, mine.count * in);
    }
  }

  void update(Index rows, int thread, Index step) {
    const float rate = static_cast<float>(job_.rate);
    for (std::size_t l = 0; l < layers_; ++l) {
      Index in = job_.sizes[l], out = job_.sizes[l + 1];
      const auto [begin, count] = part(out, thread);
      const float *a = a_[l].get(), *delta = delta_[l + 1].get();
      const Index b = job_.b[l] + begin;
      float* nabla_b = gradient_.get() + b;
      sum_columns(delta + begin, nabla_b, rows, count, out);
      if (l == 0 && job_.by_inputs) {
        std::swap(a, delta);
        std::swap(in, out);
      }
      const Range mine = part(out, thread);
      const Index w = job_.w[l] + mine.begin * in;
      float* to = (job_.adam ? gradient_ : job_.theta).get() + w;
      const float alpha = job_.adam ? 1.0f : -rate, beta = job_.adam ? 0.0f : 1.0f;
      if (mine.count > 0)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, mine.count, in, rows, alpha, delta + mine.begin, out, a, in, beta, to, in);
      if (job_.adam) {
        adam(w, mine.count * in, step);
        adam(b, count, step);
      } else {
        for (Index j = 0; j < count; ++j) job_.theta[b + j] -= rate * nabla_b[j];
      }
    }
  }

  void adam(Index begin, Index count, Index step) {
    const double root = std::sqrt(1 - std::pow(0.999, step));
    const float size = static_cast<float>(job_.rate * root / (1 - std::pow(0.9, step))), epsilon = static_cast<float>(1e-8 * root);
    float *__restrict theta = &job_.theta[begin], *__restrict m = &m_[begin], *__restrict v = &v_[begin];
    const float* __restrict g = &gradient_[begin];
    for (Index i = 0; i < count; ++i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      theta[i] -= size * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  }

  const float* weights(std::size_t l) const { return &job_.theta[job_.w[l]]; }
  const float* biases(std::size_t l) const { return &job_.theta[job_.b[l]]; }

  Job& job_;
  const std::size_t layers_;
  const int threads_;
  Barrier barrier_;
  std::vector<Buffer> a_, delta_;  // of each layer, the inputs being layer 0
  Buffer y_, gradient_, m_, v_;
  Index steps_ = 0;
};

void train(const char* path, const char* answer, int threads) {
  openblas_set_num_threads(1);  // the threads are our own, so that all of a batch's work is shared, not its products alone
  Job job(path);
  // Below some microseconds of arithmetic a batch, meeting twice costs more than sharing saves.
  Trainer trainer(job, 6e-6 * static_cast<double>(job.batch * job.parameters) < 2.5 ? 1 : threads);
  trainer.epoch(job.order.data());
  std::ofstream(answer, std::ios::binary).write(reinterpret_cast<char*>(job.theta.get()), job.parameters * 4);
  std::printf("[");
  double total = 0;
  for (Index done = 0; done + 1 < job.orders && (done < job.least || (done < job.most && total < job.budget)); ++done) {
    const auto began = std::chrono::steady_clock::now();
    trainer.epoch(job.order.data() + (done + 1) * job.n);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
    total += taken.count();
    std::printf("%s%.9f", done > 0 ? ", " : "", taken.count());
  }
  std::printf("]\n");
}

}  // namespace

int main(int count, char** words) try {
  if (count == 4) train(words[1], words[2], std::atoi(words[3]));
  return count == 4 ? 0 : 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "rival: %s\n", error.what());
  return 1;
}
