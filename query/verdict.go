package query

import (
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// Outcomes of a story, from bad to good.
const (
	OutcomeFailed  = "failed"  // a request was not answered as it should
	OutcomeRefused = "refused" // a request was answered 4xx
	OutcomeHandled = "handled" // calls failed, and every request was answered all the same
	OutcomeOK      = "ok"      // nothing failed
	OutcomeEmpty   = "empty"   // there is nothing to judge
)

// Verdict says what failed first. Numbers are those of rows; 0 means none.
type Verdict struct {
	Outcome string
	Root    int   // the request that failed
	Cause   int   // the innermost failed call that led to it; Root itself if there is none
	Retries []int // later attempts of the cause
	More    int   // further requests that failed (or were refused)
}

// newVerdict judges. A request (a row that a person or a foreign program waited
// for) is followed down its failed calls: of the calls that a failed exchange
// made, the one that failed first leads on, and one that was not answered or
// answered 5xx goes before one that was answered 4xx. A call that was tried again
// failed if its last attempt did. A call that was canceled since the one who had asked
// for it went away is no cause.
func newVerdict(s *Story) Verdict {
	j := judge{s: s, children: make(map[int][]int)}
	for i := range s.Rows {
		if r := &s.Rows[i]; r.IsCall() {
			j.children[r.In] = append(j.children[r.In], i)
		}
	}
	v := Verdict{Outcome: OutcomeOK}
	if s.Calls == 0 {
		v.Outcome = OutcomeEmpty
		for i := range s.Rows {
			if s.Rows[i].Failed {
				return Verdict{Outcome: OutcomeFailed, Root: s.Rows[i].N, Cause: s.Rows[i].N}
			}
		}
		return v
	}
	var bestEnd time.Duration
	for i := range s.Rows {
		r := &s.Rows[i]
		// Requests, and calls that nobody asked for: a job's.
		if !r.Failed || !r.IsCall() || r.Kind == RowCall && r.In != 0 && s.Rows[r.In-1].IsCall() || r.Kind == RowCall && j.recovered(i) {
			continue
		}
		cause, retries := j.cause(i)
		end := s.Rows[cause].Offset + s.Rows[cause].Duration
		if v.Root != 0 {
			v.More++
			if end >= bestEnd {
				continue
			}
		}
		bestEnd = end
		v.Outcome, v.Root, v.Cause, v.Retries = OutcomeFailed, r.N, s.Rows[cause].N, retries
	}
	if v.Root != 0 {
		return v
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		if r.Kind == RowRequest && r.Status() >= 400 {
			if v.Root != 0 {
				v.More++
				continue
			}
			cause, retries := j.cause(i)
			v.Outcome, v.Root, v.Cause, v.Retries = OutcomeRefused, r.N, s.Rows[cause].N, retries
		}
	}
	if v.Root != 0 {
		return v
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		if r.Kind != RowCall || !r.Failed || r.Attempt > 1 {
			continue
		}
		if v.Cause != 0 {
			v.More++
			continue
		}
		v.Outcome, v.Cause = OutcomeHandled, r.N
		v.Retries = s.retries[r.N]
	}
	return v
}

type judge struct {
	s        *Story
	children map[int][]int // number of a row → indexes of the exchanges it caused
}

// cause follows the failed calls below row i to the innermost.
func (j *judge) cause(i int) (row int, retries []int) {
	for range len(j.s.Rows) { // a tree is no deeper
		r := &j.s.Rows[i]
		if r.Server != nil && (r.Server.HasFlag(entry.FlagPanic) || r.Server.Kind == entry.KindCrash) {
			break // its own doing
		}
		next := -1
		for _, c := range j.children[r.N] {
			cr := &j.s.Rows[c]
			if cr.Kind != RowCall || !cr.Failed || cr.Attempt > 1 || j.recovered(c) || left(r) && cr.ErrorType() == entry.ErrorCanceled {
				continue
			}
			if next < 0 || j.before(c, next) {
				next = c
			}
		}
		if next < 0 {
			break
		}
		i, retries = next, j.s.retries[j.s.Rows[next].N]
	}
	return i, retries
}

// left reports whether whoever waited for the request went away before its answer: the
// calls that it makes are canceled for that, not the other way round.
func left(r *Row) bool {
	return r.Server != nil && (r.Server.Error.Type == entry.ErrorClientAborted || r.Server.HasFlag(entry.FlagAborted))
}

// before reports whether failure a is more telling than b.
func (j *judge) before(a, b int) bool {
	ra, rb := &j.s.Rows[a], &j.s.Rows[b]
	if ha, hb := hard(ra), hard(rb); ha != hb {
		return ha
	}
	return ra.Offset+ra.Duration < rb.Offset+rb.Duration
}

// hard tells a failure of the other side from a refusal of what was asked.
func hard(r *Row) bool { return r.Status() == 0 || r.Status() >= 500 || r.ErrorType() != "" }

// recovered reports whether a later attempt of call i succeeded.
func (j *judge) recovered(i int) bool {
	ns := j.s.retries[j.s.Rows[i].N]
	return len(ns) > 0 && !j.s.Rows[ns[len(ns)-1]-1].Failed
}

// Sentence returns the verdict in words. What was logged in it is not escaped.
func (s *Story) Sentence(l Lang) string {
	v := &s.Verdict
	root, cause := s.Row(v.Root), s.Row(v.Cause)
	more := func(en, ko string) string {
		if v.More == 0 {
			return ""
		}
		n := strconv.Itoa(v.More)
		return l.pick(" ("+n+" more "+en+")", " ("+ko+" "+n+"건 더)")
	}
	switch v.Outcome {
	case OutcomeEmpty:
		return l.pick("no request or call is recorded", "요청이나 호출 기록이 없음")
	case OutcomeFailed:
		if !root.IsCall() {
			return l.pick("failed: ", "실패: ") + firstLine(root.Entry().Message)
		}
		return root.Call() + l.pick(" failed: ", " 실패: ") + s.causeText(root, cause, l) + s.retryText(l) + more("failed", "실패")
	case OutcomeRefused:
		t := root.Call() + l.pick(" was answered ", " 응답 ") + strconv.Itoa(root.Status())
		if cause != root {
			t += ": " + s.causeText(root, cause, l) + s.retryText(l)
		}
		return t + more("answered 4xx", "4xx 응답")
	case OutcomeHandled:
		t := s.causeText(nil, cause, l)
		if ns := v.Retries; len(ns) > 0 && !s.Row(ns[len(ns)-1]).Failed {
			n := strconv.Itoa(s.Row(ns[len(ns)-1]).Attempt)
			t += l.pick(", attempt "+n+" succeeded", ", "+n+"번째 시도 성공")
		} else {
			t += s.retryText(l) + l.pick("; the requests were answered all the same", "; 요청은 모두 정상 응답됨")
		}
		return t + more("calls failed", "호출 실패")
	}
	return l.pick("nothing failed", "실패 없음")
}

// causeText tells of the cause: who called whom, and what became of it.
func (s *Story) causeText(root, cause *Row, l Lang) string {
	if cause == root {
		e := cause.Entry()
		t := happened(e, l)
		if cause.Kind == RowRequest && e.Kind == entry.KindServer && cause.To != "" {
			t = cause.To + " " + t
		}
		if e.Error.Message != "" && e.Kind == entry.KindServer && e.Error.Type != entry.ErrorClientAborted {
			t += ": " + clipText(firstLine(e.Error.Message), 160)
		}
		return t
	}
	var b strings.Builder
	b.WriteString(cause.From)
	b.WriteString(" → ")
	b.WriteString(cause.To)
	b.WriteByte(' ')
	b.WriteString(cause.Call())
	b.WriteByte(' ')
	e := cause.Client
	if v := cause.Server; v != nil && e.Error.Type != "" && (v.Kind == entry.KindCrash || v.HasFlag(entry.FlagPanic)) {
		e = v // the caller saw a broken connection; its server knows why
	}
	if e.Kind == entry.KindCrash && cause.Client.HTTP.Status != 0 { // its process has not told what it had answered
		b.WriteString(l.pick("broke off: the process died", "응답 도중 프로세스가 종료됨"))
	} else {
		b.WriteString(happened(e, l))
	}
	// What the server says of a call that its caller gave up is a consequence.
	if v := cause.Server; v != nil && v.Error.Message != "" && v.Failed() && (e == v || e.HTTP.Status != 0) {
		b.WriteString(": ")
		b.WriteString(clipText(firstLine(v.Error.Message), 160))
	}
	return b.String()
}

// retryText tells how the later attempts ended: ", retry refused".
func (s *Story) retryText(l Lang) string {
	ns := s.Verdict.Retries
	if len(ns) == 0 {
		return ""
	}
	last := s.Row(ns[len(ns)-1]).Outcome()
	if l == Korean {
		last = koreanOutcome(last)
	}
	if len(ns) == 1 {
		return l.pick(", retry ", ", 재시도: ") + last
	}
	n := strconv.Itoa(len(ns))
	return l.pick(", "+n+" retries, the last "+last, ", 재시도 "+n+"회, 마지막: "+last)
}

// koreanOutcome puts the usual outcomes into words for a Korean sentence.
func koreanOutcome(o string) string {
	switch o {
	case "timeout":
		return "시간 초과"
	case "refused":
		return "연결 거부"
	case "reset":
		return "연결 끊김"
	case "canceled":
		return "취소됨"
	case "cut off":
		return "응답 도중 끊김"
	case "aborted":
		return "클라이언트가 떠남"
	}
	return o
}

func firstLine(s string) string {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return s[:i]
	}
	return s
}

// clipText cuts s to about n bytes at a rune's edge.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
