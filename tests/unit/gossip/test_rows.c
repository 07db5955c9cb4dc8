/* Rows of the matrix between nodes: whose word an answer is, what is asked for and taken, what is
 * passed on, and what an old node's sums become. */
#include "core_fixture.h"

#include "gossip/rows.h"

#define MS INT64_C(1000000)

struct world {
  struct fixture *f;
  struct pm_rows *rows; /* ours */
  struct pm_contact a, b, c;
};

static struct pm_rows *rows_new(struct pm_node_id id, uint64_t inc) {
  struct pm_rows_config config = {.id = id, .inc = inc, .rows_max = 16};
  struct pm_rows *rows;
  assert_int_equal(pm_rows_new(&config, &rows), PM_OK);
  return rows;
}

static int setup(void **state) {
  struct world *w = calloc(1, sizeof *w);
  w->f = fixture_new();
  w->f->config.active_max = 1;
  fixture_start(w->f);
  w->rows = rows_new(w->f->config.id, w->f->config.inc);
  w->a = node(1), w->b = node(2), w->c = node(3);
  *state = w;
  return 0;
}

static int teardown(void **state) {
  struct world *w = *state;
  pm_rows_free(w->rows);
  fixture_free(w->f);
  free(w);
  return 0;
}

static bool is_proved(const struct world *w, const struct pm_contact *contact) {
  struct pm_node_id id = id_of(contact);
  return pm_node_id_equal(&w->f->update.proved, &id);
}

/* --- whose word ------------------------------------------------------------------------------- */

static void an_answer_is_the_word_of_who_proved_itself(void **state) {
  struct world *w = *state;
  struct pm_node_id nobody = {{0}};
  befriend(w->f, &w->a);
  assert_true(is_proved(w, &w->a));
  tick(w->f);
  assert_true(pm_node_id_equal(&w->f->update.proved, &nobody));
  forget_sends(w->f);
  for (int i = 0; i < 300 && !sent_to(w->f, &w->a); i++) run_s(w->f, 1);
  const struct pm_gossip_send *send = sent_to(w->f, &w->a);
  struct pm_wire_pong wrong = {.version = 1,
                               .id = id_of(&w->a),
                               .inc = 1,
                               .nonce = send->request.nonce + 1,
                               .has_nonce = true};
  memcpy(wrong.mesh, w->f->config.mesh, sizeof wrong.mesh);
  step(w->f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                      .pong = {.token = send->token, .ok = true, .pong = &wrong}});
  assert_true(pm_node_id_equal(&w->f->update.proved, &nobody));
}

/* Answers the latest probe to it under somebody else's identity. */
static void pong_as(struct world *w, const struct pm_contact *from, struct pm_node_id id,
                    uint64_t inc) {
  const struct pm_gossip_send *send = sent_to(w->f, from);
  assert_non_null(send);
  struct pm_wire_pong p = {
      .version = 1, .id = id, .inc = inc, .nonce = send->request.nonce, .has_nonce = true};
  memcpy(p.mesh, w->f->config.mesh, sizeof p.mesh);
  step(w->f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                      .pong = {.token = send->token, .ok = true, .pong = &p}});
}

static void probe_again(struct world *w, const struct pm_contact *contact) {
  uint64_t handle = pm_gossip_find(w->f->g, contact);
  struct pm_gossip_send send;
  assert_true(pm_gossip_plan_ping(w->f->g, handle, w->f->now, &send));
  w->f->sends[w->f->sends_count++] = send;
}

static void an_identity_is_believed_of_who_proved_it_first(void **state) {
  struct world *w = *state;
  befriend(w->f, &w->a);
  inbound(w->f, &w->b, &w->b.ip);
  for (int i = 0; i < 100 && !sent_to(w->f, &w->b); i++) run_s(w->f, 0.1);
  pong_as(w, &w->b, id_of(&w->a), 2);
  assert_int_equal(state_of(w->f, &w->b), PM_MEMBER_VERIFIED);
  assert_false(is_proved(w, &w->a));
  probe_again(w, &w->b);
  pong_as(w, &w->b, id_of(&w->a), 2);
  assert_false(is_proved(w, &w->a));
  probe_again(w, &w->a);
  pong(w->f, &w->a);
  assert_true(is_proved(w, &w->a));
  probe_again(w, &w->a); /* it has gone: the other one may be it, at another address */
  no_pong(w->f, &w->a);
  probe_again(w, &w->b);
  pong_as(w, &w->b, id_of(&w->a), 2);
  assert_true(is_proved(w, &w->a));
}

