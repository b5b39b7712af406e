package query_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

// told writes a story in a few words a row, to be compared.
func told(s *query.Story) string {
	var b strings.Builder
	for _, r := range s.Rows {
		from := ""
		if r.From != "" {
			from = r.From + "→"
		}
		fmt.Fprintf(&b, "%d<%d +%d %s%s %s", r.N, r.In, r.Offset.Milliseconds(), from, r.To, r.Outcome())
		if r.Attempt > 0 {
			fmt.Fprintf(&b, " try%d", r.Attempt)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(&b, " [%s]", n.Code)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var t0 = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

const ms = time.Millisecond

// scenarios are stories with what must be said of them.
var scenarios = []struct {
	name     string
	make     func(b *querytest.Builder)
	opts     *query.StoryOptions
	told     string
	sentence string
	korean   string
}{
	{
		name: "nothing", make: func(*querytest.Builder) {},
		sentence: "no request or call is recorded", korean: "요청이나 호출 기록이 없음",
	},
	{
		name: "all well",
		make: func(b *querytest.Builder) {
			p := b.Server(b.Service("ssr"), 0, "GET", "/", "/", 200, 0, 10*ms)
			c := b.Client(b.Service("ssr"), p.Span, "GET", "http://web:8080/a", 200, ms, 5*ms)
			b.Server(b.Service("web"), c.Span, "GET", "/a", "/a", 200, 2*ms, 3*ms)
		},
		told:     "1<0 +0 ssr 200\n2<1 +1 ssr→web 200\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "three services deep, and a failed option on the way",
		make: func(b *querytest.Builder) {
			ssr, web, core := b.Service("ssr"), b.Service("web"), b.Service("core")
			p := b.Server(ssr, 0, "GET", "/page", "/page", 500, 0, 100*ms)
			o := b.Client(ssr, p.Span, "GET", "http://web:8080/option", 404, ms, 2*ms)
			b.Server(web, o.Span, "GET", "/option", "/option", 404, 2*ms, ms)
			c := b.Client(ssr, p.Span, "GET", "http://web:8080/a", 502, 5*ms, 90*ms)
			w := b.Server(web, c.Span, "GET", "/a", "/a", 502, 6*ms, 88*ms)
			d := b.Client(web, w.Span, "GET", "http://core:8080/b", 500, 7*ms, 80*ms)
			x := b.Server(core, d.Span, "GET", "/b", "/b", 500, 8*ms, 78*ms)
			x.Error = entry.Error{Type: "*pq.Error", Message: "deadlock detected\nDETAIL: …"}
		},
		told:     "1<0 +0 ssr 500\n2<1 +1 ssr→web 404\n3<1 +5 ssr→web 502\n4<3 +7 web→core 500 [error]\n",
		sentence: "GET /page failed: web → core GET /b answered 500: deadlock detected",
		korean:   "GET /page 실패: web → core GET /b 응답 500: deadlock detected",
	},
	{
		name: "a panic is its own cause",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 500, 0, 10*ms)
			p.Flags = []string{entry.FlagPanic}
			p.Error = entry.Error{Type: "runtime.boundsError", Message: "index out of range [3]"}
			c := b.Client(web, p.Span, "GET", "http://core:8080/b", 503, ms, ms)
			b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 503, ms, ms)
		},
		told:     "1<0 +0 web 500 [panic] [error]\n2<1 +1 web→core 503\n",
		sentence: "GET /p failed: web panicked after 10 ms: index out of range [3]",
		korean:   "GET /p 실패: web 10 ms 만에 패닉: index out of range [3]",
	},
	{
		name: "tried again, with success",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 10*ms)
			a := b.Client(web, p.Span, "GET", "http://core:8080/b", 0, ms, ms)
			a.Error.Type = "reset"
			c := b.Client(web, p.Span, "GET", "http://core:8080/b", 200, 3*ms, ms)
			c.HTTP.ResendCount = 1
			b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 200, 3*ms, ms)
		},
		told:     "1<0 +0 web 200\n2<1 +1 web→core reset try1 [never_arrived]\n3<1 +3 web→core 200 try2\n",
		sentence: "web → core GET /b was cut by a connection reset after 1 ms, attempt 2 succeeded",
		korean:   "web → core GET /b 1 ms 만에 연결 재설정으로 끊김, 2번째 시도 성공",
	},
	{
		name: "tried three times in vain",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 503, 0, 10*ms)
			for i := range 3 {
				a := b.Client(web, p.Span, "GET", "http://core:8080/b", 0, time.Duration(i+1)*ms, ms)
				a.Error.Type = "refused"
				a.HTTP.ResendCount = i
			}
		},
		told:     "1<0 +0 web 503\n2<1 +1 web→core:8080 refused try1\n3<1 +2 web→core:8080 refused try2\n4<1 +3 web→core:8080 refused try3\n",
		sentence: "GET /p failed: web → core:8080 GET /b was refused: nothing accepts connections there, 2 retries, the last refused",
		korean:   "GET /p 실패: web → core:8080 GET /b 연결 거부: 접속을 받는 서버가 없음, 재시도 2회, 마지막: 연결 거부",
	},
	{
		name: "tried again elsewhere",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 503, 0, 10*ms)
			a := b.Client(web, p.Span, "GET", "http://core-1:8080/b", 0, ms, ms)
			a.Error.Type = "timeout"
			v := b.Server(b.Service("core"), a.Span, "GET", "/b", "/b", 0, ms, ms)
			v.Error = entry.Error{Type: "canceled", Message: "context canceled"}
			c := b.Client(web, p.Span, "GET", "http://core-2:8080/b", 0, 3*ms, ms)
			c.Error.Type = "refused"
			c.HTTP.ResendCount = 1
			c.Labels = []entry.Label{{Name: "attempt_of", Value: a.Span.String()}}
			d := b.Client(web, p.Span, "GET", "http://core-2:8080/c", 200, 5*ms, ms)
			d.Labels = []entry.Label{{Name: "redirect_hop", Value: "1"}, {Name: "resent_by_transport", Value: "1"}}
		},
		told: "1<0 +0 web 503\n2<1 +1 web→core timeout try1 [other_side]\n3<1 +3 web→core-2:8080 refused try2\n" +
			"4<1 +5 web→core-2:8080 200 [redirect] [resent]\n",
		sentence: "GET /p failed: web → core GET /b timed out after 1 ms, retry refused",
		korean:   "GET /p 실패: web → core GET /b 1 ms 만에 시간 초과, 재시도: 연결 거부",
	},
	{
		name: "a failure that was handled",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 10*ms)
			a := b.Client(web, p.Span, "GET", "http://core:8080/b", 404, ms, ms)
			b.Server(b.Service("core"), a.Span, "GET", "/b", "/b", 404, ms, ms)
		},
		told:     "1<0 +0 web 200\n2<1 +1 web→core 404\n",
		sentence: "web → core GET /b answered 404; the requests were answered all the same",
		korean:   "web → core GET /b 응답 404; 요청은 모두 정상 응답됨",
	},
	{
		name: "refused requests",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			b.Server(web, 0, "POST", "/login", "/login", 401, 0, ms)
			b.Server(web, 0, "POST", "/login", "/login", 401, 5*ms, ms)
		},
		told:     "1<0 +0 web 401\n2<0 +5 web 401\n",
		sentence: "POST /login was answered 401 (1 more answered 4xx)",
		korean:   "POST /login 응답 401 (4xx 응답 1건 더)",
	},
	{
		name: "the first failure goes before the outermost",
		make: func(b *querytest.Builder) {
			ssr, web := b.Service("ssr"), b.Service("web")
			b.Server(ssr, 0, "GET", "/page", "/page", 500, 0, 100*ms)
			b.Server(web, 0, "POST", "/api", "/api", 500, 10*ms, 20*ms)
		},
		told:     "1<0 +0 ssr 500\n2<0 +10 web 500\n",
		sentence: "POST /api failed: web answered 500 (1 more failed)",
		korean:   "POST /api 실패: web 응답 500 (실패 1건 더)",
	},
	{
		name: "a job without a request",
		make: func(b *querytest.Builder) {
			b.Client(b.Service("job"), 0, "GET", "http://api.example.com/b", 503, 0, ms)
		},
		told:     "1<0 +0 job→api.example.com 503\n",
		sentence: "GET /b failed: answered 503", korean: "GET /b 실패: 응답 503",
	},
	{
		name: "the page's calls stand below the page",
		make: func(b *querytest.Builder) {
			p := b.Server(b.Service("ssr"), 0, "GET", "/page", "/page", 200, 0, 10*ms)
			b.Server(b.Service("web"), p.Span, "POST", "/api", "/api", 503, 50*ms, 5*ms)
		},
		told:     "1<0 +0 ssr 200\n2<1 +50 web 503\n",
		sentence: "POST /api failed: web answered 503", korean: "POST /api 실패: web 응답 503",
	},
	{
		name: "the process died",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 502, 0, 10*ms)
			c := b.Client(web, p.Span, "GET", "http://core:8080/b", 0, ms, 5*ms)
			c.Error.Type = "unexpected_eof"
			b.Add(&entry.Entry{
				Time: t0.Add(2 * ms), Kind: entry.KindCrash, Parent: c.Span, Resource: b.Service("core"),
				HTTP: entry.HTTP{Method: "GET", URL: "/b"},
			})
		},
		told:     "1<0 +0 web 502\n2<1 +1 web→core cut off [crash]\n",
		sentence: "GET /p failed: web → core GET /b was never answered: the process died",
		korean:   "GET /p 실패: web → core GET /b 응답 없이 프로세스가 종료됨",
	},
	{
		name: "it died after its entry was written",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 10*ms)
			b.Add(&entry.Entry{Time: t0, Kind: entry.KindCrash, Span: p.Span, Resource: web, HTTP: entry.HTTP{Method: "GET", URL: "/p"}})
		},
		told:     "1<0 +0 web 200\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "core's clock is behind, and what it called is moved with it",
		make: func(b *querytest.Builder) {
			web, core := b.Service("web"), b.Service("core")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 100*ms)
			c := b.Client(web, p.Span, "GET", "http://core:8080/b", 200, 10*ms, 50*ms)
			s := b.Server(core, c.Span, "GET", "/b", "/b", 200, -300*ms, 40*ms)
			b.Client(core, s.Span, "GET", "http://db:1/x", 200, -290*ms, 5*ms)
		},
		told:     "1<0 +0 web 200\n2<1 +10 web→core 200 [clock_skew]\n3<2 +20 core→db:1 200\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "core's clock is ahead",
		make: func(b *querytest.Builder) {
			p := b.Server(b.Service("web"), 0, "GET", "/p", "/p", 200, 0, 100*ms)
			c := b.Client(b.Service("web"), p.Span, "GET", "http://core:8080/b", 200, 10*ms, 50*ms)
			b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 200, 600*ms, 40*ms)
		},
		told:     "1<0 +0 web 200\n2<1 +10 web→core 200 [clock_skew]\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "arrived after the caller had left",
		make: func(b *querytest.Builder) {
			p := b.Server(b.Service("web"), 0, "GET", "/p", "/p", 504, 0, 100*ms)
			c := b.Client(b.Service("web"), p.Span, "GET", "http://core:8080/b", 0, 10*ms, 50*ms)
			c.Error.Type = "timeout"
			c.Flags = []string{entry.FlagNoDeadline}
			b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 200, 90*ms, 40*ms)
		},
		told:     "1<0 +0 web 504\n2<1 +10 web→core timeout [no_limit] [other_side] [late_arrival]\n",
		sentence: "GET /p failed: web → core GET /b timed out after 50 ms",
		korean:   "GET /p 실패: web → core GET /b 50 ms 만에 시간 초과",
	},
	{
		name: "what never arrived, what is foreign, what a cache answered",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 100*ms)
			c := b.Client(web, p.Span, "GET", "http://core:8080/a", 200, ms, ms)
			b.Server(b.Service("core"), c.Span, "GET", "/a", "/a", 200, ms, ms)
			b.Client(web, p.Span, "GET", "http://core:8080/missing", 200, 3*ms, ms)
			lost := b.Client(web, p.Span, "GET", "http://core:8080/lost", 0, 4*ms, ms)
			lost.Error.Type = "header_timeout"
			who := b.Client(web, p.Span, "GET", "http://mail.example/who", 0, 5*ms, ms)
			who.Error.Type = "reset"
			foreign := b.Client(web, p.Span, "GET", "http://foreign.example/x", 0, 6*ms, ms)
			foreign.Error.Type = "timeout"
			foreign.Flags = []string{entry.FlagNotSent}
			hit := b.Client(web, p.Span, "GET", "http://core:8080/cached", 200, 7*ms, ms)
			hit.HTTP.CacheHit = true
			dns := b.Client(web, p.Span, "GET", "http://nowhere:8080/x", 0, 8*ms, ms)
			dns.Error.Type = "dns"
		},
		told: "1<0 +0 web 200\n2<1 +1 web→core 200\n3<1 +3 web→core 200 [unrecorded]\n4<1 +4 web→core timeout [never_arrived]\n" +
			"5<1 +5 web→mail.example reset [never_arrived]\n6<1 +6 web→foreign.example timeout\n7<1 +7 web→core 200 [from_cache]\n8<1 +8 web→nowhere:8080 dns\n",
		sentence: "web → core GET /lost timed out after 1 ms waiting for response headers; the requests were answered all the same (3 more calls failed)",
		korean:   "web → core GET /lost 응답 헤더를 기다리다 1 ms 만에 시간 초과; 요청은 모두 정상 응답됨 (호출 실패 3건 더)",
	},
	{
		name: "the caller is unknown, and an excerpt does not say so",
		make: func(b *querytest.Builder) {
			b.Server(b.Service("web"), 0xabc, "GET", "/p", "/p", 200, 0, ms)
		},
		told:     "1<0 +0 web 200 [caller_unknown]\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "an excerpt",
		make: func(b *querytest.Builder) {
			b.Server(b.Service("web"), 0xabc, "GET", "/p", "/p", 200, 0, ms)
			c := b.Client(b.Service("web"), 0, "GET", "http://core:8080/lost", 0, 4*ms, ms)
			c.Error.Type = "timeout"
		},
		opts:     &query.StoryOptions{Excerpt: true},
		told:     "1<0 +0 web 200\n2<0 +4 web→core:8080 timeout\n",
		sentence: "GET /lost failed: timed out after 1 ms", korean: "GET /lost 실패: 1 ms 만에 시간 초과",
	},
	{
		name: "log lines stand where they were written",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 10*ms)
			b.Log(web, p.Span, entry.SeverityInfo, "late", 8*ms)
			b.Client(web, p.Span, "GET", "http://core:8080/a", 200, 5*ms, ms)
			b.Log(web, p.Span, entry.SeverityError, "early", ms)
			b.Log(web, 0, entry.SeverityInfo, "alone", 20*ms)
		},
		told:     "1<0 +0 web 200\n2<1 +1 web ERROR\n3<1 +5 web→core:8080 200\n4<1 +8 web INFO\n5<0 +20 web INFO\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "one call arrived twice",
		make: func(b *querytest.Builder) {
			c := b.Client(b.Service("web"), 0, "GET", "http://core:8080/a", 200, 0, 9*ms)
			b.Server(b.Service("core"), c.Span, "GET", "/a", "/a", 200, ms, ms)
			b.Server(b.Service("core"), c.Span, "GET", "/a", "/a", 200, 4*ms, ms)
		},
		told:     "1<0 +0 web→core 200\n2<1 +4 core 200 [arrived_again]\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "parents in a loop",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			for i, p := range []int{2, 3, 1, 4} { // 1→2→3→1, 4→4
				b.Add(&entry.Entry{
					Time: t0.Add(time.Duration(i) * ms), Kind: entry.KindClient, Parent: spanID(p), Resource: web,
					HTTP: entry.HTTP{Method: "GET", URL: "http://x/", Status: 200, ServerAddress: "x"},
				})
			}
		},
		told:     "1<0 +0 web→x 200 [loop]\n2<1 +2 web→x 200\n3<2 +1 web→x 200\n4<0 +3 web→x 200 [loop]\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
	{
		name: "a gateway, whose route says nothing",
		make: func(b *querytest.Builder) {
			gateway, shop := b.Service("gateway"), b.Service("shop")
			p := b.Server(gateway, 0, "GET", "/api/", "/api/items/%ed%95%9c%EA%B8%80%2f1?q=1", 500, 0, 10*ms)
			c := b.Client(gateway, p.Span, "GET", "http://shop:8080/api/items/%ed%95%9c%EA%B8%80%2f1", 500, ms, 8*ms)
			b.Server(shop, c.Span, "GET", "/", "/api/items/%ed%95%9c%EA%B8%80%2f1", 500, 2*ms, 5*ms)
		},
		told:     "1<0 +0 gateway 500\n2<1 +1 gateway→shop 500\n",
		sentence: "GET /api/items/한글%2f1 failed: gateway → shop GET /api/items/한글%2f1 answered 500",
		korean:   "GET /api/items/한글%2f1 실패: gateway → shop GET /api/items/한글%2f1 응답 500",
	},
	{
		name: "the user left, and all that was done for her was canceled",
		make: func(b *querytest.Builder) {
			gateway, shop, core := b.Service("gateway"), b.Service("shop"), b.Service("core")
			p := b.Server(gateway, 0, "GET", "/slow", "/slow", 502, 0, 1000*ms)
			p.Error = entry.Error{Type: entry.ErrorClientAborted, Message: "context canceled"}
			p.Flags = []string{entry.FlagAborted}
			c := b.Client(gateway, p.Span, "GET", "http://shop:8080/slow", 0, ms, 998*ms)
			c.Error = entry.Error{Type: entry.ErrorCanceled, Message: "canceled while waiting for response headers: context canceled"}
			w := b.Server(shop, c.Span, "GET", "/slow", "/slow", 200, 2*ms, 998*ms)
			w.Error, w.Flags = p.Error, p.Flags
			d := b.Client(shop, w.Span, "GET", "http://core:8080/v1", 0, 3*ms, 990*ms)
			d.Error = c.Error
			b.Server(core, d.Span, "GET", "/v1", "/v1", 200, 4*ms, 980*ms)
		},
		told: "1<0 +0 gateway 502 [client_aborted] [error]\n2<1 +1 gateway→shop canceled [other_side]\n" +
			"3<2 +3 shop→core canceled [other_side]\n",
		sentence: "GET /slow failed: gateway was left by its client after 1 s",
		korean:   "GET /slow 실패: gateway 1 s 만에 클라이언트가 떠남",
	},
	{
		name: "a caller that gave up, and what was canceled for it further in",
		make: func(b *querytest.Builder) {
			web, shop := b.Service("web"), b.Service("shop")
			p := b.Server(web, 0, "GET", "/p", "/p", 504, 0, 1100*ms)
			c := b.Client(web, p.Span, "GET", "http://shop:8080/s", 0, ms, 1002*ms)
			c.Error = entry.Error{Type: entry.ErrorHeaderTimeout, Message: "timed out waiting for response headers (response header timeout of 1 s): net/http: timeout awaiting response headers"}
			c.Flags = []string{entry.FlagNoDeadline}
			w := b.Server(shop, c.Span, "GET", "/s", "/s", 200, 2*ms, 1001*ms)
			w.Error, w.Flags = entry.Error{Type: entry.ErrorClientAborted, Message: "context canceled"}, []string{entry.FlagAborted}
			d := b.Client(shop, w.Span, "GET", "http://core:8080/v1", 0, 3*ms, 990*ms)
			d.Error.Type = entry.ErrorCanceled
		},
		told: "1<0 +0 web 504\n2<1 +1 web→shop timeout [limit] [other_side]\n" +
			"3<2 +3 shop→core:8080 canceled [never_arrived]\n",
		sentence: "GET /p failed: web → shop GET /s timed out after 1 s waiting for response headers",
		korean:   "GET /p 실패: web → shop GET /s 응답 헤더를 기다리다 1 s 만에 시간 초과",
	},
	{
		name: "a call that failed before the user left is the cause",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 200, 0, 100*ms)
			p.Error = entry.Error{Type: entry.ErrorClientAborted, Message: "context canceled"}
			p.Flags = []string{entry.FlagAborted}
			a := b.Client(web, p.Span, "GET", "http://core:8080/b", 0, ms, ms)
			a.Error.Type = entry.ErrorRefused
			c := b.Client(web, p.Span, "GET", "http://core:8080/c", 0, 3*ms, 90*ms)
			c.Error.Type = entry.ErrorCanceled
		},
		told:     "1<0 +0 web 200 [client_aborted] [error]\n2<1 +1 web→core:8080 refused\n3<1 +3 web→core:8080 canceled [never_arrived]\n",
		sentence: "GET /p failed: web → core:8080 GET /b was refused: nothing accepts connections there",
		korean:   "GET /p 실패: web → core:8080 GET /b 연결 거부: 접속을 받는 서버가 없음",
	},
	{
		name: "the process died in the middle of its answer",
		make: func(b *querytest.Builder) {
			web := b.Service("web")
			p := b.Server(web, 0, "GET", "/p", "/p", 502, 0, 100*ms)
			c := b.Client(web, p.Span, "GET", "http://core:8080/b", 200, ms, 90*ms)
			c.Error = entry.Error{Type: entry.ErrorUnexpectedEOF, Message: "unexpected EOF"}
			x := b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 0, 2*ms, 80*ms)
			x.Kind = entry.KindCrash
		},
		told:     "1<0 +0 web 502\n2<1 +1 web→core cut off [error] [crash]\n",
		sentence: "GET /p failed: web → core GET /b broke off: the process died",
		korean:   "GET /p 실패: web → core GET /b 응답 도중 프로세스가 종료됨",
	},
	{
		name: "entries lost of it, and around it",
		make: func(b *querytest.Builder) {
			b.Server(b.Service("web"), 0, "GET", "/p", "/p", 200, 0, 10*ms)
			b.Add(&entry.Entry{Time: t0.Add(5 * ms), Kind: entry.KindGap, Gap: &entry.Gap{Count: 3, Reason: "queue full"}, Resource: b.Service("web")})
		},
		opts: &query.StoryOptions{Gaps: []*entry.Entry{
			{Time: t0.Add(8 * ms), Kind: entry.KindGap, Gap: &entry.Gap{Count: 9, From: t0.Add(-time.Hour), To: t0.Add(9 * ms)}},
			{Time: t0.Add(-time.Second), Kind: entry.KindGap, Gap: &entry.Gap{Count: 9}},
		}},
		told:     "1<0 +0 web 200\n2<0 +5 web lost [lost]\n3<0 +8  lost [lost]\n",
		sentence: "nothing failed", korean: "실패 없음",
	},
}

