/* The peers document: what old nodes sent is read and written again byte for byte, and what is
 * malformed costs no more than itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/peers_doc.h"

#define HEAD        "\"Start\":\"2026-11-22T10:32:49Z\",\"SrvLoc\":\"Paris,FR\",\"SrvPort\":8080"
#define A_PEER      "{\"Url\":\"http://a.example/v1/ping\",\"Pings\":3}"
#define B_PEER      "{\"Url\":\"http://b.example/v1/ping\",\"Pings\":4}"
#define MS(n)       ((int64_t)(n)*PM_NS_PER_MS)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The wall clock of 2026-11-22 10:32:49 UTC. */
static const int64_t start_s = 1795343569;

static struct pm_peers_doc read_text(const char *text) {
  struct pm_peers_doc doc;
  struct pm_why why = {""};
  enum pm_err err = pm_peers_doc_read(text, strlen(text), &doc, &why);
  if (err != PM_OK) fail_msg("%s: %s", pm_err_name(err), why.text);
  return doc;
}

static void load(const char *name, struct pm_buf *out) {
  char path[512];
  char chunk[4096];
  size_t got;
  snprintf(path, sizeof(path), "%s/legacy/%s", PM_TEST_DATA, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("cannot open %s", path);
  pm_buf_init(out, PM_PEERS_DOC_BYTES_MAX);
  while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) pm_buf_append(out, chunk, got);
  fclose(file);
  assert_int_equal(pm_buf_status(out), PM_OK);
}

static void write_doc(const struct pm_peers_doc *doc, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_buf_init(out, 4 * PM_PEERS_DOC_BYTES_MAX);
  pm_json_writer_init(&w, out, true);
  pm_peers_doc_write(&w, doc);
  assert_int_equal(pm_buf_status(out), PM_OK);
}

static void recorded_documents_come_out_byte_for_byte(void **state) {
  (void)state;
  static const char *const names[] = {"http_peers_0.json", "http_peers_1.json",
                                      "http_peers_deleted.json", "http_peers_failing.json"};
  for (size_t i = 0; i < COUNT(names); i++) {
    struct pm_buf recorded;
    struct pm_buf written;
    load(names[i], &recorded);
    struct pm_peers_doc doc = read_text(recorded.data);
    assert_int_equal(doc.skipped, 0);
    write_doc(&doc, &written);
    pm_buf_char(&written, '\n'); /* the line end that the original's encoder adds */
    assert_string_equal(written.data, recorded.data);
    pm_peers_doc_free(&doc);
    pm_buf_deinit(&written);
    pm_buf_deinit(&recorded);
  }
}

static void a_recorded_entry_is_read_whole(void **state) {
  (void)state;
  struct pm_buf recorded;
  load("http_peers_deleted.json", &recorded);
  struct pm_peers_doc doc = read_text(recorded.data);

  assert_int_equal(doc.head.start.ns, start_s * PM_NS_PER_S);
  assert_string_equal(doc.head.srv_loc, "Sunnyvale,US");
  assert_string_equal(doc.head.srv_host, "localhost");
  assert_int_equal(doc.head.srv_port, 8080);
  assert_int_equal(doc.head.requests, 33);
  assert_int_equal(doc.head.num_active, 5);
  assert_int_equal(doc.head.num_deleted, 3);
  assert_int_equal(doc.peers_count, 5);
  assert_int_equal(doc.deleted_count, 3);

  const struct pm_peer_entry *peer = &doc.deleted[2];
  assert_string_equal(peer->url, "http://127.0.0.6:8081/v1/ping");
  assert_string_equal(peer->host, "127.0.0.6:8081");
  assert_int_equal(peer->limit, 3);
  assert_int_equal(peer->delay_s, 2);
  assert_int_equal(peer->fail_max, 4);
  assert_string_equal(peer->location, "Paris,FR");
  assert_string_equal(peer->peer_ip, "127.0.0.6");
  assert_int_equal(peer->first_ping.ns, (start_s + 3) * PM_NS_PER_S);
  assert_int_equal(peer->latest_ping.ns, (start_s + 8) * PM_NS_PER_S);
  assert_int_equal(peer->pings, 3);
  assert_int_equal(peer->fails, 0);
  assert_int_equal(peer->totals.start.ns, (start_s + 4) * PM_NS_PER_S + 735108234);
  assert_int_equal(peer->totals.dns_ns, 0);
  assert_int_equal(peer->totals.tcp_ns, 1101932);
  assert_int_equal(peer->totals.tls_ns, 0);
  assert_int_equal(peer->totals.reply_ns, 829610);
  assert_int_equal(peer->totals.close_ns, 140000);
  assert_int_equal(peer->totals.total_ns, 2133683);
  assert_string_equal(peer->totals.dest_url, "http://127.0.0.6:8081/v1/ping");
  assert_string_equal(peer->totals.location, "Paris,FR");
  assert_string_equal(peer->totals.remote, "127.0.0.6");
  assert_int_equal(peer->totals.resp_code, 200);
  assert_int_equal(peer->totals.size_bytes, 336);

  const struct pm_peer_entry *failed = &doc.deleted[1];
  assert_int_equal(failed->totals.start.ns, 0);
  assert_null(failed->totals.dest_url);
  assert_null(failed->totals.location);
  assert_string_equal(failed->totals.remote, "");

  pm_peers_doc_free(&doc);
  pm_buf_deinit(&recorded);
}