/* Asks with this mesh's name, without a MAC. */
static bool is_answered(struct fixture *f, const char *mesh) {
  struct pm_contact from = node(1);
  struct pm_wire_request r = {.version = 1, .has_row = true, .parts = 1};
  snprintf(r.mesh, sizeof r.mesh, "%s", mesh);
  struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST};
  event.request.source = from.ip;
  event.request.request = &r;
  step(f, event);
  return f->update.asked_by_peer;
}

static void only_who_is_of_our_mesh_is_told_of_rows(void **state) {
  struct world *w = *state;
  assert_true(is_answered(w->f, w->f->config.mesh));
  assert_false(is_answered(w->f, "other"));
  tick(w->f);
  assert_false(w->f->update.asked_by_peer);
  struct fixture *keyed = fixture_new();
  keyed->config.auth = (struct pm_gossip_auth){.mac = test_mac, .keys = 1};
  fixture_start(keyed);
  assert_false(is_answered(keyed, keyed->config.mesh));
  fixture_free(keyed);
}

/* --- news ------------------------------------------------------------------------------------- */

static void measure(struct pm_rows *rows, const struct pm_contact *to, int64_t ms,
                    struct pm_time now) {
  struct pm_node_id id = id_of(to);
  struct pm_cell cell = {.state = PM_CELL_MEASURED,
                         .every_s = 10,
                         .sent = 60,
                         .rtt_ns = {ms * MS, ms * MS, ms * MS, ms * MS, ms * MS}};
  assert_int_equal(pm_own_row_set(pm_rows_own(rows), &id, &cell, now), PM_OK);
}

/* One ping to the member, which has these rows; returns the bytes of the header. */
static size_t exchange(struct world *w, const struct pm_contact *with, struct pm_rows *theirs) {
  struct pm_gossip_member member;
  struct pm_wire_request request = {.version = 1};
  struct pm_node_id id = id_of(with);
  struct pm_buf header;
  assert_true(pm_gossip_get(w->f->g, pm_gossip_find(w->f->g, with), &member));
  pm_rows_ask(w->rows, w->f->g, &member, w->f->now, &request);
  assert_true(request.has_row);
  pm_buf_init(&header, PM_WIRE_ROW_HEADER_BYTES_MAX);
  pm_rows_answer(theirs, &request, &header);
  size_t bytes = header.len;
  pm_rows_take(w->rows, &id, header.data, w->f->now);
  pm_buf_deinit(&header);
  return bytes;
}

static const struct pm_matrix_row *row_of(const struct world *w, const struct pm_contact *from) {
  struct pm_node_id id = id_of(from);
  return pm_matrix_find(pm_rows_matrix(w->rows), &id);
}

static void news_of_a_row_come_with_answers(void **state) {
  struct world *w = *state;
  struct pm_rows *theirs = rows_new(id_of(&w->a), 5);
  befriend(w->f, &w->a);
  measure(theirs, &w->b, 20, w->f->now);
  measure(theirs, &w->c, 30, w->f->now);
  size_t whole = exchange(w, &w->a, theirs);
  assert_int_equal(row_of(w, &w->a)->count, 2);
  assert_int_equal(row_of(w, &w->a)->source, PM_ROW_DIRECT);
  size_t nothing = exchange(w, &w->a, theirs);
  assert_true(nothing < 20 && whole > 60);
  measure(theirs, &w->a, 40, w->f->now);
  assert_true(exchange(w, &w->a, theirs) < whole);
  assert_int_equal(row_of(w, &w->a)->count, 3);
  pm_rows_free(theirs);
}

