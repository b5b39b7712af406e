package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// process is a contestant's process, seen by its parent.
type process struct {
	cmd    *exec.Cmd
	url    string
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
}

// account is what a server says of itself.
type account struct {
	cpu    time.Duration
	served int64
	lost   string // what it failed to record, "" for nothing
}

// spawn starts a contestant, below another command if there is one in front.
func spawn(ctx context.Context, front []string, slug, which, dir string, more ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append(append([]string(nil), front...), self, serveCommand, "-contestant", slug, "-case", which, "-dir", dir)
	args = append(args, more...)
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Stderr = &p.errors
	p.cmd.WaitDelay = 10 * time.Second
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var addr string
	if err := p.read("listening %s\n", &addr); err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.url = "http://" + addr
	return p, nil
}

// ask sends a command and returns what the server says of itself.
func (p *process) ask(command string) (a account, err error) {
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		return a, err
	}
	var ns int64
	err = p.read("cpu %d served %d lost %q\n", &ns, &a.served, &a.lost)
	a.cpu = time.Duration(ns)
	return a, err
}

func (p *process) read(format string, into ...any) error {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("the server has ended: %w", err) // close says why
	}
	if _, err := fmt.Sscanf(line, format, into...); err != nil {
		return fmt.Errorf("the server said %q: %w", line, err)
	}
	return nil
}

// close ends the process, if it has not ended yet, and says what it died of.
func (p *process) close() error {
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(p.errors.String()))
	}
	return nil
}