func TestStories(t *testing.T) {
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			b := querytest.NewBuilder("txid-of-the-story", t0)
			c.make(b)
			s := query.NewStory(b.Entries(), c.opts)
			if d := cmp.Diff(c.told, told(s)); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if got := s.Sentence(query.English); got != c.sentence {
				t.Errorf("verdict\n got %s\nwant %s", got, c.sentence)
			}
			if got := s.Sentence(query.Korean); got != c.korean {
				t.Errorf("verdict\n got %s\nwant %s", got, c.korean)
			}
			for _, r := range s.Rows {
				for _, n := range r.Notes {
					if n.Code != query.NoteError && n.Code != query.NoteLost && (n.Text(query.English) == "" || n.Text(query.English) == n.Text(query.Korean)) {
						t.Errorf("note %s says %q and %q", n.Code, n.Text(query.English), n.Text(query.Korean))
					}
				}
			}
		})
	}
}

// A route that takes all below it is passed over; the data are what they were.
func TestTarget(t *testing.T) {
	for _, c := range []struct{ server, client, url, want, call string }{
		{"/api/", "", "/api/slow?x=/y", "/api/slow", "GET /api/slow"},
		{"/", "", "/", "/", "GET /"},
		{"/", "", "/a", "/a", "GET /a"},
		{"/items/", "", "/items/", "/items/", "GET /items/"},
		{"/items/{id}", "", "/items/7", "/items/{id}", "GET /items/{id}"},
		{"/items/{$}", "", "/items/", "/items/{$}", "GET /items/{$}"},
		{"/files/{path...}", "", "/files/a/b", "/files/a/b", "GET /files/a/b"},
		{"example.com/api/", "", "/api/b", "/api/b", "GET /api/b"},
		{"/api/*", "", "/api/b", "/api/b", "GET /api/b"},
		{"/api/*path", "", "/api/b", "/api/b", "GET /api/b"},
		{"/api/", "/v1/{id}", "http://h/v1/7", "/v1/{id}", "GET /v1/{id}"},
		{"/v1/{id}", "/v1/", "http://h/v1/7", "/v1/{id}", "GET /v1/{id}"},
		{"/api/", "/v1/", "http://h/v1/7", "/v1/7", "GET /v1/7"},
		{"/api/", "", "", "/api/", "GET /api/"},
		{"", "", "/%ed%95%9c/%20%2f", "/%ed%95%9c/%20%2f", "GET /한/%20%2f"},
		{"/", "", "/" + strings.Repeat("a", 600), "/" + strings.Repeat("a", 600), "GET /" + strings.Repeat("a", 511) + "…"},
	} {
		r := query.Row{Server: &entry.Entry{HTTP: entry.HTTP{Method: "GET", Route: c.server, URL: c.url}}}
		if c.client != "" {
			r.Client = &entry.Entry{HTTP: entry.HTTP{Method: "GET", Route: c.client, URL: c.url}}
		}
		if got := r.Target(); got != c.want {
			t.Errorf("route %q, %q of %.40q: target %q, want %q", c.server, c.client, c.url, got, c.want)
		}
		if got := r.Call(); got != c.call {
			t.Errorf("route %q, %q of %.40q: %q, want %q", c.server, c.client, c.url, got, c.call)
		}
	}
}

