#include <stdio.h>
#include <string.h>

#include "load.h"

void histogram_clear(struct histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
  histogram->minimum = INT64_MAX;
  histogram->maximum = INT64_MIN;
}

static int place_of(int64_t value) {
  if (value < histogram_steps) return value < 0 ? 0 : (int)value;
  int exponent = 63 - __builtin_clzll((unsigned long long)value) - 7;
  return exponent * histogram_steps + (int)(value >> exponent);
}

/* The middle of what belongs to a place. */
static int64_t value_of(int place) {
  if (place < 2 * histogram_steps) return place;
  int exponent = place / histogram_steps - 1;
  int64_t low = (int64_t)(place - exponent * histogram_steps) << exponent;
  return low + ((int64_t)1 << exponent) / 2;
}

void histogram_add(struct histogram *histogram, int64_t value) {
  histogram->count++;
  histogram->sum += (double)value;
  if (value < histogram->minimum) histogram->minimum = value;
  if (value > histogram->maximum) histogram->maximum = value;
  histogram->counts[place_of(value)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, double quantile) {
  int64_t rank = (int64_t)(quantile * (double)histogram->count), seen = 0;
  if (rank >= histogram->count) return histogram->maximum;
  for (int place = 0; place < histogram_size; place++) {
    seen += histogram->counts[place];
    if (seen > rank) {
      int64_t value = value_of(place);
      return value > histogram->maximum ? histogram->maximum : value;
    }
  }
  return histogram->maximum;
}

void histogram_print(const char *name, const struct histogram *histogram) {
  if (histogram->count == 0) {
    printf("\"%s\": null", name);
    return;
  }
  printf("\"%s\": {\"min\": %.3f, \"mean\": %.3f, \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, "
         "\"p99.9\": %.3f, \"max\": %.3f}",
         name, (double)histogram->minimum / 1e3, histogram->sum / (double)histogram->count / 1e3,
         (double)histogram_quantile(histogram, 0.5) / 1e3, (double)histogram_quantile(histogram, 0.9) / 1e3,
         (double)histogram_quantile(histogram, 0.99) / 1e3, (double)histogram_quantile(histogram, 0.999) / 1e3,
         (double)histogram->maximum / 1e3);
}
