package main

import (
	"errors"
	"io/fs"
	"time"

	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// backWait is how long the doctor waits for the entry that it wrote. It is there
// within seconds, as a rule.
const backWait = 30 * time.Second

type checkDoc struct {
	What  string  `json:"what"`
	Took  float64 `json:"took_ms"`
	Error string  `json:"error,omitempty"`
}

// cloud tries a project: reading, writing one entry, and reading it back.
func (r *report) cloud(a *app, src *cloudloggingquery.Source) error {
	for _, s := range src.Check(a.ctx, backWait) {
		doc := checkDoc{What: s.What, Took: float64(s.Took) / 1e6}
		if s.Err != nil {
			doc.Error = s.Err.Error()
			denied := errors.Is(s.Err, fs.ErrPermission) || cloudloggingsink.Denied(s.Err)
			if denied && s.What == "write" {
				r.problem("%s: %v; reading works: who only reads asks with ?readonly", "%s: %v; 읽기는 가능: 읽기만 하려면 ?readonly", s.What, s.Err)
			} else {
				r.problem("%s: %v", "%s: %v", s.What, s.Err)
			}
			r.denied = r.denied || denied
		}
		r.Checks = append(r.Checks, doc)
	}
	return a.ctx.Err()
}
