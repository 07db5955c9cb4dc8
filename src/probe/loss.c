#include "probe/loss.h"

#include <math.h>

/* What may lie outside on either side: 95 % are inside. */
static const double TAIL = 0.025;

/* After which a SYN is sent again for the first time: RFC 6298, section 2.1. */
static const int64_t SYN_TIMER_NS = PM_NS_PER_S;

static void count(uint32_t *counter, uint32_t by) {
  uint32_t room = UINT32_MAX - *counter;
  *counter += by < room ? by : room;
}

bool pm_loss_was_retransmitted(const struct pm_sample *sample) {
  const struct pm_sample_connection *connection = &sample->connection;
  return sample->verdict == PM_VERDICT_RETRANSMITTED || connection->syns_sent > 1 ||
         connection->data_retransmits > 0;
}

/* A refusal came from the far end or from a router on the way: packets go to and fro. */
static bool was_answered(const struct pm_sample *sample) {
  return sample->connection.syn_answered || sample->outcome == PM_OUTCOME_CONNECT;
}

/* Whether the fate of the first SYN is known. It is not if we ended the connection for another
 * reason than its silence, or if the answer may have been on its way when the SYN was sent again.
 */
static bool is_trial(const struct pm_sample *sample) {
  const struct pm_sample_connection *connection = &sample->connection;
  if (!connection->known || connection->syns_sent == 0) return false;
  if (!was_answered(sample)) return sample->outcome == PM_OUTCOME_TIMEOUT;
  return connection->syns_sent == 1 || connection->min_rtt_ns < SYN_TIMER_NS;
}

void pm_loss_add(struct pm_loss *loss, const struct pm_sample *sample) {
  const struct pm_sample_connection *connection = &sample->connection;
  if (is_trial(sample)) {
    count(&loss->trials, 1);
    count(&loss->lost, connection->syns_sent > 1 || !was_answered(sample));
  }
  if (!connection->known) return;
  count(&loss->data_segments, connection->data_segments_sent);
  count(&loss->data_retransmits, connection->data_retransmits);
}

void pm_loss_merge(struct pm_loss *into, const struct pm_loss *from) {
  count(&into->trials, from->trials);
  count(&into->lost, from->lost);
  count(&into->data_segments, from->data_segments);
  count(&into->data_retransmits, from->data_retransmits);
}

/* ---- the beta distribution ---- */

static double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign); /* lgamma would write a global */
}

/* The continued fraction of the incomplete beta function (NIST's Digital Library of Mathematical
 * Functions, 8.17.22) by Lentz's method. Takes about the square root of the larger parameter in
 * steps, left of the mean. */
static double beta_fraction(double x, double a, double b) {
  enum { STEPS_MAX = 100000 };
  const double tiny = 1e-300;
  const double enough = 1e-13;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m < STEPS_MAX; m++) {
    const double terms[] = {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))};
    double step = 1;
    for (int i = 0; i < 2; i++) {
      d = 1 + terms[i] * d;
      c = 1 + terms[i] / c;
      d = 1 / (fabs(d) < tiny ? tiny : d);
      if (fabs(c) < tiny) c = tiny;
      step = c * d;
      value *= step;
    }
    if (fabs(step - 1) < enough) break;
  }
  return value;
}

/* x^a (1-x)^b / B(a, b) */
static double beta_front(double x, double a, double b) {
  return exp(a * log(x) + b * log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
}

/* I_x(a, b), the distribution function. */
static double beta_below(double x, double a, double b) {
  double front = beta_front(x, a, b);
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
  return 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* The x with I_x(a, b) = share: Newton's method, and halving wherever it leaves what is left. */
static double beta_quantile(double share, double a, double b) {
  enum { STEPS_MAX = 100 };
  const double enough = 1e-9;
  double low = 0;
  double high = 1;
  double x = a / (a + b);
  for (int i = 0; i < STEPS_MAX; i++) {
    double off = beta_below(x, a, b) - share;
    if (off > 0) {
      high = x;
    } else {
      low = x;
    }
    double next = x - off * x * (1 - x) / beta_front(x, a, b);
    if (!(next > low && next < high)) next = (low + high) / 2;
    double moved = fabs(next - x);
    x = next;
    if (moved < enough * x) break;
  }
  return x;
}

struct pm_loss_estimate pm_loss_estimate(const struct pm_loss *loss) {
  if (loss->trials == 0) return (struct pm_loss_estimate){0};
  double trials = loss->trials;
  double lost = loss->lost;
  double kept = trials - lost;
  struct pm_loss_estimate estimate = {.known = true, .rate = lost / trials, .low = 0, .high = 1};
  /* Without losses, and with nothing else, the bounds have a closed form. Most paths lose nothing.
   */
  if (lost == 0) {
    estimate.high = -expm1(log(TAIL) / trials);
  } else if (kept == 0) {
    estimate.low = exp(log(TAIL) / trials);
  } else {
    estimate.low = beta_quantile(TAIL, lost, kept + 1);
    estimate.high = beta_quantile(1 - TAIL, lost + 1, kept);
  }
  return estimate;
}
