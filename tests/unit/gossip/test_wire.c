/* Requests, headers and answers: bytes to struct and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_answer.h"
#include "gossip/wire_pong.h"
#include "gossip/wire_request.h"
#include "gossip/wire_text.h"

static struct pm_contact contact(const char *text) {
  struct pm_contact out;
  assert_int_equal(pm_contact_from_text(text, &out), PM_OK);
  return out;
}

/* --- text ------------------------------------------------------------------------------------- */

static void base64_of_any_length_comes_back(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *text;
  } rows[] = {{"", ""},           {"f", "Zg"},        {"fo", "Zm8"},
              {"foo", "Zm9v"},    {"foob", "Zm9vYg"}, {"\xff\xfe\xfd", "__79"},
              {"\xfb\xef", "--8"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_buf buf;
    uint8_t back[8];
    size_t bytes = strlen(rows[i].bytes);
    pm_buf_init(&buf, 64);
    pm_wire_base64(&buf, (const uint8_t *)rows[i].bytes, bytes);
    assert_string_equal(buf.data, rows[i].text);
    assert_true(pm_wire_unbase64(buf.data, back, bytes));
    assert_memory_equal(back, rows[i].bytes, bytes);
    assert_false(pm_wire_unbase64(buf.data, back, bytes + 3));
    pm_buf_deinit(&buf);
  }
  uint8_t out[3];
  assert_false(pm_wire_unbase64("Zm9+", out, 3));
}

