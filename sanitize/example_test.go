package sanitize_test

import (
	"fmt"

	"github.com/txtrail/txtrail/sanitize"
)

func Example() {
	var p *sanitize.Policy // nil: the default policy
	var rep sanitize.Report
	out, res := p.AppendBody(nil, []byte(`{"user":"kim","password":"hunter2","note":"call 010-1234-5678"}`),
		sanitize.Input{ContentType: "application/json"}, &rep)
	fmt.Println(string(out), res.Type)
	for rule, n := range rep.All() {
		fmt.Println(rule, n)
	}
	// Output:
	// {"user":"kim","password":"[masked:password]","note":"call [masked:phone]"} json
	// password 1
	// phone 1
}

func ExamplePolicy_AppendBody_truncated() {
	var p *sanitize.Policy
	out, res := p.AppendBody(nil, []byte(`{"user":"kim","password":"hunt`), sanitize.Input{ContentType: "application/json", Truncated: true}, nil)
	fmt.Println(string(out), res.Reason)
	// Output: {"user":"kim","password": truncated
}

func ExampleNew() {
	p, err := sanitize.New(&sanitize.Options{
		Rules:   []sanitize.Rule{{Name: "member-no", Keys: []string{"member no"}}},
		Disable: []string{"phone"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Query("memberNo=A-17&tel=010-1234-5678", nil))
	// Output: memberNo=[masked:member-no]&tel=010-1234-5678
}

func ExamplePolicy_Explain() {
	var p *sanitize.Policy
	fmt.Println(p.Explain("userPassword1").Rule)
	fmt.Println(p.Explain("password_changed_at").Reason)
	// Output:
	// password
	// no rule names it; detectors still look at its value
}
