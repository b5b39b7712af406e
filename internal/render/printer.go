package render

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/txtrail/txtrail/query"
)

// MinWidth is the narrowest table that still can be read; DefaultWidth is taken
// where there is no terminal to ask.
const (
	MinWidth     = 60
	DefaultWidth = 80
)

// Options say how to print. The zero value prints in English, in UTC, without
// colours, 80 cells wide.
type Options struct {
	Width int            // cells; Default 80, at least 60
	Color bool           // Default false
	Lang  query.Lang     // Default English
	Zone  *time.Location // Default UTC
	// Unwrapped keeps a sentence on its line however long it is, for a pipe that
	// somebody searches by lines. Default false: it is wrapped at Width.
	Unwrapped bool
	// Command is how the command is called in what is proposed to be typed next.
	// Default "txtrail".
	Command string
	// Args are put after the proposed arguments, quoted already: "--source /logs".
	Args string
}

// Printer writes for people. It is used by one goroutine. Text is buffered until
// Flush.
type Printer struct {
	w     io.Writer
	b     bytes.Buffer
	days  bool // lists show the day
	where int  // width of the column of services in a list of entries
	opts  Options
}

// New returns a Printer on w.
func New(w io.Writer, opts Options) *Printer {
	if opts.Width == 0 {
		opts.Width = DefaultWidth
	}
	opts.Width = max(opts.Width, MinWidth)
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	if opts.Command == "" {
		opts.Command = "txtrail"
	}
	return &Printer{w: w, opts: opts}
}

// Flush writes what was printed.
func (p *Printer) Flush() error {
	_, err := p.b.WriteTo(p.w)
	return err
}

// sentence breaks s, which is escaped already, into lines of at most n cells.
func (p *Printer) sentence(s string, n int) []string {
	if p.opts.Unwrapped {
		return []string{s}
	}
	return wrap(s, n)
}

func (p *Printer) line(s string) {
	p.b.WriteString(strings.TrimRight(s, " "))
	p.b.WriteByte('\n')
}

// say picks the text in the reader's language.
func (p *Printer) say(en, ko string) string {
	if p.opts.Lang == query.Korean {
		return ko
	}
	return en
}

// moment writes a time with its date and zone.
func (p *Printer) moment(t time.Time) string {
	return t.In(p.opts.Zone).Format("2006-01-02 15:04:05.000 MST")
}

// command returns a command line that the reader can copy.
func (p *Printer) command(args string) string {
	s := p.opts.Command + " " + args
	if p.opts.Args != "" {
		s += " " + p.opts.Args
	}
	return s
}
