package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// downloads is how often the file is fetched, one time after the other.
const downloads = 20

// roomy is a socket's buffer that holds a file as a whole: a call then never has to be
// repeated because the client has not read yet, which would count the client's speed.
const roomy = 64 << 20

// calls are a server's system calls for the downloads.
type calls struct {
	sendfile          int
	sent, wrote, read int64 // bytes, by sendfile, by write, and from files and sockets by read
}

// sendfiles prints by which system calls each contestant sends the file.
func sendfiles(ctx context.Context, c *config, stdout io.Writer) error {
	cases, err := chooseCases(c.dir, "file")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\n%s, %d times: the server's system calls\n%-20s  %14s  %11s  %8s  %8s\n",
		cases[0].Name, downloads, "", "sendfile calls", "MB by them", "by write", "by read")
	if err != nil {
		return err
	}
	for _, s := range c.servers {
		n, err := traced(ctx, c, s.Slug, &cases[0])
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		_, err = fmt.Fprintf(stdout, "%-20s  %14d  %11.1f  %8.1f  %8.1f\n", s.Name, n.sendfile, megabytes(n.sent), megabytes(n.wrote), megabytes(n.read))
		if err != nil {
			return err
		}
	}
	return nil
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// traced lists the calls of one contestant.
func traced(ctx context.Context, c *config, slug string, k *workload.Case) (n calls, err error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return n, fmt.Errorf("%w: install strace", err)
	}
	list := filepath.Join(c.dir, "strace-"+slug)
	p, err := spawn(ctx, []string{strace, "-f", "-s", "0", "-e", "trace=sendfile,write,read", "-e", "signal=none", "-o", list},
		slug, k.Slug, c.dir, "-buffer", strconv.Itoa(roomy))
	if err != nil {
		return n, err
	}
	err = fetch(ctx, p.url, k)
	if err == nil {
		var a account
		if a, err = p.ask("end"); err == nil && a.lost != "" {
			err = errors.New(a.lost)
		}
	}
	if err := errors.Join(err, p.close()); err != nil {
		return n, err
	}
	text, err := os.ReadFile(list) //nolint:gosec // the name is ours
	if err != nil {
		return n, err
	}
	n = parseStrace(string(text))
	if n.sent+n.wrote < downloads*k.Size {
		return n, fmt.Errorf("strace saw %d bytes leave, want %d", n.sent+n.wrote, downloads*k.Size)
	}
	return n, nil
}

func fetch(ctx context.Context, url string, k *workload.Case) error {
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	for range downloads {
		if err := exchange(ctx, tr, url, k); err != nil {
			return err
		}
	}
	return nil
}

// parseStrace adds up strace's list, where a call that another thread interrupts stands
// in two lines, of which the second has the result:
//
//	42 sendfile(7, 8, NULL, 10485760 <unfinished ...>
//	42 <... sendfile resumed>) = 4194304
func parseStrace(list string) (n calls) {
	call := regexp.MustCompile(`^\d+\s+(?:<\.\.\. )?(sendfile|write|read)\b.* = (-?\d+)`)
	for line := range strings.Lines(list) {
		m := call.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		bytes, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			continue
		}
		switch m[1] {
		case "sendfile":
			n.sendfile++
			n.sent += max(0, bytes)
		case "write":
			n.wrote += max(0, bytes)
		case "read":
			n.read += max(0, bytes)
		}
	}
	return n
}