static void members_absent_or_null_have_their_zero(void **state) {
  (void)state;
  static const char all_null[] =
      "{\"Start\":null,\"SrvLoc\":null,\"SrvHost\":null,\"SrvPort\":null,\"Requests\":null,"
      "\"DelPeers\":null,\"Peers\":[{\"Url\":\"http://a/\",\"Host\":null,\"Limit\":null,"
      "\"Location\":null,\"FirstPing\":null,\"PingTotals\":null}]}";
  static const char null_totals[] =
      "{\"DelPeers\":[],\"Peers\":[{\"Url\":\"http://a/\",\"PingTotals\":{\"Start\":null,"
      "\"Remote\":null,\"DestUrl\":null}}]}";
  static const char *const texts[] = {"{\"Peers\":[{\"Url\":\"http://a/\"}]}", all_null,
                                      null_totals};
  for (size_t i = 0; i < COUNT(texts); i++) {
    struct pm_peers_doc doc = read_text(texts[i]);
    assert_int_equal(doc.head.start.ns, 0);
    assert_string_equal(doc.head.srv_loc, "");
    assert_string_equal(doc.head.srv_host, "");
    assert_int_equal(doc.head.srv_port, 0);
    assert_int_equal(doc.skipped, 0);
    assert_int_equal(doc.peers_count, 1);
    assert_int_equal(doc.deleted_count, 0);
    assert_string_equal(doc.peers[0].host, "");
    assert_string_equal(doc.peers[0].location, "");
    assert_string_equal(doc.peers[0].peer_ip, "");
    assert_int_equal(doc.peers[0].limit, 0);
    assert_int_equal(doc.peers[0].first_ping.ns, 0);
    assert_null(doc.peers[0].totals.dest_url);
    assert_string_equal(doc.peers[0].totals.remote, "");
    pm_peers_doc_free(&doc);
  }
}

static void what_later_nodes_add_is_passed_over(void **state) {
  (void)state;
  struct pm_peers_doc doc =
      read_text("{" HEAD ",\"Mesh\":{\"V\":1,\"Lost\":[[\"00ff\",12]],\"Total\":2.5},\"Peers\":["
                "{\"Url\":\"http://a.example/v1/ping\",\"Pings\":3,"
                "\"Mesh\":{\"Id\":\"ab\",\"Age\":3,\"Coord\":[1.5,2.5]},\"New\":[{}]}]}");
  assert_int_equal(doc.skipped, 0);
  assert_int_equal(doc.peers_count, 1);
  assert_int_equal(doc.peers[0].pings, 3);
  pm_peers_doc_free(&doc);
}

