# SPDX-License-Identifier: GPL-2.0-or-later
# natem: everything is built into $(B). `make help` lists what there is to make.

B       ?= build
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
VERSION := 0.1.0

# V=1 shows the commands.
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	$(if $(CI),-Werror)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DNATEM_VERSION='"$(VERSION)"' -I. -MMD -MP $(WARN) $(CFLAGS) $(SAN)

COMMON := $(patsubst %.c,$(B)/%.o,$(wildcard common/*.c))
CORE   := $(patsubst %.c,$(B)/%.o,$(wildcard nat/core/*.c))
JSON   := $(patsubst %.c,$(B)/%.o,$(wildcard nat/json/*.c))
DAEMON := $(patsubst %.c,$(B)/%.o,$(wildcard nat/daemon/*.c))
CLI    := $(patsubst %.c,$(B)/%.o,$(wildcard nat/cli/*.c))
UNIT   := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
MODEL  := $(B)/tests/model/test_model
RFC    := $(patsubst %.c,$(B)/%,$(wildcard tests/rfc/test_*.c))
BATS   := $(wildcard tests/netns/*.bats)
BENCH  := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c))
TRAFFIC := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/traffic*.c))
FUZZ   := $(patsubst %.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
SHELL_FILES := $(wildcard netns-scripts/*.sh tests/*.sh tests/netns/*.bash tests/netns/*.bats) .ci/run
C_FILES     := $(wildcard common/*.[ch] nat/*/*.[ch] tests/*/*.[ch])

.SECONDARY: # objects are kept, also those that make sees only on the way to a program
.PHONY: all help deps deps-check deps-bench check check-long conformance protocol asan lint fuzz bench bench-quick \
	bench-programs install clean
all: $(B)/natemd $(B)/natem

help:
	@echo "make all         the programs, in $(B)/"
	@echo "make deps        install what building and running need"
	@echo "make deps-check  install what only the tests need"
	@echo "make deps-bench  install what only the benchmarks need"
	@echo "make check       all tests; as root those in network namespaces too"
	@echo "make check-long  the core beside its reference model for ten million random steps"
	@echo "make conformance write docs/rfc-conformance.md from the results of the tests that carry ids"
	@echo "make protocol    write the tables of docs/control-protocol.md from the one in the code"
	@echo "make asan        the tests of make check, with address and undefined-behaviour sanitizers"
	@echo "make lint        shellcheck, clang-format, cppcheck"
	@echo "make fuzz        each fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make bench       the core alone, then natem beside the kernel's NAT and others, in network"
	@echo "                 namespaces (as root, six minutes); writes docs/benchmarks/ and docs/performance.md"
	@echo "make bench-quick the main figures of both, in under a minute (as root); writes nothing"
	@echo "make bench-programs  only builds what they run"
	@echo "make install     into PREFIX=$(PREFIX)"
	@echo "make clean       remove build/"

deps:
	@netns-scripts/deps.sh run
deps-check:
	@netns-scripts/deps.sh check
deps-bench:
	@netns-scripts/deps.sh bench

# The libraries are looked up when first needed: `make deps` must work before they are there.
$(B)/nat/daemon/%.o: ALL_CFLAGS += $(shell pkg-config --cflags libmnl libnetfilter_queue jansson inih)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Archives, so that a test links only the modules it uses. rpc and nat/json need jansson: they are
# linked only where something calls them.
$(B)/libcommon.a: $(COMMON)
$(B)/libcore.a: $(CORE) $(JSON)
$(B)/libdaemon.a: $(filter-out $(B)/nat/daemon/main.o,$(DAEMON))
$(B)/libcli.a: $(filter-out $(B)/nat/cli/main.o,$(CLI))
$(B)/%.a:
	@rm -f $@
	@echo "  AR    $@"
	$(Q)ar -cr $@ $^

DAEMON_LIBS = $(shell pkg-config --libs libnetfilter_queue libmnl jansson inih)
CLI_LIBS    = $(shell pkg-config --libs jansson ncursesw)
$(B)/natemd: $(B)/nat/daemon/main.o $(B)/libdaemon.a $(B)/libcore.a $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(DAEMON_LIBS)
$(B)/natem: $(B)/nat/cli/main.o $(B)/libcli.a $(B)/libcore.a $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(CLI_LIBS)

$(UNIT) $(RFC): %: %.o $(B)/libdaemon.a $(B)/libcli.a $(B)/libcore.a $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ -lcmocka $(DAEMON_LIBS) $(CLI_LIBS)
$(MODEL): $(patsubst %.c,$(B)/%.o,$(wildcard tests/model/*.c)) $(B)/libcore.a $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libcore.a $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^
$(B)/tests/bench/traffic: $(TRAFFIC) $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^
$(B)/tests/bench/noop: $(B)/tests/bench/noop.o $(B)/libcommon.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(shell pkg-config --libs libnetfilter_queue libmnl)

check: deps deps-check
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B) all unit
	@NATEM_BUILD=$(B) tests/run.sh $(UNIT) $(RFC) $(MODEL) tests/rfc/conformance.py $(BATS)
.PHONY: unit
unit: $(UNIT) $(RFC) $(MODEL)

# Ten million steps instead of the hundred thousand of `make check`; MODEL_SEED starts elsewhere.
MODEL_SEED ?= 1000
check-long: $(MODEL)
	@$(MODEL) --seed $(MODEL_SEED) --steps 10000000 --progress

conformance: deps deps-check
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B) all unit
	@NATEM_BUILD=$(B) tests/rfc/conformance.py write

protocol: $(B)/tests/unit/test_docs_protocol
	@$< write

asan:
	@$(MAKE) --no-print-directory B=build/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" check

lint: deps-check
	shellcheck -x $(SHELL_FILES)
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr -I. -D__GNUC__ \
		-D'json_array_foreach(a,i,v)=for(;;)' -D'json_object_foreach(o,k,v)=for(;;)' common nat

# Fuzzers are whole programs of their own: all code is compiled with coverage, by clang.
$(B)/fuzz/tests/fuzz/%: tests/fuzz/%.c $(wildcard common/*.[ch] nat/*/*.[ch] tests/unit/*.h)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	$(Q)clang -std=c11 -D_GNU_SOURCE -DNATEM_VERSION='"$(VERSION)"' -I. -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< \
		$(wildcard common/*.c nat/core/*.c nat/json/*.c) $(filter-out nat/daemon/main.c,$(wildcard nat/daemon/*.c)) \
		$(DAEMON_LIBS)
fuzz: deps deps-check
	@$(MAKE) --no-print-directory -j$$(nproc) $(FUZZ)
	@tests/fuzz.sh $(FUZZ_SECONDS) $(FUZZ)

bench-programs: $(BENCH) $(B)/tests/bench/traffic $(B)/tests/bench/noop
bench: deps deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B) all bench-programs
	@NATEM_BUILD=$(B) tests/bench/core.py --json docs/benchmarks/core.json --draw docs/benchmarks
	@$(B)/tests/bench/bench_checksum
	@NATEM_BUILD=$(B) tests/bench/path.py --json docs/benchmarks/path.json --draw docs/benchmarks
	@tests/bench/page.py docs/performance.md docs/benchmarks/core.json docs/benchmarks/path.json
bench-quick: deps deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B) all bench-programs
	@NATEM_BUILD=$(B) tests/bench/core.py --quick
	@NATEM_BUILD=$(B) tests/bench/path.py --quick

install: all
	install -D -m 755 $(B)/natemd $(DESTDIR)$(PREFIX)/sbin/natemd
	install -D -m 755 $(B)/natem $(DESTDIR)$(PREFIX)/bin/natem

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
