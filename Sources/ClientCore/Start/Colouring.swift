package import TestTaskTerminalSupport

/// When lines of the log are coloured.
package enum Colouring: String, CaseIterable {
  /// On a terminal, unless the user or the terminal is against it.
  case auto
  case always, never

  /// Whether lines are coloured on these streams.
  package func isOn(_ streams: StandardStreams) -> Bool {
    switch self {
    case .auto: streams.isOutputTerminal && !streams.refusesColour && !streams.isDumb
    case .always: true
    case .never: false
    }
  }
}
