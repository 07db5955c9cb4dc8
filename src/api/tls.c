#include "api/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pm_tls_context {
  SSL_CTX *ctx;
};

struct pm_tls {
  SSL *ssl;
  BIO *in, *out; /* the SSL object's */
};

/* TLS 1.2's; those of 1.3 all have forward secrecy. */
static const char CIPHERS[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* The first of the queued errors is the cause; the later ones say where it was passed on. */
static enum pm_err openssl_fault(struct pm_why *why, const char *what, const char *file) {
  const unsigned long code = ERR_peek_error();
  const char *reason = ERR_reason_error_string(code);
  if (ERR_SYSTEM_ERROR(code)) {
    reason = strerror(ERR_GET_REASON(code));
  } else if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE) {
    reason = "nothing of that kind in PEM form is in it";
  }
  pm_why_set(why, PM_ERR_SYNTAX, "%s \"%s\": %s", what, file,
             reason != NULL ? reason : "OpenSSL does not take it");
  ERR_clear_error();
  return PM_ERR_SYNTAX;
}

/* A file that is not there or a directory: said by the system, whose words are the clearer ones. */
static enum pm_err check_readable(const char *what, const char *path, struct pm_why *why) {
  FILE *file = fopen(path, "re");
  int error = file == NULL ? errno : 0;
  if (file != NULL && fgetc(file) == EOF && ferror(file) != 0) error = errno;
  if (file != NULL) fclose(file);
  if (error == 0) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX, "%s \"%s\" cannot be read: %s", what, path,
                    strerror(error));
}

/* OpenSSL would otherwise ask on the terminal. userdata: a bool, to say that it wanted to. */
static int no_password(char *buf, int size, int rwflag, void *userdata) {
  (void)buf;
  (void)size;
  (void)rwflag;
  *(bool *)userdata = true;
  return -1;
}

/* HTTP/1.1 where the client offers it. A client that offers only others finds none chosen. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *arg) {
  static const unsigned char http_1_1[] = "\x08http/1.1";
  (void)ssl;
  (void)arg;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_bytes, http_1_1, sizeof(http_1_1) - 1, in, in_bytes) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 0);
  /* An idle connection then holds no 16 KiB record buffers. */
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
  return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1;
}

static enum pm_err load(SSL_CTX *ctx, const char *cert, const char *key, struct pm_why *why) {
  bool locked = false;
  enum pm_err err = check_readable("TLS certificate", cert, why);
  if (err == PM_OK) err = check_readable("TLS key", key, why);
  if (err != PM_OK) return err;
  if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
    return openssl_fault(why, "TLS certificate", cert);
  }
  SSL_CTX_set_default_passwd_cb(ctx, no_password);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, &locked);
  const bool loaded = SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(ctx) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
  if (loaded) return PM_OK;
  if (!locked) return openssl_fault(why, "TLS key", key);
  ERR_clear_error();
  return pm_why_set(why, PM_ERR_SYNTAX, "TLS key \"%s\": it has a password; store it without one",
                    key);
}

/* No session is resumed, so that each connection's certificate is looked at. */
static enum pm_err ask_clients(SSL_CTX *ctx, const char *client_ca, struct pm_why *why) {
  static const char what[] = "authorities of clients";
  enum pm_err err = check_readable(what, client_ca, why);
  if (err != PM_OK) return err;
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);
  if (names == NULL || SSL_CTX_load_verify_file(ctx, client_ca) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return openssl_fault(why, what, client_ca);
  }
  SSL_CTX_set_client_CA_list(ctx, names); /* its own from now on */
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return PM_OK;
}

static enum pm_err make(const struct pm_tls_files *files, SSL_CTX **out, struct pm_why *why) {
  ERR_clear_error();
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  enum pm_err err = PM_OK;
  if (ctx == NULL || !configure(ctx)) {
    err = pm_why_set(why, PM_ERR_SYSTEM, "TLS: OpenSSL cannot be set up");
  } else if (files->key == NULL) {
    err =
        pm_why_set(why, PM_ERR_SYNTAX, "TLS certificate \"%s\": its key is not named", files->cert);
  } else {
    err = load(ctx, files->cert, files->key, why);
  }
  if (err == PM_OK && files->client_ca != NULL) err = ask_clients(ctx, files->client_ca, why);
  if (err == PM_OK)
    *out = ctx;
  else
    SSL_CTX_free(ctx);
  return err;
}

