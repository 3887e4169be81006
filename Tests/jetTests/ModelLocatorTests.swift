import Foundation
import JetTestSupport
import Testing

@testable import jet

struct ModelLocatorTests {
  @Test func `a path that exists is taken as it is`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", to: "model.gguf")
    let locator = ModelLocator(folders: [])
    #expect(try locator.path(of: file) == file)
    #expect(try locator.path(of: folder.url.path) == folder.url.path)
  }

  @Test func `names are found as folders, files and known models, in the order of the folders`()
    throws
  {
    let first = try TemporaryFolder()
    let second = try TemporaryFolder()
    try first.write("x", to: "small/config.json")
    try first.write("x", to: "tiny.gguf")
    let known = try second.write("x", to: "SmolLM2-135M-Instruct.Q4_1.gguf")
    let locator = ModelLocator(folders: [first.url.path, second.url.path])
    #expect(try locator.path(of: "small") == "\(first.url.path)/small")
    #expect(try locator.path(of: "tiny") == "\(first.url.path)/tiny.gguf")
    #expect(try locator.path(of: "smollm2-135m") == known)
    #expect(locator.present.map(\.name) == ["smollm2-135m"])
  }

  @Test func `a program looks in JET_MODELS, here, and above itself`() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: ".deps/models/a.gguf")
    let locator = ModelLocator(
      environment: ["JET_MODELS": "/m/one:/m/two"], currentFolder: "/here",
      executable: "\(folder.url.path)/.build/machine/release/jet")
    #expect(
      locator.folders == [
        "/m/one", "/m/two", "/here/.deps/models", "\(folder.url.path)/.deps/models",
      ])
    #expect(try locator.path(of: "a") == "\(folder.url.path)/.deps/models/a.gguf")
  }

  @Test func `what is not there is said in a sentence`() {
    let locator = ModelLocator(folders: ["/m"])
    func expect(_ name: String, _ sentence: String) {
      #expect(throws: CommandError(sentence)) { try locator.path(of: name) }
    }
    expect(
      "", "The name of the model is empty; give a folder, a .gguf file or a name.")
    expect(
      "no/where",
      "no/where does not exist; give a folder with config.json, a .gguf file, or one of the names "
        + "smollm2-135m.")
    expect(
      "smollm2-135m",
      "The model smollm2-135m was not fetched yet (looked in /m); run `make setup`, or name its "
        + "folder in JET_MODELS.")
    expect(
      "unheard-of",
      "There is no file, folder or model named unheard-of (looked in the current folder, /m); give "
        + "a path, one of the names smollm2-135m, or name your folder of models in JET_MODELS.")
  }
}
