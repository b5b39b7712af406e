package query

import (
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
)

// NoteCode names what a note says; it is for machines and never changes.
type NoteCode string

// The notes that a row may have.
const (
	NoteNeverArrived  NoteCode = "never_arrived"  // sent, and the other side recorded nothing
	NoteUnrecorded    NoteCode = "unrecorded"     // answered by one of ours that recorded nothing
	NoteCallerUnknown NoteCode = "caller_unknown" // names a caller that recorded nothing
	NoteOtherSide     NoteCode = "other_side"     // the server tells it differently
	NoteLimit         NoteCode = "limit"          // the time limit that it ran into
	NoteNoLimit       NoteCode = "no_limit"       // it had none, and would have needed one
	NoteSkew          NoteCode = "clock_skew"     // the clocks of the two sides differ
	NoteLateArrival   NoteCode = "late_arrival"   // arrived after the caller had given up
	NoteFromCache     NoteCode = "from_cache"     // a cache answered
	NoteAgain         NoteCode = "arrived_again"  // one call arrived twice
	NoteLoop          NoteCode = "loop"           // its parents form a loop
	NoteAborted       NoteCode = "client_aborted" // the client went away
	NotePanic         NoteCode = "panic"          // the handler panicked
	NoteCrash         NoteCode = "crash"          // the process died while serving this
	NoteLost          NoteCode = "lost"           // entries lost: how many, why
	NoteRefusedID     NoteCode = "refused_txid"   // a txid was brought and not accepted
	NoteNotRead       NoteCode = "not_read"       // the caller did not read the answer to its end
	NoteRedirect      NoteCode = "redirect"       // it follows a redirect
	NoteResent        NoteCode = "resent"         // sent again on another connection
	NoteError         NoteCode = "error"          // the error's own words
)

// Note is a remark on a row. Its fields are what the text is made of.
type Note struct {
	Code    NoteCode
	Service string // whom it is about
	Peer    string // the other side
	Word    string // an outcome, a reason, an error's words: logged data, hostile
	D       time.Duration
	N       int64
	Known   bool // never_arrived: the peer is known to record
}

// headersOnly is the Word of a limit that is not the whole call's.
const headersOnly = "response headers"

