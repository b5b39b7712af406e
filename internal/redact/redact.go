// Package redact is the engine of the redact command: it sanitizes a document
// from standard input, or samples one per line, with the same code as the
// library's own path.
package redact

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/txtrail/txtrail/sanitize"
)

// Options says what is read and how.
type Options struct {
	// Policy to apply. Default nil: the default policy.
	Policy *sanitize.Policy
	// Input describes a plain document; its zero value recognises it by its
	// bytes. It is not used with JSONL.
	Input sanitize.Input
	// JSONL reads one sample per line, {"id", "kind", "content_type",
	// "content_encoding", "truncated", "route", "input" or "input_b64"}, and
	// writes one result per line, {"id", "output", "redactions", "truncated",
	// "reason"}. Default false: one plain document.
	JSONL bool
	// Explain writes to stderr what was hidden, by rule, and what the input
	// was taken for. Default false.
	Explain bool
	// MaxInput bounds a document or a line, in bytes. A longer document is
	// treated as cut there; a longer line is an error. Default 64 MiB.
	MaxInput int
}

// ErrLines is returned by Run when at least one sample line could not be read.
// Each is described on stderr; the others were processed.
var ErrLines = errors.New("redact: some lines are not samples")

// Run sanitizes stdin to stdout.
func Run(stdin io.Reader, stdout, stderr io.Writer, opts *Options) error {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.MaxInput < 0 {
		return fmt.Errorf("redact: MaxInput is %d: use 0 for the default or a positive number of bytes", o.MaxInput)
	}
	if o.MaxInput == 0 {
		o.MaxInput = 64 << 20
	}
	w := bufio.NewWriterSize(stdout, 64<<10)
	var err error
	if o.JSONL {
		err = lines(stdin, w, stderr, &o)
	} else {
		err = document(stdin, w, stderr, &o)
	}
	if ferr := w.Flush(); ferr != nil {
		return fmt.Errorf("redact: writing: %w", ferr)
	}
	return err
}

func document(stdin io.Reader, w io.Writer, stderr io.Writer, o *Options) error {
	src, err := io.ReadAll(io.LimitReader(stdin, int64(o.MaxInput)+1))
	if err != nil {
		return fmt.Errorf("redact: reading: %w", err)
	}
	in := o.Input
	if len(src) > o.MaxInput {
		src = src[:o.MaxInput]
		in.Truncated = true
	}
	var rep sanitize.Report
	out, res := o.Policy.AppendBody(nil, src, in, &rep)
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("redact: writing: %w", err)
	}
	if o.Explain {
		explain(stderr, "", res, &rep)
	} else if res.Reason != "" {
		say(stderr, "redact: the output is not the whole input: %s\n", res.Reason)
	}
	return nil
}

// say writes to standard error: where that fails there is nobody left to tell.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func explain(w io.Writer, prefix string, res sanitize.Result, rep *sanitize.Report) {
	say(w, "%staken for: %s\n", prefix, res.Type)
	if res.Reason != "" {
		say(w, "%scut or missing: %s\n", prefix, res.Reason)
	}
	if rep.Len() == 0 {
		say(w, "%snothing was hidden\n", prefix)
	}
	for rule, n := range rep.All() {
		say(w, "%shidden by rule %s: %d\n", prefix, rule, n)
	}
}

// sample is one input line. Fields it does not know, such as notes, are
// ignored.
type sample struct {
	ID              json.RawMessage `json:"id"`
	Kind            string          `json:"kind"`
	ContentType     string          `json:"content_type"`
	ContentEncoding string          `json:"content_encoding"`
	Truncated       bool            `json:"truncated"`
	Route           string          `json:"route"`
	Input           *string         `json:"input"`
	InputB64        *string         `json:"input_b64"`
}

type result struct {
	ID         json.RawMessage `json:"id,omitempty"`
	Output     string          `json:"output"`
	Redactions map[string]int  `json:"redactions"`
	Truncated  bool            `json:"truncated"`
	Reason     string          `json:"reason"`
}

func lines(stdin io.Reader, w io.Writer, stderr io.Writer, o *Options) error {
	sc := bufio.NewScanner(stdin)
	sc.Buffer(make([]byte, 0, 64<<10), o.MaxInput)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var rep sanitize.Report
	var dst []byte
	bad := false
	n := 0
	for sc.Scan() {
		n++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		s, src, err := parse(sc.Bytes())
		if err != nil {
			bad = true
			say(stderr, "redact: line %d: %v\n", n, err)
			continue
		}
		kind, err := sanitize.ParseKind(s.Kind)
		if err != nil {
			bad = true
			say(stderr, "redact: line %d: %v\n", n, err)
			continue
		}
		rep.Reset()
		var res sanitize.Result
		dst, res = o.Policy.AppendBody(dst[:0], src, sanitize.Input{
			Kind: kind, ContentType: s.ContentType, ContentEncoding: s.ContentEncoding, Truncated: s.Truncated, Route: s.Route,
		}, &rep)
		r := result{ID: s.ID, Output: string(dst), Redactions: map[string]int{}, Truncated: res.Truncated, Reason: res.Reason}
		for rule, c := range rep.All() {
			r.Redactions[rule] = c
		}
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("redact: writing: %w", err)
		}
		if o.Explain {
			explain(stderr, fmt.Sprintf("line %d: ", n), res, &rep)
		}
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return fmt.Errorf("redact: line %d is longer than %d bytes", n+1, o.MaxInput)
		}
		return fmt.Errorf("redact: reading: %w", err)
	}
	if bad {
		return ErrLines
	}
	return nil
}

// parse reads a sample line. Its errors never quote the line: it may hold what
// is to be hidden.
func parse(line []byte) (*sample, []byte, error) {
	var s sample
	if err := json.Unmarshal(line, &s); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return nil, nil, fmt.Errorf("field %q is a %s, want %s", typ.Field, typ.Value, typ.Type)
		}
		return nil, nil, errors.New("it is not a JSON object")
	}
	switch {
	case s.Input != nil && s.InputB64 != nil:
		return nil, nil, errors.New("both input and input_b64 are given")
	case s.InputB64 != nil:
		b, err := base64.StdEncoding.DecodeString(*s.InputB64)
		if err != nil {
			return nil, nil, errors.New("input_b64 is not base64")
		}
		return &s, b, nil
	case s.Input != nil:
		return &s, []byte(*s.Input), nil
	}
	return nil, nil, errors.New("neither input nor input_b64 is given")
}
