// Verify judges mathematical answers with package answer.
//
//	go run ./examples/verify < attempts.jsonl > judged.jsonl
//	go run ./examples/verify -serve :8765
//
// The first command reads one JSON object a line. An object has the fields gold and pred,
// or gold and output: gold is the reference answer, a pred is an answer, and an output is the
// whole text of a model, in which the program finds the answer. The program writes the same
// lines in the same order and adds the fields equal, answer and reason.
//
// The second command starts a reward server for OpenRLHF and for every client of the same
// protocol; see [Server].
//
// The exit status is 1 if the program failed or a reference answer could not be parsed, and
// 2 if the command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

const usage = `Usage: verify [flags] < IN.jsonl > OUT.jsonl
       verify -serve ADDR [flags]

Judges mathematical answers. A line is {"gold": ..., "pred": ...} or {"gold": ..., "output": ...}.
The program adds equal, answer and reason to it. With -serve it answers POST /get_reward as
OpenRLHF's remote reward model does, /healthz and /metrics.

Flags:
`

// A flags holds what the command line said.
type flags struct {
	addr   string // of the server; "": filter standard input
	server Config
}

// run runs the program and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parse said why
	}
	if f.addr == "" {
		err = filter(ctx, stdin, stdout)
	} else {
		err = serve(ctx, f, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "verify:", err)
		return 1
	}
	return 0
}

// parse reads the command line. It reports an error to stderr itself.
func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("verify", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	c := &f.server
	set.StringVar(&f.addr, "serve", "", "serve rewards at `ADDR`: :8765 serves this machine alone, 0.0.0.0:8765 others too")
	set.Int64Var(&c.MaxBody, "max-body", 0, "bytes of a request at most (default 16 MiB)")
	set.IntVar(&c.Concurrent, "concurrent", 0, "requests that are read or judged at a time (default 16); others wait")
	set.IntVar(&c.Waiting, "waiting", 0, "requests that may wait (default 1024); others are refused with 503")
	set.DurationVar(&c.Deadline, "deadline", 0, "time of a request at most, waiting included (default 1m)")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("argument %q is not understood; the filter reads standard input", set.Arg(0))
	default:
		err = c.validate()
	}
	if err == nil && f.addr != "" {
		f.addr, err = local(f.addr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "verify: %v; verify -h tells more\n", err)
	}
	return f, err
}

// local returns addr with this machine as its host if it names none.
func local(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("-serve: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// grace bounds the time that running requests get when the server stops.
const grace = 10 * time.Second

// serve answers requests until ctx ends, and then finishes those that it has begun.
func serve(ctx context.Context, f flags, stderr io.Writer) error {
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "verify: rewards at http://%s/get_reward\n", listener.Addr())
	if err := NewServer(f.server).Serve(ctx, listener, grace); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "verify: stopped")
	return nil
}
