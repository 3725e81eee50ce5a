# SPDX-License-Identifier: MIT
# Speed and memory. Included by the Makefile.

BENCH_O := $(O)/bench
BENCH_CFLAGS := -Iinclude/heaptrace -std=gnu11 -g -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -fno-optimize-sibling-calls -pthread

.PHONY: bench-programs

bench-programs: all $(BENCH_O)/driver $(BENCH_O)/measure $(BENCH_O)/sessions

$(BENCH_O)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -o $@ $<

test-programs: $(BENCH_O)/driver

# Instructions by callgrind, the same on every machine: what CI can hold.
.PHONY: check-instructions bench-budget

check-instructions: all $(BENCH_O)/driver
	$(call run_tests,tests/cli/stays-within-the-instruction-budget.t)

bench-budget: all $(BENCH_O)/driver
	sh tests/bench/instructions.sh '$(abspath $(O))' >$(BENCH_O)/budget.txt
	cp $(BENCH_O)/budget.txt tests/bench/budget.txt
	cat tests/bench/budget.txt

# Beside its peers: a table in $(O)/bench.md. ONLY=drivers,programs chooses sections, RUNS=N the number of turns.
.PHONY: bench bench-full
RUNS ?= 5
BENCH = python3 tests/bench/bench.py --runs=$(RUNS) $(if $(ONLY),--only=$(ONLY))

bench: bench-programs
	$(BENCH) '$(O)'

bench-full: bench-programs
	$(BENCH) --full '$(O)'