// The entry page is the path where the route of the first hop says nothing, whoever
// tells it first.
func TestGatewayEntryPage(t *testing.T) {
	for name, early := range map[string]time.Duration{"in order": 2 * ms, "the clock of the shop is behind": -time.Second} {
		b := querytest.NewBuilder("txid-of-the-story", t0)
		p := b.Server(b.Service("gateway"), 0, "GET", "/api/", "/api/cart/%ed%95%9c?x=1", 200, 0, 10*ms)
		p.Facts.EntryPage = "GET /api/"
		c := b.Client(b.Service("gateway"), p.Span, "GET", "http://shop/api/cart", 200, ms, 8*ms)
		c.Facts.EntryPage = "GET /api/"
		w := b.Server(b.Service("shop"), c.Span, "GET", "/api/", "/api/cart", 200, early, 5*ms)
		w.Facts.EntryPage = "GET /page" // its own route is not by which the user came in
		if early < 0 {
			w.Facts.EntryPage, w.HTTP.Route = "GET /api/", "/api/cart"
		}
		if s := query.NewStory(b.Entries(), nil); s.Header.EntryPage != "GET /api/cart/%ed%95%9c" {
			t.Errorf("%s: %q", name, s.Header.EntryPage)
		}
		if p.Facts.EntryPage != "GET /api/" || query.EntryPage(w) != w.Facts.EntryPage || query.EntryPage(c) != "GET /api/" {
			t.Errorf("%s: entries are told otherwise", name)
		}
	}
}

