# Installs the two programs: binaries, settings, service units, man pages and completions.
#
#   make                          build for release, with the Swift runtime linked in
#   make install [DESTDIR=] [PREFIX=/usr/local] [SYSCONFDIR=/etc]
#   make deb                      build a Debian package
#   make uninstall                with the same variables
#
# An ini that is there already is left alone; uninstalling removes it only if nobody changed it.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
INI := $(DESTDIR)$(SYSCONFDIR)/testtask-server/server.ini
INSTANCES := $(DESTDIR)$(SYSCONFDIR)/testtask-server/instances.ini
UNITS := testtask-server.service testtask-server.socket testtask-server@.service testtask-server.target

PRODUCTS := .build-release/release
PROGRAMS := testtask-server testtask-client
BASH_DIR := $(PREFIX)/share/bash-completion/completions
ZSH_DIR := $(PREFIX)/share/zsh/site-functions
FISH_DIR := $(PREFIX)/share/fish/vendor_completions.d

.PHONY: all deb install uninstall

all:
	scripts/build-release

# A Debian package, .build-release/testtask_VERSION_ARCHITECTURE.deb.
deb: all
	scripts/build-deb

install: all
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man8 \
	  $(UNITDIR) $(SYSCONFDIR)/testtask-server $(SYSCONFDIR)/logrotate.d \
	  $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR))
	for program in $(PROGRAMS); do \
	  install -m 755 -s $(PRODUCTS)/$$program $(DESTDIR)$(BINDIR)/$$program && \
	  $(PRODUCTS)/$$program --generate-completion-script bash >$(DESTDIR)$(BASH_DIR)/$$program && \
	  $(PRODUCTS)/$$program --generate-completion-script zsh >$(DESTDIR)$(ZSH_DIR)/_$$program && \
	  $(PRODUCTS)/$$program --generate-completion-script fish >$(DESTDIR)$(FISH_DIR)/$$program.fish \
	  || exit 1; \
	done
	install -m 644 docs/man/testtask-client.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 docs/man/testtask-server.ini.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 docs/man/testtask-server.8 $(DESTDIR)$(MANDIR)/man8/
	[ -e $(INI) ] || install -m 644 etc/server.ini $(INI)
	[ -e $(INSTANCES) ] || install -m 644 etc/instances.ini $(INSTANCES)
	install -m 644 etc/testtask-server.logrotate $(DESTDIR)$(SYSCONFDIR)/logrotate.d/testtask-server
	for unit in $(UNITS); do \
	  sed -e 's|/usr/bin/|$(BINDIR)/|' -e 's|/etc/testtask-server/|$(SYSCONFDIR)/testtask-server/|' \
	    etc/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done

uninstall:
	for program in $(PROGRAMS); do \
	  rm -f $(DESTDIR)$(BINDIR)/$$program $(DESTDIR)$(BASH_DIR)/$$program \
	    $(DESTDIR)$(ZSH_DIR)/_$$program $(DESTDIR)$(FISH_DIR)/$$program.fish; \
	done
	rm -f $(DESTDIR)$(MANDIR)/man1/testtask-client.1 $(DESTDIR)$(MANDIR)/man5/testtask-server.ini.5 \
	  $(DESTDIR)$(MANDIR)/man8/testtask-server.8 $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)) \
	  $(DESTDIR)$(SYSCONFDIR)/logrotate.d/testtask-server
	if cmp -s etc/server.ini $(INI); then rm -f $(INI); fi
	if cmp -s etc/instances.ini $(INSTANCES); then rm -f $(INSTANCES); fi
	folder=$(DESTDIR)$(SYSCONFDIR)/testtask-server; \
	  if [ -d "$$folder" ] && [ -z "$$(ls -A "$$folder")" ]; then rmdir "$$folder"; fi
