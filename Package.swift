// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let cxxSettings: [CXXSetting] = [
  .treatAllWarnings(as: .error), .disableWarning("unused-command-line-argument"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

// Each module imports only what stands above it in this list.
let package = Package(
  name: "jet",
  products: [
    .executable(name: "jet", targets: ["jet"]),
    .executable(name: "jet-gpu-check", targets: ["jet-gpu-check"]),
    .library(
      name: "Jet",
      targets: [
        "JetTensor", "JetKernels", "JetModels", "JetFormats", "JetText", "JetCheckpoint",
        "JetInference", "JetEvaluation", "JetTraining", "JetReport", "JetSearch",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // Found through .deps/pkgconfig/libtorch.pc, which `make setup` writes.
    .systemLibrary(name: "CLibTorch", pkgConfig: "libtorch"),
    .target(name: "CJetTorch", dependencies: ["CLibTorch"], cxxSettings: cxxSettings),
    .target(name: "CJetKernels", dependencies: ["CLibTorch"], cxxSettings: cxxSettings),
    // Kernels for NVIDIA GPUs, compiled at run time: needs no CUDA to build.
    .target(name: "CJetFused", dependencies: ["CLibTorch"], cxxSettings: cxxSettings),
    module("JetTensor", ["CJetTorch"]),
    module("JetKernels", ["JetTensor", "CJetKernels", "CJetFused"]),
    module("JetModels", ["JetKernels", "JetTensor"]),
    // Containers of weights on disk, as bytes: safetensors and GGUF.
    module("JetFormats"),
    module("JetText"),
    // The one module with other people's names: what a model is called on disk.
    module(
      "JetCheckpoint", ["JetModels", "JetKernels", "JetTensor", "JetFormats", "JetText"]),
    module("JetInference", ["JetModels", "JetTensor"]),
    // What a model can do, measured: tasks, scores with their standard errors.
    module(
      "JetEvaluation",
      [
        "JetInference", "JetModels", "JetFormats", "JetText", "JetTensor",
        .product(name: "Yams", package: "Yams"),
      ]),
    // Token shards, losses, the optimizer, conversion of a teacher, and the loop that trains.
    module(
      "JetTraining",
      ["JetModels", "JetCheckpoint", "JetFormats", "JetKernels", "JetTensor", "JetText"]),
    // Pages of results: their content as values, their charts as vector pictures.
    module("JetReport"),
    // PostNAS: the space of hybrids, the super network, strategies, stages and the journal.
    module(
      "JetSearch",
      [
        "JetReport", "JetTraining", "JetEvaluation", "JetCheckpoint", "JetInference", "JetModels",
        "JetFormats", "JetKernels", "JetTensor", "JetText",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(
      name: "jet",
      dependencies: [
        "JetSearch", "JetReport", "JetTraining", "JetEvaluation", "JetInference", "JetText",
        "JetCheckpoint", "JetFormats", "JetModels", "JetKernels", "JetTensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    // The CUDA kernels beside their definitions, on a machine with a GPU.
    .executableTarget(
      name: "jet-gpu-check",
      dependencies: ["JetInference", "JetModels", "JetKernels", "JetTensor"],
      swiftSettings: settings),
    .target(
      name: "JetTestSupport", dependencies: ["JetFormats", "JetModels", "JetTensor"],
      path: "Tests/Support", swiftSettings: settings),
    tests("JetTensorTests", ["JetTensor"]),
    tests("JetKernelsTests", ["JetKernels", "JetTensor", "JetTestSupport"]),
    tests("JetModelsTests", ["JetModels", "JetKernels", "JetTensor", "JetTestSupport"]),
    tests("JetFormatsTests", ["JetFormats", "JetTestSupport"]),
    tests(
      "JetCheckpointTests",
      [
        "JetCheckpoint", "JetModels", "JetKernels", "JetTensor", "JetFormats", "JetText",
        "JetTestSupport",
      ]),
    tests("JetTextTests", ["JetText", "JetTestSupport"]),
    tests("JetInferenceTests", ["JetInference", "JetModels", "JetKernels", "JetTensor"]),
    tests(
      "JetEvaluationTests",
      [
        "JetEvaluation", "JetInference", "JetModels", "JetKernels", "JetTensor", "JetText",
        "JetTestSupport",
      ]),
    tests(
      "JetTrainingTests",
      [
        "JetTraining", "JetModels", "JetCheckpoint", "JetFormats", "JetKernels", "JetTensor",
        "JetText", "JetTestSupport",
      ]),
    .testTarget(
      name: "JetReportTests", dependencies: ["JetReport"],
      // Read from the source tree, as for jetTests.
      exclude: ["Snapshots"], swiftSettings: settings),
    tests(
      "JetSearchTests",
      [
        "JetSearch", "JetReport", "JetTraining", "JetEvaluation", "JetCheckpoint", "JetModels",
        "JetKernels",
        "JetTensor", "JetText", "JetTestSupport",
      ]),
    .testTarget(
      name: "jetTests",
      dependencies: [
        "jet", "JetSearch", "JetTraining", "JetEvaluation", "JetInference", "JetText", "JetModels",
        "JetKernels", "JetTensor",
        "JetFormats", "JetCheckpoint", "JetTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      // Read from the source tree, so that a changed one can be written back there.
      exclude: ["Snapshots"], swiftSettings: settings),
  ],
  cxxLanguageStandard: .cxx20
)