/* Each stands between two sound entries, which must both be read. */
static void a_malformed_entry_is_skipped_and_counted(void **state) {
  (void)state;
  static const char *const entries[] = {
      "null",
      "7",
      "\"http://a/\"",
      "[]",
      "{}",
      "{\"Url\":null}",
      "{\"Url\":7}",
      "{\"url\":\"http://a/\"}",
      "{\"Url\":\"http://a/\",\"Pings\":\"3\"}",
      "{\"Url\":\"http://a/\",\"Pings\":1.5}",
      "{\"Url\":\"http://a/\",\"Pings\":1e300}",
      "{\"Url\":\"http://a/\",\"Location\":{}}",
      "{\"Url\":\"http://a/\",\"FirstPing\":\"yesterday\"}",
      "{\"Url\":\"http://a/\",\"FirstPing\":12}",
      "{\"Url\":\"http://a/\",\"PingTotals\":[]}",
      "{\"Url\":\"http://a/\",\"PingTotals\":{\"TcpHs\":true}}",
      "{\"Url\":\"http://a/\",\"PingTotals\":{\"DestUrl\":5}}",
  };
  for (size_t i = 0; i < COUNT(entries); i++) {
    char text[512];
    snprintf(text, sizeof(text),
             "{" HEAD ",\"Peers\":[" A_PEER ",%s," B_PEER "],\"DelPeers\":[%s]}", entries[i],
             entries[i]);
    struct pm_peers_doc doc = read_text(text);
    if (doc.skipped != 2) fail_msg("%s was not skipped", entries[i]);
    assert_int_equal(doc.peers_count, 2);
    assert_int_equal(doc.deleted_count, 0);
    assert_string_equal(doc.peers[0].url, "http://a.example/v1/ping");
    assert_string_equal(doc.peers[1].url, "http://b.example/v1/ping");
    assert_int_equal(doc.peers[1].pings, 4);
    pm_peers_doc_free(&doc);
  }
}

static void what_is_no_peers_document_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum pm_err err;
    const char *says;
  } cases[] = {
      {"", PM_ERR_SYNTAX, "JSON"},
      {"<html>Served from", PM_ERR_SYNTAX, "JSON"},
      {"{" HEAD ",\"Peers\":null", PM_ERR_SYNTAX, "JSON"},
      {"null", PM_ERR_MISSING, "Peers"},
      {"[]", PM_ERR_MISSING, "Peers"},
      {"{}", PM_ERR_MISSING, "Peers"},
      {"{" HEAD "}", PM_ERR_MISSING, "Peers"},
      {"{\"peers\":[]}", PM_ERR_MISSING, "Peers"},
      {"{\"Peers\":{}}", PM_ERR_TYPE, "Peers"},
      {"{\"Peers\":0}", PM_ERR_TYPE, "Peers"},
      {"{\"Peers\":[],\"DelPeers\":\"\"}", PM_ERR_TYPE, "DelPeers"},
      {"{\"Peers\":[],\"SrvLoc\":7}", PM_ERR_TYPE, "SrvLoc"},
      {"{\"Peers\":[],\"SrvPort\":\"8080\"}", PM_ERR_TYPE, "SrvPort"},
      {"{\"Peers\":[],\"Start\":\"never\"}", PM_ERR_SYNTAX, "Start"},
      {"{\"Peers\":[],\"NumActive\":[]}", PM_ERR_TYPE, "NumActive"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct pm_peers_doc doc;
    struct pm_why why = {""};
    enum pm_err err = pm_peers_doc_read(cases[i].text, strlen(cases[i].text), &doc, &why);
    if (err != cases[i].err) fail_msg("%s: %s", cases[i].text, pm_err_name(err));
    if (strstr(why.text, cases[i].says) == NULL) fail_msg("%s: %s", cases[i].text, why.text);
  }
}

/* {"Peers":[entry,entry,…]} */
static void many_entries(struct pm_buf *out, const char *entry, size_t count) {
  pm_buf_init(out, 4 * PM_PEERS_DOC_BYTES_MAX);
  pm_buf_text(out, "{\"Peers\":[");
  for (size_t i = 0; i < count; i++) {
    if (i > 0) pm_buf_char(out, ',');
    pm_buf_text(out, entry);
  }
  pm_buf_text(out, "]}");
  assert_int_equal(pm_buf_status(out), PM_OK);
}

