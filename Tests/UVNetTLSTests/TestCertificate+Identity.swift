#if TLS
  import TestTaskTestSupport
  import UVNetTLS

  extension TestCertificate {
    /// The certificate and its key, followed by those that lead to an authority.
    func identity(chain: [TestCertificate] = []) throws -> TLSIdentity {
      try TLSIdentity(certificates: pem + chain.flatMap(\.pem), key: keyPEM)
    }

    /// Trust in this authority alone.
    var trust: TLSTrust {
      get throws { try TLSTrust.certificates(pem) }
    }
  }
#endif
