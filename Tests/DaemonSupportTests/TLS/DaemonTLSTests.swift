import TestTaskTestSupport
import Testing

@testable import TestTaskDaemonSupport

/// The certificates of a daemon, as its settings name them.
@Suite struct DaemonTLSTests {
  @Test func `settings that name no certificate are the plain protocol`() throws {
    #expect(try DaemonTLS(nil) == nil)
  }

  @Test func `who has to show a certificate decides how exposed a socket is`() {
    #expect(TLSSettings(certificate: "c", key: "k").exposure == .encrypted)
    #expect(TLSSettings(certificate: "c", key: "k", clientCA: "a").exposure == .authenticated)
  }

  #if TLS
    private let folder: TemporaryFolder
    private let settings: TLSSettings

    init() throws {
      folder = try TemporaryFolder()
      let certificate = try TestCertificate()
      folder.put(String(decoding: certificate.pem, as: UTF8.self), "cert.pem")
      folder.put(String(decoding: certificate.keyPEM, as: UTF8.self), "key.pem")
      settings = TLSSettings(
        certificate: "\(folder.path)/cert.pem", key: "\(folder.path)/key.pem")
    }

    /// Why the settings are refused, in one line.
    private func refusal(_ change: (inout TLSSettings) -> Void) throws -> String {
      var wrong = settings
      change(&wrong)
      let error = #expect(throws: DaemonTLS.Failure.self) { _ = try DaemonTLS(wrong) }
      return try #require(error).description
    }

    @Test func `certificates that are right are taken`() throws {
      #expect(try DaemonTLS(settings) != nil)
      var asking = settings
      asking.clientCA = settings.certificate
      #expect(try DaemonTLS(asking) != nil)
    }

    @Test func `a file that is missing or wrong is named in one line`() throws {
      folder.put("nothing", "bad.pem")
      for file in ["\(folder.path)/missing.pem", "\(folder.path)/bad.pem"] {
        for refusal in [
          try refusal { $0.certificate = file }, try refusal { $0.key = file },
          try refusal { $0.clientCA = file },
        ] {
          #expect(refusal.hasPrefix("cannot speak TLS: ") && refusal.contains(file), "\(refusal)")
          #expect(!refusal.contains("\n"))
        }
      }
    }
  #else
    @Test func `a program without TLS says so when it is asked for`() throws {
      let error = #expect(throws: DaemonTLS.Failure.self) {
        try DaemonTLS(TLSSettings(certificate: "a", key: "b"))
      }
      #expect(error?.description == "cannot speak TLS: this program was built without it")
    }
  #endif
}
