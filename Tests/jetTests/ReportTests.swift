import JetModels
import JetTensor
import Testing

@testable import jet

struct ReportTests {
  @Test(
    arguments: [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"),
      (123_456, "123,456"),
    ])
  func `numbers are grouped`(number: Int, text: String) {
    #expect(Numbers.grouped(number) == text)
  }

  @Test func `numbers and bytes are short`() {
    #expect(
      [0.1234, 1.234, 12.34, 1234.4].map(Numbers.short) == ["0.123", "1.23", "12.3", "1,234"])
    #expect(
      [0, 999, 1000, 93_100_000].map(Numbers.bytes) == [
        "0 bytes", "999 bytes", "1.00 kB", "93.1 MB",
      ])
  }

  @Test func `the spread has the middle and the ends`() {
    let odd = Spread([3, 1, 2])
    #expect(odd.median == 2 && odd.minimum == 1 && odd.maximum == 3)
    #expect(Spread([4, 1, 2, 3]).median == 2.5)
  }

  @Test func `equal neighbours are one group of layers`() throws {
    let groups = ModelReport.groups(try .preset("jet-nemotron-2b"))
    #expect(groups.map(\.firstLayer) == [0, 14, 15, 19, 20, 22])
    #expect(groups.map(\.lastLayer) == [13, 14, 18, 19, 21, 27])
    #expect(groups[0].mixer.hasPrefix("JetBlock, 12 heads"))
    #expect(groups[4].mixer.contains("window 1,152"))
  }

  @Test func `a report counts bytes at the context asked for`() throws {
    let report = ModelReport(
      model: "m", try .preset("smollm2-135m"), storedBytes: nil, dtype: .bfloat16, context: 4096)
    #expect(report.parameters == 134_515_008)
    #expect(report.weightBytes == 2 * 134_515_008)
    #expect(report.stateBytesPerToken == 23_040)
    #expect(report.growingStateBytes == 4096 * 23_040)
    #expect(report.text.contains("parameters    134,515,008"))
  }

  @Test func `an unknown preset is refused with the names`() {
    #expect(
      throws: CommandError(
        "There is no preset x; give one of jet-nemotron-2b, jet-nemotron-4b, qwen2.5-1.5b, "
          + "qwen3-1.7b, smollm2-135m.")
    ) { try ModelConfiguration.preset("x") }
  }

  @Test func `the kernel's tables are read`() {
    let memory = SystemMemory(meminfo: "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n")
    #expect(memory?.availableBytes == 1 << 20 && memory?.totalBytes == 2 << 20)
    #expect(SystemMemory(meminfo: "MemTotal: 2048 kB") == nil)
    let processor = ProcessorDescription(
      "processor\t: 0\nmodel name\t: Some CPU: fast\nflags\t\t: fpu avx2 fma avx512_bf16\n")
    #expect(processor?.name == "Some CPU: fast")
    #expect(processor?.features == ["avx2", "fma", "avx512_bf16"])
    #expect(ProcessorDescription("") == nil)
  }

  @Test func `more than the memory is refused before it is taken`() {
    #expect(throws: CommandError.self) {
      try SystemMemory.require(1 << 60, for: "A model", on: .cpu)
    }
    #expect(throws: Never.self) { try SystemMemory.require(1, for: "A model", on: .cpu) }
  }
}