static void fixed_point_is_exact(void **state) {
  (void)state;
  static const struct {
    double value;
    unsigned decimals;
    const char *text;
  } rows[] = {{0, 2, "0.00"},         {-0.004, 2, "0.00"}, {1.005e3, 1, "1005.0"},
              {-12.345, 2, "-12.35"}, {0.05, 1, "0.1"},    {59999.99, 2, "59999.99"},
              {1e300, 2, "0.00"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[PM_WIRE_FIXED_BYTES];
    pm_wire_fixed(rows[i].value, rows[i].decimals, text);
    if (i == 3 && strcmp(text, "-12.34") == 0) continue; /* -12.345 is no exact double */
    assert_string_equal(text, rows[i].text);
  }
}

/* --- requests --------------------------------------------------------------------------------- */

static struct pm_wire_request sample_request(void) {
  struct pm_wire_request r = {.version = 1,
                              .mesh = "default",
                              .nonce = 0x1122334455667788,
                              .has_nonce = true,
                              .to_port = 8080,
                              .pull = true,
                              .limit = 64,
                              .part = 3,
                              .parts = 20,
                              .salt = 0xdeadbeef,
                              .has_bloom = true};
  for (size_t i = 0; i < sizeof r.id.bytes; i++) r.id.bytes[i] = (uint8_t)(i * 17);
  r.to_ip = contact("x:1|192.0.2.9").ip;
  r.self[0] = contact("node.example.net:8080|192.0.2.7");
  r.self[1] = contact("https://[2001:db8::7]:8443|2001:db8::7");
  r.self_count = 2;
  r.bloom.bytes = PM_BLOOM_BYTES;
  for (size_t i = 0; i < sizeof r.bloom.bits; i++) r.bloom.bits[i] = (uint8_t)(i * 31);
  return r;
}

static void write(const struct pm_wire_request *r, char out[PM_WIRE_QUERY_BYTES_MAX + 1]) {
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_QUERY_BYTES_MAX);
  pm_wire_request_write(r, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  memcpy(out, buf.data, buf.len + 1);
  pm_buf_deinit(&buf);
}

static void a_pull_comes_back_as_it_was(void **state) {
  (void)state;
  char query[PM_WIRE_QUERY_BYTES_MAX + 1];
  struct pm_wire_request r = sample_request(), back;
  r.has_mac = true;
  r.challenge = 0xffeeddccbbaa9988;
  memset(r.mac, 0xa5, sizeof r.mac);
  write(&r, query);
  assert_int_equal(pm_wire_request_read(query, &back, NULL), PM_OK);
  assert_true(back.pull && back.has_nonce && back.has_mac && back.has_bloom);
  assert_int_equal(back.version, 1);
  assert_string_equal(back.mesh, "default");
  assert_memory_equal(back.id.bytes, r.id.bytes, sizeof r.id.bytes);
  assert_true(back.nonce == r.nonce && back.challenge == r.challenge);
  assert_memory_equal(back.mac, r.mac, sizeof r.mac);
  assert_true(pm_ip_equal(&back.to_ip, &r.to_ip));
  assert_int_equal(back.to_port, 8080);
  assert_int_equal(back.self_count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_true(pm_contact_hash(&back.self[i], 0) == pm_contact_hash(&r.self[i], 0));
    assert_int_equal(back.self[i].https, r.self[i].https);
  }
  assert_int_equal(back.limit, 64);
  assert_int_equal(back.part, 3);
  assert_int_equal(back.parts, 20);
  assert_true(back.salt == r.salt);
  assert_memory_equal(back.bloom.bits, r.bloom.bits, sizeof r.bloom.bits);
}

/* Golden: what goes over the wire today is read by the versions of tomorrow. */
static void a_ping_is_written_like_this(void **state) {
  (void)state;
  char query[PM_WIRE_QUERY_BYTES_MAX + 1];
  struct pm_wire_request r = sample_request();
  r.pull = false;
  write(&r, query);
  assert_string_equal(query, "v=1&mesh=default&id=00112233445566778899aabbccddeeff"
                             "&n=1122334455667788&to=192.0.2.9:8080"
                             "&self=node.example.net%3A8080%7C192.0.2.7,"
                             "https%3A%2F%2F%5B2001%3Adb8%3A%3A7%5D%3A8443%7C2001%3Adb8%3A%3A7");
}

static void the_longest_request_fits(void **state) {
  (void)state;
  char query[PM_WIRE_QUERY_BYTES_MAX + 1];
  struct pm_wire_request r = sample_request(), back;
  r.has_mac = true;
  r.part = 1022, r.parts = 1023;
  memset(r.mesh, 'm', sizeof r.mesh - 1);
  r.to_ip = contact("x:1|2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff").ip;
  for (size_t i = 0; i < PM_WIRE_SELF_MAX; i++) {
    r.self[i] = (struct pm_contact){.port = 65535, .https = true, .ip = r.to_ip};
    memset(r.self[i].host, 'h', 60);
    memcpy(r.self[i].host + 60, ".example.net", 13);
  }
  r.self_count = PM_WIRE_SELF_MAX;
  write(&r, query);
  assert_int_equal(pm_wire_request_read(query, &back, NULL), PM_OK);
  assert_int_equal(back.self_count, PM_WIRE_SELF_MAX);
}

static void broken_requests_are_refused(void **state) {
  (void)state;
  static const char *const broken[] = {
      "v=",
      "v=x",
      "v=99999999",
      "id=12",
      "n=123",
      "n=zz22334455667788",
      "mesh=a b",
      "mesh=",
      "self=non sense:80",
      "self=a:1|1.2.3.4,b:1|1.2.3.4,c:1|1.2.3.4,d:1|1.2.3.4,e:1|1.2.3.4",
      "part=1",
      "part=1.0",
      "part=5.5",
      "part=1.99999",
      "salt=12",
      "bf=AAAA",
      "mac=00",
      "c=1",
      "to=1.2.3.4:0",
      "to=host:80",
      "limit=-1",
      "id=%zz"};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    struct pm_wire_request r;
    if (pm_wire_request_read(broken[i], &r, NULL) == PM_OK) fail_msg("taken: %s", broken[i]);
  }
}

static void what_is_unknown_is_passed_over(void **state) {
  (void)state;
  struct pm_wire_request r;
  assert_int_equal(pm_wire_request_read("&&v=2&new=thing&flag&limit=100000", &r, NULL), PM_OK);
  assert_int_equal(r.version, 2);
  assert_int_equal(r.limit, PM_WIRE_LIMIT_MAX);
  assert_int_equal(r.parts, 1);
  assert_false(r.pull);
  assert_int_equal(pm_wire_request_read("", &r, NULL), PM_OK);
  assert_int_equal(r.version, 0);
}

