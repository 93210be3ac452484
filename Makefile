# compute_ledger: PGXS makefile.
#
#   make && make install               builds and installs for the pg_config on PATH
#   make PG_CONFIG=/path/to/pg_config  for another PostgreSQL (15 to 18)
#   make installcheck                  regression, isolation and TAP tests, against the running server
#   mkdir build && cd build && make -f ../Makefile    builds out of tree
#
# Every .c in a room of src/, every part in a room of extension/ and every test is picked up by name:
# adding a file needs no edit here.  The client program in client/ is built and installed too.

EXTENSION    = compute_ledger
MODULE_big   = compute_ledger

here        := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(here)/compute_ledger.control)

sources     := $(sort $(wildcard $(here)/src/*/*.c))
headers     := $(wildcard $(here)/src/*/*.h)
parts       := $(wildcard $(here)/extension/*.sql $(here)/extension/*/*.sql $(here)/extension/*/tables/*.sql)
catalogs    := $(wildcard $(here)/catalog/*.csv)

OBJS         = $(patsubst $(here)/%.c,%.o,$(sources))
updates     := $(notdir $(wildcard $(here)/extension/updates/compute_ledger--*--*.sql))

DATA_built   = compute_ledger--$(EXTVERSION).sql $(updates)

REGRESS      = $(sort $(patsubst $(here)/sql/%.sql,%,$(wildcard $(here)/sql/*.sql)))
REGRESS_OPTS = --inputdir=$(here) --load-extension=compute_ledger
ISOLATION    = $(sort $(patsubst $(here)/isolation/specs/%.spec,%,$(wildcard $(here)/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(here)/isolation --load-extension=compute_ledger
TAP_TESTS    = 1

PG_CPPFLAGS  = -I$(here)/src

EXTRA_CLEAN  = results regression.out regression.diffs output_iso tmp_check log

PG_CONFIG   ?= pg_config
PGXS        := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Out of tree, the objects' folders do not exist yet.
$(shell mkdir -p $(sort $(dir $(OBJS))))
$(OBJS) $(OBJS:.o=.bc): $(headers)

compute_ledger--$(EXTVERSION).sql: $(parts) $(catalogs) $(here)/scripts/install-script
	$(PERL) $(here)/scripts/install-script $(here) >$@.tmp
	mv $@.tmp $@

$(updates): compute_ledger--%.sql: $(here)/extension/updates/compute_ledger--%.sql $(parts) $(catalogs) $(here)/scripts/install-script
	$(PERL) $(here)/scripts/install-script $(here) $* >$@.tmp
	mv $@.tmp $@

# The client is a program, and has a makefile of its own.
all: all-client
install: install-client
uninstall: uninstall-client
clean distclean maintainer-clean: clean-client
install-client: all-client

all-client install-client uninstall-client clean-client:
	mkdir -p client
	$(MAKE) -C client -f $(abspath $(here))/client/Makefile PG_CONFIG='$(PG_CONFIG)' $(patsubst %-client,%,$@)

.PHONY: all-client install-client uninstall-client clean-client
