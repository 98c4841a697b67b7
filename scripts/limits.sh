#!/usr/bin/env bash
# Checks the rules of docs/style.md that no linter knows. Prints each breach as FILE:LINE: RULE.
#
# usage: scripts/limits.sh
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t rust < <(git ls-files --cached --others --exclude-standard -- '*.rs')
mapfile -t texts < <(git ls-files --cached --others --exclude-standard -- '*.rs' '*.sh' '*.py' '*.md' '*.toml')
breaches=$(mktemp)
trap 'rm -f "$breaches"' EXIT

is_test() { [[ $1 == tests/* || $1 == */tests/* || $1 == */tests.rs ]]; }

for file in "${rust[@]}"; do
    [ -f "$file" ] || continue
    [ "$(head -c 3 "$file")" = '//!' ] || echo "$file:1: begins without //! naming its noun or step"
    case ${file##*/} in
        utils.rs | common.rs | helpers.rs | misc.rs) echo "$file:1: is named after nothing" ;;
        lib.rs | mod.rs) awk '/^#\[cfg\(test\)\]/ { exit }
            /^ *(pub(\([a-z]+\))? )?((async|const|unsafe) )*fn / { print FILENAME ":" FNR ": logic; it holds a doc, mod lines and pub use" }' "$file" ;;
    esac
    lines=$(awk '/^#\[cfg\(test\)\]/ { exit } { n++ } END { print n + 0 }' "$file")
    is_test "$file" || [ "$lines" -le 400 ] || echo "$file:400: $lines lines without its tests, the limit is 400"
done >>"$breaches"

# Tests: names are sentences, and nothing sleeps for luck. A poll with a deadline says what it waits for.
perl -ne '
    $tests = $ARGV =~ m{(^|/)tests(/|\.rs$)} if $. == 1;
    $tests ||= /^\#\[cfg\(test\)\]/;
    print "$ARGV:$.: a test name without test_ reads as a sentence\n" if /\bfn test_/;
    print "$ARGV:$.: a sleep in a test; wait for an event, or say `// waits for`\n"
        if $tests && /\b(thread|time)::sleep\b/ && "$before$_" !~ m{// waits for};
    $before = $_;
    close ARGV if eof;
' "${rust[@]}" >>"$breaches"

# Log messages are constant, begin in lower case and carry no full stop; values go into fields.
perl -0777 -ne '
    my $text = q{"(?:[^"\\\\]|\\\\.)*"};
    while (/\b(?:trace|debug|info|warn|error)!\s*(\((?:[^()"]|$text|(?1))*\))/gs) {
        my ($call, $start) = ($1, $-[0]);
        my ($message) = $call =~ /($text)\s*,?\s*\)$/s or next;
        my $line = 1 + (substr($_, 0, $start) =~ tr/\n//);
        print "$ARGV:$line: log message $message: constant, lower case, no full stop\n"
            if $message =~ /^"[A-Z][a-z]|\.\s*"$|\{\w*[:}]/;
    }
' "${rust[@]}" >>"$breaches"

for file in "${texts[@]}"; do
    # Both say which marks they look for.
    case $file in scripts/limits.sh | docs/style.md) continue ;; esac
    [ ! -f "$file" ] || grep -nHE '\b(TODO|FIXME|XXX)\b|\b(todo|unimplemented)!' "$file" |
        sed 's/^\([^:]*:[0-9]*\):.*/\1: an unfinished mark/' || true
done >>"$breaches"

for file in config/examples/minimal.toml config/examples/full.toml; do
    [ -s "$file" ] || echo "$file:1: the example is missing"
done >>"$breaches"

cat "$breaches"
[ ! -s "$breaches" ] || exit 1
echo "limits: ${#rust[@]} files keep them"