func TestHeaderLimit(t *testing.T) {
	for words, want := range map[string]string{
		"timed out waiting for response headers (response header timeout of 1 s): x":           "limit 1 s for response headers",
		"timed out waiting for response headers (response header timeout of 850 ms): x":        "limit 850 ms for response headers",
		"timed out reading the response headers (response header timeout of 2 min 5 s): x (y)": "limit 2 m 5 s for response headers",
		"timed out waiting for response headers (response header timeout of 85 µs): x":         "limit 85 µs for response headers",
		"timed out waiting for response headers: x (response header timeout of 1 s)":           "",
		"timed out waiting for response headers (response header timeout of 1e99 s): x":        "",
		"timed out waiting for response headers (response header timeout of NaN s): x":         "",
		"timed out waiting for response headers (response header timeout of 1 s":               "",
		"timed out waiting for response headers (response header timeout): x":                  "",
		"net/http: timeout awaiting response headers":                                          "",
		"": "",
	} {
		for _, deadline := range []time.Duration{0, 5 * time.Second} {
			b := querytest.NewBuilder("txid-of-the-story", t0)
			c := b.Client(b.Service("web"), 0, "GET", "http://core/b", 0, 0, time.Second)
			c.Error = entry.Error{Type: entry.ErrorHeaderTimeout, Message: words}
			if c.HTTP.Deadline = deadline; deadline == 0 {
				c.Flags = []string{entry.FlagNoDeadline}
			}
			got := ""
			for _, n := range query.NewStory(b.Entries(), nil).Rows[0].Notes {
				if n.Code == query.NoteLimit || n.Code == query.NoteNoLimit {
					got += n.Text(query.English)
				}
			}
			want := want
			if want == "" && deadline > 0 {
				want = "limit 5 s"
			}
			if got != want {
				t.Errorf("%q, deadline %v: says %q, want %q", words, deadline, got, want)
			}
		}
	}
}

func TestSample(t *testing.T) {
	s := query.NewStory(querytest.Sample(), nil)
	want := "1<0 +0 ssr 200\n2<1 +12 ssr→web 200\n3<0 +60 web 502\n4<3 +71 web→core timeout try1 [limit] [other_side]\n" +
		"5<3 +1576 web WARNING\n6<3 +1580 web→core refused try2\n"
	if d := cmp.Diff(want, told(s)); d != "" {
		t.Error(d)
	}
	h := s.Header
	got := []string{h.User, h.Country, h.Device, h.OS, h.OSFrom, h.App, h.Browser, h.EntryPage, h.RemoteIP, h.ServerUser}
	if d := cmp.Diff([]string{"8812", "KR", "iPhone15,2", "iOS 26.3", "app header", "KakaoTalk 26.3.5", "KakaoTalk 26.3.5 webview", "GET /items", "203.0.113.9", "mina"}, got); d != "" {
		t.Error(d)
	}
	if s.Calls != 5 || s.Failed != 3 || len(s.Services) != 3 || s.Duration != 3073*ms {
		t.Errorf("calls %d, failed %d, services %v, took %v", s.Calls, s.Failed, s.Services, s.Duration)
	}
}
