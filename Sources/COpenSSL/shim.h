/* What Swift needs of OpenSSL: its headers, and a function for each macro that is used, since Swift
   cannot call macros: https://docs.openssl.org/3.0/man3/ */
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "UVNetTLS needs OpenSSL 3.0 or newer"
#endif

static inline int cssl_set_protocol_versions(SSL_CTX *context, int least, int most) {
  return SSL_CTX_set_min_proto_version(context, least) == 1 &&
         SSL_CTX_set_max_proto_version(context, most) == 1;
}

static inline int cssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline int cssl_set_highest_version(SSL *ssl, int most) {
  return (int)SSL_set_max_proto_version(ssl, most);
}

static inline void cssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

/* No new handshake within a connection, no compression (CRIME), the server's choice of cipher. */
static inline void cssl_set_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline void cssl_disable_tickets(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

/* Writes a subject as RFC 2253 does. */
static inline int cssl_print_subject(BIO *bio, X509 *certificate) {
  return X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}

static inline void cssl_set_session_cache_mode(SSL_CTX *context, long mode) {
  SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int cssl_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void cssl_set_server_name_callback(SSL_CTX *context,
                                                 int (*callback)(SSL *, int *, void *), void *argument) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
  SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline int cssl_set_host_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline void cssl_retry_read(BIO *bio) {
  BIO_clear_retry_flags(bio);
  BIO_set_retry_read(bio);
}

static inline void cssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

/* Memory that is only read, as a BIO. */
static inline BIO *cssl_memory(const void *bytes, size_t count) {
  return count > INT_MAX ? NULL : BIO_new_mem_buf(bytes, (int)count);
}

static inline int cssl_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int cssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

#endif