static void a_node_that_began_again_tells_all(void **state) {
  struct world *w = *state;
  struct pm_rows *before = rows_new(id_of(&w->a), 5), *after = rows_new(id_of(&w->a), 6);
  befriend(w->f, &w->a);
  measure(before, &w->b, 20, w->f->now);
  measure(before, &w->c, 30, w->f->now);
  measure(after, &w->c, 40, w->f->now);
  exchange(w, &w->a, before);
  exchange(w, &w->a, after);
  assert_int_equal(row_of(w, &w->a)->count, 1);
  assert_int_equal(row_of(w, &w->a)->inc, 6);
  pm_rows_free(before);
  pm_rows_free(after);
}

static void our_own_row_is_in_the_matrix(void **state) {
  struct world *w = *state;
  measure(w->rows, &w->b, 20, w->f->now);
  pm_rows_advance(w->rows, w->f->now);
  const struct pm_matrix_row *row = pm_matrix_find(pm_rows_matrix(w->rows), &w->f->config.id);
  assert_non_null(row);
  assert_int_equal(row->source, PM_ROW_SELF);
  assert_int_equal(row->count, 1);
}

static void who_is_lost_has_failed_and_its_row_is_stale(void **state) {
  struct world *w = *state;
  struct pm_rows *theirs = rows_new(id_of(&w->a), 5);
  struct pm_node_id id = id_of(&w->a);
  befriend(w->f, &w->a);
  measure(theirs, &w->b, 20, w->f->now);
  measure(w->rows, &w->a, 20, w->f->now);
  exchange(w, &w->a, theirs);
  pm_rows_leave(w->rows, &id, true, w->f->now);
  pm_rows_advance(w->rows, w->f->now);
  const struct pm_matrix_row *own = pm_matrix_find(pm_rows_matrix(w->rows), &w->f->config.id);
  const struct pm_matrix_row *row = row_of(w, &w->a);
  assert_int_equal(pm_matrix_state(own, &own->cells[0], w->f->now, NULL), PM_CELL_FAILED);
  assert_int_equal(pm_matrix_state(row, &row->cells[0], w->f->now, NULL), PM_CELL_STALE);
  pm_rows_free(theirs);
}

/* --- rows of others --------------------------------------------------------------------------- */

/* Time passes, and whoever is asked answers. */
static void live_s(struct world *w, int seconds) {
  const struct pm_contact *all[] = {&w->a, &w->b, &w->c};
  for (int s = 0; s < seconds; s++) {
    forget_sends(w->f);
    run_s(w->f, 1);
    for (size_t i = 0; i < 3; i++) {
      const struct pm_gossip_send *send = sent_to(w->f, all[i]);
      if (send && send->kind == PM_GOSSIP_SEND_PROBE) pong(w->f, all[i]);
    }
  }
}

static void put_row(struct pm_buf *out, const struct pm_contact *from, unsigned hops,
                    int64_t age_s) {
  struct pm_matrix_cell cell = {
      .to = 5, .cell = {.state = PM_CELL_MEASURED, .rtt_ns = {MS, MS, MS, MS, MS}}};
  struct pm_matrix_row row = {
      .from = id_of(from), .inc = 1, .revision = 1, .hops = hops, .cells = &cell, .count = 1};
  pm_wire_row_write_relayed(&row, age_s, out);
  pm_buf_char(out, '\0');
}

/* Rows of the teller, of a member and of a stranger come; the teller is a. */
static void hear_rows(struct world *w) {
  struct pm_node_id via = id_of(&w->a);
  struct pm_contact stranger = node(77);
  struct pm_buf *inbox = pm_rows_inbox(w->rows);
  pm_buf_reset(inbox);
  put_row(inbox, &w->a, 0, 0);
  put_row(inbox, &w->c, 1, 7);
  put_row(inbox, &stranger, 1, 7);
  pm_rows_take_relayed(w->rows, w->f->g, &via, w->f->now);
}

static bool asks_for_rows(struct world *w) {
  struct pm_wire_request pull = {.version = 1, .pull = true};
  pm_rows_ask(w->rows, w->f->g, NULL, w->f->now, &pull);
  return pull.rows;
}

