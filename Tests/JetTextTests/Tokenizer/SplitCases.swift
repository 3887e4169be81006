import JetText
import Testing

/// A text and its words by each pattern.
///
/// Made by the Python package `regex` 2026.5.9 from the patterns themselves:
/// `regex.findall(PATTERN, text)`; for SmolLM `regex.split(r"(\p{N})", text)` first and the pattern
/// of GPT-2 on each piece.
struct SplitCase: CustomTestStringConvertible, Sendable {
  var text: String
  var gpt2: [String]
  var smollm: [String]
  var qwen2: [String]
  var llama3: [String]

  init(_ text: String, gpt2: [String], smollm: [String], qwen2: [String], llama3: [String]) {
    self.text = text
    self.gpt2 = gpt2
    self.smollm = smollm
    self.qwen2 = qwen2
    self.llama3 = llama3
  }

  var testDescription: String { text.debugDescription }

  static let all: [SplitCase] = [
    SplitCase(
      "Hello, world!",
      gpt2: ["Hello", ",", " world", "!"],
      smollm: ["Hello", ",", " world", "!"],
      qwen2: ["Hello", ",", " world", "!"],
      llama3: ["Hello", ",", " world", "!"]),
    SplitCase(
      " leading",
      gpt2: [" leading"],
      smollm: [" leading"],
      qwen2: [" leading"],
      llama3: [" leading"]),
    SplitCase(
      "trailing \u{A}",
      gpt2: ["trailing", " \u{A}"],
      smollm: ["trailing", " \u{A}"],
      qwen2: ["trailing", " \u{A}"],
      llama3: ["trailing", " \u{A}"]),
    SplitCase(
      "  two  spaces   three",
      gpt2: [" ", " two", " ", " spaces", "  ", " three"],
      smollm: [" ", " two", " ", " spaces", "  ", " three"],
      qwen2: [" ", " two", " ", " spaces", "  ", " three"],
      llama3: [" ", " two", " ", " spaces", "  ", " three"]),
    SplitCase(
      "\u{9}\u{9}tabs\u{A}\u{A}\u{A}lines\u{D}\u{A}win\u{D}\u{A}",
      gpt2: [
        "\u{9}", "\u{9}", "tabs", "\u{A}\u{A}", "\u{A}", "lines", "\u{D}", "\u{A}", "win",
        "\u{D}\u{A}",
      ],
      smollm: [
        "\u{9}", "\u{9}", "tabs", "\u{A}\u{A}", "\u{A}", "lines", "\u{D}", "\u{A}", "win",
        "\u{D}\u{A}",
      ],
      qwen2: ["\u{9}", "\u{9}tabs", "\u{A}\u{A}\u{A}", "lines", "\u{D}\u{A}", "win", "\u{D}\u{A}"],
      llama3: ["\u{9}", "\u{9}tabs", "\u{A}\u{A}\u{A}", "lines", "\u{D}\u{A}", "win", "\u{D}\u{A}"]),
    SplitCase(
      "I'm you're WE'LL he'd It'S 'tis",
      gpt2: [
        "I", "'m", " you", "'re", " WE", "'", "LL", " he", "'d", " It", "'", "S", " '", "tis",
      ],
      smollm: [
        "I", "'m", " you", "'re", " WE", "'", "LL", " he", "'d", " It", "'", "S", " '", "tis",
      ],
      qwen2: ["I", "'m", " you", "'re", " WE", "'LL", " he", "'d", " It", "'S", " '", "tis"],
      llama3: ["I", "'m", " you", "'re", " WE", "'LL", " he", "'d", " It", "'S", " '", "tis"]),
    SplitCase(
      "don\u{2019}t '\u{17F} x'\u{17F}y 'Ve'RE 'l 'r '' 'sS",
      gpt2: [
        "don", "\u{2019}", "t", " '", "\u{17F}", " x", "'", "\u{17F}y", " '", "Ve", "'", "RE", " '",
        "l", " '", "r", " ''", " '", "sS",
      ],
      smollm: [
        "don", "\u{2019}", "t", " '", "\u{17F}", " x", "'", "\u{17F}y", " '", "Ve", "'", "RE", " '",
        "l", " '", "r", " ''", " '", "sS",
      ],
      qwen2: [
        "don", "\u{2019}t", " '", "\u{17F}", " x", "'\u{17F}", "y", " '", "Ve", "'RE", " '", "l",
        " '", "r", " ''", " '", "sS",
      ],
      llama3: [
        "don", "\u{2019}t", " '", "\u{17F}", " x", "'\u{17F}", "y", " '", "Ve", "'RE", " '", "l",
        " '", "r", " ''", " '", "sS",
      ]),
    SplitCase(
      "3.14159 1,000,000 0x7fff",
      gpt2: ["3", ".", "14159", " 1", ",", "000", ",", "000", " 0", "x", "7", "fff"],
      smollm: [
        "3", ".", "1", "4", "1", "5", "9", " ", "1", ",", "0", "0", "0", ",", "0", "0", "0", " ",
        "0", "x", "7", "fff",
      ],
      qwen2: [
        "3", ".", "1", "4", "1", "5", "9", " ", "1", ",", "0", "0", "0", ",", "0", "0", "0", " ",
        "0", "x", "7", "fff",
      ],
      llama3: ["3", ".", "141", "59", " ", "1", ",", "000", ",", "000", " ", "0", "x", "7", "fff"]),
    SplitCase(
      "12345678 a1b22 \u{663}\u{664}\u{B2}\u{BD}\u{2167}",
      gpt2: ["12345678", " a", "1", "b", "22", " \u{663}\u{664}\u{B2}\u{BD}\u{2167}"],
      smollm: [
        "1", "2", "3", "4", "5", "6", "7", "8", " a", "1", "b", "2", "2", " ", "\u{663}", "\u{664}",
        "\u{B2}", "\u{BD}", "\u{2167}",
      ],
      qwen2: [
        "1", "2", "3", "4", "5", "6", "7", "8", " a", "1", "b", "2", "2", " ", "\u{663}", "\u{664}",
        "\u{B2}", "\u{BD}", "\u{2167}",
      ],
      llama3: [
        "123", "456", "78", " a", "1", "b", "22", " ", "\u{663}\u{664}\u{B2}", "\u{BD}\u{2167}",
      ]),
    SplitCase(
      "  7 \u{A}8\u{A0}9",
      gpt2: [" ", " 7", " ", "\u{A}", "8", "\u{A0}", "9"],
      smollm: ["  ", "7", " \u{A}", "8", "\u{A0}", "9"],
      qwen2: [" ", " ", "7", " \u{A}", "8", "\u{A0}", "9"],
      llama3: [" ", " ", "7", " \u{A}", "8", "\u{A0}", "9"]),
    SplitCase(
      "na\u{EF}ve e\u{301} \u{301}x",
      gpt2: ["na\u{EF}ve", " e", "\u{301}", " \u{301}", "x"],
      smollm: ["na\u{EF}ve", " e", "\u{301}", " \u{301}", "x"],
      qwen2: ["na\u{EF}ve", " e", "\u{301}", " \u{301}", "x"],
      llama3: ["na\u{EF}ve", " e", "\u{301}", " \u{301}", "x"]),
    SplitCase(
      "\u{4F60}\u{597D}\u{FF0C}\u{4E16}\u{754C}\u{FF01}",
      gpt2: ["\u{4F60}\u{597D}", "\u{FF0C}", "\u{4E16}\u{754C}", "\u{FF01}"],
      smollm: ["\u{4F60}\u{597D}", "\u{FF0C}", "\u{4E16}\u{754C}", "\u{FF01}"],
      qwen2: ["\u{4F60}\u{597D}", "\u{FF0C}\u{4E16}\u{754C}", "\u{FF01}"],
      llama3: ["\u{4F60}\u{597D}", "\u{FF0C}\u{4E16}\u{754C}", "\u{FF01}"]),
    SplitCase(
      "\u{3000}\u{5168}\u{89D2}\u{3000}\u{3000}\u{5B57}",
      gpt2: ["\u{3000}", "\u{5168}\u{89D2}", "\u{3000}", "\u{3000}", "\u{5B57}"],
      smollm: ["\u{3000}", "\u{5168}\u{89D2}", "\u{3000}", "\u{3000}", "\u{5B57}"],
      qwen2: ["\u{3000}\u{5168}\u{89D2}", "\u{3000}", "\u{3000}\u{5B57}"],
      llama3: ["\u{3000}\u{5168}\u{89D2}", "\u{3000}", "\u{3000}\u{5B57}"]),
    SplitCase(
      " !? ...\u{A}\u{A}x",
      gpt2: [" !?", " ...", "\u{A}", "\u{A}", "x"],
      smollm: [" !?", " ...", "\u{A}", "\u{A}", "x"],
      qwen2: [" !?", " ...\u{A}\u{A}", "x"],
      llama3: [" !?", " ...\u{A}\u{A}", "x"]),
    SplitCase(
      "!!\u{D}\u{A}\u{D}\u{A}  y",
      gpt2: ["!!", "\u{D}\u{A}\u{D}\u{A} ", " y"],
      smollm: ["!!", "\u{D}\u{A}\u{D}\u{A} ", " y"],
      qwen2: ["!!\u{D}\u{A}\u{D}\u{A}", " ", " y"],
      llama3: ["!!\u{D}\u{A}\u{D}\u{A}", " ", " y"]),
    SplitCase(
      "a\u{A0}b\u{A0}\u{A0}c",
      gpt2: ["a", "\u{A0}", "b", "\u{A0}", "\u{A0}", "c"],
      smollm: ["a", "\u{A0}", "b", "\u{A0}", "\u{A0}", "c"],
      qwen2: ["a", "\u{A0}b", "\u{A0}", "\u{A0}c"],
      llama3: ["a", "\u{A0}b", "\u{A0}", "\u{A0}c"]),
    SplitCase(
      "a \u{2028}\u{2029} b\u{85}c",
      gpt2: ["a", " \u{2028}\u{2029}", " b", "\u{85}", "c"],
      smollm: ["a", " \u{2028}\u{2029}", " b", "\u{85}", "c"],
      qwen2: ["a", " \u{2028}\u{2029}", " b", "\u{85}c"],
      llama3: ["a", " \u{2028}\u{2029}", " b", "\u{85}c"]),
    SplitCase(
      "\u{200B}zero\u{200D}width\u{FEFF}",
      gpt2: ["\u{200B}", "zero", "\u{200D}", "width", "\u{FEFF}"],
      smollm: ["\u{200B}", "zero", "\u{200D}", "width", "\u{FEFF}"],
      qwen2: ["\u{200B}zero", "\u{200D}width", "\u{FEFF}"],
      llama3: ["\u{200B}zero", "\u{200D}width", "\u{FEFF}"]),
    SplitCase(
      "\u{1F469}\u{200D}\u{1F4BB} \u{1F1E9}\u{1F1EA}!",
      gpt2: ["\u{1F469}\u{200D}\u{1F4BB}", " \u{1F1E9}\u{1F1EA}!"],
      smollm: ["\u{1F469}\u{200D}\u{1F4BB}", " \u{1F1E9}\u{1F1EA}!"],
      qwen2: ["\u{1F469}\u{200D}\u{1F4BB}", " \u{1F1E9}\u{1F1EA}!"],
      llama3: ["\u{1F469}\u{200D}\u{1F4BB}", " \u{1F1E9}\u{1F1EA}!"]),
    SplitCase(
      "\u{0}\u{1} \u{1C}\u{1F}\u{B}\u{C}z",
      gpt2: ["\u{0}\u{1}", " \u{1C}\u{1F}", "\u{B}", "\u{C}", "z"],
      smollm: ["\u{0}\u{1}", " \u{1C}\u{1F}", "\u{B}", "\u{C}", "z"],
      qwen2: ["\u{0}\u{1}", " \u{1C}\u{1F}", "\u{B}", "\u{C}z"],
      llama3: ["\u{0}\u{1}", " \u{1C}\u{1F}", "\u{B}", "\u{C}z"]),
    SplitCase(
      "(foo)[bar]{baz} =>x_y",
      gpt2: ["(", "foo", ")[", "bar", "]{", "baz", "}", " =>", "x", "_", "y"],
      smollm: ["(", "foo", ")[", "bar", "]{", "baz", "}", " =>", "x", "_", "y"],
      qwen2: ["(foo", ")[", "bar", "]{", "baz", "}", " =>", "x", "_y"],
      llama3: ["(foo", ")[", "bar", "]{", "baz", "}", " =>", "x", "_y"]),
    SplitCase(
      "   ",
      gpt2: ["   "],
      smollm: ["   "],
      qwen2: ["   "],
      llama3: ["   "]),
    SplitCase(
      "\u{A} \u{A}",
      gpt2: ["\u{A} \u{A}"],
      smollm: ["\u{A} \u{A}"],
      qwen2: ["\u{A} \u{A}"],
      llama3: ["\u{A} \u{A}"]),
    SplitCase(
      "\u{A}  a",
      gpt2: ["\u{A} ", " a"],
      smollm: ["\u{A} ", " a"],
      qwen2: ["\u{A}", " ", " a"],
      llama3: ["\u{A}", " ", " a"]),
    SplitCase(
      "a\u{D}\u{D}b \u{D} c",
      gpt2: ["a", "\u{D}", "\u{D}", "b", " \u{D}", " c"],
      smollm: ["a", "\u{D}", "\u{D}", "b", " \u{D}", " c"],
      qwen2: ["a", "\u{D}\u{D}", "b", " \u{D}", " c"],
      llama3: ["a", "\u{D}\u{D}", "b", " \u{D}", " c"]),
    SplitCase(
      "\u{E9}'S \u{C9}",
      gpt2: ["\u{E9}", "'", "S", " \u{C9}"],
      smollm: ["\u{E9}", "'", "S", " \u{C9}"],
      qwen2: ["\u{E9}", "'S", " \u{C9}"],
      llama3: ["\u{E9}", "'S", " \u{C9}"]),
    SplitCase(
      "_a __b -c --d",
      gpt2: ["_", "a", " __", "b", " -", "c", " --", "d"],
      smollm: ["_", "a", " __", "b", " -", "c", " --", "d"],
      qwen2: ["_a", " __", "b", " -", "c", " --", "d"],
      llama3: ["_a", " __", "b", " -", "c", " --", "d"]),
    SplitCase(
      "\u{928}\u{92E}\u{938}\u{94D}\u{924}\u{947} \u{E2A}\u{E27}\u{E31}\u{E2A}\u{E14}\u{E35}",
      gpt2: [
        "\u{928}\u{92E}\u{938}", "\u{94D}", "\u{924}", "\u{947}", " \u{E2A}\u{E27}", "\u{E31}",
        "\u{E2A}\u{E14}", "\u{E35}",
      ],
      smollm: [
        "\u{928}\u{92E}\u{938}", "\u{94D}", "\u{924}", "\u{947}", " \u{E2A}\u{E27}", "\u{E31}",
        "\u{E2A}\u{E14}", "\u{E35}",
      ],
      qwen2: [
        "\u{928}\u{92E}\u{938}", "\u{94D}\u{924}", "\u{947}", " \u{E2A}\u{E27}",
        "\u{E31}\u{E2A}\u{E14}", "\u{E35}",
      ],
      llama3: [
        "\u{928}\u{92E}\u{938}", "\u{94D}\u{924}", "\u{947}", " \u{E2A}\u{E27}",
        "\u{E31}\u{E2A}\u{E14}", "\u{E35}",
      ]),
    SplitCase(
      "\u{130}\u{131}'T",
      gpt2: ["\u{130}\u{131}", "'", "T"],
      smollm: ["\u{130}\u{131}", "'", "T"],
      qwen2: ["\u{130}\u{131}", "'T"],
      llama3: ["\u{130}\u{131}", "'T"]),
    SplitCase(
      "x  ",
      gpt2: ["x", "  "],
      smollm: ["x", "  "],
      qwen2: ["x", "  "],
      llama3: ["x", "  "]),
  ]
}