enum pm_err pm_tls_context_new(const struct pm_tls_files *files, struct pm_tls_context **out,
                               struct pm_why *why) {
  struct pm_tls_context *context = malloc(sizeof(*context));
  if (context == NULL) return pm_why_set(why, PM_ERR_NOMEM, "TLS: out of memory");
  const enum pm_err err = make(files, &context->ctx, why);
  if (err == PM_OK)
    *out = context;
  else
    free(context);
  return err;
}

enum pm_err pm_tls_context_reload(struct pm_tls_context *context, const struct pm_tls_files *files,
                                  struct pm_why *why) {
  SSL_CTX *ctx;
  const enum pm_err err = make(files, &ctx, why);
  if (err != PM_OK) return err;
  SSL_CTX_free(context->ctx); /* counted: each connection holds it */
  context->ctx = ctx;
  return PM_OK;
}

void pm_tls_context_free(struct pm_tls_context *context) {
  if (context == NULL) return;
  SSL_CTX_free(context->ctx);
  free(context);
}

enum pm_err pm_tls_new(struct pm_tls_context *context, struct pm_tls **out) {
  struct pm_tls *tls = malloc(sizeof(*tls));
  SSL *ssl = SSL_new(context->ctx);
  BIO *in = BIO_new(BIO_s_mem());
  BIO *outgoing = BIO_new(BIO_s_mem());
  if (tls == NULL || ssl == NULL || in == NULL || outgoing == NULL) {
    BIO_free(outgoing);
    BIO_free(in);
    SSL_free(ssl);
    free(tls);
    return PM_ERR_NOMEM;
  }
  SSL_set_bio(ssl, in, outgoing);
  SSL_set_accept_state(ssl);
  *tls = (struct pm_tls){.ssl = ssl, .in = in, .out = outgoing};
  *out = tls;
  return PM_OK;
}

bool pm_tls_is_certified(const struct pm_tls *tls) {
  return SSL_get0_peer_certificate(tls->ssl) != NULL &&
         SSL_get_verify_result(tls->ssl) == X509_V_OK;
}

void pm_tls_free(struct pm_tls *tls) {
  if (tls == NULL) return;
  SSL_free(tls->ssl);
  free(tls);
}

static enum pm_tls_state state_of(struct pm_tls *tls, int result) {
  switch (SSL_get_error(tls->ssl, result)) {
  case SSL_ERROR_NONE:
    return PM_TLS_OK;
  case SSL_ERROR_WANT_READ:
    return PM_TLS_MORE;
  case SSL_ERROR_ZERO_RETURN:
    return PM_TLS_CLOSED;
  default: /* writing to memory never has to wait */
    return PM_TLS_FAILED;
  }
}

enum pm_err pm_tls_feed(struct pm_tls *tls, const void *bytes, size_t count) {
  size_t written;
  if (BIO_write_ex(tls->in, bytes, count, &written) != 1 || written != count) return PM_ERR_NOMEM;
  return PM_OK;
}

/* What an earlier connection left in the thread's error queue would confuse SSL_get_error. */
enum pm_tls_state pm_tls_handshake(struct pm_tls *tls) {
  ERR_clear_error();
  return state_of(tls, SSL_do_handshake(tls->ssl));
}

enum pm_tls_state pm_tls_read(struct pm_tls *tls, char *out, size_t room, size_t *out_count) {
  ERR_clear_error();
  return state_of(tls, SSL_read_ex(tls->ssl, out, room, out_count));
}

enum pm_tls_state pm_tls_write(struct pm_tls *tls, const char *bytes, size_t count) {
  size_t written;
  ERR_clear_error();
  return state_of(tls, SSL_write_ex(tls->ssl, bytes, count, &written));
}

void pm_tls_end(struct pm_tls *tls) {
  ERR_clear_error();
  if (SSL_is_init_finished(tls->ssl)) SSL_shutdown(tls->ssl);
  ERR_clear_error();
}

size_t pm_tls_outgoing(struct pm_tls *tls, const char **out_bytes) {
  char *bytes = NULL;
  const long count = BIO_get_mem_data(tls->out, &bytes);
  *out_bytes = bytes;
  return count > 0 ? (size_t)count : 0;
}

void pm_tls_outgoing_clear(struct pm_tls *tls) {
  (void)BIO_reset(tls->out);
}