static void entries_beyond_the_maximum_are_counted_and_left_out(void **state) {
  (void)state;
  static const struct {
    size_t listed, read;
  } cases[] = {{999, 999}, {1000, 1000}, {1001, 1000}, {5000, 1000}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct pm_buf text;
    many_entries(&text, "{\"Url\":\"http://a/\"}", cases[i].listed);
    struct pm_peers_doc doc = read_text(text.data);
    assert_int_equal(doc.peers_count, cases[i].read);
    assert_int_equal(doc.skipped, cases[i].listed - cases[i].read);
    pm_peers_doc_free(&doc);
    pm_buf_deinit(&text);
  }
}

static void malformed_entries_do_not_use_up_the_maximum(void **state) {
  (void)state;
  struct pm_buf text;
  many_entries(&text, "{},{\"Url\":\"http://a/\"}", 1200);
  struct pm_peers_doc doc = read_text(text.data);
  assert_int_equal(doc.peers_count, 1000);
  assert_int_equal(doc.skipped, 1400);
  pm_peers_doc_free(&doc);
  pm_buf_deinit(&text);
}

/* {"Peers":[{"Url":"http://a/"},{"Url":"xxx…"}]} */
static void a_text_past_its_limit_costs_only_its_entry(void **state) {
  (void)state;
  static const struct { size_t url_bytes, read; } cases[] = {{2048, 2}, {2049, 1}, {500000, 1}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct pm_buf text;
    pm_buf_init(&text, PM_PEERS_DOC_BYTES_MAX);
    pm_buf_text(&text, "{\"Peers\":[{\"Url\":\"http://a/\"},{\"Url\":\"");
    for (size_t n = 0; n < cases[i].url_bytes; n++) pm_buf_char(&text, 'x');
    pm_buf_text(&text, "\"}]}");
    struct pm_peers_doc doc = read_text(text.data);
    assert_int_equal(doc.peers_count, cases[i].read);
    assert_int_equal(doc.skipped, 2 - cases[i].read);
    pm_peers_doc_free(&doc);
    pm_buf_deinit(&text);
  }
}

static void assert_too_large(const struct pm_buf *text) {
  struct pm_peers_doc doc;
  struct pm_why why = {""};
  assert_int_equal(pm_peers_doc_read(text->data, text->len, &doc, &why), PM_ERR_TOO_LARGE);
  assert_string_not_equal(why.text, "");
}

static void documents_past_a_cap_are_refused_whole(void **state) {
  (void)state;
  struct pm_buf text;
  many_entries(&text, "0", PM_PEERS_DOC_ITEMS_MAX);
  assert_too_large(&text);
  pm_buf_deinit(&text);

  many_entries(&text, "{\"Url\":\"http://a/\",\"Location\":\"0123456789\"}", 30000);
  assert_true(text.len > PM_PEERS_DOC_BYTES_MAX);
  assert_too_large(&text);
  pm_buf_deinit(&text);

  pm_buf_init(&text, PM_PEERS_DOC_BYTES_MAX);
  pm_buf_text(&text, "{\"Peers\":null,\"Mesh\":");
  for (int i = 0; i < 100000; i++) pm_buf_char(&text, '[');
  assert_too_large(&text);
  pm_buf_deinit(&text);
}

/* For who asks with more room than a node has for others. */
static void limits_may_be_given(void **state) {
  (void)state;
  struct pm_buf text;
  many_entries(&text, A_PEER, 1500);
  static const struct {
    struct pm_peers_doc_limits limits;
    enum pm_err err;
    size_t read;
  } rows[] = {
      {{.bytes_max = 1 << 20, .entries_max = 2000, .items_max = 10000}, PM_OK, 1500},
      {{.bytes_max = 1 << 20, .entries_max = 7, .items_max = 10000}, PM_OK, 7},
      {{.bytes_max = 1 << 20, .entries_max = 2000, .items_max = 4000}, PM_ERR_TOO_LARGE, 0},
      {{.bytes_max = 4096, .entries_max = 2000, .items_max = 10000}, PM_ERR_TOO_LARGE, 0},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct pm_peers_doc doc = {0};
    struct pm_why why = {""};
    assert_int_equal(pm_peers_doc_read_within(&rows[i].limits, text.data, text.len, &doc, &why),
                     rows[i].err);
    assert_int_equal(doc.peers_count, rows[i].read);
    if (rows[i].err == PM_OK) assert_int_equal(doc.skipped, 1500 - rows[i].read);
    pm_peers_doc_free(&doc);
  }
  pm_buf_deinit(&text);
}

