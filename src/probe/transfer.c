#include "probe/transfer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/service_time.h"
#include "probe/timing.h"
#include "probe/transfer_outcome.h"
#include "probe/verdict.h"

enum {
  RECEIVE_BYTES = 4096,            /* of libcurl's buffer, one for each handle ever in flight */
  BODY_BYTES_RETAINED = 16 * 1024, /* a handle keeps a body buffer of this size from use to use */
  TURNS_BETWEEN_LOOKS = 4,         /* each reads RECEIVE_BYTES a hundred times at the most */
  /* A body in chunks of a few bytes is as long again on the wire; and headers, and TLS. */
  FRAMED_BYTES_FACTOR = 2,
  FRAMED_BYTES_MORE = 1 << 20,
  CA_CACHE_S = 24 * 3600, /* a renewed file of authorities is seen after a day */
};

/* --- called by libcurl ---------------------------------------------------------------------- */

/* Of "Name: value\r\n", not terminated, the value without white space around it, or NULL if it is
 * another one. */
static const char *value_of(const char *name, const char *line, size_t line_bytes, size_t *bytes) {
  size_t name_bytes = strlen(name);
  if (line_bytes <= name_bytes || line[name_bytes] != ':') return NULL;
  if (strncasecmp(line, name, name_bytes) != 0) return NULL;
  const char *value = line + name_bytes + 1, *end = line + line_bytes;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' ')) end--;
  *bytes = (size_t)(end - value);
  return value;
}

static void keep_long_header(struct pm_transfer *transfer, const char *line, size_t line_bytes) {
  size_t bytes;
  const char *value = value_of(transfer->config->long_header_kept, line, line_bytes, &bytes);
  if (!value) return;
  pm_buf_reset(&transfer->long_header);
  pm_buf_append(&transfer->long_header, value, bytes);
}

/* A second one of the name takes the place of the first. */
static void keep_header(struct pm_transfer *transfer, const char *line, size_t line_bytes) {
  size_t bytes;
  const char *value = value_of(transfer->config->header_kept, line, line_bytes, &bytes);
  if (!value) return;
  if (bytes >= sizeof transfer->header) bytes = 0;
  memcpy(transfer->header, value, bytes);
  transfer->header[bytes] = '\0';
}

static void read_service_time(struct pm_transfer *transfer, const char *line, size_t line_bytes) {
  size_t bytes;
  struct pm_service_time time;
  const char *value = value_of(PM_SERVICE_TIME_HEADER, line, line_bytes, &bytes);
  if (!value) return;
  transfer->far_end.known = pm_service_time_read(value, bytes, &time) == PM_OK;
  if (transfer->far_end.known) transfer->far_end.spent_ns = time.spent_us * PM_NS_PER_US;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
  struct pm_transfer *transfer = arg;
  pm_trace_answering(&transfer->trace);
  if (transfer->config->header_kept) keep_header(transfer, data, size * count);
  if (transfer->config->long_header_kept) keep_long_header(transfer, data, size * count);
  read_service_time(transfer, data, size * count);
  transfer->header_bytes += size * count;
  if (transfer->header_bytes <= PM_TRANSFER_HEADER_BYTES_MAX) return size * count;
  transfer->header_too_large = true;
  return 0;
}

/* The connection stands, handshake included, and the request is about to be made. */
static int on_ready(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  struct pm_transfer *transfer = arg;
  (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  pm_trace_sending(&transfer->trace);
  return CURL_PREREQFUNC_OK;
}

/* The socket is connected, and the handshake is next. */
static CURLcode on_handshake(CURL *easy, void *context, void *arg) {
  struct pm_transfer *transfer = arg;
  (void)easy, (void)context;
  pm_trace_connected(&transfer->trace);
  return CURLE_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  struct pm_transfer *transfer = arg;
  size_t bytes = size * count;
  if (bytes > transfer->body_bytes_max - transfer->body_bytes) {
    transfer->body_too_large = true;
    return 0;
  }
  size_t room = transfer->body_bytes_kept - transfer->body.len;
  pm_buf_append(&transfer->body, data, bytes < room ? bytes : room);
  transfer->body_bytes += bytes;
  return bytes;
}

/* What is neither header nor body costs time all the same: libcurl skips a chunk's extension,
 * however long, without telling anybody, and goes on with that within one call for as long as bytes
 * are there, while everything else waits. So it is asked, every few of its turns, for all that has
 * come in. */
static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
  struct pm_transfer *transfer = arg;
  (void)down_total, (void)down, (void)up_total, (void)up;
  if (++transfer->turns % TURNS_BETWEEN_LOOKS != 0) return 0;
  const uint64_t bound =
      FRAMED_BYTES_FACTOR * (uint64_t)transfer->body_bytes_max + FRAMED_BYTES_MORE;
  if (pm_kernel_bytes_received(transfer->fd) <= bound) return 0;
  transfer->body_too_large = true;
  return 1;
}

