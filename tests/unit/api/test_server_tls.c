/* The server over TLS: what is negotiated, what is refused, and that HTTP works through it as it
 * does without. */
#include "server_fixture.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls_material.h"

#define HOST "Host: a\r\n"

struct client {
  SSL_CTX *ctx;
  SSL *ssl;
  int fd;
};

static void fixture_start_tls(struct fixture *f, const struct tls_material *m) {
  f->config.tls_cert = m->cert;
  f->config.tls_key = m->key;
  fixture_start(f);
}

/* A connected client that has not begun its handshake. Level 0 lets it offer what nobody should. */
static struct client client_new(const struct fixture *f, int min_version, int max_version,
                                const char *ciphers) {
  struct client client = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = client_connect(f)};
  assert_non_null(client.ctx);
  SSL_CTX_set_security_level(client.ctx, 0);
  assert_int_equal(SSL_CTX_set_min_proto_version(client.ctx, min_version), 1);
  assert_int_equal(SSL_CTX_set_max_proto_version(client.ctx, max_version), 1);
  if (ciphers != NULL) assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, ciphers), 1);
  client.ssl = SSL_new(client.ctx);
  assert_non_null(client.ssl);
  SSL_set_fd(client.ssl, client.fd);
  return client;
}

static void client_free(struct client *client) {
  SSL_free(client->ssl);
  SSL_CTX_free(client->ctx);
  close(client->fd);
  ERR_clear_error();
}

static bool wants_more(struct client *client, int result) {
  const int error = SSL_get_error(client->ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Whether the handshake succeeds. */
static bool shake_hands(struct fixture *f, struct client *client) {
  int result = 0;
  ERR_clear_error();
  STEP_UNTIL(f, client->fd,
             (result = SSL_connect(client->ssl), result == 1 || !wants_more(client, result)));
  return result == 1;
}

static void tls_send(struct fixture *f, struct client *client, const char *text) {
  if (text[0] == '\0') return;
  const int bytes = (int)strlen(text);
  ERR_clear_error();
  STEP_UNTIL(f, -1, SSL_write(client->ssl, text, bytes) == bytes);
}

/* Like client_read: ended means a close_notify, so that nobody can cut an answer short unseen. */
static void tls_read(struct client *client, struct reading *reading) {
  if (reading->room - reading->bytes < 65536) {
    reading->room = reading->room * 2 + 131072;
    reading->text = realloc(reading->text, reading->room);
    assert_non_null(reading->text);
  }
  ERR_clear_error();
  const int count = SSL_read(client->ssl, reading->text + reading->bytes, 65535);
  if (count > 0) reading->bytes += (size_t)count;
  reading->text[reading->bytes] = '\0';
  if (count > 0 || wants_more(client, count)) return;
  if (SSL_get_error(client->ssl, count) == SSL_ERROR_ZERO_RETURN) {
    reading->ended = true;
  } else {
    reading->reset = true;
  }
}

static void expect_tls_answer(struct fixture *f, struct client *client, const char *request,
                              const char *body) {
  struct reading reading = {0};
  tls_send(f, client, request);
  STEP_UNTIL(f, client->fd, (tls_read(client, &reading), answer_bytes(&reading, false) > 0));
  assert_int_equal(reading.bytes, answer_bytes(&reading, false));
  assert_has(reading.text, "HTTP/1.1 200 OK\r\n");
  assert_string_equal(body_of(&reading), body);
  reading_free(&reading);
}

static void expect_last_tls_answer(struct fixture *f, struct client *client, const char *request,
                                   const char *begin) {
  struct reading reading = {0};
  tls_send(f, client, request);
  STEP_UNTIL(f, client->fd, (tls_read(client, &reading), reading.ended || reading.reset));
  assert_true(reading.ended);
  assert_has(reading.text, begin);
  assert_int_equal(reading.bytes, answer_bytes(&reading, false));
  reading_free(&reading);
}

static void test_versions(void **state) {
  static const struct {
    int min, max;
    const char *version; /* NULL: no handshake */
  } cases[] = {
      {TLS1_3_VERSION, TLS1_3_VERSION, "TLSv1.3"}, {TLS1_2_VERSION, TLS1_2_VERSION, "TLSv1.2"},
      {TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3"},   {TLS1_1_VERSION, TLS1_1_VERSION, NULL},
      {TLS1_VERSION, TLS1_VERSION, NULL},
  };
  struct tls_material ecdsa;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&ecdsa);
  fixture_init(&f);
  fixture_start_tls(&f, &ecdsa);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct client client = client_new(&f, cases[i].min, cases[i].max, NULL);
    assert_int_equal(shake_hands(&f, &client), cases[i].version != NULL);
    if (cases[i].version != NULL) {
      assert_string_equal(SSL_get_version(client.ssl), cases[i].version);
      expect_tls_answer(&f, &client, "GET / HTTP/1.1\r\n" HOST "\r\n", "hello\n");
      assert_true(f.tls);
    }
    client_free(&client);
  }
  fixture_end(&f);
  tls_material_remove(&ecdsa);
}

/* More than a record, in pieces, to a reader who comes late. */
static void test_streams(void **state) {
  static char piece[20000];
  struct tls_material ecdsa;
  struct fixture f;
  struct reading reading = {0};
  (void)state;
  memset(piece, 'x', sizeof(piece) - 1);
  tls_material_make_ecdsa(&ecdsa);
  fixture_init(&f);
  fixture_start_tls(&f, &ecdsa);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  tls_send(&f, &client, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, client.fd,
             (tls_read(&client, &reading), reading.bytes > 0 && strstr(reading.text, "begins\n")));
  size_t sent = strlen("begins\n");
  while (f.streams->send(f.streams->owner, f.stream_id, piece, sizeof(piece) - 1) == PM_OK)
    sent += sizeof(piece) - 1;
  assert_true(f.streams->queued(f.streams->owner, f.stream_id) >
              PM_STREAM_QUEUE_BYTES_MAX - 2 * sizeof(piece));
  STEP_UNTIL(&f, client.fd, (tls_read(&client, &reading), strlen(body_of(&reading)) == sent));
  assert_int_equal(f.streams->queued(f.streams->owner, f.stream_id), 0);
  f.streams->end(f.streams->owner, f.stream_id);
  assert_int_equal(f.gone, 1);
  client_free(&client);
  reading_free(&reading);
  fixture_end(&f);
  tls_material_remove(&ecdsa);
}

static void test_forward_secrecy_only(void **state) {
  static const struct {
    const char *cipher;
    bool taken;
  } cases[] = {
      {"ECDHE-RSA-AES128-GCM-SHA256", true}, {"ECDHE-RSA-CHACHA20-POLY1305", true},
      {"AES128-GCM-SHA256", false},          {"AES256-SHA", false},
      {"ECDHE-RSA-AES128-SHA", false},       {"aNULL", false},
  };
  struct tls_material rsa;
  struct fixture f;
  (void)state;
  tls_material_make_rsa(&rsa);
  fixture_init(&f);
  fixture_start_tls(&f, &rsa);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct client client = client_new(&f, TLS1_2_VERSION, TLS1_2_VERSION, cases[i].cipher);
    assert_int_equal(shake_hands(&f, &client), cases[i].taken);
    client_free(&client);
  }
  fixture_end(&f);
  tls_material_remove(&rsa);
}