static void rows_are_asked_for_while_one_is_missing(void **state) {
  struct world *w = *state;
  befriend(w->f, &w->a); /* the one that is pinged */
  live_s(w, 70);
  assert_false(asks_for_rows(w));
  befriend(w->f, &w->c);
  assert_false(asks_for_rows(w)); /* it has just come */
  live_s(w, 70);
  assert_true(asks_for_rows(w));
}

static void rows_of_others_are_members_and_marked(void **state) {
  struct world *w = *state;
  struct pm_contact stranger = node(77);
  befriend(w->f, &w->a);
  befriend(w->f, &w->c);
  live_s(w, 70);
  assert_true(asks_for_rows(w));
  hear_rows(w);
  assert_int_equal(row_of(w, &w->a)->source, PM_ROW_DIRECT);
  assert_int_equal(row_of(w, &w->c)->source, PM_ROW_RELAYED);
  assert_int_equal(row_of(w, &w->c)->hops, 2);
  assert_memory_equal(row_of(w, &w->c)->via.bytes, id_of(&w->a).bytes, PM_NODE_ID_BYTES);
  assert_null(row_of(w, &stranger));
}

static void rows_that_nobody_asked_for_are_not_taken(void **state) {
  struct world *w = *state;
  befriend(w->f, &w->a);
  befriend(w->f, &w->c);
  hear_rows(w);
  assert_int_equal(pm_matrix_count(pm_rows_matrix(w->rows)), 0);
  live_s(w, 70);
  assert_true(asks_for_rows(w));
  hear_rows(w);
  assert_int_equal(pm_matrix_count(pm_rows_matrix(w->rows)), 2);
}

static void rows_are_passed_on_within_their_limits(void **state) {
  struct world *w = *state;
  struct pm_wire_request pull = {.version = 1, .pull = true, .id = id_of(&w->b)};
  assert_null(pm_rows_pass_on(w->rows, &pull, w->f->now));
  pull.rows = true;
  for (unsigned i = 0; i < 16; i++) {
    struct pm_contact from = i == 0 ? w->b : node(100 + i);
    struct pm_node_id id = id_of(&from);
    struct pm_rows *theirs = rows_new(id, 1);
    struct pm_wire_request ask = {.has_row = true};
    for (unsigned c = 0; c < 40; c++) {
      struct pm_contact to = node(200 + c);
      measure(theirs, &to, 10 + c, w->f->now);
    }
    struct pm_buf header;
    pm_buf_init(&header, PM_WIRE_ROW_HEADER_BYTES_MAX);
    pm_rows_answer(theirs, &ask, &header);
    pm_rows_take(w->rows, &id, header.data, w->f->now);
    pm_buf_deinit(&header);
    pm_rows_free(theirs);
  }
  assert_int_equal(pm_matrix_count(pm_rows_matrix(w->rows)), 16);
  static struct pm_wire_relayed read;
  size_t told = 0;
  for (int answer = 0; answer < 2; answer++) {
    struct pm_buf *texts = pm_rows_pass_on(w->rows, &pull, w->f->now);
    assert_true(texts->len > 10000 && texts->len <= PM_WIRE_ROWS_BYTES_MAX);
    for (size_t at = 0; at < texts->len; at += strlen(texts->data + at) + 1, told++) {
      size_t bytes = strlen(texts->data + at);
      assert_int_equal(pm_wire_row_read_relayed(texts->data + at, bytes, &read), PM_OK);
      assert_memory_not_equal(read.from.bytes, pull.id.bytes, PM_NODE_ID_BYTES);
      assert_int_equal(read.row.count, 40);
    }
  }
  assert_true(told >= 15); /* all but the asker's own */
}

/* --- old nodes -------------------------------------------------------------------------------- */