// Text returns the note in words. What was logged in it is not escaped.
func (n Note) Text(l Lang) string {
	d := human.Duration(n.D)
	switch n.Code {
	case NoteNeverArrived:
		if n.Known {
			return l.pick("sent, but "+n.Peer+" has no entry of it: it never arrived, or the entry is lost",
				"보냈으나 "+n.Peer+"에 기록이 없음: 도착하지 않았거나 기록이 유실됨")
		}
		return l.pick("sent; "+n.Peer+" has no entry of it: it never arrived, or "+n.Peer+" does not record here",
			"보냈으나 "+n.Peer+"의 기록이 없음: 도착하지 않았거나 여기에 기록하지 않는 서버임")
	case NoteUnrecorded:
		return l.pick(n.Peer+" answered, but its entry is missing", n.Peer+"의 응답은 있으나 그쪽 기록이 없음")
	case NoteCallerUnknown:
		return l.pick("caller unknown: there is no entry (yet) of the call that names itself "+n.Word,
			"호출자 미상: "+n.Word+"(으)로 표시된 호출의 기록이 (아직) 없음")
	case NoteOtherSide:
		return l.pick(n.Service+" says "+n.Word+" after "+d, n.Service+"의 기록은 "+koreanOutcome(n.Word)+", "+d)
	case NoteLimit:
		if n.Word == headersOnly {
			return l.pick("limit "+d+" for response headers", "응답 헤더 제한 "+d)
		}
		return l.pick("limit "+d, "제한 "+d)
	case NoteNoLimit:
		return l.pick("the call had no time limit", "시간 제한 없이 호출함")
	case NoteSkew:
		if n.D < 0 {
			return l.pick(n.Service+"'s clock is at least "+human.Duration(-n.D)+" ahead of "+n.Peer+"'s; its times are shown aligned",
				n.Service+"의 시계가 "+n.Peer+"보다 최소 "+human.Duration(-n.D)+" 빠름, 맞추어 표시함")
		}
		return l.pick(n.Service+"'s clock is at least "+d+" behind "+n.Peer+"'s; its times are shown aligned",
			n.Service+"의 시계가 "+n.Peer+"보다 최소 "+d+" 느림, 맞추어 표시함")
	case NoteLateArrival:
		return l.pick(n.Service+" began "+d+" after "+n.Peer+" had given up: it waited on the way, or "+n.Service+"'s clock is ahead",
			n.Peer+"이(가) 포기하고 "+d+" 뒤에 "+n.Service+"에서 시작됨: 도중에 대기했거나 "+n.Service+"의 시계가 빠름")
	case NoteFromCache:
		return l.pick("from cache", "캐시 응답")
	case NoteAgain:
		return l.pick("the same call arrived here more than once", "같은 호출이 두 번 이상 도착함")
	case NoteLoop:
		return l.pick("its callers form a loop; shown where it began", "호출 관계가 순환함: 시작된 곳에 표시")
	case NoteAborted:
		return l.pick("the client went away", "클라이언트가 연결을 끊음")
	case NotePanic:
		return l.pick("the handler panicked", "핸들러 패닉")
	case NoteCrash:
		return l.pick("the "+n.Service+" process died while serving this", n.Service+" 프로세스가 이 요청을 처리하던 중 종료됨")
	case NoteLost:
		return l.pick(human.Count(n.N)+" entries lost: "+n.Word, "기록 "+human.Count(n.N)+"건 유실: "+n.Word)
	case NoteRefusedID:
		return l.pick("came with a txid that was not accepted: "+n.Word, "받아들이지 않은 txid로 들어옴: "+n.Word)
	case NoteRedirect:
		return l.pick("follows a redirect", "리다이렉트를 따라감")
	case NoteResent:
		return l.pick("sent again on a new connection: the idle one was dead", "유휴 연결이 끊겨 새 연결로 다시 보냄")
	case NoteNotRead:
		return l.pick("the caller closed the answer before its end", "호출자가 응답을 끝까지 읽지 않음")
	}
	return n.Word
}

// neverSent are the errors of calls that did not leave the caller.
func neverSent(errType string) bool {
	switch errType {
	case entry.ErrorDNS, entry.ErrorRefused, entry.ErrorUnreachable, entry.ErrorConnectTimeout, entry.ErrorTLS:
		return true
	}
	return false
}

// isTimeout tells the errors in which time ran out.
func isTimeout(errType string) bool {
	switch errType {
	case entry.ErrorConnectTimeout, entry.ErrorHeaderTimeout, entry.ErrorBodyTimeout, entry.ErrorTimeout:
		return true
	}
	return false
}

// annotate says on each row what its figures do not.
func (s *Story) annotate(t *tree) {
	for i, n := range t.nodes {
		r := &s.Rows[i]
		if r.Kind == RowGap {
			if g := r.Other.Gap; g != nil {
				r.note(Note{Code: NoteLost, Service: r.To, N: g.Count, Word: g.Reason})
			}
			continue
		}
		if n == nil {
			continue
		}
		if n.loop {
			r.note(Note{Code: NoteLoop})
		}
		if n.again {
			r.note(Note{Code: NoteAgain})
		}
		if c := r.Client; c != nil {
			s.annotateCall(t, r, n)
		} else if n.orphan && !s.Excerpt && r.Server != nil {
			r.note(Note{Code: NoteCallerUnknown, Word: r.Server.Parent.String()})
		}
		if e := r.Server; e != nil {
			annotateServer(r, e)
		}
		if r.Other != nil && r.Other.Error.Message != "" {
			r.note(Note{Code: NoteError, Word: r.Other.Error.Message})
		}
	}
}

