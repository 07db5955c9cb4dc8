/* The server's side of TLS over memory: bytes from the socket go in, bytes for the socket come out;
 * no I/O here but the reading of the certificate. TLS 1.2 or later, only with forward secrecy; no
 * renegotiation, compression or session resumption. Any kind of key that OpenSSL knows; prefer
 * ECDSA P-256, whose handshake is the cheapest.
 */
#ifndef PM_API_TLS_H
#define PM_API_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pm_tls_context; /* certificate and key, shared by all connections */
struct pm_tls;         /* one connection */

struct pm_tls_files {
  const char *cert; /* PEM, the chain after the certificate */
  const char *key;
  /* PEM: clients are asked for a certificate of one of these authorities. Who has none may go on
   * all the same, and is not certified; who shows another one may not. NULL: nobody is asked. */
  const char *client_ca;
};

/* PM_ERR_SYNTAX, with a sentence that names the file, for what cannot be read, is no PEM, needs a
 * password or does not belong together. */
enum pm_err pm_tls_context_new(const struct pm_tls_files *files, struct pm_tls_context **out,
                               struct pm_why *why) PM_MUST_USE;
/* Reads the files again, for connections from now on; those of before go on as they are. Nothing
 * changes if there is an error. */
enum pm_err pm_tls_context_reload(struct pm_tls_context *context, const struct pm_tls_files *files,
                                  struct pm_why *why) PM_MUST_USE;
/* Its connections go on. */
void pm_tls_context_free(struct pm_tls_context *context);

enum pm_err pm_tls_new(struct pm_tls_context *context, struct pm_tls **out) PM_MUST_USE;
void pm_tls_free(struct pm_tls *tls);

enum pm_tls_state {
  PM_TLS_OK,
  PM_TLS_MORE,   /* needs more bytes from the socket */
  PM_TLS_CLOSED, /* the other side said that it ends */
  PM_TLS_FAILED,
};

/* Whether the client has shown that it is the owner of a certificate that client_ca's authorities
 * signed. After the handshake. */
bool pm_tls_is_certified(const struct pm_tls *tls);

/* Takes bytes that came from the socket. */
enum pm_err pm_tls_feed(struct pm_tls *tls, const void *bytes, size_t count) PM_MUST_USE;
/* After each of these there may be bytes to send, even after FAILED (an alert). */
enum pm_tls_state pm_tls_handshake(struct pm_tls *tls);
enum pm_tls_state pm_tls_read(struct pm_tls *tls, char *out, size_t room, size_t *out_count);
enum pm_tls_state pm_tls_write(struct pm_tls *tls, const char *bytes, size_t count);
void pm_tls_end(struct pm_tls *tls);

/* Bytes for the socket, until the next call but this one. */
size_t pm_tls_outgoing(struct pm_tls *tls, const char **out_bytes);
/* They are sent or copied. */
void pm_tls_outgoing_clear(struct pm_tls *tls);

#endif
