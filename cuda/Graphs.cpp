// Graphs.cpp: work of a GPU that is recorded once and launched in one piece: jet::graph_begin, graph_end, graph_abandon,
// graph_replay and graph_release. A thread records one graph at a time; graphs of a device share a pool of memory.
#include <ATen/ATen.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace jet::cuda {
namespace {

using at::cuda::CUDAGraph;
using at::cuda::MempoolId_t;

/// The graphs that can be replayed, by their handles, and the pool of each device.
struct Graphs {
  std::mutex mutex;
  int64_t next = 1;
  std::unordered_map<int64_t, std::shared_ptr<CUDAGraph>> kept;
  std::map<c10::DeviceIndex, MempoolId_t> pools;

  // Never destroyed: the driver may be gone before a destructor at the program's end would run.
  static Graphs &shared() {
    static auto *graphs = new Graphs;
    return *graphs;
  }

  MempoolId_t pool(c10::DeviceIndex device) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = pools.find(device);
    if (found == pools.end()) found = pools.emplace(device, at::cuda::graph_pool_handle()).first;
    return found->second;
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
  MempoolId_t pool;
  std::shared_ptr<CUDAGraph> graph;

  Recording(c10::cuda::CUDAStream stream, MempoolId_t pool)
      : guard(stream), device(stream.device_index()), pool(pool), graph(std::make_shared<CUDAGraph>()) {}

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
  auto stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index);
  // Work that was given to other streams is done before the graph's first replay.
  c10::cuda::device_synchronize();
  auto next = std::make_unique<Recording>(stream, Graphs::shared().pool(index));
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