/* --- the header ------------------------------------------------------------------------------- */

static void a_header_comes_back_as_it_was(void **state) {
  (void)state;
  struct pm_wire_pong p = {
      .version = 1,
      .mesh = "lab.net",
      .inc = 1795000000000000000u,
      .nonce = 7,
      .has_nonce = true,
      .challenge = 8,
      .has_challenge = true,
      .has_mac = true,
      .you_reach = PM_WIRE_REACH_NO,
      .pace_s = 30,
      .has_coordinate = true,
      .coordinate = {.at_ms = {-1.25f, 2.5f, 1000}, .height_ms = 3, .error = 0.5f}};
  p.id.bytes[3] = 9;
  p.your_ip = contact("x:1|2001:db8::5").ip;
  memset(p.mac, 0x3c, sizeof p.mac);
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_PONG_BYTES_MAX);
  pm_wire_pong_write(&p, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  struct pm_wire_pong back;
  assert_int_equal(pm_wire_pong_read(buf.data, &back), PM_OK);
  assert_string_equal(back.mesh, "lab.net");
  assert_true(back.inc == p.inc && back.nonce == 7 && back.challenge == 8);
  assert_memory_equal(back.mac, p.mac, sizeof p.mac);
  assert_memory_equal(back.id.bytes, p.id.bytes, sizeof p.id.bytes);
  assert_true(pm_ip_equal(&back.your_ip, &p.your_ip));
  assert_int_equal(back.you_reach, PM_WIRE_REACH_NO);
  assert_int_equal(back.pace_s, 30);
  assert_true(back.has_coordinate && back.coordinate.at_ms[0] == -1.25f);
  pm_buf_deinit(&buf);
}

static void a_header_that_names_no_node_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *value;
    enum pm_err err;
  } rows[] = {
      {"", PM_ERR_MISSING},
      {"v=1", PM_ERR_MISSING},
      {"v=1; mesh=a", PM_ERR_MISSING},
      {"v=1; mesh=a; id=00000000000000000000000000000000", PM_ERR_MISSING},
      {"v=1; mesh=a; id=0000000000000000000000000000000g", PM_ERR_SYNTAX},
      {"v=1; mesh=a; id=00000000000000000000000000000001; at=1,2,3", PM_ERR_SYNTAX},
      {"v=1; mesh=a; id=00000000000000000000000000000001; at=nan,2,3,4,1", PM_ERR_SYNTAX},
      {"v=1; mesh=a; id=00000000000000000000000000000001; at=1,2,3,4,1e9", PM_ERR_SYNTAX},
      {"v=1; mesh=a; id=00000000000000000000000000000001; you=host", PM_ERR_SYNTAX},
      {"nonsense", PM_ERR_SYNTAX},
      {"v=1; mesh=a; id=00000000000000000000000000000001; later=thing", PM_OK},
      {"v=1; mesh=a; id=00000000000000000000000000000001; pace=4000000000", PM_OK},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_wire_pong p;
    if (pm_wire_pong_read(rows[i].value, &p) != rows[i].err) fail_msg("%s", rows[i].value);
  }
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct pm_wire_entry entries[PM_WIRE_ENTRIES_MAX];

static struct pm_wire_answer read_answer(const char *text) {
  struct pm_wire_answer a = {.entries = entries, .entries_max = PM_WIRE_ENTRIES_MAX};
  struct pm_why why = {""};
  if (pm_wire_answer_read(text, strlen(text), &a, &why) != PM_OK) fail_msg("%s", why.text);
  return a;
}

