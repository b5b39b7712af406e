package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// wrk drives by the program of that name, in one thread.
func wrk(ctx context.Context, url string, k *workload.Case, conns int, d time.Duration) (_ driven, err error) {
	program, err := exec.LookPath("wrk")
	if err != nil {
		return driven{}, fmt.Errorf("%w: install wrk, or use -driver own", err)
	}
	dir, err := os.MkdirTemp("", "txtrail-wrk-")
	if err != nil {
		return driven{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name := filepath.Join(dir, "request.lua")
	if err := os.WriteFile(name, script(k), 0o600); err != nil {
		return driven{}, err
	}
	cmd := exec.CommandContext(ctx, program, "-t", "1", "-c", strconv.Itoa(conns), "-d", strconv.Itoa(int(d/time.Second))+"s",
		"--latency", "--timeout", "20s", "-s", name, url+workload.Path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return driven{}, fmt.Errorf("wrk: %w: %s", err, stderr.String())
	}
	return parseWrk(string(out), k.Panics)
}

// script is a case's request in Lua, wrk's language.
func script(k *workload.Case) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "wrk.method = %s\n", lua(k.Method))
	if k.Body != nil {
		fmt.Fprintf(&b, "wrk.body = %s\n", lua(string(k.Body)))
	}
	h := header(k)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fmt.Fprintf(&b, "wrk.headers[%s] = %s\n", lua(name), lua(h.Get(name)))
	}
	if k.Pause > 0 {
		fmt.Fprintf(&b, "function delay() return %d end\n", k.Pause.Milliseconds())
	}
	return b.Bytes()
}

// lua quotes a string: whatever is not a letter, a digit or a space goes by its number.
func lua(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03d", c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// parseWrk reads wrk's report. A panic breaks its connection, of anything else every
// request must have been answered well.
func parseWrk(report string, broken bool) (d driven, err error) {
	count := regexp.MustCompile(`(?m)^\s*(\d+) requests in `).FindStringSubmatch(report)
	if count == nil {
		return d, fmt.Errorf("wrk's report has no count of requests: %q", report)
	}
	if d.answered, err = strconv.ParseInt(count[1], 10, 64); err != nil {
		return d, err
	}
	if broken {
		return d, nil // wrk's latencies are of answers
	}
	if bad := regexp.MustCompile(`(?m)^\s*(Socket errors|Non-2xx or 3xx responses):.*$`).FindString(report); bad != "" {
		return d, fmt.Errorf("wrk saw failures: %s", strings.TrimSpace(bad))
	}
	p99 := regexp.MustCompile(`(?m)^\s*99%\s+(\S+)$`).FindStringSubmatch(report)
	if p99 == nil || d.answered == 0 {
		return d, fmt.Errorf("wrk's report has no latencies: %q", report)
	}
	d.p99, err = time.ParseDuration(p99[1]) // 12.34us, 1.23ms, 1.23s
	return d, err
}
