package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/sanitize"
)

// needed says which secret comes out when a rule is removed. It must name every rule
// that hid something in the scenario: a rule that is not needed here is not tested
// here, and a secret that two rules hide proves neither.
var needed = map[string][]string{
	"password":      {"password"},
	"token":         {"token"},
	"cookie":        {"session"},
	"authorization": {"bearer"},
	"api-key":       {"api key"},
	"card":          {"card"},
	"rrn":           {"rrn"},
	"signature":     {"presign"},
	"userinfo":      {"userinfo"},
	"phone":         {"phone"},
	"email":         {"email"},
	"otp":           {"otp"},
}

// TestRulesNeeded runs the scenario with all rules, and nothing may come out; then
// without each rule that hid something, and its secret must come out, or the test
// above could not fail.
func TestRulesNeeded(t *testing.T) {
	dir := t.TempDir()
	id := inProcess(t, dir, nil)
	if got := leaks(folder(t, dir)); len(got) > 0 {
		t.Fatalf("with all rules: %v come out", got)
	}
	removable := make(map[string]bool)
	for _, r := range sanitize.DefaultRules() {
		removable[r.Name] = true
	}
	used := make(map[string]bool)
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := query.Load(t.Context(), src, string(id))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found.Stories {
		for _, e := range s.Entries {
			for _, r := range e.Redactions {
				if removable[r.Rule] {
					used[r.Rule] = true
				}
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(needed)), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("rules that hid something (-listed +used):\n%s", diff)
	}
	for rule, want := range needed {
		t.Run(rule, func(t *testing.T) {
			policy, err := sanitize.New(&sanitize.Options{Disable: []string{rule}})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			inProcess(t, dir, policy)
			got := leaks(folder(t, dir))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("without the rule %s (-want +come out):\n%s", rule, diff)
			}
			t.Logf("without the rule %s: %v in the journal", rule, got)
		})
	}
}