static struct pm_wire_answer sample_answer(struct pm_wire_entry *list, size_t count) {
  struct pm_wire_answer a = {
      .entries = list, .entries_count = count, .total = 99, .part = 1, .parts = 2};
  a.node = (struct pm_wire_pong){.version = 1,
                                 .mesh = "default",
                                 .inc = 18446744073709551615u,
                                 .nonce = 5,
                                 .has_nonce = true,
                                 .you_reach = PM_WIRE_REACH_YES};
  a.node.id.bytes[0] = 1;
  a.node.your_ip = contact("x:1|192.0.2.1").ip;
  a.lost[0] = (struct pm_wire_lost){0x0123456789abcdef, 17};
  a.lost_count = 1;
  for (size_t i = 0; i < count; i++) {
    char text[64];
    snprintf(text, sizeof text, "n%zu.example.net:8080|192.0.2.%zu", i, i % 250);
    list[i] = (struct pm_wire_entry){.contact = contact(text),
                                     .location = "Paris,FR",
                                     .has_mesh = true,
                                     .age_s = 12,
                                     .rtt_us = 20500,
                                     .depth = 2};
    list[i].id.bytes[1] = (uint8_t)(i + 1);
    list[i].has_coordinate = true;
    list[i].coordinate = (struct pm_vivaldi){.at_ms = {1, -2, 3}, .height_ms = 4, .error = 0.5f};
  }
  return a;
}

static void an_answer_comes_back_as_it_was(void **state) {
  (void)state;
  static struct pm_wire_entry list[3];
  struct pm_wire_answer a = sample_answer(list, 3);
  struct pm_peers_head head = {.srv_loc = "Here", .srv_host = "me", .srv_port = 8080};
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ANSWER_BYTES_MAX);
  pm_wire_answer_write(&a, &head, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  struct pm_wire_answer back = read_answer(buf.data);
  pm_buf_deinit(&buf);
  assert_int_equal(back.node.version, 1);
  assert_true(back.node.inc == a.node.inc && back.node.nonce == 5 && !back.node.has_mac);
  assert_int_equal(back.node.you_reach, PM_WIRE_REACH_YES);
  assert_true(pm_ip_equal(&back.node.your_ip, &a.node.your_ip));
  assert_int_equal(back.total, 99);
  assert_false(back.more);
  assert_int_equal(back.lost_count, 1);
  assert_true(back.lost[0].salted == a.lost[0].salted && back.lost[0].age_s == 17);
  assert_int_equal(back.entries_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_true(pm_contact_hash(&back.entries[i].contact, 0) ==
                pm_contact_hash(&list[i].contact, 0));
    assert_string_equal(back.entries[i].location, "Paris,FR");
    assert_memory_equal(back.entries[i].id.bytes, list[i].id.bytes, 16);
    assert_int_equal(back.entries[i].age_s, 12);
    assert_int_equal(back.entries[i].rtt_us, 20500);
    assert_int_equal(back.entries[i].depth, 2);
    assert_true(back.entries[i].coordinate.at_ms[1] == -2);
  }
}

static void a_short_answer_says_where_how_old_and_how_deep(void **state) {
  (void)state;
  static struct pm_wire_entry list[4];
  struct pm_wire_answer a = sample_answer(list, 4);
  struct pm_peers_head head = {.srv_loc = "Here", .srv_host = "me", .srv_port = 8080};
  a.short_entries = true;
  list[1].contact = contact("192.0.2.7:80|192.0.2.7");
  list[1].depth = PM_WIRE_DEPTH_USUAL;
  list[2].contact = contact("https://[2001:db8::1]:443|2001:db8::1");
  list[2].age_s = PM_WIRE_AGE_UNKNOWN;
  list[3].contact = contact("n.example.net:8080|");
  list[3].depth = PM_WIRE_DEPTH_USUAL;
  list[3].age_s = PM_WIRE_AGE_UNKNOWN;
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ANSWER_BYTES_MAX);
  pm_wire_answer_write(&a, &head, &buf);
  assert_non_null(strstr(buf.data, "\"Peers\":null"));
  assert_non_null(strstr(buf.data, "\"Known\":[[\"n0.example.net:8080|192.0.2.0\",12,2],"
                                   "[\"192.0.2.7:80\",12],"
                                   "[\"https://[2001:db8::1]:443\",null,2],"
                                   "[\"n.example.net:8080\"]]"));
  struct pm_wire_answer back = read_answer(buf.data);
  pm_buf_deinit(&buf);
  assert_int_equal(back.entries_count, 4);
  assert_int_equal(back.skipped, 0);
  for (size_t i = 0; i < 4; i++) {
    assert_true(pm_contact_hash(&back.entries[i].contact, 0) ==
                pm_contact_hash(&list[i].contact, 0));
    assert_int_equal(back.entries[i].contact.https, list[i].contact.https);
    assert_int_equal(back.entries[i].age_s, list[i].age_s);
    assert_int_equal(back.entries[i].depth, list[i].depth);
    assert_true(back.entries[i].has_mesh);
  }
}