/* The writer by parts, as a node uses it that has no document at hand. */
static void a_node_writes_its_own_document(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_json_writer w;
  pm_buf_init(&out, 4096);
  pm_json_writer_init(&w, &out, false);
  const struct pm_peers_head head = {.start = {start_s * PM_NS_PER_S + MS(750)},
                                     .srv_loc = "<Köln>",
                                     .srv_host = "",
                                     .srv_port = 80,
                                     .requests = 9007199254740993,
                                     .num_active = 1};
  const struct pm_peer_entry entry = {.url = "http://a/?x&y",
                                      .host = "a",
                                      .location = "unknown",
                                      .peer_ip = "",
                                      .totals.location = "",
                                      .totals.remote = "",
                                      .totals.total_ns = 1000000000000000};
  pm_peers_doc_begin(&w, &head);
  pm_peers_doc_list_begin(&w, "Peers", 1);
  pm_peers_doc_entry(&w, &entry);
  pm_peers_doc_list_end(&w, 1);
  pm_peers_doc_middle(&w, &head);
  pm_peers_doc_list_begin(&w, "DelPeers", 0);
  pm_peers_doc_list_end(&w, 0);
  pm_peers_doc_end(&w);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  /* The start is cut to seconds, markup is escaped, and no integer has an exponent. */
  assert_string_equal(
      out.data,
      "{\"Start\":\"2026-11-22T10:32:49Z\",\"SrvLoc\":\"\\u003cKöln\\u003e\",\"SrvHost\":\"\","
      "\"SrvPort\":80,\"Peers\":[{\"Url\":\"http://a/?x\\u0026y\",\"Host\":\"a\",\"Limit\":0,"
      "\"Delay\":0,\"Maxfail\":0,\"Location\":\"unknown\",\"PeerIP\":\"\","
      "\"FirstPing\":\"0001-01-01T00:00:00Z\",\"LatestPing\":\"0001-01-01T00:00:00Z\",\"Pings\":0,"
      "\"Fails\":0,\"PingTotals\":{\"Start\":\"0001-01-01T00:00:00Z\",\"DnsLk\":0,\"TcpHs\":0,"
      "\"TlsHs\":0,\"Reply\":0,\"Close\":0,\"Total\":1000000000000000,\"DestUrl\":null,"
      "\"Location\":\"\",\"Remote\":\"\",\"RespCode\":0,\"Size\":0}}],"
      "\"Requests\":9007199254740993,\"NumActive\":1,\"NumDeleted\":0,\"DelPeers\":null}");
  pm_buf_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recorded_documents_come_out_byte_for_byte),
      cmocka_unit_test(a_recorded_entry_is_read_whole),
      cmocka_unit_test(members_absent_or_null_have_their_zero),
      cmocka_unit_test(what_later_nodes_add_is_passed_over),
      cmocka_unit_test(a_malformed_entry_is_skipped_and_counted),
      cmocka_unit_test(what_is_no_peers_document_is_refused_with_a_sentence),
      cmocka_unit_test(entries_beyond_the_maximum_are_counted_and_left_out),
      cmocka_unit_test(malformed_entries_do_not_use_up_the_maximum),
      cmocka_unit_test(a_text_past_its_limit_costs_only_its_entry),
      cmocka_unit_test(documents_past_a_cap_are_refused_whole),
      cmocka_unit_test(limits_may_be_given),
      cmocka_unit_test(a_node_writes_its_own_document),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
