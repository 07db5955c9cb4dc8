/* Certificates made on the spot, in a directory of their own: nothing secret lies in the tree, and
 * nothing expires there.
 */
#ifndef PM_TEST_TLS_MATERIAL_H
#define PM_TEST_TLS_MATERIAL_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MATERIAL_PATH_BYTES = 64 };

struct tls_material {
  char directory[MATERIAL_PATH_BYTES];
  char cert[MATERIAL_PATH_BYTES + 16], key[MATERIAL_PATH_BYTES + 16];
};

/* A self-signed certificate for localhost. password: of the key file; NULL for none. */
static inline void tls_material_make(struct tls_material *m, EVP_PKEY *key, const char *password) {
  snprintf(m->directory, sizeof(m->directory), "/tmp/pm-tls-XXXXXX");
  assert_non_null(key);
  assert_non_null(mkdtemp(m->directory));
  snprintf(m->cert, sizeof(m->cert), "%s/cert.pem", m->directory);
  snprintf(m->key, sizeof(m->key), "%s/key.pem", m->directory);

  X509 *cert = X509_new();
  X509_set_version(cert, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
  X509_set_pubkey(cert, key);
  X509_NAME *name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                             0);
  X509_set_issuer_name(cert, name);
  assert_true(X509_sign(cert, key, EVP_sha256()) > 0);

  FILE *file = fopen(m->cert, "w");
  assert_non_null(file);
  assert_int_equal(PEM_write_X509(file, cert), 1);
  fclose(file);
  file = fopen(m->key, "w");
  assert_non_null(file);
  assert_int_equal(PEM_write_PrivateKey(file, key, password != NULL ? EVP_aes_128_cbc() : NULL,
                                        (const unsigned char *)password,
                                        password != NULL ? (int)strlen(password) : 0, NULL, NULL),
                   1);
  fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

static inline void tls_material_make_ecdsa(struct tls_material *m) {
  tls_material_make(m, EVP_EC_gen("P-256"), NULL);
}

static inline void tls_material_make_rsa(struct tls_material *m) {
  tls_material_make(m, EVP_RSA_gen(2048), NULL);
}

static inline void tls_material_remove(const struct tls_material *m) {
  unlink(m->cert);
  unlink(m->key);
  rmdir(m->directory);
}

#endif