static void what_is_no_short_entry_is_skipped(void **state) {
  (void)state;
  static const char text[] =
      "{\"SrvLoc\":\"x\",\"Peers\":null,\"Mesh\":{\"V\":1,\"Name\":\"default\","
      "\"Id\":\"00112233445566778899aabbccddeeff\",\"Known\":[7,[],[7],[\"\"],[\"x y\"],[\":80\"],"
      "[\"http://1.2.3.4:80/v1/ping\",1],[\"1.2.3.4:80|1.2.3.5\",1],{\"a\":1},"
      "[\"1.2.3.4:80\",\"old\",-1,[{}]]]}}";
  struct pm_wire_answer back = read_answer(text);
  assert_int_equal(back.entries_count, 1);
  assert_int_equal(back.skipped, 9);
  assert_int_equal(back.entries[0].contact.port, 80);
  assert_int_equal(back.entries[0].age_s, PM_WIRE_AGE_UNKNOWN);
  assert_int_equal(back.entries[0].depth, PM_WIRE_DEPTH_USUAL);
}

static void a_full_answer_keeps_within_its_bytes_and_says_so(void **state) {
  (void)state;
  static struct pm_wire_entry list[PM_WIRE_LIMIT_MAX];
  struct pm_wire_answer a = sample_answer(list, PM_WIRE_LIMIT_MAX);
  for (size_t i = 0; i < PM_WIRE_LIMIT_MAX; i++)
    memset(list[i].location, '<', PM_WIRE_LOCATION_BYTES - 1);
  struct pm_peers_head head = {.srv_loc = "Here", .srv_host = "me"};
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ANSWER_BYTES_MAX);
  pm_wire_answer_write(&a, &head, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  struct pm_wire_answer back = read_answer(buf.data);
  pm_buf_deinit(&buf);
  assert_true(back.more);
  assert_in_range(back.entries_count, 50, PM_WIRE_LIMIT_MAX - 1);
}

/* Recorded from the original; sites and nodes alike are "peers" there. */
static const char old_document[] =
    "{\"Start\":\"2026-11-22T10:32:49Z\",\"SrvLoc\":\"Sunnyvale,US\",\"SrvHost\":\"localhost\",\"SrvPort\":8080,"
    "\"Peers\":["
    "{\"Url\":\"http://192.0.2.1:8081/v1/ping\",\"Host\":\"192.0.2.1:8081\",\"Location\":\"Paris,FR\","
    "\"PeerIP\":\"192.0.2.1\",\"LatestPing\":\"2026-11-22T10:32:52Z\",\"Pings\":2,\"Fails\":0},"
    "{\"Url\":\"http://192.0.2.2/v1/ping\",\"PeerIP\":\"\",\"Location\":\"\",\"LatestPing\":\"2026-11-22T10:31:52Z\",\"Pings\":9},"
    "{\"Url\":\"http://never.example.net/v1/ping\",\"PeerIP\":\"\",\"Pings\":0},"
    "{\"Url\":\"https://www.example.net/\",\"PeerIP\":\"192.0.2.3\",\"Pings\":5},"
    "{\"Url\":42},17],"
    "\"Requests\":20,\"NumActive\":1,\"NumDeleted\":0,\"DelPeers\":null}";

