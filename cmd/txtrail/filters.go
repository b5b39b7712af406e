package main

import (
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
)

// filterFlags are those of find and tail.
type filterFlags struct {
	TxID       string        `name:"txid" placeholder:"PREFIX" help:"A txid, or the beginning of one."`
	User       string        `short:"u" placeholder:"ID" help:"The user's id."`
	Device     string        `placeholder:"MODEL" help:"Any part of the device model: iphone."`
	ServerUser string        `placeholder:"NAME" help:"Who runs the service, on a developer's machine."`
	Service    []string      `placeholder:"NAME" help:"One of these services."`
	Kind       []string      `placeholder:"KIND" help:"One of server, client, log, browser, stream, gap, crash."`
	Method     []string      `placeholder:"METHOD" help:"One of these HTTP methods."`
	Route      string        `placeholder:"PART" help:"Any part of the route or the path: /api/pay."`
	Status     string        `placeholder:"STATUS" help:"404, 5xx, 400-499, >=500, none, or several with commas."`
	ErrorType  []string      `name:"error" placeholder:"TYPE" help:"One of these error types: header_timeout, refused."`
	MinLatency time.Duration `placeholder:"DURATION" help:"What took at least so long: 500ms."`
	Since      string        `placeholder:"WHEN" help:"10m, 6h, 2d, 19:04, 2026-11-20T19:04."`
	Text       string        `short:"t" placeholder:"WORDS" help:"Anywhere in URLs, headers, bodies, messages, errors; case ignored."`
}

var kinds = [...]entry.Kind{
	entry.KindServer, entry.KindClient, entry.KindLog, entry.KindBrowser, entry.KindStream, entry.KindGap, entry.KindCrash,
}

// filter turns the flags into a query's. None has an empty value that was given: see
// emptyFlag.
func (f *filterFlags) filter(a *app) (query.Filter, error) {
	q := query.Filter{
		TxID: f.TxID, User: f.User, Device: f.Device, ServerUser: f.ServerUser, Services: f.Service,
		Methods: f.Method, Route: f.Route, ErrorTypes: f.ErrorType, MinLatency: f.MinLatency, Text: f.Text,
	}
	if f.TxID != "" {
		if err := query.CheckPrefix(f.TxID); err != nil {
			return q, usage("--txid %.80q: %s", f.TxID, reason(err))
		}
	}
	if f.MinLatency < 0 {
		return q, usage("--min-latency %v: want a duration of 0 or more", f.MinLatency)
	}
	for _, k := range f.Kind {
		known := false
		for _, want := range kinds {
			known = known || k == string(want)
		}
		if !known {
			return q, usage("--kind %.40q: want one of server, client, log, browser, stream, gap, crash", k)
		}
		q.Kinds = append(q.Kinds, entry.Kind(k))
	}
	if f.Status != "" {
		rs, err := query.ParseStatus(f.Status)
		if err != nil {
			return q, usage("--status: %s", strings.TrimPrefix(err.Error(), "query: "))
		}
		q.Status = rs
	}
	var err error
	q.Since, err = a.when("--since", f.Since)
	return q, err
}

// words are the flags as they may be typed.
func (f *filterFlags) words() (words []string) {
	latency := ""
	if f.MinLatency > 0 {
		latency = f.MinLatency.String()
	}
	for _, flag := range [...]struct {
		name   string
		values []string
	}{
		{"txid", []string{f.TxID}},
		{"user", []string{f.User}},
		{"device", []string{f.Device}},
		{"server-user", []string{f.ServerUser}},
		{"service", f.Service},
		{"kind", f.Kind},
		{"method", f.Method},
		{"route", []string{f.Route}},
		{"status", []string{f.Status}},
		{"error", f.ErrorType},
		{"min-latency", []string{latency}},
		{"since", []string{f.Since}},
		{"text", []string{f.Text}},
	} {
		if value := strings.Join(flag.values, ","); value != "" {
			words = append(words, "--"+flag.name, render.Quote(value))
		}
	}
	return words
}

// when reads a moment in the reader's zone; "" is none.
func (a *app) when(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := query.ParseTime(s, a.now(), a.zone)
	if err != nil {
		return t, usage("%s: %s", flag, strings.TrimPrefix(err.Error(), "query: "))
	}
	return t, nil
}