static void test_protocol_negotiation(void **state) {
  static const unsigned char offer[] = "\x02h2\x08http/1.1";
  struct tls_material m;
  struct fixture f;
  const unsigned char *chosen;
  unsigned bytes;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  SSL_set_alpn_protos(client.ssl, offer, sizeof(offer) - 1);
  assert_true(shake_hands(&f, &client));
  SSL_get0_alpn_selected(client.ssl, &chosen, &bytes);
  assert_int_equal(bytes, 8);
  assert_memory_equal(chosen, "http/1.1", 8);
  client_free(&client);
  client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  SSL_set_alpn_protos(client.ssl, offer, 3); /* HTTP/2 alone */
  assert_true(shake_hands(&f, &client));
  SSL_get0_alpn_selected(client.ssl, &chosen, &bytes);
  assert_int_equal(bytes, 0);
  client_free(&client);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void test_no_renegotiation(void **state) {
  struct tls_material m;
  struct fixture f;
  int result = 1;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  assert_int_equal(SSL_renegotiate(client.ssl), 1);
  STEP_UNTIL(&f, client.fd,
             (result = SSL_do_handshake(client.ssl), result == 1 || !wants_more(&client, result)));
  assert_int_not_equal(result, 1);
  assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
  client_free(&client);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void test_keep_alive_and_end(void **state) {
  struct tls_material m;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  expect_tls_answer(&f, &client, "GET / HTTP/1.1\r\n" HOST "\r\n", "hello\n");
  tls_send(&f, &client, "POST /echo HTTP/1.1\r\n" HOST "Content-Le"); /* a request in two records */
  step(&f, -1);
  expect_tls_answer(&f, &client, "ngth: 3\r\n\r\nabc", "abc");
  expect_last_tls_answer(&f, &client, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
                         "HTTP/1.1 200 ");
  client_free(&client);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  assert_int_equal(counts_of(&f).requests, 3);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void fill_late(void *owner, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  (void)owner;
  response->content_type = "text/plain";
  pm_buf_text(&response->body, request->path);
}

static void test_an_answer_that_comes_later(void **state) {
  struct tls_material m;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  tls_send(&f, &client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, f.handled == 1);
  step(&f, -1);
  f.later->answer(f.later->owner, f.later_id, fill_late, NULL);
  expect_tls_answer(&f, &client, "", "/later");
  expect_tls_answer(&f, &client, "GET / HTTP/1.1\r\n" HOST "\r\n", "hello\n");
  tls_send(&f, &client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, f.handled == 3);
  client_free(&client); /* goes */
  STEP_UNTIL(&f, -1, f.cancelled == 1 && counts_of(&f).open == 0);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void test_large_answers(void **state) {
  enum { BYTES = 3 * 1000 * 1000 / 16 * 16 };
  struct tls_material m;
  struct fixture f;
  char request[80];
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  snprintf(request, sizeof(request), "GET /big?%d HTTP/1.1\r\n" HOST "\r\n", BYTES);
  for (int i = 0; i < 2; i++) {
    struct reading reading = {0};
    tls_send(&f, &client, request);
    const unsigned handled = f.handled;
    STEP_UNTIL(&f, -1, f.handled > handled); /* so that it blocks before we read */
    STEP_UNTIL(&f, client.fd, (tls_read(&client, &reading), answer_bytes(&reading, false) > 0));
    size_t at = 0;
    const char *body = body_of(&reading);
    while (at < BYTES && memcmp(body + at, "0123456789abcde\n", 16) == 0) at += 16;
    assert_int_equal(at, BYTES);
    reading_free(&reading);
  }
  client_free(&client);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void test_refusal_before_unread_bytes(void **state) {
  struct tls_material m;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client client = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &client));
  char request[60000];
  memset(request, 'x', sizeof(request) - 1);
  memcpy(request, "GET / NONSENSE\r\n", 16);
  request[sizeof(request) - 1] = '\0';
  expect_last_tls_answer(&f, &client, request, "HTTP/1.1 400 ");
  client_free(&client);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
  tls_material_remove(&m);
}

/* A byte now and then does not prolong the handshake. */
static void test_handshake_deadline(void **state) {
  struct tls_material m;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  f.config.handshake_ms = 40;
  fixture_start_tls(&f, &m);
  const int fd = client_settle(&f);
  client_send_bytes(&f, fd, "\x16\x03\x01\x10\x00", 5); /* a record of 4,096 bytes begins */
  STEP_UNTIL(&f, -1, (send(fd, "\x01", 1, MSG_NOSIGNAL), counts_of(&f).open == 0));
  assert_int_equal(counts_of(&f).timeouts, 1);
  close(fd);
  fixture_end(&f);
  tls_material_remove(&m);
}

static void test_plain_http_is_no_handshake(void **state) {
  struct tls_material m;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&m);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  const int fd = client_connect(&f);
  client_send(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
  struct reading reading = client_read_to_end(&f, fd);
  assert_true(reading.ended);
  assert_int_equal(f.handled, 0);
  reading_free(&reading);
  close(fd);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
  tls_material_remove(&m);
}

/* Asks for a page, having shown the certificate; NULL: none. Whether it was answered. */
static bool asks_with(struct fixture *f, const struct tls_material *own) {
  struct client client = client_new(f, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
  if (own != NULL) {
    assert_int_equal(SSL_use_certificate_file(client.ssl, own->cert, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_use_PrivateKey_file(client.ssl, own->key, SSL_FILETYPE_PEM), 1);
  }
  const bool answered = shake_hands(f, &client);
  if (answered) expect_tls_answer(f, &client, "GET / HTTP/1.1\r\n" HOST "\r\n", "hello\n");
  client_free(&client);
  return answered;
}

static void test_clients_certificates(void **state) {
  struct tls_material own;
  struct tls_material trusted;
  struct tls_material other;
  struct fixture f;
  (void)state;
  tls_material_make_ecdsa(&own);
  tls_material_make_ecdsa(&trusted);
  tls_material_make_ecdsa(&other);
  fixture_init(&f);
  f.config.tls_client_ca = trusted.cert;
  fixture_start_tls(&f, &own);
  assert_true(asks_with(&f, &trusted));
  assert_true(f.certified);
  assert_true(asks_with(&f, NULL)); /* may ask, and is not certified */
  assert_false(f.certified);
  assert_false(asks_with(&f, &other));
  assert_int_equal(f.handled, 2);
  fixture_end(&f);
  /* Who is not asked cannot show anything. */
  fixture_init(&f);
  fixture_start_tls(&f, &own);
  assert_true(asks_with(&f, &trusted));
  assert_false(f.certified);
  fixture_end(&f);
  tls_material_remove(&own);
  tls_material_remove(&trusted);
  tls_material_remove(&other);
}

/* The files are changed under the running server: first for others that are right, then not. */
static void test_reload(void **state) {
  struct tls_material m;
  struct tls_material next;
  struct fixture f;
  struct pm_why why;
  (void)state;
  tls_material_make_ecdsa(&m);
  tls_material_make_ecdsa(&next);
  fixture_init(&f);
  fixture_start_tls(&f, &m);
  struct client before = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &before));
  X509 *first = SSL_get1_peer_certificate(before.ssl);
  assert_int_equal(rename(next.cert, m.cert), 0);
  assert_int_equal(pm_server_reload_tls(f.server, &why),
                   PM_ERR_SYNTAX); /* the key is the old one */
  assert_has(why.text, "key values mismatch");
  assert_true(asks_with(&f, NULL));
  assert_int_equal(rename(next.key, m.key), 0);
  assert_int_equal(pm_server_reload_tls(f.server, &why), PM_OK);
  struct client after = client_new(&f, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
  assert_true(shake_hands(&f, &after));
  X509 *second = SSL_get1_peer_certificate(after.ssl);
  assert_int_not_equal(X509_cmp(first, second), 0);
  expect_tls_answer(&f, &before, "GET / HTTP/1.1\r\n" HOST "\r\n", "hello\n");
  X509_free(first);
  X509_free(second);
  client_free(&before);
  client_free(&after);
  fixture_end(&f);
  tls_material_remove(&m);
  tls_material_remove(&next);
}

static void expect_refused(const char *cert, const char *key, const char *sentence) {
  struct fixture f;
  struct pm_why why = {""};
  fixture_init(&f);
  f.config.tls_cert = cert;
  f.config.tls_key = key;
  assert_int_equal(pm_server_open(&f.loop, &f.config, handle, &f, &f.server, &why), PM_ERR_SYNTAX);
  if (strstr(why.text, sentence) == NULL) print_error("%s\n", why.text);
  assert_has(why.text, sentence);
  assert_int_equal(uv_loop_close(&f.loop), 0);
}

static void test_bad_files(void **state) {
  struct tls_material a;
  struct tls_material b;
  struct tls_material locked;
  char sentence[256];
  (void)state;
  tls_material_make_ecdsa(&a);
  tls_material_make_ecdsa(&b);
  tls_material_make(&locked, EVP_EC_gen("P-256"), "secret");
  expect_refused("/nonexistent/cert.pem", a.key,
                 "TLS certificate \"/nonexistent/cert.pem\" cannot be read: No such file");
  expect_refused(a.cert, "/nonexistent/key.pem",
                 "TLS key \"/nonexistent/key.pem\" cannot be read: No such file");
  snprintf(sentence, sizeof(sentence), "TLS certificate \"%s\": nothing of that kind in PEM form",
           a.key);
  expect_refused(a.key, a.key, sentence);
  snprintf(sentence, sizeof(sentence), "TLS key \"%s\": key values mismatch", b.key);
  expect_refused(a.cert, b.key, sentence);
  snprintf(sentence, sizeof(sentence), "TLS key \"%s\": it has a password", locked.key);
  expect_refused(locked.cert, locked.key, sentence);
  snprintf(sentence, sizeof(sentence), "TLS certificate \"%s\": its key is not named", a.cert);
  expect_refused(a.cert, NULL, sentence);
  tls_material_remove(&a);
  tls_material_remove(&b);
  tls_material_remove(&locked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_forward_secrecy_only),
      cmocka_unit_test(test_protocol_negotiation),
      cmocka_unit_test(test_no_renegotiation),
      cmocka_unit_test(test_keep_alive_and_end),
      cmocka_unit_test(test_an_answer_that_comes_later),
      cmocka_unit_test(test_large_answers),
      cmocka_unit_test(test_refusal_before_unread_bytes),
      cmocka_unit_test(test_handshake_deadline),
      cmocka_unit_test(test_plain_http_is_no_handshake),
      cmocka_unit_test(test_clients_certificates),
      cmocka_unit_test(test_reload),
      cmocka_unit_test(test_bad_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