static void an_old_nodes_sums_become_means(void **state) {
  struct world *w = *state;
  struct pm_wire_entry entries[3] = {{.contact = w->a, .age_s = 3},
                                     {.contact = node(77), .age_s = 3},
                                     {.contact = w->c, .age_s = 41}};
  struct pm_wire_old old[3] = {
      {.pings = 4,
       .fails = 1,
       .delay_s = 10,
       .sum_ns = {[PM_WIRE_OLD_TCP] = 40 * MS, [PM_WIRE_OLD_TOTAL] = 80 * MS}},
      {.pings = 4, .delay_s = 10},
      {.pings = 1, .delay_s = 10, .sum_ns = {[PM_WIRE_OLD_TCP] = 7 * MS}}};
  struct pm_wire_answer answer = {.entries = entries, .entries_count = 3, .old = old};
  befriend(w->f, &w->a);
  befriend(w->f, &w->b);
  befriend(w->f, &w->c);
  pm_rows_take_old(w->rows, w->f->g, 0, &answer, w->f->now);
  assert_int_equal(pm_matrix_count(pm_rows_matrix(w->rows)), 0);
  pm_rows_take_old(w->rows, w->f->g, pm_gossip_find(w->f->g, &w->b), &answer, w->f->now);

  struct pm_node_id from = pm_rows_old_id(&w->b), a = id_of(&w->a), c = id_of(&w->c);
  assert_true(pm_rows_is_old_id(&from));
  assert_false(pm_rows_is_old_id(&a));
  const struct pm_matrix_row *row = pm_matrix_find(pm_rows_matrix(w->rows), &from);
  assert_non_null(row);
  assert_int_equal(row->source, PM_ROW_OLD_NODE);
  assert_int_equal(row->count, 2);
  const struct pm_cell *cell = &pm_matrix_cell_of(row, pm_matrix_short(&a))->cell;
  assert_int_equal(cell->state, PM_CELL_MEASURED);
  assert_int_equal(cell->sent, 5);
  assert_int_equal(cell->lost, 1);
  for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++) assert_int_equal(cell->rtt_ns[q], 10 * MS);
  assert_int_equal(cell->phase_ns[PM_CELL_PHASE_TOTAL], 20 * MS);
  cell = &pm_matrix_cell_of(row, pm_matrix_short(&c))->cell;
  assert_int_equal(cell->state, PM_CELL_FAILED); /* silent for more than three intervals */
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void hostile_rows_do_not_make_it_grow(void **state) {
  struct world *w = *state;
  struct pm_rows *theirs = rows_new(id_of(&w->a), 1);
  struct pm_wire_request ask = {.has_row = true};
  struct pm_buf header;
  pm_buf_init(&header, PM_WIRE_ROW_HEADER_BYTES_MAX);
  for (unsigned c = 0; c < 45; c++) {
    struct pm_contact to = node(200 + c);
    measure(theirs, &to, 10 + c, w->f->now);
  }
  pm_rows_answer(theirs, &ask, &header);
  for (unsigned i = 0; i < 10000; i++) {
    struct pm_contact from = node(i);
    struct pm_node_id id = id_of(&from);
    if (i % 7 == 0) w->f->now = pm_time_add_ms(w->f->now, 20000);
    pm_rows_take(w->rows, &id, header.data, w->f->now);
    assert_true(pm_rows_bytes(w->rows) <= pm_rows_bytes_max(16));
  }
  assert_int_equal(pm_matrix_count(pm_rows_matrix(w->rows)), 16);
  pm_buf_deinit(&header);
  pm_rows_free(theirs);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(an_answer_is_the_word_of_who_proved_itself),
      TEST(an_identity_is_believed_of_who_proved_it_first),
      TEST(only_who_is_of_our_mesh_is_told_of_rows),
      TEST(news_of_a_row_come_with_answers),
      TEST(a_node_that_began_again_tells_all),
      TEST(our_own_row_is_in_the_matrix),
      TEST(who_is_lost_has_failed_and_its_row_is_stale),
      TEST(rows_are_asked_for_while_one_is_missing),
      TEST(rows_of_others_are_members_and_marked),
      TEST(rows_that_nobody_asked_for_are_not_taken),
      TEST(rows_are_passed_on_within_their_limits),
      TEST(an_old_nodes_sums_become_means),
      TEST(hostile_rows_do_not_make_it_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
