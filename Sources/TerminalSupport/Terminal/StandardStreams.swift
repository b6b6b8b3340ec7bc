import TestTaskProgramBasics
import UVNet

/// What standard input and output are, and what the environment says of the terminal.
package struct StandardStreams: Hashable {
  package var isInputTerminal: Bool
  package var isOutputTerminal: Bool
  /// Whether the terminal cannot move its cursor: `TERM` is `dumb`.
  package var isDumb: Bool
  /// Whether the user wants no colours: `NO_COLOR` is set (<https://no-color.org>).
  package var refusesColour: Bool

  /// Puts the facts together.
  package init(
    isInputTerminal: Bool, isOutputTerminal: Bool, isDumb: Bool = false, refusesColour: Bool = false
  ) {
    self.isInputTerminal = isInputTerminal
    self.isOutputTerminal = isOutputTerminal
    self.isDumb = isDumb
    self.refusesColour = refusesColour
  }

  /// Those of this process.
  package static var current: StandardStreams {
    StandardStreams(
      isInputTerminal: StandardInput.kind == .terminal,
      isOutputTerminal: Descriptor.output.isTerminal, isDumb: environment("TERM") == "dumb",
      refusesColour: environment("NO_COLOR") != nil)
  }
}