func (r *Row) note(n Note) { r.Notes = append(r.Notes, n) }

func (s *Story) annotateCall(t *tree, r *Row, n *node) {
	c := r.Client
	errType := c.Error.Type
	if isTimeout(errType) {
		if d := headerLimit(c); d > 0 {
			r.note(Note{Code: NoteLimit, D: d, Word: headersOnly})
		} else if c.HTTP.Deadline > 0 {
			r.note(Note{Code: NoteLimit, D: c.HTTP.Deadline})
		} else if c.HasFlag(entry.FlagNoDeadline) && !inPhase(errType) {
			r.note(Note{Code: NoteNoLimit})
		}
	}
	if label(c, entry.LabelRedirectHop) != "" {
		r.note(Note{Code: NoteRedirect})
	}
	if label(c, entry.LabelResent) != "" {
		r.note(Note{Code: NoteResent})
	}
	if c.HTTP.CacheHit {
		r.note(Note{Code: NoteFromCache})
	}
	if errType != "" && c.HTTP.Status != 0 {
		// An answer began and broke off.
		r.note(Note{Code: NoteError, Word: c.Error.Message})
	}
	if c.HasFlag(entry.FlagNotRead) && errType == "" && !c.HasFlag(entry.FlagStreamed) {
		r.note(Note{Code: NoteNotRead})
	}
	if r.Server == nil {
		s.annotateUnanswered(t, r)
		return
	}
	v := r.Server
	if v.Kind != entry.KindCrash && !v.HasFlag(entry.FlagPanic) && (v.HTTP.Status != c.HTTP.Status || errType != "") {
		word := outcome(v)
		if v.HasFlag(entry.FlagAborted) { // its status reached nobody
			word = "aborted"
		}
		r.note(Note{Code: NoteOtherSide, Service: r.To, Word: word, D: v.Latency})
	}
	switch late := v.Time.Sub(c.Time.Add(c.Latency)); {
	case n.skew != 0:
		r.note(Note{Code: NoteSkew, Service: r.To, Peer: r.From, D: n.skew})
	case late >= minSkew:
		r.note(Note{Code: NoteLateArrival, Service: r.To, Peer: r.From, D: late})
	}
}

// annotateUnanswered speaks of a call whose other side is not here. It is careful:
// only what is known of the peer tells an accident from a stranger.
func (s *Story) annotateUnanswered(t *tree, r *Row) {
	c := r.Client
	if s.Excerpt || c.HasFlag(entry.FlagNotSent) || c.HTTP.CacheHit || neverSent(c.Error.Type) {
		return
	}
	known := t.peers[hostPort(c)] != ""
	switch {
	case c.HTTP.Status == 0:
		r.note(Note{Code: NoteNeverArrived, Service: r.From, Peer: r.To, Known: known})
	case known:
		r.note(Note{Code: NoteUnrecorded, Service: r.From, Peer: r.To})
	}
}

func annotateServer(r *Row, e *entry.Entry) {
	if e.Kind == entry.KindCrash {
		r.note(Note{Code: NoteCrash, Service: r.To})
	}
	if e.HasFlag(entry.FlagPanic) {
		r.note(Note{Code: NotePanic})
	}
	if e.HasFlag(entry.FlagAborted) && r.Client == nil {
		r.note(Note{Code: NoteAborted})
	}
	if e.HTTP.CacheHit && r.Client == nil {
		r.note(Note{Code: NoteFromCache})
	}
	if e.Refused != "" {
		r.note(Note{Code: NoteRefusedID, Word: e.Refused})
	}
	if e.Error.Message != "" && (r.Client == nil || e.HasFlag(entry.FlagPanic) || e.HTTP.Status >= 500) {
		r.note(Note{Code: NoteError, Service: r.To, Word: e.Error.Message})
	}
}
