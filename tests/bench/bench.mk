# SPDX-License-Identifier: MIT
# Speed and memory. Included by the Makefile.

BENCH_O := $(O)/bench
BENCH_CFLAGS := -std=gnu11 -g -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -fno-optimize-sibling-calls -pthread

.PHONY: bench-programs

bench-programs: all $(BENCH_O)/driver

$(BENCH_O)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -o $@ $<
