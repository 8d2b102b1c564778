#!/usr/bin/env bash
# Copies a build to where a system looks for programs: both programs side by side, since `plasmid` looks for
# `plasmid-zome-host` and for modules in its own folder; the manual page; completions of three shells.
#   usage: scripts/install.sh BUILD-FOLDER PREFIX
set -euo pipefail

build=$1
prefix=$2
install -d "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/bash-completion/completions" \
    "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
for program in plasmid plasmid-zome-host; do
    # Beside the old one, then over it: a program that runs keeps the file it was started from.
    install -m 755 "$build/$program" "$prefix/bin/.$program.new"
    mv -f "$prefix/bin/.$program.new" "$prefix/bin/$program"
done
plasmid="$prefix/bin/plasmid"
"$plasmid" man >"$prefix/share/man/man1/plasmid.1"
"$plasmid" completions bash >"$prefix/share/bash-completion/completions/plasmid"
"$plasmid" completions zsh >"$prefix/share/zsh/site-functions/_plasmid"
"$plasmid" completions fish >"$prefix/share/fish/vendor_completions.d/plasmid.fish"
printf 'installed in %s\n' "$prefix"
