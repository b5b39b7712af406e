package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/txtrail/txtrail"
)

// Environment variables by which the parent tells a service its neighbours.
const (
	envCore  = "WEBVIEW_CORE"
	envSpare = "WEBVIEW_SPARE"
	envWeb   = "WEBVIEW_WEB"
)

// serve runs one service until its standard input ends, which it does when the
// parent closes it or dies. The five lines to adopt are the ones with trail in them.
func serve(role string) error {
	sinks, err := sinks()
	if err != nil {
		return err
	}
	trail, err := txtrail.Open(txtrail.Config{
		Service:    role,
		Sinks:      sinks,
		LogHandler: slog.NewTextHandler(io.Discard, nil), // the trail has them
	})
	if err != nil {
		return err
	}
	var h http.Handler
	switch role {
	case "ssr":
		h, err = newSSR(trail, os.Getenv(envWeb))
	case "web":
		h = newWeb(trail, os.Getenv(envCore), os.Getenv(envSpare))
	case "core":
		h = newCore(trail)
	default:
		err = fmt.Errorf("no service is called %q", role)
	}
	if err != nil {
		return errors.Join(err, trail.Close(context.Background()))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, trail.Close(context.Background()))
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, 0), // the panics are in the trail
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	fmt.Println("http://" + l.Addr().String())

	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = server.Shutdown(ctx)
	if serr := <-done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return errors.Join(err, trail.Close(ctx))
}

// service is a running child process.
type service struct {
	role string
	url  string
	cmd  *exec.Cmd
	stop io.Closer
}

// start runs this program again as one of the services, and returns when it listens.
func start(role, dir string, env ...string) (*service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", role)
	cmd.Env = append(os.Environ(), append(env, "TXTRAIL_DIR="+dir)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	ignoreInterrupt(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &service{role: role, cmd: cmd, stop: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, errors.Join(err, s.end()))
	}
	s.url = strings.TrimSpace(line)
	return s, nil
}

// end asks the service to stop and waits until it has.
func (s *service) end() error {
	_ = s.stop.Close()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", s.role, err)
	}
	return nil
}

// product is the three services.
type product struct {
	core, web, ssr *service
}

// nobody is where the spare core would be. Nothing listens on port 1 (tcpmux), so
// connections are refused; a free port could be somebody's a moment later.
const nobody = "http://127.0.0.1:1"

// startAll starts them from the inside out.
func startAll(dir string, env ...string) (p *product, err error) {
	p = &product{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.end())
		}
	}()
	if p.core, err = start("core", dir, env...); err != nil {
		return p, err
	}
	if p.web, err = start("web", dir, append(env, envCore+"="+p.core.url, envSpare+"="+nobody)...); err != nil {
		return p, err
	}
	p.ssr, err = start("ssr", dir, append(env, envWeb+"="+p.web.url)...)
	return p, err
}

// end stops them from the outside in, so that no one calls who is gone.
func (p *product) end() error {
	var errs []error
	for _, s := range []*service{p.ssr, p.web, p.core} {
		if s != nil {
			errs = append(errs, s.end())
		}
	}
	return errors.Join(errs...)
}
