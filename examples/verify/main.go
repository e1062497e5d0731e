// Verify judges mathematical answers with package answer.
//
//	go run ./examples/verify < attempts.jsonl > judged.jsonl
//	go run ./examples/verify -serve :8765
//
// The first reads a JSON object a line, with the fields gold and pred, or gold and
// output, and writes the same lines in the same order with the fields equal, answer and
// reason: a pred is the answer itself, an output is the whole text of a model, in which
// the answer is looked for. The second is a reward server for OpenRLHF and whoever else
// speaks its protocol; see [Server]. It exits with 1 if it failed, or if a gold answer
// could not be read, and with 2 if it was called wrongly.
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

Judges mathematical answers. A line is {"gold": ..., "pred": ...} or {"gold": ..., "output": ...};
equal, answer and reason are added to it. With -serve it answers POST /get_reward as OpenRLHF's
remote reward model does, /healthz and /metrics.

Flags:
`

// flags are what the program was told.
type flags struct {
	addr   string // of the server; empty: filter
	server Config
}

// run is the program; it returns the exit status.
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

func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("verify", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	c := &f.server
	set.StringVar(&f.addr, "serve", "", "serve rewards at `ADDR`, such as :8765; this machine alone is answered unless ADDR names a host, such as 0.0.0.0:8765")
	set.Int64Var(&c.MaxBody, "max-body", 0, "most bytes of a request (default 16 MiB)")
	set.IntVar(&c.Concurrent, "concurrent", 0, "most requests that are read or judged at a time (default 16); others wait")
	set.IntVar(&c.Waiting, "waiting", 0, "most requests that wait (default 1024); others are sent away with 503")
	set.DurationVar(&c.Deadline, "deadline", 0, "most time of a request, waiting included (default 1m)")
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

// local has an address without a host mean this machine alone.
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

// grace is how long requests that are being judged may take to end when the server stops.
const grace = 10 * time.Second

// serve answers until ctx ends, and then finishes what it has begun.
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