static void an_old_nodes_list_is_read_without_its_sites(void **state) {
  (void)state;
  struct pm_wire_answer a = read_answer(old_document);
  assert_int_equal(a.node.version, 0);
  assert_int_equal(a.entries_count, 2);
  assert_int_equal(a.skipped, 4);
  assert_string_equal(a.entries[0].contact.host, "192.0.2.1");
  assert_false(a.entries[0].has_mesh);
  assert_int_equal(a.entries[0].age_s, 0);
  assert_int_equal(a.entries[1].age_s, 60);
}

/* Its latest answer was at 10:32:52: that is its now. */
static void what_an_old_node_deleted_is_hinted(void **state) {
  (void)state;
  static const struct {
    const char *name, *rest;
    int64_t age_s; /* -1: not hinted */
  } rows[] = {
      {"dead for 2 minutes of 5",
       "\"LatestPing\":\"2026-11-22T10:27:52Z\",\"Pings\":7,\"Fails\":18,\"Delay\":10,\"Maxfail\":18",
       120},
      {"dead, as far as can be told, just now",
       "\"LatestPing\":\"2026-11-22T10:32:22Z\",\"Pings\":7,\"Fails\":100,\"Delay\":10,\"Maxfail\":100",
       0},
      {"its limit ends it, too",
       "\"LatestPing\":\"2026-11-22T10:32:22Z\",\"Pings\":1,\"Fails\":2,\"Delay\":10,\"Maxfail\":100,"
       "\"Limit\":2",
       10},
      {"done, not dead",
       "\"LatestPing\":\"2026-11-22T10:32:22Z\",\"Pings\":5,\"Fails\":1,\"Delay\":10,\"Maxfail\":100,"
       "\"Limit\":5",
       -1},
      {"removed, never failed",
       "\"LatestPing\":\"2026-11-22T10:32:22Z\",\"Pings\":5,\"Fails\":0,\"Maxfail\":100", -1},
      {"never there", "\"Pings\":0,\"Fails\":100,\"Delay\":10,\"Maxfail\":100", -1},
      {"no time at all", "\"LatestPing\":42,\"Pings\":5,\"Fails\":100,\"Delay\":10,\"Maxfail\":100",
       -1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_buf text;
    pm_buf_init(&text, 1 << 16);
    pm_buf_printf(
        &text,
        "{\"SrvLoc\":\"x\",\"Peers\":[{\"Url\":\"http://192.0.2.1/v1/ping\",\"PeerIP\":"
        "\"192.0.2.1\",\"LatestPing\":\"2026-11-22T10:32:52Z\",\"Pings\":2}],\"DelPeers\":[{"
        "\"Url\":\"http://192.0.2.9:81/v1/ping\",\"PeerIP\":\"192.0.2.9\",%s}]}",
        rows[i].rest);
    struct pm_wire_answer a = read_answer(text.data);
    pm_buf_deinit(&text);
    struct pm_contact gone;
    assert_int_equal(pm_contact_from_text("192.0.2.9:81|192.0.2.9", &gone), PM_OK);
    if (a.lost_count != (rows[i].age_s >= 0)) fail_msg("%s: %zu hints", rows[i].name, a.lost_count);
    if (rows[i].age_s < 0) continue;
    if (a.lost[0].age_s != rows[i].age_s) fail_msg("%s: %u s", rows[i].name, a.lost[0].age_s);
    assert_true(a.lost[0].salted == pm_contact_hash(&gone, 0));
  }
}

static void no_more_than_a_hundred_deleted_are_read(void **state) {
  (void)state;
  struct pm_buf text;
  pm_buf_init(&text, 1 << 20);
  pm_buf_text(&text, "{\"SrvLoc\":\"x\",\"Peers\":null,\"DelPeers\":[null,7");
  for (int i = 0; i < 150; i++)
    pm_buf_printf(
        &text,
        ",{\"Url\":\"http://192.0.2.9:%d/v1/ping\",\"PeerIP\":\"192.0.2.9\",\"LatestPing\":"
        "\"2026-11-22T10:32:52Z\",\"Pings\":2,\"Fails\":9}",
        1000 + i);
  pm_buf_text(&text, "]}");
  struct pm_wire_answer a = read_answer(text.data);
  pm_buf_deinit(&text);
  assert_int_equal(a.lost_count, PM_WIRE_HINTS_MAX);
}

static void what_is_marked_as_not_shared_is_not_heard(void **state) {
  (void)state;
  struct pm_wire_answer a = read_answer(
      "{\"SrvLoc\":\"x\",\"Peers\":[{\"Url\":\"http://192.0.2.1/v1/ping\",\"PeerIP\":\"192.0.2.1\","
      "\"Mesh\":{\"Share\":false}}]}");
  assert_int_equal(a.entries_count, 0);
  assert_int_equal(a.skipped, 1);
}

static void other_documents_are_refused(void **state) {
  (void)state;
  static const char *const broken[] = {
      "",
      "[]",
      "{}",
      "{\"Peers\":[]}",
      "{\"SrvLoc\":\"x\",\"Peers\":7}",
      "{\"SrvLoc\":\"x\",\"Peers\":[],\"Mesh\":{}}",
      "{\"SrvLoc\":\"x\",\"Peers\":[],\"Mesh\":{\"V\":1,\"Name\":\"a b\",\"Id\":\"00000000000000000000000000000001\"}}",
      "{\"SrvLoc\":\"x\",\"Peers\":[",
  };
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    struct pm_wire_answer a = {.entries = entries, .entries_max = PM_WIRE_ENTRIES_MAX};
    if (pm_wire_answer_read(broken[i], strlen(broken[i]), &a, NULL) == PM_OK)
      fail_msg("taken: %s", broken[i]);
  }
}

