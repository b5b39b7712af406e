package query

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Bounds of one answer. A story longer than MaxLookup entries can not be read by
// anyone, and a prefix that fits more than MaxCandidates scenarios has to be made
// longer anyway. Whoever may bring a txid can put any number of large requests
// under one, which is what MaxLookupBytes is for.
const (
	MaxLookup      = 20_000    // entries of one Lookup
	MaxLookupBytes = 256 << 20 // their canonical lines
	MaxCandidates  = 20        // txids of one Lookup
)

// ErrPrefix is returned, wrapped, by Lookup for a string that no txid begins with.
var ErrPrefix = errors.New("query: invalid txid prefix")

// Source is a place where entries live. Its methods are safe for concurrent use.
//
// The law, which package querytest checks:
//
//   - Entries come sealed, each once: two with the same insertId are one. They
//     are shared; nobody changes them.
//   - An error means that there is no answer at all. What could be read although
//     something else could not is returned without an error, and the Result's
//     Warnings say what is missing.
//   - The time in a txid is never used as a filter: a scenario goes on for days.
//   - A canceled context ends a method soon, with the context's error.
//
// The interface does not grow: a further verb comes as an interface of its own, asked
// for by a type assertion, so that a Source written today stays one.
type Source interface {
	// Name says where this is, in the form that the command's --source takes:
	// "journal:./.txtrail". It is shown to people.
	Name() string

	// Lookup returns the entries of every txid that begins with prefix, compared
	// byte for byte, in time order. It stops after MaxCandidates different txids,
	// MaxLookup entries or MaxLookupBytes, and Result.More then says so. A prefix that no txid can
	// begin with is an error that wraps ErrPrefix.
	Lookup(ctx context.Context, prefix string) (*Result, error)

	// Find returns the entries that match f: the newest f.Limit of them (all if
	// it is zero), oldest first unless f.NewestFirst is set. Result.Matched counts
	// those left out too. With f.Brief the entries are not sealed.
	Find(ctx context.Context, f Filter) (*Result, error)

	// Tail yields entries that match f as they are written, in about the order of
	// their writing, until ctx ends, which is no error. With f.Since set it begins
	// with what is stored since then, in order of time, else with what is written
	// after the call.
	// f.Until and f.Limit do not apply. A yielded error is not the end: it says
	// what could not be read, and the following goes on if the caller does.
	Tail(ctx context.Context, f Filter) iter.Seq2[*entry.Entry, error]
}

// Result is the answer to a Lookup or a Find.
type Result struct {
	Entries  []*entry.Entry
	Matched  int  // how many entries matched; len(Entries) or more
	More     bool // Matched is a lower bound: the search stopped early
	Coverage Coverage
	Warnings []Warning
}

// Partial reports whether a part of the source could not be read, so that
// something may be missing.
func (r *Result) Partial() bool { return len(r.Warnings) > 0 }

// Coverage says what was searched.
type Coverage struct {
	Source string    // the Source's Name
	Files  int       // files, 0 where there are none
	Bytes  int64     // their size on the disk
	From   time.Time // the oldest time covered; zero if nothing is stored
	To     time.Time // the newest
}

// Warning is one thing that could not be read.
type Warning struct {
	Where string // a file's name, a project
	What  string // in English: "damaged at byte 1234, 3 lines lost"
	Err   error  // may be nil
}

// String returns "where: what".
func (w Warning) String() string {
	what := w.What
	if what == "" && w.Err != nil {
		what = w.Err.Error()
	}
	if w.Where == "" {
		return what
	}
	return w.Where + ": " + what
}

// CheckPrefix returns an error that wraps [ErrPrefix] and names the byte for a
// string that no txid begins with: an empty one, one longer than a txid may be,
// or one with a character that a txid does not have.
func CheckPrefix(prefix string) error {
	if err := txid.CheckPrefix(prefix); err != nil {
		return fmt.Errorf("%w: %s", ErrPrefix, strings.TrimPrefix(err.Error(), txid.ErrInvalid.Error()+": "))
	}
	return nil
}

// Compare orders entries by time, then by insertId, then by their lines: a total
// order of different entries, so that the same entries always give the same story.
func Compare(a, b *entry.Entry) int {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c
	}
	if a.InsertID != b.InsertID {
		if a.InsertID < b.InsertID {
			return -1
		}
		return 1
	}
	return slices.Compare(a.Line(), b.Line())
}
