import ArgumentParser
import TestTaskProgramBasics

/// The TLS options of the command line.
struct TLSArguments: ParsableArguments {
  @Flag(
    help: "Speak TLS, and accept the server only when its certificate is for --tls-name or HOST.")
  var tls = false

  @Option(
    help: ArgumentHelp(
      "Authorities to trust, in PEM format; the system's unless given.", valueName: "FILE"),
    completion: .file())
  var ca: String?

  @Option(
    help: ArgumentHelp(
      "The name or address that the server's certificate has to be for.", valueName: "NAME"))
  var tlsName: String?

  @Option(
    help: ArgumentHelp(
      "The client's own certificate with its chain, in PEM format; with --key.",
      valueName: "FILE"),
    completion: .file())
  var certificate: String?

  @Option(
    help: ArgumentHelp("The key of --certificate, in PEM format.", valueName: "FILE"),
    completion: .file())
  var key: String?

  mutating func validate() throws {
    guard tls else {
      let given = [
        ("--ca", ca), ("--tls-name", tlsName), ("--certificate", certificate), ("--key", key),
      ]
      for (name, value) in given where value != nil {
        throw ValidationError("\(name) needs --tls")
      }
      return
    }
    guard (certificate == nil) == (key == nil) else {
      throw ValidationError("--certificate and --key are given together or not at all")
    }
    #if TLS
      if let tlsName, (try? ClientTLS.peer(tlsName)) == nil {
        throw ValidationError("\"\(tlsName.escapedForTerminal)\" is neither a name nor an address")
      }
    #else
      throw ValidationError("this testtask-client was built without TLS")
    #endif
  }
}
