package query

import (
	"cmp"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
)

// Outcome returns how the row ended in one word for a column: a status, "timeout",
// "refused", "panic", a log line's severity. It is for machines too: English, and
// for an unknown error type that type.
func (r *Row) Outcome() string { return outcome(r.Entry()) }

func outcome(e *entry.Entry) string {
	switch e.Kind {
	case entry.KindLog:
		return e.Severity.String()
	case entry.KindGap:
		return "lost"
	case entry.KindCrash:
		return "died"
	case entry.KindStream:
		if e.Error.Type == "" {
			return "closed"
		}
	}
	if e.HasFlag(entry.FlagPanic) && e.HTTP.Status == 0 {
		return "panic"
	}
	switch t := e.Error.Type; {
	case t == "" || e.HTTP.Status >= 400 && !isTimeout(t):
	case e.Kind == entry.KindServer && e.HTTP.Status != 0:
	case isTimeout(t):
		return "timeout"
	case t == entry.ErrorUnexpectedEOF:
		return "cut off"
	case t == entry.ErrorClientAborted:
		return "aborted"
	case t == entry.ErrorOther:
		return "error"
	default:
		return t
	}
	if e.HTTP.Status == 0 {
		if e.HasFlag(entry.FlagAborted) {
			return "aborted"
		}
		if e.HasFlag(entry.FlagHijacked) {
			return "hijacked"
		}
		return "-"
	}
	return strconv.Itoa(e.HTTP.Status)
}

// happened says what became of a call, for the middle of a sentence: "timed out
// after 1.5 s waiting for response headers".
func happened(e *entry.Entry, l Lang) string {
	after := func(en, ko string) string {
		d := e.Latency
		if limit := cmp.Or(headerLimit(e), e.HTTP.Deadline); isTimeout(e.Error.Type) && limit > 0 && within(d, limit) {
			// The limit is the round figure that people know; the clock shows a
			// millisecond more.
			d = limit
		}
		if d <= 0 {
			return l.pick(en, ko)
		}
		return l.pick(en+" after "+human.Duration(d), human.Duration(d)+" 만에 "+ko)
	}
	phase := func(en, ko string) string {
		return l.pick(after("timed out", "")+" "+en, ko+" "+after("", "시간 초과"))
	}
	if e.Kind == entry.KindCrash {
		return l.pick("was never answered: the process died", "응답 없이 프로세스가 종료됨")
	}
	if e.HasFlag(entry.FlagPanic) {
		return after("panicked", "패닉")
	}
	switch e.Error.Type {
	case entry.ErrorHeaderTimeout:
		return phase("waiting for response headers", "응답 헤더를 기다리다")
	case entry.ErrorBodyTimeout:
		return phase("reading the response body", "응답 본문을 읽다")
	case entry.ErrorConnectTimeout:
		return phase("connecting", "연결하다")
	case entry.ErrorTimeout:
		return after("timed out", "시간 초과")
	case entry.ErrorDNS:
		return l.pick("failed: the host name could not be resolved", "실패: 호스트 이름을 찾을 수 없음")
	case entry.ErrorRefused:
		return l.pick("was refused: nothing accepts connections there", "연결 거부: 접속을 받는 서버가 없음")
	case entry.ErrorUnreachable:
		return l.pick("failed: the host is unreachable", "실패: 호스트에 닿을 수 없음")
	case entry.ErrorTLS:
		return l.pick("failed in the TLS handshake", "TLS 연결 실패")
	case entry.ErrorReset:
		return after("was cut by a connection reset", "연결 재설정으로 끊김")
	case entry.ErrorUnexpectedEOF:
		return after("broke off in the middle of the answer", "응답 도중 끊김")
	case entry.ErrorCanceled:
		return after("was canceled by its caller", "호출자가 취소함")
	case entry.ErrorClientAborted:
		return after("was left by its client", "클라이언트가 떠남")
	case entry.ErrorRedirect:
		return l.pick("failed on a redirect", "리다이렉트 실패")
	case entry.ErrorRequestBody:
		return l.pick("failed: its body could not be read to be sent", "실패: 보낼 본문을 읽지 못함")
	case entry.ErrorProtocol:
		return l.pick("failed: the answer is not valid HTTP", "실패: HTTP 응답이 아님")
	}
	if e.HTTP.Status != 0 && (e.Error.Type == "" || e.HTTP.Status >= 400) {
		return l.pick("answered ", "응답 ") + strconv.Itoa(e.HTTP.Status)
	}
	if e.Error.Type != "" {
		return l.pick("failed with ", "오류 ") + e.Error.Type
	}
	return l.pick("was not answered", "응답 없음")
}

// within reports whether d is limit or a little more.
func within(d, limit time.Duration) bool {
	return d >= limit-limit/20 && d <= limit+limit/10+20*time.Millisecond
}
