# SPDX-License-Identifier: MIT
# Fuzzing of everything that reads what others wrote. Included by the Makefile.
#
# `make fuzz` runs each target for FUZZ_SECONDS under libFuzzer (clang); FUZZ=NAME chooses one. Inputs that broke something
# are kept in tests/fuzz/corpus/NAME/, and `make check` runs them through a plain build of the same target.

FUZZ_O := $(O)/fuzz
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ ?=
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIBS := -lelf -liberty -lz -lpthread
FUZZ_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wshadow -Wno-unused-parameter -MMD -MP -D_GNU_SOURCE \
	-DHEAPTRACE_DEPTH=$(DEPTH) -DHEAPTRACE_LIBDIR='"$(LIBDIR)"' \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_OBJ := $(patsubst %.c,$(FUZZ_O)/%.o,$(filter-out tools/main.c,$(wildcard tools/*.c)) tests/lib/render_bytes.c \
	tests/lib/build_segment.c)
FUZZ_PROGRAMS := $(FUZZ_NAMES:%=$(FUZZ_O)/fuzz_%)
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(TEST_O)/fuzz/%)

.PHONY: fuzz check-fuzz

# No input is larger than a seed of its target, or 4 KiB; memory is bounded, and so is the time that one input may take.
fuzz: $(FUZZ_PROGRAMS) $(FUZZ_O)/seeds $(TEST_O)/unit/snapshot-mutations
	@sh tests/fuzz/seeds.sh '$(abspath $(O))' '$(abspath $(FUZZ_O))/corpus'
	@bad=; for name in $(or $(FUZZ),$(FUZZ_NAMES)); do \
		echo "  FUZZ  $$name, $(FUZZ_SECONDS) s"; \
		mkdir -p "$(FUZZ_O)/corpus/$$name" "$(FUZZ_O)/found"; \
		ASAN_OPTIONS=allocator_may_return_null=0 '$(FUZZ_O)'/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 -artifact_prefix="$(FUZZ_O)/found/$$name-" \
			"$(FUZZ_O)/corpus/$$name" tests/fuzz/corpus/$$name >"$(FUZZ_O)/$$name.log" 2>&1 || bad="$$bad $$name"; \
		grep -e number_of_executed_units -e ERROR -e 'Test unit written' "$(FUZZ_O)/$$name.log" | sed 's/^/        /'; \
	done; \
	[ -z "$$bad" ] || { echo "found something:$$bad; see $(FUZZ_O)/found and the logs beside it" >&2; exit 1; }

check-fuzz: $(FUZZ_REPLAYS)
	$(call run_tests,$(FUZZ_REPLAYS))

test-programs: $(FUZZ_REPLAYS)

$(FUZZ_O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

# An archive, so that a target may bring its own child_run().
$(FUZZ_O)/libtools.a: $(FUZZ_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_O)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_O)/libtools.a
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_O)/libtools.a $(FUZZ_LIBS)

$(FUZZ_O)/seeds: tests/fuzz/seeds.c $(TEST_O)/libtools.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< $(TEST_O)/libtools.a $(FUZZ_LIBS)

$(TEST_O)/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(TEST_O)/libtools.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(UNIT_CFLAGS)) -DCORPUS='"tests/fuzz/corpus/$*"' -o $@ $< tests/fuzz/replay.c \
		$(TEST_O)/libtools.a $(FUZZ_LIBS)

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_PROGRAMS:=.d)