static int bind_to(int fd, const struct pm_ip *ip) {
  /* The port is then chosen at the connect, where one is free if it is so for that far end, not
   * for all of them. */
  int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (ip->family == PM_IP_V4) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    memcpy(&v4.sin_addr, ip->bytes, sizeof v4.sin_addr);
    return bind(fd, (const struct sockaddr *)&v4, sizeof v4);
  }
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  memcpy(&v6.sin6_addr, ip->bytes, sizeof v6.sin6_addr);
  return bind(fd, (const struct sockaddr *)&v6, sizeof v6);
}

static curl_socket_t socket_failed(struct pm_transfer *transfer, int error, int fd) {
  transfer->socket_errno = error;
  if (fd >= 0) close(fd);
  return CURL_SOCKET_BAD;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct pm_transfer *transfer = arg;
  (void)purpose;
  int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int fd = socket(address->family, type, address->protocol);
  if (fd < 0) return socket_failed(transfer, errno, fd);
  if (transfer->config->bind.family != PM_IP_NONE && bind_to(fd, &transfer->config->bind) != 0)
    return socket_failed(transfer, errno, fd);
  void *owner = NULL;
  curl_easy_getinfo(transfer->easy, CURLINFO_PRIVATE, (char **)&owner);
  if (pm_curl_multi_socket_opened(transfer->config->multi, fd, owner) != PM_OK)
    return socket_failed(transfer, ENOMEM, fd);
  transfer->fd = fd;
  pm_trace_opened(&transfer->trace, fd);
  return fd;
}

/* --- set up once ---------------------------------------------------------------------------- */

/* The first failure sticks; it can only be want of memory, for the options are known to libcurl. */
#define SET(code, easy, option, value)                                      \
  do {                                                                      \
    if ((code) == CURLE_OK) (code) = curl_easy_setopt(easy, option, value); \
  } while (0)

static CURLcode set_manners(CURL *easy, const struct pm_transfer_config *config) {
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
  SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L);
  SET(code, easy, CURLOPT_PROXY, "");    /* and none of the environment's: */
  SET(code, easy, CURLOPT_NOPROXY, "*"); /* it would be searched again for each transfer */
  SET(code, easy, CURLOPT_PATH_AS_IS, 1L);
  SET(code, easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET(code, easy, CURLOPT_USERAGENT, config->user_agent);
  SET(code, easy, CURLOPT_HTTPHEADER, config->headers);
  return code;
}

