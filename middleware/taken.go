package middleware

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// taken is a stream as the txid.Recorder of an exchange whose handler has taken the
// connection, and whose own entry is out.
type taken stream

var (
	_ txid.Recorder = (*taken)(nil)
	_ txid.Keeper   = (*taken)(nil)
)

// told is what the handler said of the exchange while it had its connection.
type told struct {
	err    entry.Error
	labels []entry.Label
}

// say changes what the handler has said, as long as it will be told.
func (s *taken) say(change func(*told)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return
	}
	if s.told == nil {
		s.told = &told{}
	}
	change(s.told)
}

// SetRoute implements [txid.Recorder]. The route is what it was when the connection was
// taken.
func (s *taken) SetRoute(string) {}

// EntryPage implements [txid.Recorder].
func (s *taken) EntryPage() string {
	if p := s.scope.EntryPage; p != "" || s.scope.Origin != txid.OriginMinted {
		return p
	}
	return pageOf(s.method, s.route, pathIn(s.url))
}

// SetUser implements [txid.Recorder].
func (s *taken) SetUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = capture.Bound(id, entry.MaxWord)
}

// SetError implements [txid.Recorder].
func (s *taken) SetError(err error) {
	if name, text := named(err); name != "" {
		s.setError(name, text)
	}
}

func (s *taken) setError(name, text string) {
	s.say(func(t *told) { t.err.Type, t.err.Message = name, text })
}

// Annotate implements [txid.Recorder].
func (s *taken) Annotate(name, value string) {
	s.say(func(t *told) { t.labels = annotated(t.labels, name, value) })
}

// Keep implements [txid.Keeper].
func (s *taken) Keep() { s.kept.Store(true) }

// Kept implements [txid.Keeper].
func (s *taken) Kept() bool { return s.kept.Load() && !s.NoEscalation }

// standIn returns what stands for s in contexts that outlive the exchange, until the
// connection is closed.
func (s *taken) standIn() *txid.Detached {
	s.mu.Lock()
	closed := s.closed.Load()
	if !closed && s.detached == nil {
		s.detached = txid.NewDetached(s)
	}
	d := s.detached
	s.mu.Unlock()
	if closed {
		d = txid.NewDetached(s)
		d.End()
	}
	return d
}
