import Foundation
import FoundationXML

/// What an XML parser finds wrong with a text, and the elements that it has.
final class WellFormed: NSObject, XMLParserDelegate {
  private(set) var problem: String?
  private(set) var elements: [String: Int] = [:]
  private(set) var text = ""

  init(_ xml: String) {
    super.init()
    let parser = XMLParser(data: Data(xml.utf8))
    parser.delegate = self
    if !parser.parse() {
      problem = "line \(parser.lineNumber): \(String(describing: parser.parserError))"
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
