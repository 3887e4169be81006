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
  targets: [
    // Found through .deps/pkgconfig/libtorch.pc, which `make setup` writes.
    .systemLibrary(name: "CLibTorch", pkgConfig: "libtorch"),
    .target(name: "CJetTorch", dependencies: ["CLibTorch"], cxxSettings: cxxSettings),
    .target(name: "CJetKernels", dependencies: ["CLibTorch"], cxxSettings: cxxSettings),
    module("JetTensor", ["CJetTorch"]),
    module("JetKernels", ["JetTensor", "CJetKernels"]),
    module("JetModels", ["JetKernels", "JetTensor"]),
    // Containers of weights on disk, as bytes: safetensors and GGUF.
    module("JetFormats"),
    module("JetText"),
    // The one module with other people's names: what a model is called on disk.
    module(
      "JetCheckpoint", ["JetModels", "JetKernels", "JetTensor", "JetFormats", "JetText"]),
    module("JetInference"),
    .target(
      name: "JetTestSupport", dependencies: ["JetFormats", "JetModels", "JetTensor"],
      path: "Tests/Support", swiftSettings: settings),
    tests("JetTensorTests", ["JetTensor"]),
    tests("JetKernelsTests", ["JetKernels", "JetTensor", "JetTestSupport"]),
    tests("JetModelsTests", ["JetModels", "JetKernels", "JetTensor", "JetTestSupport"]),
    tests("JetFormatsTests", ["JetFormats"]),
    tests("JetTextTests", ["JetText"]),
    tests(
      "JetCheckpointTests",
      [
        "JetCheckpoint", "JetModels", "JetKernels", "JetTensor", "JetFormats", "JetText",
        "JetTestSupport",
      ]),
    tests("JetInferenceTests", ["JetInference"]),
  ],
  cxxLanguageStandard: .cxx20
)