static CURLcode set_connection(CURL *easy, struct pm_transfer *transfer) {
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_NOSIGNAL, 1L);
  SET(code, easy, CURLOPT_FRESH_CONNECT, 1L);
  SET(code, easy, CURLOPT_FORBID_REUSE, 1L);
  SET(code, easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* pruning it takes time by the number of hosts */
  SET(code, easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(code, easy, CURLOPT_OPENSOCKETDATA, transfer);
  SET(code, easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
  SET(code, easy, CURLOPT_TCP_NODELAY, 0L);
  return code;
}

/* A resumed session has a shorter handshake than a fresh one: two things under one name, TLS time.
 * So sessions are not kept. */
static CURLcode set_tls(CURL *easy, const struct pm_transfer_config *config) {
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  SET(code, easy, CURLOPT_CAPATH, NULL); /* a directory would switch the cache of authorities off */
  SET(code, easy, CURLOPT_CAINFO, config->ca_file);
  SET(code, easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
  return code;
}

static CURLcode set_callbacks(CURL *easy, struct pm_transfer *transfer, void *owner) {
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_PRIVATE, owner);
  SET(code, easy, CURLOPT_ERRORBUFFER, transfer->reason);
  SET(code, easy, CURLOPT_HEADERFUNCTION, on_header);
  SET(code, easy, CURLOPT_HEADERDATA, transfer);
  SET(code, easy, CURLOPT_WRITEFUNCTION, on_body);
  SET(code, easy, CURLOPT_WRITEDATA, transfer);
  SET(code, easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  SET(code, easy, CURLOPT_XFERINFODATA, transfer);
  SET(code, easy, CURLOPT_NOPROGRESS, 0L);
  if (!transfer->config->kernel_timing) return code;
  SET(code, easy, CURLOPT_PREREQFUNCTION, on_ready);
  SET(code, easy, CURLOPT_PREREQDATA, transfer);
  SET(code, easy, CURLOPT_SSL_CTX_FUNCTION, on_handshake);
  SET(code, easy, CURLOPT_SSL_CTX_DATA, transfer);
  return code;
}

static CURL *easy_new(struct pm_transfer *transfer, void *owner) {
  CURL *easy = curl_easy_init();
  if (easy && set_manners(easy, transfer->config) == CURLE_OK &&
      set_connection(easy, transfer) == CURLE_OK && set_tls(easy, transfer->config) == CURLE_OK &&
      set_callbacks(easy, transfer, owner) == CURLE_OK &&
      pm_curl_multi_prepare(transfer->config->multi, easy) == PM_OK)
    return easy;
  curl_easy_cleanup(easy);
  return NULL;
}

enum pm_err pm_transfer_init(struct pm_transfer *transfer, const struct pm_transfer_config *config,
                             void *owner) {
  *transfer = (struct pm_transfer){.config = config};
  pm_buf_init(&transfer->body, 0);
  pm_buf_init(&transfer->long_header, PM_TRANSFER_LONG_HEADER_BYTES);
  transfer->connect_to.data = transfer->connect_to_text;
  transfer->easy = easy_new(transfer, owner);
  return transfer->easy ? PM_OK : PM_ERR_NOMEM;
}

void pm_transfer_deinit(struct pm_transfer *transfer) {
  curl_easy_cleanup(transfer->easy);
  pm_buf_deinit(&transfer->long_header);
  pm_buf_deinit(&transfer->body);
}

/* --- aimed each time ------------------------------------------------------------------------ */

/* Without delay the second flight of a TLS handshake and the request that follows it would wait for
 * each other's acknowledgement; a plain request is one segment, and the option one system call. */
static CURLcode set_scheme(struct pm_transfer *transfer, bool https) {
  CURLcode code = CURLE_OK;
  if (https != transfer->set_https) SET(code, transfer->easy, CURLOPT_TCP_NODELAY, https ? 1L : 0L);
  if (code == CURLE_OK) transfer->set_https = https;
  return code;
}

static CURLcode set_verification(struct pm_transfer *transfer, bool insecure) {
  CURLcode code = CURLE_OK;
  if (insecure == transfer->set_insecure) return code;
  SET(code, transfer->easy, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
  SET(code, transfer->easy, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
  if (code == CURLE_OK) transfer->set_insecure = insecure;
  return code;
}

/* A site learns nothing of who we are: only nodes of the mesh are asked with a query of ours. */
static CURLcode set_certificate(struct pm_transfer *transfer, bool certified) {
  const struct pm_transfer_config *config = transfer->config;
  CURLcode code = CURLE_OK;
  if (!config->cert_file || certified == transfer->set_certified) return code;
  SET(code, transfer->easy, CURLOPT_SSLCERT, certified ? config->cert_file : NULL);
  SET(code, transfer->easy, CURLOPT_SSLKEY, certified ? config->key_file : NULL);
  if (code == CURLE_OK) transfer->set_certified = certified;
  return code;
}

static void set_kept(struct pm_transfer *transfer, size_t bytes) {
  if (bytes == transfer->body_bytes_kept) {
    pm_buf_reset(&transfer->body);
    return;
  }
  pm_buf_deinit(&transfer->body);
  pm_buf_init(&transfer->body, bytes);
  transfer->body_bytes_kept = bytes;
}

static enum pm_err set_url(CURL *easy, const struct pm_exchange_request *request, CURLcode *code) {
  const char *url = request->endpoint->url;
  if (!request->query) {
    *code = curl_easy_setopt(easy, CURLOPT_URL, url);
    return PM_OK;
  }
  char text[PM_URL_BYTES + 1 + PM_EXCHANGE_QUERY_BYTES_MAX];
  if (strlen(request->query) >= PM_EXCHANGE_QUERY_BYTES_MAX) return PM_ERR_TOO_LARGE;
  snprintf(text, sizeof text, "%s%c%s", url, strchr(url, '?') ? '&' : '?', request->query);
  *code = curl_easy_setopt(easy, CURLOPT_URL, text);
  return PM_OK;
}

enum pm_err pm_transfer_aim(struct pm_transfer *transfer,
                            const struct pm_exchange_request *request) {
  transfer->https = request->endpoint->https;
  transfer->insecure = request->insecure;
  transfer->body_bytes_max = request->limits.body_bytes_max;
  transfer->body_bytes = 0;
  transfer->header_bytes = 0;
  transfer->turns = 0;
  transfer->header_too_large = transfer->body_too_large = false;
  transfer->socket_errno = 0;
  transfer->far_end = (struct pm_far_end){0};
  transfer->reason[0] = transfer->header[0] = '\0';
  pm_buf_reset(&transfer->long_header);
  set_kept(transfer, request->limits.body_bytes_kept);

  CURLcode code = CURLE_OK;
  enum pm_err err = set_url(transfer->easy, request, &code);
  if (err != PM_OK) return err;
  if (code == CURLE_OK) code = set_scheme(transfer, transfer->https);
  if (code == CURLE_OK) code = set_verification(transfer, transfer->insecure);
  if (code == CURLE_OK) code = set_certificate(transfer, request->query != NULL);
  return code == CURLE_OK ? PM_OK : PM_ERR_NOMEM;
}

/* "Whatever host and port is asked for, connect to this address and the port as asked for." The URL
 * stays, and with it Host and the name in the handshake. */
static CURLcode set_connect_to(struct pm_transfer *transfer, const struct pm_ip *ip) {
  if (!ip) {
    if (!transfer->set_connect_to) return CURLE_OK;
    transfer->set_connect_to = false;
    return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, NULL);
  }
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(ip, text);
  bool v6 = ip->family == PM_IP_V6;
  snprintf(transfer->connect_to_text, sizeof transfer->connect_to_text, "::%s%s%s:", v6 ? "[" : "",
           text, v6 ? "]" : "");
  if (transfer->set_connect_to) return CURLE_OK;
  transfer->set_connect_to = true;
  return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, &transfer->connect_to);
}

static long whole_ms(int64_t ms) {
  return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms; /* 0 would mean no limit */
}

enum pm_err pm_transfer_connect_to(struct pm_transfer *transfer, const struct pm_ip *ip,
                                   int64_t connect_ms, int64_t total_ms) {
  long total = whole_ms(total_ms), connect = whole_ms(connect_ms);
  CURLcode code = set_connect_to(transfer, ip);
  pm_trace_begin(&transfer->trace, transfer->config->kernel_timing, transfer->https,
                 connect < total ? connect : total);
  if (total != transfer->set_total_ms) SET(code, transfer->easy, CURLOPT_TIMEOUT_MS, total);
  if (connect != transfer->set_connect_ms)
    SET(code, transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
  transfer->set_total_ms = total;
  transfer->set_connect_ms = connect;
  return code == CURLE_OK ? PM_OK : PM_ERR_NOMEM;
}

/* --- read at the end ------------------------------------------------------------------------ */

static bool happened(CURL *easy, CURLINFO moment) {
  curl_off_t us = 0;
  curl_easy_getinfo(easy, moment, &us);
  return us > 0;
}

static long info_long(CURL *easy, CURLINFO info) {
  long value = 0;
  curl_easy_getinfo(easy, info, &value);
  return value;
}

bool pm_transfer_connected(const struct pm_transfer *transfer) {
  return happened(transfer->easy, CURLINFO_CONNECT_TIME_T);
}

bool pm_transfer_succeeded(const struct pm_transfer *transfer, CURLcode code) {
  return code == CURLE_OK &&
         info_long(transfer->easy, CURLINFO_RESPONSE_CODE) <= PM_HTTP_STATUS_SUCCESS_MAX;
}

enum pm_outcome pm_transfer_outcome(const struct pm_transfer *transfer, CURLcode code,
                                    const char *where, struct pm_why *why) {
  struct pm_transfer_facts facts = {
      .code = code,
      .os_errno = (int)info_long(transfer->easy, CURLINFO_OS_ERRNO),
      .socket_errno = transfer->socket_errno,
      .http_status = (int)info_long(transfer->easy, CURLINFO_RESPONSE_CODE),
      .https = transfer->https,
      .connected = pm_transfer_connected(transfer),
      .handshaken = happened(transfer->easy, CURLINFO_APPCONNECT_TIME_T),
      .answering = happened(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T),
      .header_too_large = transfer->header_too_large,
      .body_too_large = transfer->body_too_large,
      .reason = transfer->reason[0] ? transfer->reason : curl_easy_strerror(code),
  };
  bool opening = !facts.connected || (facts.https && !facts.handshaken);
  facts.limit_ms = opening ? transfer->set_connect_ms : transfer->set_total_ms;
  return pm_outcome_of_facts(&facts, where, why);
}

void pm_transfer_read(const struct pm_transfer *transfer, CURLcode code, struct pm_sample *sample) {
  sample->http_status = (int)info_long(transfer->easy, CURLINFO_RESPONSE_CODE);
  sample->body_bytes = transfer->body_bytes;
  sample->tls = transfer->https;
  sample->tls_verified = transfer->https && !transfer->insecure &&
                         happened(transfer->easy, CURLINFO_APPCONNECT_TIME_T);
  sample->outcome =
      pm_transfer_succeeded(transfer, code) ? PM_OUTCOME_SUCCESS : PM_OUTCOME_INTERNAL;
  pm_timing_read(transfer->easy, sample);
  pm_timing_apply(&transfer->trace, sample);
  /* A far end that claims more than all of it measures something else. */
  if (transfer->far_end.known && transfer->far_end.spent_ns <= sample->phase_ns[PM_PHASE_FIRST])
    sample->far_end = transfer->far_end;
}

bool pm_transfer_timeout_is_ours(const struct pm_transfer *transfer, CURLcode code,
                                 int64_t run_delay_ns) {
  const struct pm_trace *trace = &transfer->trace;
  if (code != CURLE_OPERATION_TIMEDOUT || !trace->on) return false;
  return pm_verdict_timeout_is_ours(trace->unseen, trace->lag_sum_ns, run_delay_ns,
                                    trace->patience_ns);
}

/* libcurl never forgets a system error, so that after a failure without one it would still name the
 * one of an earlier transfer. A handle that has met one therefore gives way to a new one; should
 * there be no memory for it, a wrong word in a later failure is the lesser evil. */
static void renew(struct pm_transfer *transfer) {
  void *owner = NULL;
  curl_easy_getinfo(transfer->easy, CURLINFO_PRIVATE, (char **)&owner);
  CURL *easy = easy_new(transfer, owner);
  if (!easy) return;
  curl_easy_cleanup(transfer->easy);
  transfer->easy = easy;
  transfer->set_connect_ms = transfer->set_total_ms = 0;
  transfer->set_https = transfer->set_insecure = false;
  transfer->set_certified = transfer->set_connect_to = false;
}

void pm_transfer_rest(struct pm_transfer *transfer) {
  if (transfer->body.cap > BODY_BYTES_RETAINED) pm_buf_deinit(&transfer->body);
  if (info_long(transfer->easy, CURLINFO_OS_ERRNO) != 0) renew(transfer);
}
