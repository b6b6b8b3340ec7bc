package import TestTaskProgramBasics
internal import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a daemon has before it serves: its settings, and what its process was started with.
package struct DaemonStart<Values: SettingValues> {
  /// The process is to end with this status; the operator has been told why.
  package struct Failure: Error, Equatable {
    package var status: Int32

    static var failed: Failure { Failure(status: 1) }
    /// EX_CONFIG of sysexits.h.
    static var badConfiguration: Failure { Failure(status: 78) }
  }

  package let loader: SettingsLoader<Values>
  package var settings: Settings<Values>
  /// Listening sockets that the service manager has opened.
  package let inherited: [InheritedSocket]
  package let diagnostics: Diagnostics
  private let isOutputClosed: Bool

  /// Takes the process over: to be called before anything is opened.
  ///
  /// - Parameters:
  ///   - program: What messages on standard error begin with.
  ///   - loader: Where the settings come from.
  /// - Throws: The status for what is wrong with the sockets that were handed over, or with the settings.
  package init(program: String, _ loader: SettingsLoader<Values>) throws(Failure) {
    // Before something else takes its number.
    isOutputClosed = fcntl(STDOUT_FILENO, F_GETFD) < 0
    // Without a standard error there is nobody to tell.
    do throws(UVError) { try StandardDescriptors.openMissing() } catch { throw .failed }
    // A standard error whose reader has left must not end the daemon before it has a loop.
    signal(SIGPIPE, SIG_IGN)
    let taken = Result { () throws(InheritedSocket.Failure) in try InheritedSocket.takeAll() }
    diagnostics = Diagnostics(program: program)
    self.loader = loader
    do throws(InheritedSocket.Failure) {
      inherited = try taken.get()
    } catch {
      diagnostics.report(.error, error.description)
      throw .failed
    }
    do throws(SettingProblems) {
      settings = try loader.load()
    } catch {
      for line in error.lines { diagnostics.print(.error, line) }
      throw .badConfiguration
    }
  }

  /// A start whose parts were made already, for tests.
  init(
    settings: Settings<Values>, diagnostics: Diagnostics, isOutputClosed: Bool
  ) {
    (loader, inherited) = (SettingsLoader(path: nil), [])
    (self.settings, self.diagnostics) = (settings, diagnostics)
    self.isOutputClosed = isOutputClosed
  }

  /// Fails when the process was started without a standard output, which it needs.
  ///
  /// - Parameter reason: What the operator is told.
  /// - Throws: The status, 1.
  package func requireOutput(or reason: () -> String) throws(Failure) {
    guard isOutputClosed else { return }
    throw failure(reason())
  }

  /// Prints every setting with its origin.
  ///
  /// - Throws: The status, 1, when standard output does not take it.
  package func dump() throws(Failure) {
    do throws(Descriptor.Failure) {
      try Descriptor.output.write(settings.dump, patience: nil)
    } catch {
      // A reader who has seen enough is no error.
      if error.isBrokenPipe { return }
      throw failure("cannot write to standard output: \(error.message)")
    }
  }

  /// Tries everything that could keep the daemon from starting, and tells of each thing that does.
  ///
  /// - Parameters:
  ///   - attempts: What to try; each leaves no trace.
  ///   - name: What the settings are called.
  /// - Throws: The status, 1, when an attempt has failed.
  package func check(_ attempts: [() throws -> Void], of name: String) throws(Failure) {
    var isGood = true
    for attempt in attempts {
      do { try attempt() } catch {
        diagnostics.report(.error, "\(error)")
        isGood = false
      }
    }
    guard isGood else { throw .failed }
    diagnostics.report(.info, "\(name.escapedForTerminal): good")
  }

  /// Runs the daemon to its end.
  ///
  /// - Parameter body: Starts it and serves; what it throws is told in one line.
  /// - Throws: The status, 1, when `body` has thrown.
  package func run(_ body: () throws -> Void) throws(Failure) {
    do { try body() } catch { throw failure("\(error)") }
  }

  private func failure(_ message: String) -> Failure {
    diagnostics.report(.error, message)
    return .failed
  }
}
