// Graphs.cpp: work of a GPU that is recorded once and launched in one piece: jet::graph_begin, graph_end,
// graph_abandon, graph_replay and graph_release. A thread records one graph at a time; graphs of a device share a pool
// of memory.
#include <ATen/ATen.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace jet::cuda {
namespace {

using at::cuda::CUDAGraph;
using at::cuda::MempoolId_t;

/// The memory that the graphs of a device share. libtorch gives it back with the last of them, and then it cannot be
/// used again.
struct Pool {
  MempoolId_t id{};
  std::vector<std::weak_ptr<CUDAGraph>> users;

  bool is_used() const {
    return std::any_of(users.begin(), users.end(), [](const auto &user) { return !user.expired(); });
  }
};

/// The graphs that can be replayed, by their handles, and the pool of each device.
struct Graphs {
  std::mutex mutex;
  int64_t next = 1;
  std::unordered_map<int64_t, std::shared_ptr<CUDAGraph>> kept;
  std::map<c10::DeviceIndex, Pool> pools;
  std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;

  // Never destroyed: the driver may be gone before a destructor at the program's end would run.
  static Graphs &shared() {
    static auto *graphs = new Graphs;
    return *graphs;
  }

  /// The stream on which a device's graphs are recorded: one, as libraries keep work space for each that they have
  /// seen.
  c10::cuda::CUDAStream stream(c10::DeviceIndex device) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = streams.find(device);
    if (found == streams.end()) {
      found = streams.emplace(device, c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)).first;
    }
    return found->second;
  }

  /// The pool of a device for a graph that is about to be recorded.
  MempoolId_t pool(c10::DeviceIndex device, const std::shared_ptr<CUDAGraph> &user) {
    std::lock_guard<std::mutex> lock(mutex);
    Pool &pool = pools[device];
    if (!pool.is_used()) pool = {at::cuda::graph_pool_handle(), {}};
    std::erase_if(pool.users, [](const auto &each) { return each.expired(); });
    pool.users.push_back(user);
    return pool.id;
  }

  int64_t keep(std::shared_ptr<CUDAGraph> graph) {
    std::lock_guard<std::mutex> lock(mutex);
    kept.emplace(next, std::move(graph));
    return next++;
  }

  std::shared_ptr<CUDAGraph> find(int64_t handle) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = kept.find(handle);
    TORCH_CHECK(found != kept.end(), "graph_replay: there is no graph ", handle, ".");
    return found->second;
  }

  void release(int64_t handle) {
    std::shared_ptr<CUDAGraph> last;  // destroyed after the lock is given back
    std::lock_guard<std::mutex> lock(mutex);
    auto found = kept.find(handle);
    TORCH_CHECK(found != kept.end(), "graph_release: there is no graph ", handle, ".");
    last = std::move(found->second);
    kept.erase(found);
  }
};

/// A graph that is being recorded. Its end gives the thread its device and stream back.
struct Recording {
  c10::cuda::CUDAStreamGuard guard;
  c10::DeviceIndex device;
  std::shared_ptr<CUDAGraph> graph;
  MempoolId_t pool;

  explicit Recording(c10::cuda::CUDAStream stream)
      : guard(stream),
        device(stream.device_index()),
        graph(std::make_shared<CUDAGraph>()),
        pool(Graphs::shared().pool(device, graph)) {}

  /// After a failure, which libtorch may have met before it stopped taking memory from the pool.
  void leave_pool() noexcept {
    // What is thrown here says that it had stopped already; the failure itself is what the caller is told.
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool);
      c10::cuda::CUDACachingAllocator::releasePool(device, pool);
    } catch (const c10::Error &) {
    }
    try {
      at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(pool);
      at::getHostAllocator(at::kCUDA)->release_pool(pool);
    } catch (const c10::Error &) {
    }
  }

  void begin() {
    try {
      // Calls of this thread that a graph cannot hold, such as waiting for the device, are errors meanwhile.
      graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
      leave_pool();
      throw;
    }
  }

  void end() {
    try {
      graph->capture_end();
    } catch (...) {
      leave_pool();
      throw;
    }
  }
};

thread_local std::unique_ptr<Recording> recording;

void graph_begin(int64_t device) {
  TORCH_CHECK(!recording, "graph_begin: this thread records a graph already.");
  auto index = static_cast<c10::DeviceIndex>(device);
  c10::cuda::CUDAGuard guard(index);
  auto stream = Graphs::shared().stream(index);
  // Work that was given to other streams is done before the graph's first replay.
  c10::cuda::device_synchronize();
  auto next = std::make_unique<Recording>(stream);
  next->begin();
  recording = std::move(next);
}

at::Tensor graph_end() {
  TORCH_CHECK(recording, "graph_end: this thread records no graph.");
  auto last = std::move(recording);
  last->end();
  return at::scalar_tensor(Graphs::shared().keep(last->graph), at::kLong);
}

void graph_abandon() {
  TORCH_CHECK(recording, "graph_abandon: this thread records no graph.");
  auto last = std::move(recording);
  // What made the caller give up has most often made the recording invalid too, which is then reported here.
  try {
    last->end();
  } catch (const c10::Error &) {
  }
}

void graph_replay(int64_t handle) { Graphs::shared().find(handle)->replay(); }

void graph_release(int64_t handle) { Graphs::shared().release(handle); }

}  // namespace
}  // namespace jet::cuda

// Without a tensor among the arguments no device's key is looked at.
TORCH_LIBRARY_IMPL(jet, CompositeExplicitAutograd, m) {
  m.impl("graph_begin", &jet::cuda::graph_begin);
  m.impl("graph_end", &jet::cuda::graph_end);
  m.impl("graph_abandon", &jet::cuda::graph_abandon);
  m.impl("graph_replay", &jet::cuda::graph_replay);
  m.impl("graph_release", &jet::cuda::graph_release);
}
