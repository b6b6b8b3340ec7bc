#if TLS
  import COpenSSL

  /// A certificate made for a test, with its key.
  package final class TestCertificate {
    /// What a certificate says; each test changes what it is about.
    package struct Contents {
      package var name = "localhost"
      /// As OpenSSL's configuration writes it, such as `DNS:localhost,IP:127.0.0.1`; `nil` for none.
      package var alternativeNames: String? = "DNS:localhost,IP:127.0.0.1"
      package var isAuthority = false
      /// Seconds from now.
      package var validFrom = -3600
      package var validTo = 3600
      package var keyUsage: String?
      package var extendedKeyUsage: String?
      package var key = Key.ec
      package var serial = 1
    }

    package enum Key {
      case ec
      case rsa(bits: Int32)
    }

    let raw: OpaquePointer
    let key: OpaquePointer

    /// Signed by `issuer`, or by its own key.
    package init(by issuer: TestCertificate? = nil, _ change: (inout Contents) -> Void = { _ in })
      throws
    {
      var contents = Contents()
      change(&contents)
      key = try Self.makeKey(contents.key)
      raw = try Self.require(X509_new())
      X509_set_version(raw, 2)
      ASN1_INTEGER_set(X509_get_serialNumber(raw), contents.serial)
      X509_gmtime_adj(X509_getm_notBefore(raw), contents.validFrom)
      X509_gmtime_adj(X509_getm_notAfter(raw), contents.validTo)
      X509_NAME_add_entry_by_txt(
        X509_get_subject_name(raw), "CN", MBSTRING_UTF8, contents.name, -1, -1, 0)
      X509_set_issuer_name(raw, X509_get_subject_name(issuer?.raw ?? raw))
      X509_set_pubkey(raw, key)
      var extensions = [
        (NID_basic_constraints, contents.isAuthority ? "critical,CA:TRUE" : "CA:FALSE"),
        (NID_subject_key_identifier, "hash"),
      ]
      if let names = contents.alternativeNames { extensions.append((NID_subject_alt_name, names)) }
      if let usage = contents.keyUsage { extensions.append((NID_key_usage, usage)) }
      if let usage = contents.extendedKeyUsage { extensions.append((NID_ext_key_usage, usage)) }
      var context = X509V3_CTX()
      X509V3_set_ctx(&context, issuer?.raw ?? raw, raw, nil, nil, 0)
      for (kind, value) in extensions {
        let made = try Self.require(X509V3_EXT_conf_nid(nil, &context, kind, value))
        X509_add_ext(raw, made, -1)
        X509_EXTENSION_free(made)
      }
      try Self.require(X509_sign(raw, issuer?.key ?? key, EVP_sha256()) > 0)
    }

    deinit {
      X509_free(raw)
      EVP_PKEY_free(key)
    }

    /// An authority's, which is valid for so many seconds.
    package static func authority(
      _ name: String = "test authority", validTo: Int = 3600
    ) throws -> TestCertificate {
      try TestCertificate {
        $0.validTo = validTo
        $0.name = name
        $0.alternativeNames = nil
        $0.isAuthority = true
      }
    }

    private static func makeKey(_ kind: Key) throws -> OpaquePointer {
      let name = if case .ec = kind { "EC" } else { "RSA" }
      let context = try Self.require(EVP_PKEY_CTX_new_from_name(nil, name, nil))
      defer { EVP_PKEY_CTX_free(context) }
      try Self.require(EVP_PKEY_keygen_init(context) == 1)
      switch kind {
      case .ec: try Self.require(EVP_PKEY_CTX_set_group_name(context, "P-256") == 1)
      case .rsa(let bits): try Self.require(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1)
      }
      var key: OpaquePointer?
      try Self.require(EVP_PKEY_generate(context, &key) == 1)
      return try Self.require(key)
    }

    /// The certificate in PEM format.
    package var pem: [UInt8] { Self.text { PEM_write_bio_X509($0, raw) } }

    /// Its key in PEM format.
    package var keyPEM: [UInt8] {
      Self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    /// Its key in PEM format, encrypted.
    package var encryptedKeyPEM: [UInt8] {
      Self.text {
        PEM_write_bio_PKCS8PrivateKey($0, key, EVP_aes_128_cbc(), "secret", 6, nil, nil)
      }
    }

    /// A list by this authority that says which serial numbers it has revoked.
    package func revocations(of serials: [Int]) throws -> [UInt8] {
      let list = try Self.require(X509_CRL_new())
      defer { X509_CRL_free(list) }
      X509_CRL_set_version(list, 1)
      X509_CRL_set_issuer_name(list, X509_get_subject_name(raw))
      let time = try Self.require(ASN1_TIME_new())
      defer { ASN1_TIME_free(time) }
      X509_gmtime_adj(time, -3600)
      X509_CRL_set1_lastUpdate(list, time)
      for serial in serials {
        let entry = try Self.require(X509_REVOKED_new())
        let number = try Self.require(ASN1_INTEGER_new())
        ASN1_INTEGER_set(number, serial)
        X509_REVOKED_set_serialNumber(entry, number)
        X509_REVOKED_set_revocationDate(entry, time)
        ASN1_INTEGER_free(number)
        X509_CRL_add0_revoked(list, entry)
      }
      X509_gmtime_adj(time, 3600)
      X509_CRL_set1_nextUpdate(list, time)
      try Self.require(X509_CRL_sign(list, key, EVP_sha256()) > 0)
      return Self.text { PEM_write_bio_X509_CRL($0, list) }
    }

    private struct Failure: Error {}

    private static func require<Value>(_ value: Value?) throws -> Value {
      guard let value else { throw Failure() }
      return value
    }

    private static func require(_ isTrue: Bool) throws {
      guard isTrue else { throw Failure() }
    }

    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
      guard let memory = BIO_new(BIO_s_mem()) else { return [] }
      defer { BIO_free(memory) }
      guard write(memory) == 1 else { return [] }
      var bytes = [UInt8](repeating: 0, count: 65536)
      let count = BIO_read(memory, &bytes, Int32(bytes.count))
      return Array(bytes.prefix(Int(max(count, 0))))
    }
  }
#endif