static void more_entries_than_the_cap_are_counted(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 1 << 20);
  pm_buf_text(&buf, "{\"SrvLoc\":\"x\",\"Peers\":[");
  for (int i = 0; i < 1500; i++)
    pm_buf_printf(&buf, "%s{\"Url\":\"http://192.0.%d.%d/v1/ping\",\"PeerIP\":\"\",\"Pings\":1}",
                  i ? "," : "", i / 250, i % 250 + 1);
  pm_buf_text(&buf, "]}");
  struct pm_wire_answer a = read_answer(buf.data);
  pm_buf_deinit(&buf);
  assert_int_equal(a.entries_count, PM_WIRE_ENTRIES_MAX);
  assert_int_equal(a.skipped, 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64_of_any_length_comes_back),
      cmocka_unit_test(fixed_point_is_exact),
      cmocka_unit_test(a_pull_comes_back_as_it_was),
      cmocka_unit_test(a_ping_is_written_like_this),
      cmocka_unit_test(the_longest_request_fits),
      cmocka_unit_test(broken_requests_are_refused),
      cmocka_unit_test(what_is_unknown_is_passed_over),
      cmocka_unit_test(a_header_comes_back_as_it_was),
      cmocka_unit_test(a_header_that_names_no_node_is_refused),
      cmocka_unit_test(an_answer_comes_back_as_it_was),
      cmocka_unit_test(a_short_answer_says_where_how_old_and_how_deep),
      cmocka_unit_test(what_is_no_short_entry_is_skipped),
      cmocka_unit_test(a_full_answer_keeps_within_its_bytes_and_says_so),
      cmocka_unit_test(an_old_nodes_list_is_read_without_its_sites),
      cmocka_unit_test(what_an_old_node_deleted_is_hinted),
      cmocka_unit_test(no_more_than_a_hundred_deleted_are_read),
      cmocka_unit_test(what_is_marked_as_not_shared_is_not_heard),
      cmocka_unit_test(other_documents_are_refused),
      cmocka_unit_test(more_entries_than_the_cap_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
