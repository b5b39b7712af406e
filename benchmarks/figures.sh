#!/usr/bin/env bash
#
# All figures of the README's tables of costs and conformance and of docs/http.md, in
# one run of about eleven minutes. Linux; needs Go, wrk and strace (Debian packages of
# these names), and nothing else to do for the machine.
#
#   bash benchmarks/figures.sh          all
#   bash benchmarks/figures.sh quick    one round of everything: does it run?

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

quick=${1-}
[[ -z $quick || $quick == quick ]] || { echo "want nothing or quick, got $quick" >&2; exit 2; }
for tool in wrk strace; do
	command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 1; }
done
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/" . ./conformance ./loopback

# quietly leaves out the progress, unless the command fails.
quietly() {
	"$@" 2>"$bin/progress" || { cat "$bin/progress" >&2; failed=1; }
}
failed=

# rounds N is N, or 1.
rounds() { [[ $quick ]] && echo 1 || echo "$1"; }
title() { printf '\n== %s (%s s so far)\n' "$1" "$SECONDS"; }

title "conformance"
quietly "$bin/conformance" -v

title "cost of a request without a network"
quietly "$bin/benchmarks" -case all -rounds "$(rounds 7)"
# The same when 62 requests with 64 KB each way come without a rest: 8 MB, which no cache holds.
quietly "$bin/benchmarks" -case post-64k -waiting $((8 << 20)) -rounds "$(rounds 7)"

# The share that each part has in the CPU time of a POST with 1 KB in and out, bare
# handler and loop included.
title "where the time goes"
where() {
	"$bin/benchmarks" -only "$1" -rounds "$(rounds 20)" -cpuprofile "$bin/cpu" >/dev/null 2>&1
	go tool pprof -top -cum -nodecount 100000 -nodefraction 0 "$bin/benchmarks" "$bin/cpu" 2>/dev/null | awk -v what="$1" '
		BEGIN {
			part["middleware.(*handler).ServeHTTP"] = "path (middleware)"
			part["sink.(*cleaner).clean"] = "worker: sanitizing"
			part["entry.(*Sealer).Seal"] = "worker: encoding"
			part["sink.(*worker).deliver"] = "worker: writing"
			part["journal.(*keeper).work"] = "journal: closing and compressing files"
			part["runtime.gcBgMarkWorker"] = "garbage collector"
			part["runtime.schedule"] = "scheduler"
			part["runtime.ReadMemStats"] = "measuring"
		}
		/^ *flat/ { body = 1; next }
		body {
			name = $6
			sub(/^.*txtrail\/txtrail\//, "", name)
			sub(/^sink\/journal/, "journal", name)
			if (name in part) { share[part[name]] = $5; sum += $5 }
		}
		END {
			print what ":"
			for (p in share) printf "  %5.1f %%  %s\n", share[p], p | "sort -rn"
			close("sort -rn")
			printf "  %5.1f %%  the rest\n", 100 - sum
		}'
}
where discard
where journal

title "cost of a request over loopback"
quietly "$bin/loopback" -case post -rounds "$(rounds 5)" -time "$(rounds 3)s"
quietly "$bin/loopback" -case post -rounds "$(rounds 3)" -time 1s -pause 2ms
quietly "$bin/loopback" -case get-204,get,post-64k,stream,file,panic -rounds "$(rounds 3)" -time 1s

title "a file of 10 MB"
quietly "$bin/loopback" -sendfile
quietly "$bin/loopback" -case file -rounds "$(rounds 20)" -time 1s -only bare,bare-again,discard,journal
# The same where the client's speed decides nothing.
quietly "$bin/loopback" -case file -rounds "$(rounds 20)" -time 1s -conns 1 -buffer $((64 << 20)) -only bare,bare-again,discard,journal

title "done"
[[ -z $failed ]]
