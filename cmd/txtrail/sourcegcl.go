package main

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
)

// gclHelp is the form of a Cloud Logging source.
const gclHelp = "gcl:PROJECT, with ?log=, view=, range=, budget=, quota_project=, readonly, endpoint=, insecure where needed"

// gclOptions reads PROJECT?name=value&… .
func gclOptions(spec string) (*cloudloggingquery.Options, error) {
	project, params, _ := strings.Cut(spec, "?")
	o := &cloudloggingquery.Options{ProjectID: project}
	values, err := url.ParseQuery(params)
	if err != nil {
		return nil, usage("%q can not be read: want %s", params, gclHelp)
	}
	for _, name := range slices.Sorted(keys(values)) {
		v := values.Get(name)
		switch name {
		case "endpoint":
			o.Endpoint = v
		case "insecure":
			if o.Insecure, err = strconv.ParseBool(v); v == "" {
				o.Insecure, err = true, nil
			}
		case "readonly":
			if o.ReadOnly, err = strconv.ParseBool(v); v == "" {
				o.ReadOnly, err = true, nil
			}
		case "log":
			o.LogID = v
		case "view":
			o.Views = values[name]
		case "quota_project":
			o.QuotaProject = v
		case "range":
			o.Range, err = time.ParseDuration(v)
		case "budget":
			o.Budget, err = strconv.Atoi(v)
		default:
			return nil, usage("unknown setting %q: want %s", name, gclHelp)
		}
		if err != nil {
			return nil, usage("%s=%s: want %s", name, v, gclHelp)
		}
	}
	return o, nil
}

func keys(v url.Values) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range v {
			if !yield(k) {
				return
			}
		}
	}
}

// gclSource opens Cloud Logging. Reads that have to wait for the quota are told: they
// would look like a hang.
func (a *app) gclSource(spec, from string) (query.Source, error) {
	o, err := gclOptions(spec)
	if err != nil {
		return nil, err
	}
	o.Now = a.now
	o.OnWait = func(d time.Duration) {
		a.talk(a.say("waiting %s: Cloud Logging allows %d reads a minute", "%s 대기: Cloud Logging은 분당 %d회만 읽기 허용"),
			human.Duration(d), cloudloggingquery.ReadsPerMinute)
	}
	src, err := cloudloggingquery.Open(a.ctx, o)
	if errors.Is(err, cloudloggingquery.ErrOptions) {
		return nil, usage("%s gcl:%s: %v", from, spec, err)
	}
	if err != nil {
		return nil, err
	}
	return src, nil
}
