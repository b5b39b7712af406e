package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

func (*versionCmd) run(a *app) (int, error) {
	_, err := fmt.Fprintln(a.stdout, versionLine(debug.ReadBuildInfo()))
	return exitFound, writing(err)
}

// versionLine says what the build knows of itself.
func versionLine(info *debug.BuildInfo, ok bool) string {
	version, revision, dirty := "(unknown)", "", ""
	if ok {
		if v := info.Main.Version; v != "" {
			version = v
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = " " + s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "+dirty"
			}
		}
	}
	return "txtrail " + version + revision + dirty + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
