#if TLS
  internal import COpenSSL
  public import UVNet

  /// Who this side is: a chain of certificates, and the private key of the first of them.
  ///
  /// It is checked when it is made. It never changes and may be used by any thread.
  @safe public struct TLSIdentity: Sendable {
    @safe private final class Storage: @unchecked Sendable {
      /// The own certificate first; then those that lead from it to an authority.
      let chain: [OpaquePointer]
      let key: OpaquePointer

      init(chain: [OpaquePointer], key: OpaquePointer) {
        unsafe self.chain = unsafe chain
        unsafe self.key = unsafe key
      }

      deinit {
        unsafe chain.forEach { unsafe X509_free($0) }
        unsafe EVP_PKEY_free(key)
      }
    }

    private let storage: Storage

    /// Takes a chain and a key in PEM format (RFC 7468).
    ///
    /// - Parameters:
    ///   - certificates: The own certificate first, then those that lead from it to an authority; the
    ///     authority's own may be left out.
    ///   - key: The private key of the first certificate, not encrypted.
    /// - Throws: `UVError.Code.badCredentials`, with the reason in the detail: no certificate,
    ///   no key, an encrypted key, a key that is another certificate's, a certificate that is not
    ///   valid at this time.
    public init(certificates: [UInt8], key: [UInt8]) throws(UVError) {
      let chain = unsafe try PEM.certificates(in: certificates, of: "certificate")
      let privateKey: OpaquePointer
      do throws(UVError) {
        unsafe privateKey = try PEM.privateKey(in: key)
      } catch {
        unsafe chain.forEach { unsafe X509_free($0) }
        throw error
      }
      storage = unsafe Storage(chain: chain, key: privateKey)
      guard unsafe X509_check_private_key(chain[0], privateKey) == 1 else {
        ERR_clear_error()
        throw PEM.error("the key is not the certificate's")
      }
      if unsafe X509_cmp_current_time(X509_get0_notAfter(chain[0])) <= 0 {
        throw PEM.error("the certificate has expired")
      }
      if unsafe X509_cmp_current_time(X509_get0_notBefore(chain[0])) > 0 {
        throw PEM.error("the certificate is not valid yet")
      }
    }

    /// Reads a chain and a key from files in PEM format.
    ///
    /// - Parameters:
    ///   - certificateFile: The path of the chain, for example a `fullchain.pem`; at most 1 MiB.
    ///   - keyFile: The path of the key; at most 1 MiB. It may be the same file.
    /// - Throws: As ``init(certificates:key:)`` does, and the system's error when a file cannot be
    ///   read, each with the path in the detail.
    public init(certificateFile: String, keyFile: String) throws(UVError) {
      let certificates = try PEM.contents(of: certificateFile)
      let key = try PEM.contents(of: keyFile)
      do throws(UVError) {
        try self.init(certificates: certificates, key: key)
      } catch {
        throw PEM.error("\(certificateFile), \(keyFile): \(error.detail ?? error.message)")
      }
    }

    /// The subject of the own certificate, as RFC 2253 writes it, such as `CN=example.org`.
    public var subject: String { unsafe PEM.subject(of: storage.chain[0]) }

    /// Has `context` show this identity.
    func install(in context: OpaquePointer) throws(UVError) {
      let chain = unsafe storage.chain
      guard unsafe SSL_CTX_use_certificate(context, chain[0]) == 1,
        unsafe SSL_CTX_use_PrivateKey(context, storage.key) == 1
      else {
        throw PEM.error(TLSFailure.text(of: TLSFailure.takeError()) ?? "refused")
      }
      let isShown = unsafe chain.dropFirst().allSatisfy { certificate in
        unsafe cssl_add_chain_certificate(context, certificate) == 1
      }
      guard isShown else {
        throw PEM.error(TLSFailure.text(of: TLSFailure.takeError()) ?? "refused")
      }
    }
  }
#endif
