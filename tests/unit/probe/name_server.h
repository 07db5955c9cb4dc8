/* A DNS server on the loopback, in the test's own loop: one zone of a few names, and a count of the
 * questions. It reads only what c-ares writes.
 */
#ifndef PM_TEST_PROBE_NAME_SERVER_H
#define PM_TEST_PROBE_NAME_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { NAME_SERVER_IPS = 12 };

struct name_record {
  const char *name;
  const char *ips[NAME_SERVER_IPS]; /* IPv4; none: the name exists without address */
  uint32_t ttl_s;
  int rcode;   /* 0: no error, 2: server failure, 3: no such name */
  bool silent; /* never answers */
};

struct name_server {
  uv_udp_t udp;
  const struct name_record *records; /* the last one's name is NULL */
  char address[32];                  /* "127.0.0.1:port", for pm_resolver_open */
  size_t a_questions;
  char input[1024];
};

static void name_server_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct name_server *s = handle->data;
  (void)suggested;
  *buf = uv_buf_init(s->input, sizeof s->input);
}

/* "\3www\2ex\4test\0" to "www.ex.test"; the bytes of the question with its type and class. */
static size_t name_server_question(const uint8_t *at, char name[256]) {
  size_t in = 0, out = 0;
  while (at[in] != 0) {
    if (out > 0) name[out++] = '.';
    memcpy(name + out, at + in + 1, at[in]);
    out += at[in];
    in += at[in] + 1u;
  }
  name[out] = '\0';
  return in + 5;
}

static size_t name_server_put_ip(uint8_t *at, const char *ip, uint32_t ttl_s) {
  const uint8_t head[] = {0xc0, 12, 0, 1, 0, 1}; /* the question's name, A, IN */
  const uint8_t length[] = {0, 4};
  uint32_t ttl = htonl(ttl_s);
  memcpy(at, head, 6);
  memcpy(at + 6, &ttl, 4);
  memcpy(at + 10, length, 2);
  inet_pton(AF_INET, ip, at + 12);
  return 16;
}

static void name_server_on_query(uv_udp_t *udp, ssize_t got, const uv_buf_t *buf,
                                 const struct sockaddr *from, unsigned flags) {
  struct name_server *s = udp->data;
  (void)flags;
  if (got < 17 || !from) return;
  char name[256];
  uint8_t out[1024];
  size_t question = name_server_question((const uint8_t *)buf->base + 12, name);
  uint8_t type = (uint8_t)buf->base[12 + question - 3];
  if (type == 1) s->a_questions++;

  const struct name_record *record = s->records;
  while (record->name && strcmp(record->name, name) != 0) record++;
  if (record->silent) return;
  size_t bytes = 12 + question;
  memcpy(out, buf->base, bytes);
  const uint8_t head[] = {
      0x81, (uint8_t)(0x80 | (record->name ? record->rcode : 3)), 0, 1, 0, 0, 0, 0, 0, 0};
  memcpy(out + 2, head, sizeof head);
  for (int i = 0; type == 1 && record->name && i < NAME_SERVER_IPS && record->ips[i]; i++) {
    bytes += name_server_put_ip(out + bytes, record->ips[i], record->ttl_s);
    out[7]++;
  }
  uv_buf_t answer = uv_buf_init((char *)out, (unsigned)bytes);
  uv_udp_try_send(udp, &answer, 1, from);
}

static inline void name_server_open(struct name_server *s, uv_loop_t *loop,
                                    const struct name_record *records) {
  struct sockaddr_in address;
  int bytes = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_udp_init(loop, &s->udp);
  s->udp.data = s;
  s->records = records;
  s->a_questions = 0;
  int err = uv_udp_bind(&s->udp, (const struct sockaddr *)&address, 0);
  if (err == 0) err = uv_udp_getsockname(&s->udp, (struct sockaddr *)&address, &bytes);
  assert(err == 0);
  snprintf(s->address, sizeof s->address, "127.0.0.1:%u", ntohs(address.sin_port));
  uv_udp_recv_start(&s->udp, name_server_on_room, name_server_on_query);
}

static inline void name_server_close(struct name_server *s) {
  uv_close((uv_handle_t *)&s->udp, NULL);
}

#endif
