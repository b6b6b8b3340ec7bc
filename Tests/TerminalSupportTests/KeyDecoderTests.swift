import Testing

@testable import TestTaskTerminalSupport

@Suite struct KeyDecoderTests {
  private static func keys(_ text: String) -> [Key] { keys(Array(text.utf8)) }

  private static func keys(_ bytes: [UInt8]) -> [Key] {
    var decoder = KeyDecoder()
    let keys = bytes.compactMap { decoder.decode($0) }
    #expect(decoder.patience == nil, "it still waits after \(bytes)")
    return keys
  }

  /// Everything that a terminal may send and that is no key of ours.
  static let unknown: [String] = [
    // The Linux console's F1 to F5.
    "\u{1b}[[A", "\u{1b}[[B", "\u{1b}[[C", "\u{1b}[[D", "\u{1b}[[E",
    // The mouse: X10, SGR, urxvt.
    "\u{1b}[M !!", "\u{1b}[M#AZ", "\u{1b}[<0;12;7M", "\u{1b}[<0;12;7m", "\u{1b}[32;12;7M",
    // Focus, device attributes, the cursor's place, a mode, the size, colours.
    "\u{1b}[I", "\u{1b}[O", "\u{1b}[?62;22c", "\u{1b}[>1;95;0c", "\u{1b}[12;40R",
    "\u{1b}[?2004;1$y",
    "\u{1b}[8;24;80t", "\u{1b}[97;5u", "\u{1b}[27;5;99~", "\u{1b}[1;2P", "\u{1b}[15;5~",
    "\u{1b}[200 ~", "\u{1b}[201~", "\u{1b}[ q",
    // CSI and SS3 in one character.
    "\u{9b}15~", "\u{9b}M !!", "\u{9b}[A", "\u{8f}P",
    // SS3 with parameters.
    "\u{1b}O5P", "\u{1b}O1;5Q", "\u{1b}OP", "\u{1b}Oj",
    // DCS, OSC, APC, PM, SOS; ended by ST in two bytes or one character, or by BEL.
    "\u{1b}P>|XTerm(370)\u{1b}\\", "\u{1b}P1$r0m\u{9c}", "\u{1b}P1+r544e=787465726d\u{7}",
    "\u{1b}]11;rgb:0000/0000/0000\u{7}", "\u{1b}]52;c;aGVsbG8=\u{1b}\\", "\u{1b}]0;grüß Üx\u{9c}",
    "\u{1b}_Gi=31;OK\u{1b}\\", "\u{1b}^private\u{1b}\\", "\u{1b}Xanything\u{1b}\\",
    "\u{90}1$r0m\u{9c}", "\u{9d}11;rgb:0/0/0\u{7}", "\u{9f}G\u{9c}", "\u{9e}x\u{9c}",
    "\u{98}x\u{9c}",
    // Other C1 controls.
    "\u{85}", "\u{9c}", "\u{84}",
  ]

  @Test(arguments: unknown)
  func `what is no key is consumed whole`(sequence: String) {
    #expect(Self.keys("a" + sequence + "b") == [.text("a"), .text("b")])
  }

  @Test(
    arguments: [
      ("\u{1b}O\u{1b}[D", [Key.left]), ("\u{1b}O\u{1b}OA", [.up]), ("\u{9b}A", [.up]),
      ("\u{9b}1;5D", [.wordLeft]), ("\u{8f}H", [.home]), ("\u{1b}O5D", [.wordLeft]),
      ("\u{1b}O1;3C", [.wordRight]), ("\u{1b}O2D", [.left]), ("\u{1b}OM", [.enter]),
      ("\u{9b}200~ab\u{1b}[201~", [.paste("ab")]),
      // A control is a key, whatever it breaks off.
      ("\u{1b}[\u{3}", [.control("c")]), ("\u{1b}[1;\r", [.enter]),
      ("\u{1b}O\u{3}", [.control("c")]),
      ("\u{1b}[M!\u{3}", [.control("c")]), ("\u{1b}[[\u{4}", [.control("d")]),
      ("\u{1b}Pabc\u{3}x", [.control("c"), .text("x")]), ("\u{1b}]0;t\r", [.enter]),
      ("\u{1b}_G\u{1b}[A", [.up]), ("\u{1b}]0;t\u{1b}b", [.meta("b")]),
      ("\u{1b}P\u{1b}P\u{1b}\\y", [.text("y")]), ("\u{1b}[M\u{1b}[B", [.down]),
      ("\u{1b}", []), ("\u{1b}\u{1b}\u{1b}[C", [.right]),
    ] as [(String, [Key])])
  func `sequences that are cut short or in other forms are the keys that they hold`(
    sequence: String, expected: [Key]
  ) {
    var decoder = KeyDecoder()
    #expect(sequence.utf8.compactMap { decoder.decode($0) } == expected)
  }

  @Test(arguments: [
    "\u{1b}", "\u{1b}[", "\u{1b}[1;", "\u{1b}[[", "\u{1b}[M", "\u{1b}[M!", "\u{1b}O", "\u{1b}O5",
    "\u{1b}P", "\u{1b}]0;title", "\u{1b}_x\u{1b}", "\u{9b}", "\u{90}a",
  ])
  func `nothing that has begun keeps swallowing keys once time has passed`(beginning: String) {
    var decoder = KeyDecoder()
    #expect(beginning.utf8.compactMap { decoder.decode($0) } == [])
    #expect(decoder.patience != nil)
    #expect(decoder.giveUp() == nil)
    #expect(decoder.patience == nil)
    #expect("fast\r".utf8.compactMap { decoder.decode($0) }.count == 5)
  }

  @Test func `half a character is given up too`() {
    var decoder = KeyDecoder()
    #expect(decoder.decode(0xE5) == nil && decoder.patience != nil)
    #expect(decoder.giveUp() == nil)
    #expect(decoder.decode(0x9D) == nil && decoder.decode(0x61) == .text("a"))
  }

  @Test func `a paste that is given up is what came of it, without the beginning of its end`() {
    let pastes = [
      ("", ""), ("abc", "abc"), ("abc\u{1b}[20", "abc"), ("abc\u{1b}", "abc"), ("\u{1b}[201", ""),
      ("a[20", "a[20"),
    ]
    for (text, content) in pastes {
      var decoder = KeyDecoder()
      for byte in "\u{1b}[200~\(text)".utf8 { #expect(decoder.decode(byte) == nil) }
      #expect(decoder.isInPaste)
      #expect(decoder.giveUp() == .paste(content))
      #expect(!decoder.isInPaste && decoder.decode(0x61) == .text("a"))
    }
  }

  @Test func `a paste and a reply without end cost no memory`() {
    var decoder = KeyDecoder()
    var key: Key?
    let paste = "\u{1b}[200~" + String(repeating: "y", count: 300_000) + "\u{1b}[201~"
    for byte in paste.utf8 { key = decoder.decode(byte) ?? key }
    #expect(key == .paste(String(repeating: "y", count: KeyDecoder.pasteLimit)))
    let reply = "\u{1b}]52;" + String(repeating: "y", count: 300_000) + "\u{7}"
    #expect(reply.utf8.allSatisfy { decoder.decode($0) == nil })
    #expect(decoder.decode(0x61) == .text("a"))
  }
}
