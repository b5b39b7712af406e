package report

import "errors"

// wrong is the heading of what is told, as long as the error has none of its own.
const wrong = "txtrail does not record as it should"

// headed is an error that says under which heading it is told.
type headed interface {
	error
	Heading() string
}

// heading returns that of the outermost error that has one. Errors of others, which may be
// within, may panic when they are asked.
func heading(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = wrong
		}
	}()
	var h headed
	if errors.As(err, &h) {
		return h.Heading()
	}
	return wrong
}

// notice is told although nothing is wrong in this library.
type notice struct{ heading, text string }

func (n *notice) Error() string   { return n.text }
func (n *notice) Heading() string { return n.heading }

// NewNotice returns an error, different from every other, for what is told through OnError
// although this library did what it should: a service died, say, and what it was serving
// was found. Told by [Warn], the heading says what it is.
func NewNotice(heading, text string) error { return &notice{heading, text} }

// fault is a notice that is none.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }
func (fault) Heading() string { return wrong }

// Fault returns err, which wraps a notice, as what is wrong all the same.
func Fault(err error) error { return fault{err} }
