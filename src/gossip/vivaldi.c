#include "gossip/vivaldi.h"

#include <math.h>

static const float limit_ms = 60000.0f;
static const float height_least_ms = 0.01f;
static const float error_gain = 0.25f; /* c_e of the paper */
static const float move_gain = 0.25f;  /* c_c of the paper */
static const float error_least = 0.001f;
static const float error_most = 2.0f;

void pm_vivaldi_init(struct pm_vivaldi *own) {
  *own = (struct pm_vivaldi){.height_ms = height_least_ms, .error = 1.0f};
}

bool pm_vivaldi_valid(const struct pm_vivaldi *coordinate) {
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    if (!(fabsf(coordinate->at_ms[i]) <= limit_ms)) return false;
  if (!(coordinate->height_ms > 0) || !(coordinate->height_ms <= limit_ms)) return false;
  return coordinate->error > 0 && coordinate->error <= error_most;
}

static float distance_ms(const struct pm_vivaldi *a, const struct pm_vivaldi *b) {
  float sum = 0;
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++) {
    float d = a->at_ms[i] - b->at_ms[i];
    sum += d * d;
  }
  return sqrtf(sum);
}

float pm_vivaldi_rtt_ms(const struct pm_vivaldi *a, const struct pm_vivaldi *b) {
  return distance_ms(a, b) + a->height_ms + b->height_ms;
}

static float clamp(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

/* The unit vector from the remote to us; any direction if both are at one place. */
static void direction(const struct pm_vivaldi *own, const struct pm_vivaldi *remote,
                      struct pm_rng *rng, float out[PM_VIVALDI_DIMENSIONS]) {
  float length = distance_ms(own, remote);
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    out[i] = length > 1e-6f ? (own->at_ms[i] - remote->at_ms[i]) / length
                            : (float)(pm_rng_unit(rng) * 2 - 1);
}

void pm_vivaldi_update(struct pm_vivaldi *own, const struct pm_vivaldi *remote, float rtt_ms,
                       struct pm_rng *rng) {
  if (!pm_vivaldi_valid(remote) || !(rtt_ms > 0) || !(rtt_ms <= limit_ms)) return;
  float predicted_ms = pm_vivaldi_rtt_ms(own, remote);
  float weight = own->error / (own->error + remote->error);
  float sample_error = fabsf(predicted_ms - rtt_ms) / rtt_ms;
  float share = error_gain * weight;
  own->error = clamp(sample_error * share + own->error * (1 - share), error_least, error_most);

  float force_ms = move_gain * weight * (rtt_ms - predicted_ms);
  float unit[PM_VIVALDI_DIMENSIONS];
  direction(own, remote, rng, unit);
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    own->at_ms[i] = clamp(own->at_ms[i] + unit[i] * force_ms, -limit_ms, limit_ms);
  float heights_ms = own->height_ms + remote->height_ms;
  if (predicted_ms > 1e-6f)
    own->height_ms =
        clamp(own->height_ms + force_ms * heights_ms / predicted_ms, height_least_ms, limit_ms);
}
